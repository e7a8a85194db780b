//! Puts decisions and deletions together into one plan with its order.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Address;

use super::arrange::{arrange, loose};
use super::decide::{Decided, decide};
use super::holds::Holds;
use super::order::{self, Cycle};
use super::retire::retire;
use super::{Inputs, Note, Plan, Sighting};

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
    let live = Holds::new(&inputs, &instances);
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
        arrange(&inputs, drafts, retired, &live, &mut decided.notes)?
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

/// `--target`: these and what they stand on; for a destroy, these and what stands on them.
fn selected(inputs: &Inputs<'_>, live: &Holds) -> Option<BTreeSet<Address>> {
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
