//! What has to go: resources that the stack does not name any more, generations that were replaced, deletions that had begun.

use std::collections::BTreeSet;

use crate::kind::Readiness;
use crate::model::Address;

use super::decide::Decided;
use super::{Act, Inputs, Note, Refusal, Sighting, Step, StepId, Why};

/// A live resource that goes, and its number among all live ones.
pub(super) struct Retired {
    pub instance: usize,
    pub step: Step,
}

/// Everything live that this plan deletes or forgets.
pub(super) fn retire(
    inputs: &Inputs<'_>,
    instances: &[(&Address, &Sighting)],
    decided: &mut Decided,
    selected: Option<&BTreeSet<Address>>,
) -> Vec<Retired> {
    let wished: BTreeSet<&Address> = inputs.wishes.iter().map(|wish| &wish.address).collect();
    let mut all = Vec::new();
    for (instance, (address, sighting)) in instances.iter().enumerate() {
        if selected.is_some_and(|selected| !selected.contains(*address)) {
            continue;
        }
        let newest = inputs
            .seen
            .ours
            .get(*address)
            .and_then(|all| all.first())
            .is_some_and(|first| first.observed.id == sighting.observed.id);
        let why = if inputs.ask.destroy {
            Why::Destroy
        } else if !wished.contains(*address) {
            Why::NotInStack
        } else if !newest {
            Why::Superseded
        } else if matches!(sighting.observed.readiness, Readiness::Going(_)) {
            Why::Unfinished
        } else if decided.replaced.contains_key(*address) {
            Why::Replaced
        } else {
            continue;
        };
        all.push(Retired {
            instance,
            step: step(inputs, address, sighting, why, decided),
        });
    }
    all
}

fn step(
    inputs: &Inputs<'_>,
    address: &Address,
    sighting: &Sighting,
    why: Why,
    decided: &mut Decided,
) -> Step {
    let observed = &sighting.observed;
    let record = inputs
        .state
        .resources
        .get(address)
        .filter(|record| record.id == observed.id);
    let wish = inputs.wishes.iter().find(|wish| wish.address == *address);
    let mut last = observed.attributes.clone();
    // What AWS cannot tell comes from the file while it still speaks of it, else from the state.
    for known in [record.map(|r| &r.attributes), wish.map(|w| &w.attributes)]
        .into_iter()
        .flatten()
    {
        for (field, value) in &known.0 {
            if observed.attributes.get(field).is_null() && !value.is_null() && !value.is_pending() {
                last.0.insert(field.clone(), value.clone());
            }
        }
    }
    let leaving = matches!(why, Why::NotInStack | Why::Destroy);
    let holds_data = inputs
        .kinds
        .get(&observed.kind)
        .is_some_and(|kind| kind.holds_data());
    let loses_data = holds_data && !inputs.header.ephemeral && leaving;
    let retain = leaving && (record.is_some_and(|r| r.retain) || wish.is_some_and(|w| w.retain));
    if leaving && !retain {
        review(inputs, address, sighting, loses_data, decided);
    }
    if inputs.seen.strays.contains(address) && why == Why::NotInStack {
        decided.notes.push(Note::Stray {
            address: address.clone(),
            kind: observed.kind.clone(),
            id: observed.id.clone(),
        });
    }
    let act = if retain {
        Act::Forget {
            id: observed.id.clone(),
            last,
        }
    } else {
        Act::Delete {
            id: observed.id.clone(),
            why,
            last,
        }
    };
    Step {
        id: StepId(0),
        address: address.clone(),
        kind: observed.kind.clone(),
        generation: sighting.generation,
        act,
        after: Vec::new(),
        origin: wish.and_then(|wish| wish.origin.clone()),
        downtime: None,
        loses_data: loses_data && !retain,
    }
}

/// Protection lives in the state and on AWS, so that dropping the YAML block does not lift it.
fn review(
    inputs: &Inputs<'_>,
    address: &Address,
    sighting: &Sighting,
    loses_data: bool,
    decided: &mut Decided,
) {
    let observed = &sighting.observed;
    let wish = inputs.wishes.iter().find(|wish| wish.address == *address);
    if inputs.protects(address, wish, observed) {
        decided.refusals.push(Refusal::Protected {
            address: address.clone(),
            replace: false,
            outside: inputs.is_protected_outside(address, wish, observed),
        });
    }
    let allowed = inputs
        .ask
        .allow_delete
        .iter()
        .any(|allowed| address.within(allowed));
    // `destroy` says it all by itself; an apply that happens to drop a database does not.
    if loses_data && !allowed && !inputs.ask.destroy {
        decided.refusals.push(Refusal::LosesData {
            address: address.clone(),
            replace: false,
        });
    }
}
