//! Whose is it? A live resource belongs to the address that the state, its tags, or an unfinished call of ours says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::journal::RunState;
use crate::kind::{AnyKind, AskedItem, Observed};
use crate::model::{Address, Attributes, KindName, Ownership, PhysicalId, Scope};
use crate::plan::Step;
use crate::state::Snapshot;

/// What one live resource is to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    Ours {
        address: Address,
        generation: u32,
    },
    /// It has the name that this address wants, and is somebody else's.
    Foreign {
        address: Address,
    },
    Nobody,
}

/// Knows ids and addresses: from the state, and from calls that did not end.
#[derive(Clone, Debug)]
pub struct Matcher {
    scope: Scope,
    by_id: BTreeMap<(KindName, PhysicalId), (Address, u32)>,
    begun: Vec<Begun>,
}

/// The one of a run, which its conductor teaches and its workers ask.
#[derive(Clone)]
pub struct SharedMatcher(Arc<Mutex<Matcher>>);

impl SharedMatcher {
    pub fn new(matcher: Matcher) -> Self {
        Self(Arc::new(Mutex::new(matcher)))
    }

    pub fn lock(&self) -> MutexGuard<'_, Matcher> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A create of ours that did not end, or whose answer was lost. Its name was seen absent before the intent was written, so what stands
/// under that name is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Begun {
    kind: KindName,
    key: Attributes,
    address: Address,
    generation: u32,
}

impl Matcher {
    pub fn new(scope: &Scope, state: &Snapshot, unfinished: &RunState) -> Self {
        let known = state
            .resources
            .iter()
            .chain(
                state
                    .leftovers
                    .iter()
                    .map(|(address, record)| (address, record)),
            )
            .map(|(address, record)| {
                let key = (record.kind.clone(), record.id.clone());
                (key, (address.clone(), record.generation))
            });
        let learned = unfinished.learned().map(|(address, kind, id, generation)| {
            ((kind.clone(), id.clone()), (address.clone(), generation))
        });
        // As they were sent, for the last of those under one name is the likeliest to have made what stands there.
        let mut begun: Vec<_> = unfinished.begun().collect();
        begun.sort_by_key(|open| open.number);
        Self {
            scope: scope.clone(),
            by_id: learned.chain(known).collect(),
            begun: begun
                .into_iter()
                .map(|open| Begun {
                    kind: open.intent.kind.clone(),
                    key: open.intent.key.clone(),
                    address: open.intent.address.clone(),
                    generation: open.intent.generation,
                })
                .collect(),
        }
    }

    /// For a step that has itself sent a create that was, or may have been, carried out.
    pub fn begin(&mut self, kind: &dyn AnyKind, desired: &Attributes, step: &Step) {
        let begun = Begun {
            kind: step.kind.clone(),
            key: desired.only(kind.identity().natural_key),
            address: step.address.clone(),
            generation: step.generation,
        };
        if !self.begun.contains(&begun) {
            self.begun.push(begun);
        }
    }

    pub fn learn(&mut self, kind: &KindName, id: &PhysicalId, address: &Address, generation: u32) {
        self.by_id
            .insert((kind.clone(), id.clone()), (address.clone(), generation));
    }

    /// For a resource that is gone: what takes its name next has the same id, and is another's.
    pub fn forget(&mut self, kind: &KindName, id: &PhysicalId) {
        self.by_id.remove(&(kind.clone(), id.clone()));
    }

    /// For a resource that is made anew: what stood at its address and is not `live` is gone, too.
    pub fn anew(&mut self, address: &Address, live: impl Fn(&(KindName, PhysicalId)) -> bool) {
        self.by_id.retain(|key, (of, _)| of != address || live(key));
    }

    /// Whether state or journal say whose it is, not its tags alone.
    pub fn knows(&self, kind: &KindName, id: &PhysicalId) -> bool {
        self.by_id.contains_key(&(kind.clone(), id.clone()))
    }

    pub fn whose(&self, kind: &dyn AnyKind, observed: &Observed, items: &[AskedItem]) -> Whose {
        let key = (observed.kind.clone(), observed.id.clone());
        let owner = Ownership::read(&observed.tags).filter(|owner| owner.is_of(&self.scope));
        let known = self.by_id.get(&key).filter(|(address, _)| {
            let owner = owner.as_ref();
            !owner.is_some_and(|owner| is_past(address, &owner.address, items))
        });
        if let Some((address, generation)) = known {
            return Whose::Ours {
                address: address.clone(),
                generation: *generation,
            };
        }
        if let Some(owner) = owner {
            return Whose::Ours {
                address: owner.address,
                generation: owner.generation,
            };
        }
        let key = kind.identity().natural_key;
        // Tags of another stack say more than a name.
        let could_be =
            !key.is_empty() && !kind.tagged_at_once() && Ownership::read(&observed.tags).is_none();
        let begun = self.begun.iter().rev().find(|begun| {
            could_be
                && begun.kind == observed.kind
                && begun.key.0.len() == key.len()
                && begun.key == observed.attributes.only(key)
        });
        if let Some(begun) = begun {
            return Whose::Ours {
                address: begun.address.clone(),
                generation: begun.generation,
            };
        }
        match items.iter().find(|item| has_key(kind, item, observed)) {
            Some(item) => Whose::Foreign {
                address: item.address.clone(),
            },
            None => Whose::Nobody,
        }
    }
}

/// Whether a state is behind AWS: it has a resource at an address that nothing wishes for any more, and the tags say that it was made for
/// one that is wished for and that the state does not know. So it is after a run whose state and journal were lost.
fn is_past(known: &Address, tagged: &Address, items: &[AskedItem]) -> bool {
    let wished = |address: &Address| {
        items
            .iter()
            .find(|item| item.address == *address && item.tags.is_some())
    };
    known != tagged
        && wished(known).is_none()
        && wished(tagged).is_some_and(|item| item.id.is_none())
}

/// Whether it has the natural key that the item wishes for.
fn has_key(kind: &dyn AnyKind, item: &AskedItem, observed: &Observed) -> bool {
    let key = kind.identity().natural_key;
    let Some(desired) = &item.desired else {
        return false;
    };
    !key.is_empty()
        && key.iter().all(|name| {
            let want = desired.get(name);
            !want.is_null() && !want.is_pending() && want == observed.attributes.get(name)
        })
}
