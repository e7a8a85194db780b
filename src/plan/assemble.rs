//! Puts decisions and deletions together into one plan with its order.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Address, KindName, PhysicalId};
use crate::state::Record;

use super::decide::{Decided, decide};
use super::order::{self, Cycle, Holders};
use super::retire::{Retired, retire};
use super::{Act, Inputs, Note, Plan, Sighting, Step, StepId, Wish};

/// Makes the plan.
///
/// # Errors
/// Resources that wait for each other; the stack's check finds those in a file before this does.
pub fn plan(inputs: Inputs<'_>) -> Result<Plan, Cycle> {
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
    let steps = arrange(&inputs, &mut decided, retired, &live)?;
    let mut notes = inputs.notes.clone();
    notes.extend(inputs.seen.gone.iter().map(|(address, id)| Note::Gone {
        address: address.clone(),
        id: id.clone(),
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
struct LiveEdges {
    /// instance → instances that it stands on
    stands_on: Vec<BTreeSet<usize>>,
    /// instance → instances that stand on it
    held_by: Vec<Vec<usize>>,
    addresses: Vec<Address>,
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

/// Numbers the steps in an order that can be carried out, each with what it waits for.
fn arrange(
    inputs: &Inputs<'_>,
    decided: &mut Decided,
    retired: Vec<Retired>,
    live: &LiveEdges,
) -> Result<Vec<Step>, Cycle> {
    let wishes: BTreeMap<&Address, &Wish> = inputs.wishes.iter().map(|w| (&w.address, w)).collect();
    let drafts = std::mem::take(&mut decided.drafts);
    let made: BTreeMap<Address, usize> = drafts
        .iter()
        .enumerate()
        .map(|(i, d)| (d.address.clone(), i))
        .collect();
    let goes: BTreeMap<usize, usize> = retired
        .iter()
        .enumerate()
        .map(|(i, r)| (r.instance, drafts.len() + i))
        .collect();
    let mut edges: Vec<(usize, usize)> = Vec::new();
    for (i, draft) in drafts.iter().enumerate() {
        for need in wishes
            .get(&draft.address)
            .map(|w| w.needs())
            .unwrap_or_default()
        {
            edges.extend(made.get(&need).map(|before| (*before, i)));
        }
    }
    for (i, gone) in retired.iter().enumerate() {
        let number = drafts.len() + i;
        let address = &gone.step.address;
        if let Some(new) = made.get(address) {
            // The old one goes before the new one where they cannot stand side by side, else after it.
            if drafts[*new].delete_first {
                edges.push((number, *new));
            } else {
                edges.push((*new, number));
            }
        }
        let first = made
            .get(address)
            .is_some_and(|new| drafts[*new].delete_first);
        for holder in &live.held_by[gone.instance] {
            let at = &live.addresses[*holder];
            match goes.get(holder) {
                Some(before) => edges.push((*before, number)),
                // It stays, and lets go by its own update; not possible where that update needs the successor first.
                None if !first || !needs(&wishes, at, address) => {
                    edges.extend(made.get(at).map(|update| (*update, number)));
                }
                None => {}
            }
        }
    }
    same_names_apart(inputs, &drafts, &retired, &mut edges);
    edges.sort_unstable();
    edges.dedup();
    let mut steps: Vec<Step> = drafts
        .into_iter()
        .map(|draft| draft.step)
        .chain(retired.into_iter().map(|gone| gone.step))
        .collect();
    let order = order::sorted(steps.len(), &edges, &|i| steps[i].address.to_string())?;
    let mut place = vec![0; steps.len()];
    for (at, step) in order.iter().enumerate() {
        place[*step] = at;
    }
    for (before, after) in edges {
        steps[after].after.push(StepId(place[before]));
    }
    for (i, step) in steps.iter_mut().enumerate() {
        step.id = StepId(place[i]);
        step.after.sort_unstable();
    }
    steps.sort_by_key(|step| step.id);
    Ok(steps)
}

/// Whether what is wished at one address needs the other, directly or over others.
fn needs(wishes: &BTreeMap<&Address, &Wish>, from: &Address, to: &Address) -> bool {
    let mut seen: BTreeSet<Address> = BTreeSet::new();
    let mut todo = vec![from.clone()];
    while let Some(address) = todo.pop() {
        for need in wishes.get(&address).map(|w| w.needs()).unwrap_or_default() {
            if need == *to {
                return true;
            }
            if seen.insert(need.clone()) {
                todo.push(need);
            }
        }
    }
    false
}

/// A name that one address gives up and another takes: the old one goes first.
fn same_names_apart(
    inputs: &Inputs<'_>,
    drafts: &[super::decide::Draft],
    retired: &[Retired],
    edges: &mut Vec<(usize, usize)>,
) {
    for (i, draft) in drafts.iter().enumerate() {
        let Act::Create { desired, .. } = &draft.step.act else {
            continue;
        };
        let Some(kind) = inputs.kinds.get(&draft.step.kind) else {
            continue;
        };
        let key = kind.identity().natural_key;
        for (j, gone) in retired.iter().enumerate() {
            let Act::Delete { last, .. } = &gone.step.act else {
                continue;
            };
            let collides = gone.step.kind == draft.step.kind
                && gone.step.address != draft.address
                && !key.is_empty()
                && key.iter().all(|name| desired.get(name) == last.get(name));
            if collides {
                edges.push((drafts.len() + j, i));
            }
        }
    }
}
