//! The order of a plan's steps: wishes after what they stand on, deletes after whatever held on to them, names given up before they
//! are taken.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Address;

use super::decide::{DOWNTIME, Draft};
use super::holds::Holds;
use super::order::{self, Cycle};
use super::retire::Retired;
use super::{Act, Inputs, Note, Step, StepId, Wish};

/// Numbers the steps in an order that can be carried out, each with what it waits for. Adds a note where a holder cannot let go in time.
pub(super) fn arrange(
    inputs: &Inputs<'_>,
    mut drafts: Vec<Draft>,
    retired: Vec<Retired>,
    live: &Holds,
    notes: &mut Vec<Note>,
) -> Result<Vec<Step>, Cycle> {
    let made: BTreeMap<Address, usize> = drafts
        .iter()
        .enumerate()
        .map(|(i, d)| (d.address.clone(), i))
        .collect();
    let mut edges = needs(inputs, &drafts, &made);
    edges.extend(both_go(&retired, drafts.len(), &live.shown));
    let mut waits = first(&drafts, &retired, &made);
    waits.extend(same_names_apart(inputs, &drafts, &retired));
    edges.extend(&waits);
    let mut graph = Reach::new(drafts.len() + retired.len(), edges, !waits.is_empty());
    for (i, gone) in retired.iter().enumerate() {
        let Some(new) = made.get(&gone.step.address) else {
            continue;
        };
        if drafts[*new].delete_first || !graph.add_if_open(*new, drafts.len() + i) {
            // The new one stands on what can only be made once the old one is out of the way.
            if goes_early(&drafts[*new]) {
                drafts[*new].step.downtime = Some(DOWNTIME.to_owned());
            }
        }
    }
    // A holder that stays lets go by its own update; not possible where that update needs the successor first.
    for (update, gone) in let_go(&retired, drafts.len(), live, &live.shown, &made) {
        if !graph.add_if_open(update, gone) {
            notes.push(Note::Knot {
                address: retired[gone - drafts.len()].step.address.clone(),
                holder: drafts[update].address.clone(),
            });
        }
    }
    // What AWS does not show gives way to what it does.
    let said = both_go(&retired, drafts.len(), &live.said);
    for (before, after) in said.chain(let_go(&retired, drafts.len(), live, &live.said, &made)) {
        graph.add_if_open(before, after);
    }
    number(loose(drafts, retired), graph.edges)
}

/// The steps in no particular order, none waiting for another.
pub(super) fn loose(drafts: Vec<Draft>, retired: Vec<Retired>) -> Vec<Step> {
    drafts
        .into_iter()
        .map(|draft| draft.step)
        .chain(retired.into_iter().map(|gone| gone.step))
        .enumerate()
        .map(|(i, step)| Step {
            id: StepId(i),
            ..step
        })
        .collect()
}

fn number(mut steps: Vec<Step>, mut edges: Vec<(usize, usize)>) -> Result<Vec<Step>, Cycle> {
    edges.sort_unstable();
    edges.dedup();
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

/// What is made waits for what it needs.
fn needs(
    inputs: &Inputs<'_>,
    drafts: &[Draft],
    made: &BTreeMap<Address, usize>,
) -> Vec<(usize, usize)> {
    let wishes: BTreeMap<&Address, &Wish> = inputs.wishes.iter().map(|w| (&w.address, w)).collect();
    let mut edges = Vec::new();
    for (i, draft) in drafts.iter().enumerate() {
        let needs = wishes.get(&draft.address).map(|w| w.needs());
        for need in needs.unwrap_or_default() {
            edges.extend(made.get(&need).map(|before| (*before, i)));
        }
    }
    edges
}

/// What goes waits for those that hold on to it and go too.
fn both_go<'a>(
    retired: &'a [Retired],
    drafts: usize,
    held_by: &'a [Vec<usize>],
) -> impl Iterator<Item = (usize, usize)> + 'a {
    let goes: BTreeMap<usize, usize> = retired
        .iter()
        .enumerate()
        .map(|(i, gone)| (gone.instance, drafts + i))
        .collect();
    retired.iter().enumerate().flat_map(move |(i, gone)| {
        let before = held_by[gone.instance].iter().filter_map(|by| goes.get(by));
        let edges: Vec<_> = before.map(|before| (*before, drafts + i)).collect();
        edges
    })
}

/// What goes waits for the updates of those that hold on to it and stay.
fn let_go<'a>(
    retired: &'a [Retired],
    drafts: usize,
    live: &'a Holds,
    held_by: &'a [Vec<usize>],
    made: &'a BTreeMap<Address, usize>,
) -> impl Iterator<Item = (usize, usize)> + 'a {
    let going: BTreeSet<usize> = retired.iter().map(|gone| gone.instance).collect();
    retired.iter().enumerate().flat_map(move |(i, gone)| {
        let stay = held_by[gone.instance]
            .iter()
            .filter(|by| !going.contains(by));
        let updates = stay.filter_map(|by| made.get(&live.addresses[*by]));
        let edges: Vec<_> = updates.map(|update| (*update, drafts + i)).collect();
        edges
    })
}

/// The old one goes before the new one where they cannot stand side by side.
fn first(
    drafts: &[Draft],
    retired: &[Retired],
    made: &BTreeMap<Address, usize>,
) -> Vec<(usize, usize)> {
    retired
        .iter()
        .enumerate()
        .filter_map(|(i, gone)| {
            let new = *made.get(&gone.step.address)?;
            drafts[new].delete_first.then_some((drafts.len() + i, new))
        })
        .collect()
}

/// A name that one address gives up and another takes: the old one goes first.
fn same_names_apart(
    inputs: &Inputs<'_>,
    drafts: &[Draft],
    retired: &[Retired],
) -> Vec<(usize, usize)> {
    let mut edges = Vec::new();
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
    edges
}

fn goes_early(draft: &Draft) -> bool {
    matches!(draft.step.act, Act::Create { replaces: true, .. })
}

/// What comes after what, asked while edges are still added.
struct Reach {
    after: Vec<Vec<usize>>,
    edges: Vec<(usize, usize)>,
    /// Whether anything made waits for something that goes. Without that no further edge closes a ring.
    can_close: bool,
}

impl Reach {
    fn new(count: usize, edges: Vec<(usize, usize)>, can_close: bool) -> Self {
        let mut after = vec![Vec::new(); count];
        for (before, next) in &edges {
            after[*before].push(*next);
        }
        Self {
            after,
            edges,
            can_close,
        }
    }

    /// Adds it unless it would close a ring. Says whether it did.
    fn add_if_open(&mut self, before: usize, after: usize) -> bool {
        let open = !self.can_close || !self.leads(after, before);
        if open {
            self.after[before].push(after);
            self.edges.push((before, after));
        }
        open
    }

    fn leads(&self, from: usize, to: usize) -> bool {
        let mut seen = vec![false; self.after.len()];
        let mut todo = vec![from];
        while let Some(at) = todo.pop() {
            if at == to {
                return true;
            }
            if !std::mem::replace(&mut seen[at], true) {
                todo.extend(&self.after[at]);
            }
        }
        false
    }
}

#[cfg(test)]
mod tests;
