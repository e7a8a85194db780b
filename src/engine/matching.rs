//! Whose is it? A live resource belongs to the address that the state, its tags, or an unfinished call of ours says.

use std::collections::BTreeMap;

use crate::journal::RunState;
use crate::kind::{AnyKind, AskedItem, Observed};
use crate::model::{Address, KindName, Ownership, PhysicalId, Scope};
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
    /// Addresses with an unfinished create of ours, and the generation it was for. The name was seen absent before the intent was
    /// written, so what stands under that name is ours.
    begun: BTreeMap<Address, u32>,
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
        Self {
            scope: scope.clone(),
            by_id: learned.chain(known).collect(),
            begun: unfinished
                .open
                .iter()
                .filter(|(address, _)| unfinished.created(address))
                .filter_map(|(address, open)| {
                    Some((address.clone(), open.last()?.intent.generation))
                })
                .collect(),
        }
    }

    /// For a step that has sent a create itself.
    pub fn begin(&mut self, address: &Address, generation: u32) {
        self.begun.insert(address.clone(), generation);
    }

    pub fn learn(&mut self, kind: &KindName, id: &PhysicalId, address: &Address, generation: u32) {
        self.by_id
            .insert((kind.clone(), id.clone()), (address.clone(), generation));
    }

    pub fn whose(&self, kind: &dyn AnyKind, observed: &Observed, items: &[AskedItem]) -> Whose {
        let key = (observed.kind.clone(), observed.id.clone());
        if let Some((address, generation)) = self.by_id.get(&key) {
            return Whose::Ours {
                address: address.clone(),
                generation: *generation,
            };
        }
        let owner = Ownership::read(&observed.tags);
        if let Some(owner) = owner.filter(|owner| owner.is_of(&self.scope)) {
            return Whose::Ours {
                address: owner.address,
                generation: owner.generation,
            };
        }
        let Some(item) = items.iter().find(|item| has_key(kind, item, observed)) else {
            return Whose::Nobody;
        };
        match self.begun.get(&item.address) {
            // Tags of another stack say more than a name.
            Some(generation) if Ownership::read(&observed.tags).is_none() => Whose::Ours {
                address: item.address.clone(),
                generation: *generation,
            },
            _ => Whose::Foreign {
                address: item.address.clone(),
            },
        }
    }
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
