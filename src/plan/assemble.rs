//! Puts decisions and deletions together into one plan with its order.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Address, KindName, PhysicalId};
use crate::state::Record;

use super::arrange::{arrange, loose};
use super::decide::{Decided, decide};
use super::order::{self, Cycle, Holders};
use super::retire::retire;
use super::{Inputs, Note, Plan, Sighting, Wish};

/// Makes the plan.
///
/// # Errors
/// Resources that wait for each other; the stack's check finds those in a file before this does.
pub fn plan(inputs: Inputs<'_>) -> Result<Plan, Cycle> {
    assemble(inputs, false)
}

/// The same to be read and not carried out: what is seen and what would become of it stands there even where no order of the steps
/// can be found, for the verbs that lead out of such a knot.
///
/// # Errors
/// Wishes that wait for each other.
pub fn unordered(inputs: Inputs<'_>) -> Result<Plan, Cycle> {
    assemble(inputs, true)
}

fn assemble(inputs: Inputs<'_>, any_order: bool) -> Result<Plan, Cycle> {
    let instances: Vec<(&Address, &Sighting)> = inputs
        .seen
        .ours
        .iter()
        .flat_map(|(address, all)| all.iter().map(move |sighting| (address, sighting)))
        .collect();
    let holders = Holders::new(&instances);
    let live = LiveEdges::new(&inputs, &instances, &holders);
    let selected = selected(&inputs, &live);
    let mut decided = if inputs.ask.destroy {
        Decided::default()
    } else {
        decide(&inputs, selected.clone())?
    };
    let retired = retire(&inputs, &instances, &mut decided, selected.as_ref());
    let drafts = std::mem::take(&mut decided.drafts);
    let steps = if any_order {
        loose(drafts, retired)
    } else {
        arrange(&inputs, drafts, retired, &live)?
    };
    let mut notes = inputs.notes.clone();
    notes.extend(inputs.seen.gone.iter().map(|(address, id)| Note::Gone {
        address: address.clone(),
        id: id.clone(),
    }));
    notes.extend(inputs.seen.unsought.iter().map(|one| Note::NotSought {
        kind: one.kind.clone(),
        call: one.call.clone(),
        code: one.code.clone(),
    }));
    notes.append(&mut decided.notes);
    Ok(Plan {
        header: inputs.header.clone(),
        steps,
        notes,
        refusals: decided.refusals,
        outputs: decided.outputs,
        same_outputs: decided.same_outputs,
        unchanged: decided.unchanged,
        unwaited: inputs.unwaited.clone(),
    })
}

/// Who holds on to whom among what is live: by what AWS says, by the state, and by the file.
pub(super) struct LiveEdges {
    /// instance → instances that it stands on
    stands_on: Vec<BTreeSet<usize>>,
    /// instance → instances that stand on it
    pub(super) held_by: Vec<Vec<usize>>,
    pub(super) addresses: Vec<Address>,
}

impl LiveEdges {
    fn new(
        inputs: &Inputs<'_>,
        instances: &[(&Address, &Sighting)],
        holders: &Holders<'_>,
    ) -> Self {
        let mut by_address: BTreeMap<Address, Vec<usize>> = BTreeMap::new();
        for (i, (address, _)) in instances.iter().enumerate() {
            by_address.entry((*address).clone()).or_default().push(i);
        }
        let wishes: BTreeMap<&Address, &Wish> =
            inputs.wishes.iter().map(|w| (&w.address, w)).collect();
        let leftovers = inputs.state.leftovers.iter().map(|(_, record)| record);
        let records: BTreeMap<(&KindName, &PhysicalId), &Record> = leftovers
            .chain(inputs.state.resources.values())
            .map(|record| ((&record.kind, &record.id), record))
            .collect();
        let stands_on: Vec<BTreeSet<usize>> = instances
            .iter()
            .enumerate()
            .map(|(i, (address, sighting))| {
                let mut on = holders.held_by(sighting, i);
                // The state says what this one was made upon. The file only says what it shall stand on, which is the next best: it
                // may not be so yet.
                let needs: BTreeSet<Address> =
                    match records.get(&(&sighting.observed.kind, &sighting.observed.id)) {
                        Some(record) => record.depends_on.iter().cloned().collect(),
                        None => wishes
                            .get(*address)
                            .filter(|wish| wish.kind == sighting.observed.kind)
                            .map(|wish| wish.needs())
                            .unwrap_or_default(),
                    };
                // The file and the state speak of addresses: whatever generation stood there when this one was made, the newest not
                // newer than what it can have known. AWS's own word (above) decides where a replaced one is still held.
                for need in needs {
                    if let Some(newest) = by_address.get(&need).and_then(|all| all.first()) {
                        on.insert(*newest);
                    }
                }
                on.remove(&i);
                on
            })
            .collect();
        let mut held_by = vec![Vec::new(); instances.len()];
        for (holder, on) in stands_on.iter().enumerate() {
            for held in on {
                held_by[*held].push(holder);
            }
        }
        Self {
            stands_on,
            held_by,
            addresses: instances
                .iter()
                .map(|(address, _)| (*address).clone())
                .collect(),
        }
    }
}

/// `--target`: these and what they stand on; for a destroy, these and what stands on them.
fn selected(inputs: &Inputs<'_>, live: &LiveEdges) -> Option<BTreeSet<Address>> {
    if inputs.ask.targets.is_empty() {
        return None;
    }
    let mut edges: BTreeMap<Address, BTreeSet<Address>> = BTreeMap::new();
    let mut known: BTreeSet<Address> = BTreeSet::new();
    for wish in inputs.wishes {
        known.insert(wish.address.clone());
        for need in wish.needs() {
            let (from, to) = if inputs.ask.destroy {
                (need, wish.address.clone())
            } else {
                (wish.address.clone(), need)
            };
            edges.entry(from).or_default().insert(to);
        }
    }
    if inputs.ask.destroy {
        for (i, on) in live.stands_on.iter().enumerate() {
            for held in on {
                edges
                    .entry(live.addresses[*held].clone())
                    .or_default()
                    .insert(live.addresses[i].clone());
            }
        }
    }
    known.extend(live.addresses.iter().cloned());
    let from = known
        .into_iter()
        .filter(|address| {
            inputs
                .ask
                .targets
                .iter()
                .any(|target| address.within(target))
        })
        .collect();
    Some(order::closure(&from, &edges))
}
