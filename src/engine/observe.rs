//! One look at everything: all kinds side by side, each with one batched read, then each live resource to the address it belongs to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;

use super::confirm::{confirm, find, is_unproven};
use super::matching::{Matcher, Whose};
use crate::journal::{CallOutcome, RunState};
use crate::kind::{
    AnyKind, Asked, AskedItem, Class, CloudError, Extent, IntentVerb, Kinds, Memo, Observed,
    Readiness,
};
use crate::model::{Address, Ownership, Reference, Scope, Tags, Value};
use crate::plan::{Seen, Sighting, Unsought, Wish};
use crate::state::Snapshot;

/// What a look is after.
pub struct Look<'a> {
    pub kinds: &'a Kinds,
    pub scope: &'a Scope,
    pub wishes: &'a [Wish],
    pub state: &'a Snapshot,
    pub unfinished: &'a RunState,
    /// Whether strays are sought at whatever number of calls.
    pub thorough: bool,
    /// How long AWS may take to show what it has made, before "not there" is believed.
    pub settle_window: Duration,
    /// Milliseconds since 1970.
    pub now: u64,
}

/// What it came to.
pub struct Observation {
    pub seen: Seen,
    pub matcher: Matcher,
}

/// Reads AWS. Writes nothing.
///
/// # Errors
/// The first read that failed for good: a plan made from half a look would be wrong. Only where nothing of a kind is asked for, and the
/// server does not have the call, the look goes on without it.
pub async fn observe(look: &Look<'_>) -> Result<Observation, CloudError> {
    let mut matcher = Matcher::new(look.scope, look.state, look.unfinished);
    let memo = Arc::new(Memo::default());
    let rounds = look.kinds.iter().map(|kind| {
        let asked = Asked {
            scope: look.scope.clone(),
            extent: if look.thorough {
                Extent::Thorough
            } else {
                Extent::Everything
            },
            items: items(look, kind.as_ref()),
            memo: memo.clone(),
        };
        let matcher = &matcher;
        // A kind that neither file nor state nor journal speaks of is only looked through in a thorough look, or when there is no state
        // to speak of it.
        let idle = asked.items.is_empty()
            && !look.thorough
            && !look.state.resources.is_empty()
            && !look.unfinished.speaks_of(&kind.name());
        async move {
            if idle {
                return Ok(Found::default());
            }
            let live = match find(look, kind.as_ref(), &asked).await {
                Err(error) if asked.items.is_empty() && is_unknown_call(&error) => {
                    return Ok(Found {
                        unsought: Some(unsought(kind.as_ref(), error)),
                        ..Found::default()
                    });
                }
                live => live?,
            };
            let mut found = sort(kind.as_ref(), live, &asked.items, matcher);
            confirm(look, kind.as_ref(), &asked, matcher, &mut found).await?;
            Ok::<_, CloudError>(found)
        }
    });
    let mut seen = Seen::default();
    for found in try_join_all(rounds).await? {
        for (address, sighting) in found.ours {
            let observed = &sighting.observed;
            // Where the state is behind AWS, that is another address than it says.
            if matcher.knows(&observed.kind, &observed.id) {
                matcher.learn(&observed.kind, &observed.id, &address, sighting.generation);
            }
            seen.add(&address, sighting);
        }
        let foreign = found.foreign.into_iter();
        seen.foreign
            .extend(foreign.filter(|(address, observed)| !may_be_ours(look, address, observed)));
        seen.unsought.extend(found.unsought);
    }
    for open in look.unfinished.begun() {
        let newest = seen.begun.entry(open.intent.address.clone()).or_default();
        *newest = open.intent.generation.max(*newest);
    }
    after(look, &mut seen);
    Ok(Observation { seen, matcher })
}

/// Whether what has the name of a create that an unfinished run sent a moment ago may be what that
/// create made, its tags not shown yet. Its step looks again before it makes anything.
fn may_be_ours(look: &Look<'_>, address: &Address, observed: &Observed) -> bool {
    let begun = look.unfinished.open.get(address);
    Ownership::read(&observed.tags).is_none()
        && begun.into_iter().flatten().any(|open| {
            open.intent.verb == IntentVerb::Create
                && open.intent.kind == observed.kind
                && open.outcome != Some(CallOutcome::Refused)
                && is_unproven(look, open.at)
        })
}

#[derive(Default)]
pub(super) struct Found {
    pub ours: Vec<(Address, Sighting)>,
    foreign: BTreeMap<Address, Observed>,
    unsought: Option<Unsought>,
}

/// Whether the server does not know the call. A list that names nothing is found wanting itself, where "not found" is the answer.
fn is_unknown_call(error: &CloudError) -> bool {
    error.is(Class::Unsupported) || error.is(Class::NotFound)
}

/// A kind that no file, state or journal speaks of can only have strays: not to see them takes nothing from the plan, and is told.
fn unsought(kind: &dyn AnyKind, error: CloudError) -> Unsought {
    Unsought {
        kind: kind.name(),
        call: error.action,
        code: error.code,
    }
}

