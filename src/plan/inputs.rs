//! What planning is given: wishes, what was seen, what the state remembers, and what was asked on the command line.

use std::collections::{BTreeMap, BTreeSet};

use crate::kind::{Kinds, Observed, SecretText};
use crate::model::{
    Address, Attributes, KindName, Origin, PROTECT_TAG, PhysicalId, Reference, Scope, SecretRef,
    Tags, Value,
};
use crate::state::Snapshot;

use super::{Header, Note};

/// One resource as the stack says it: checked, components expanded, defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub address: Address,
    pub kind: KindName,
    pub attributes: Attributes,
    pub depends_on: Vec<Address>,
    pub protect: bool,
    pub retain: bool,
    /// Fields that somebody else owns.
    pub ignore: Vec<String>,
    /// The user's tags and `Name`; ours are added when planning.
    pub tags: Tags,
    pub origin: Option<Origin>,
}

impl Wish {
    /// What it stands on: whatever it refers to, and what it says.
    pub fn needs(&self) -> BTreeSet<Address> {
        self.attributes
            .references()
            .into_iter()
            .map(|reference| reference.address)
            .chain(
                self.attributes
                    .secrets()
                    .into_iter()
                    .map(|secret| secret.address),
            )
            .chain(self.depends_on.iter().cloned())
            .filter(|address| *address != self.address)
            .collect()
    }
}

/// One live resource with the generation it has.
#[derive(Clone, Debug)]
pub struct Sighting {
    pub generation: u32,
    pub observed: Observed,
}

/// What one look at AWS saw, sorted by whose it is.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Ours, by address, the highest generation first. Of several in one generation (a call that was carried out twice) the first is
    /// the one, and the others go.
    pub ours: BTreeMap<Address, Vec<Sighting>>,
    /// What has the name that a wish wants, and is not ours.
    pub foreign: BTreeMap<Address, Observed>,
    /// Read-only look-ups (`existing:`).
    pub existing: BTreeMap<Address, Attributes>,
    /// In the state, and not in AWS, even on a direct read.
    pub gone: Vec<(Address, PhysicalId)>,
    /// Older generations that the state still had to delete, and that are not in AWS any more.
    pub cleared: Vec<(Address, KindName, PhysicalId)>,
    /// Addresses that carry our tags and are unknown to state and stack.
    pub strays: BTreeSet<Address>,
    /// The newest generation that an unfinished create asked for: it may stand without being shown yet.
    pub begun: BTreeMap<Address, u32>,
    /// Kinds that the server does not let be looked for. Nothing of them stands in stack, state or journal.
    pub unsought: Vec<Unsought>,
    secrets: BTreeMap<SecretRef, SecretText>,
}

/// A kind whose strays are not seen, because the server does not have this call.
#[derive(Clone, Debug)]
pub struct Unsought {
    pub kind: KindName,
    /// The IAM action.
    pub call: String,
    pub code: String,
}

impl Seen {
    /// Takes in one live resource of ours. Its secret values stay in memory, for comparison.
    pub fn add(&mut self, address: &Address, sighting: Sighting) {
        for (key, value) in &sighting.observed.secrets {
            let secret = SecretRef {
                address: address.clone(),
                key: key.clone(),
            };
            self.secrets.insert(secret, value.clone());
        }
        let all = self.ours.entry(address.clone()).or_default();
        all.push(sighting);
        all.sort_by_key(|sighting| std::cmp::Reverse(sighting.generation));
    }

    /// What a reference comes to as AWS has it now; of several generations, in the one that is kept.
    pub fn value(&self, reference: &Reference) -> Option<Value> {
        let ours = self.ours.get(&reference.address);
        ours.and_then(|all| all.first())
            .map(|live| &live.observed.attributes)
            .or_else(|| self.existing.get(&reference.address))?
            .path(&reference.attribute)
    }

    pub fn secret(&self, secret: &SecretRef) -> Option<SecretText> {
        self.secrets.get(secret).cloned()
    }
}

/// What was asked for beside the stack file. Stands in plan files.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Ask {
    /// Everything of the stack and environment goes.
    pub destroy: bool,
    /// Only these, what stands below them, and what they stand on (or, for `destroy`, what stands on them). Empty: everything.
    pub targets: Vec<Address>,
    /// Replaced though nothing about them changed.
    pub replace: Vec<Address>,
    /// May be deleted with the data they hold.
    pub allow_delete: Vec<Address>,
    /// May be replaced with the data they hold.
    pub allow_replace: Vec<Address>,
}

/// All that planning looks at.
pub struct Inputs<'a> {
    pub header: Header,
    pub scope: &'a Scope,
    pub wishes: &'a [Wish],
    pub outputs: &'a [(String, Value)],
    /// Moves that took place: what was seen at the first address stands at the second in `seen` and `state` already.
    pub moved: &'a [(Address, Address)],
    /// Services whose tasks cannot start yet, for want of an image: nobody waits for them.
    pub unwaited: &'a BTreeSet<Address>,
    pub kinds: &'a Kinds,
    pub state: &'a Snapshot,
    pub seen: &'a Seen,
    pub ask: &'a Ask,
    /// Said by the look itself, shown with the plan.
    pub notes: Vec<Note>,
}

impl Inputs<'_> {
    /// Whether a live resource is protected: the file says so, or an earlier apply did and it was not lifted since. That stands in the
    /// state and on AWS, so that dropping the YAML block does not lift it.
    pub(super) fn protects(&self, address: &Address, wish: Option<&Wish>, live: &Observed) -> bool {
        let record = self.state.resources.get(address);
        wish.is_some_and(|wish| wish.protect)
            || record.is_some_and(|record| record.protect)
            || live.attributes.get("deletion_protection").as_bool() == Some(true)
            || live.tags.contains_key(PROTECT_TAG)
    }

    /// Whether what is protected so was protected by somebody else: nothing that this program applied, or would apply, asks for it.
    pub(super) fn is_protected_outside(
        &self,
        address: &Address,
        wish: Option<&Wish>,
        live: &Observed,
    ) -> bool {
        let record = self.state.resources.get(address);
        let says =
            |attributes: &Attributes| attributes.get("deletion_protection").as_bool() == Some(true);
        let asked_for = wish.is_some_and(|wish| wish.protect || says(&wish.attributes))
            || record.is_some_and(|record| record.protect || says(&record.attributes))
            || live.tags.contains_key(PROTECT_TAG);
        !asked_for && wish.is_some()
    }
}
