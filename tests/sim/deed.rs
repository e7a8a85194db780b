//! What happens behind the program's back.

use circles_infra::model::{Attributes, Value};
use serde::{Deserialize, Serialize};
use tokio::time::{Duration, Instant};

use crate::faults::Fault;
use crate::graph::Graph;
use crate::nature::{KINDS, facts, has};
use crate::universe::Universe;

/// What happens behind the program's back before a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deed {
    /// Somebody changes a field.
    Drift(String),
    /// Somebody takes a tag off, or all of them.
    TagDrift {
        address: String,
        all: bool,
    },
    /// Somebody deletes it, if nothing stands on it.
    Delete(String),
    /// A stranger makes something under the name that this address wants.
    TakeName(String),
    /// All strangers who took a name are gone again.
    GiveNames,
    LoseState,
}

/// Marks what a stranger put where we want to be.
const TAKER: &str = "taker";

impl Deed {
    /// What takes away all that a call of unknown outcome could be known by: nobody can tell then what is ours.
    pub fn needs_clean(&self) -> bool {
        matches!(self, Self::LoseState | Self::TagDrift { all: true, .. })
    }

    pub fn happen(&self, world: &Universe, graph: &Graph) {
        let tally = &world.tally;
        let mut inner = world.cloud.now();
        let ours = |inner: &crate::cloud::Inner, address: &str| {
            inner
                .things
                .values()
                .filter(|thing| thing.ours && thing.going.is_none())
                .find(|thing| thing.owner().is_some_and(|o| o.address.as_str() == address))
                .map(|thing| (thing.kind, thing.id.clone()))
        };
        match self {
            Self::Drift(address) => {
                let at = ours(&inner, address).filter(|(kind, _)| has(kind, "size"));
                let at = at.filter(|(kind, _)| *kind != "sim.revision");
                if let Some(thing) = at.and_then(|at| inner.things.get_mut(&at)) {
                    thing.attributes.set("size", 4711);
                    tally.strike(Fault::Drift);
                }
            }
            Self::TagDrift { address, all } => {
                // A revision that no state holds and no tag claims is nobody's.
                let at = ours(&inner, address);
                let at = at.filter(|(kind, _)| !*all || *kind != "sim.revision");
                if let Some(thing) = at.and_then(|at| inner.things.get_mut(&at)) {
                    thing.tags.retain(|key, _| !*all && key != "Name");
                    tally.strike(Fault::TagDrift);
                }
            }
            Self::Delete(address) => {
                let at = ours(&inner, address);
                if let Some(at) = at.filter(|(_, id)| inner.holders(id).next().is_none()) {
                    let until = Instant::now() + Duration::from_secs(crate::cloud::LAG);
                    let gone = inner.things.remove(&at);
                    inner.ghosts.extend(gone.map(|thing| (until, thing)));
                    tally.strike(Fault::DeletedByHand);
                }
            }
            Self::TakeName(address) => {
                let node = graph.0.iter().find(|node| node.address == *address);
                let free = ours(&inner, address).is_none();
                let named = node.filter(|node| {
                    let kind = facts(&node.kind);
                    // Where a name is all the id there is, nobody can tell what was made anew from what lost its tags.
                    let free = free && !inner.ever.contains(address);
                    free && kind.ids == crate::nature::Ids::Named && node.kind != "sim.bucket"
                });
                let kind = named.and_then(|node| KINDS.iter().find(|kind| **kind == node.kind));
                if let (Some(node), Some(kind)) = (named, kind) {
                    if inner.things.contains_key(&(*kind, node.name.clone())) {
                        return;
                    }
                    let attributes =
                        Attributes::new([("name", Value::text(&node.name)), ("size", 7.into())]);
                    let tags = [(TAKER.to_owned(), TAKER.to_owned())].into();
                    inner.stranger(kind, attributes, tags);
                    tally.strike(Fault::NameTaken);
                }
            }
            Self::GiveNames => {
                inner
                    .things
                    .retain(|_, thing| !thing.tags.contains_key(TAKER));
            }
            Self::LoseState => {
                drop(inner);
                world.lose_state();
            }
        }
    }
}