/// All that is asked of one kind: what the stack wishes, what the state knows, what unfinished calls made.
fn items(look: &Look<'_>, kind: &dyn AnyKind) -> Vec<AskedItem> {
    let name = kind.name();
    let known = |reference: &Reference| remembered(look.state, reference);
    let mut items: BTreeMap<Address, AskedItem> = BTreeMap::new();
    for wish in look.wishes.iter().filter(|wish| wish.kind == name) {
        items.insert(
            wish.address.clone(),
            AskedItem {
                address: wish.address.clone(),
                id: None,
                desired: Some(wish.attributes.resolve(&known)),
                last: None,
                tags: Some(tags(look, wish)),
            },
        );
    }
    let mut more = Vec::new();
    for (address, record) in &look.state.resources {
        if record.kind != name {
            continue;
        }
        let item = items.entry(address.clone()).or_insert_with(|| AskedItem {
            address: address.clone(),
            id: None,
            desired: None,
            last: None,
            tags: None,
        });
        item.id = Some(record.id.clone());
        item.last = Some(record.attributes.clone());
    }
    for (address, record) in &look.state.leftovers {
        if record.kind == name {
            more.push(AskedItem {
                address: address.clone(),
                id: Some(record.id.clone()),
                desired: None,
                last: Some(record.attributes.clone()),
                tags: None,
            });
        }
    }
    for (address, kind, id, _) in look.unfinished.learned() {
        if *kind == name {
            more.push(AskedItem {
                address: address.clone(),
                id: Some(id.clone()),
                desired: items.get(address).and_then(|item| item.desired.clone()),
                last: None,
                tags: None,
            });
        }
    }
    // A create of unknown outcome, whose name the stack may have dropped or changed since.
    for open in look.unfinished.begun().filter(|o| o.learned.is_none()) {
        let intent = &open.intent;
        if intent.kind == name && !intent.key.is_empty() {
            more.push(AskedItem {
                address: intent.address.clone(),
                id: None,
                desired: Some(intent.key.clone()),
                last: None,
                tags: None,
            });
        }
    }
    items.into_values().chain(more).collect()
}

/// What a resource is wished to carry, in the generation that the state knows.
fn tags(look: &Look<'_>, wish: &Wish) -> Tags {
    let last = look.state.resources.get(&wish.address);
    let generation = last.map_or(1, |record| record.generation);
    let mut tags = wish.tags.clone();
    tags.extend(Ownership::new(look.scope, &wish.address, generation).tags());
    tags
}

/// What the state says of a reference; only a hint for finding things, never what a plan is made of.
fn remembered(state: &Snapshot, reference: &Reference) -> Option<Value> {
    state
        .resources
        .get(&reference.address)?
        .attributes
        .path(&reference.attribute)
}

pub(super) fn sort(
    kind: &dyn AnyKind,
    live: Vec<Observed>,
    items: &[AskedItem],
    matcher: &Matcher,
) -> Found {
    let mut found = Found::default();
    for observed in live {
        match matcher.whose(kind, &observed, items) {
            Whose::Ours {
                address,
                generation,
            } => {
                found.ours.push((
                    address,
                    Sighting {
                        generation,
                        observed,
                    },
                ));
            }
            Whose::Foreign { address } => {
                found.foreign.insert(address, observed);
            }
            Whose::Nobody => {}
        }
    }
    found
}

/// What only the whole look can tell: what is gone, and what nobody asked for.
fn after(look: &Look<'_>, seen: &mut Seen) {
    settle_doubles(look, seen);
    for (address, record) in &look.state.resources {
        let there = seen
            .ours
            .get(address)
            .is_some_and(|all| all.iter().any(|s| s.observed.id == record.id));
        if !there {
            seen.gone.push((address.clone(), record.id.clone()));
        }
    }
    for (address, record) in &look.state.leftovers {
        let there = seen
            .ours
            .values()
            .flatten()
            .any(|s| s.observed.kind == record.kind && s.observed.id == record.id);
        if !there {
            let gone = (address.clone(), record.kind.clone(), record.id.clone());
            seen.cleared.push(gone);
        }
    }
    let wished: BTreeSet<&Address> = look.wishes.iter().map(|wish| &wish.address).collect();
    seen.strays = seen
        .ours
        .keys()
        .filter(|address| {
            !wished.contains(*address) && !look.state.resources.contains_key(*address)
        })
        .cloned()
        .collect();
}

/// A create that was carried out twice leaves two of one generation. The one that stays is the one that is not going, that the state
/// knows, that others name; at last the one whose id comes first.
fn settle_doubles(look: &Look<'_>, seen: &mut Seen) {
    let double = |all: &[Sighting]| all.windows(2).any(|w| w[0].generation == w[1].generation);
    if !seen.ours.values().any(|all| double(all)) {
        return;
    }
    let mut named: BTreeSet<String> = BTreeSet::new();
    for sighting in seen.ours.values().flatten() {
        for value in sighting.observed.attributes.0.values() {
            texts(value, &mut |text| {
                if text != sighting.observed.id.as_str() {
                    named.insert(text.to_owned());
                }
            });
        }
    }
    for all in seen.ours.values_mut().filter(|all| double(all)) {
        all.sort_by_cached_key(|sighting| {
            let observed = &sighting.observed;
            let arn = observed.attributes.text("arn").unwrap_or_default();
            (
                std::cmp::Reverse(sighting.generation),
                matches!(observed.readiness, Readiness::Going(_)),
                !look.state.holds(&observed.kind, &observed.id),
                !(named.contains(observed.id.as_str()) || named.contains(arn)),
                matches!(observed.readiness, Readiness::Broken(_)),
                observed.id.clone(),
            )
        });
    }
}

fn texts(value: &Value, see: &mut dyn FnMut(&str)) {
    match value {
        Value::Text(text) => see(text),
        Value::List(items) => items.iter().for_each(|item| texts(item, see)),
        Value::Map(map) => map.values().for_each(|item| texts(item, see)),
        _ => {}
    }
}
