//! The state file's content, its format and its invariants.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::format::{self, FORMAT};
use crate::model::{Address, Attributes, KindName, PhysicalId, Scope, Tags, Value};

/// For which world a state is: one per account, region, endpoint, stack and environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateKey {
    pub scope: Scope,
    /// A custom endpoint; the real AWS has none.
    pub endpoint: Option<String>,
}

impl StateKey {
    /// As a folder's or object's name: `circles-dev-111122223333-us-east-1`, with a custom endpoint's host and port behind it.
    pub fn name(&self) -> String {
        let mut name = format!(
            "{}-{}-{}-{}",
            self.scope.stack, self.scope.environment, self.scope.account, self.scope.region
        );
        if let Some(endpoint) = &self.endpoint {
            name.push('-');
            name.push_str(endpoint.split("://").last().unwrap_or_default());
        }
        name.chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_') {
                    c
                } else {
                    '_'
                }
            })
            .collect()
    }
}

/// One resource as last seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub kind: KindName,
    pub id: PhysicalId,
    pub generation: u32,
    /// As observed, with what AWS cannot tell (`force_destroy`, …) as the stack last said it. Secrets only by reference.
    pub attributes: Attributes,
    /// As observed, ours among them; empty in a state from before they were kept.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    pub depends_on: Vec<Address>,
    #[serde(default)]
    pub protect: bool,
    #[serde(default)]
    pub retain: bool,
    /// When this program made it, in milliseconds since 1970: what was made recently may not be
    /// shown by AWS yet. `None`: taken over, or from before that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at: Option<u64>,
}

/// Who wrote a state, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    pub run: String,
    /// The caller's ARN.
    pub caller: String,
    /// `user@host`, or the CI job's URL.
    pub who: String,
    /// RFC 3339.
    pub at: String,
    #[serde(default)]
    pub commit: Option<String>,
}

/// All that one environment's state holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Counts writes.
    pub serial: u64,
    /// Counts leases: an intent written under an older epoch is refused.
    pub epoch: u64,
    pub key: StateKey,
    pub resources: BTreeMap<Address, Record>,
    /// Older generations that are still to be deleted.
    #[serde(default, with = "leftover")]
    pub leftovers: Vec<(Address, Record)>,
    #[serde(default)]
    pub outputs: BTreeMap<String, Value>,
    /// The region's availability zones when last asked for, in AWS's order: a list that stands for years.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<String>,
    /// Those among them that are passed over where the stack names none. None in a state from before they were told apart: its subnets
    /// stay where they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limited_zones: Vec<String>,
    #[serde(default)]
    pub last_run: RunInfo,
}

/// Why a state cannot be used. Each names the place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    #[error("{place} is damaged: {what}")]
    Damaged { place: String, what: String },
    #[error(
        "{place} was written by a newer circles-infra (format {found}; this one reads up to {FORMAT}). Upgrade circles-infra"
    )]
    Newer { place: String, found: u32 },
    #[error("{place} is the state of {found}, not of {expected}")]
    Foreign {
        place: String,
        found: String,
        expected: String,
    },
    #[error("{place} breaks invariant {number}: {what}")]
    Invariant {
        place: String,
        number: u8,
        what: String,
    },
}

impl SnapshotError {
    /// Whether a state made anew from AWS can take its place. A newer one is whole, and knows more than this program.
    pub fn is_damage(&self) -> bool {
        !matches!(self, Self::Newer { .. })
    }
}

impl Snapshot {
    pub fn new(key: StateKey) -> Self {
        Self {
            serial: 0,
            epoch: 0,
            key,
            resources: BTreeMap::new(),
            leftovers: Vec::new(),
            outputs: BTreeMap::new(),
            zones: Vec::new(),
            limited_zones: Vec::new(),
            last_run: RunInfo::default(),
        }
    }

    /// Reads a state's text. `place` names it in errors; `key` is whose state it must be.
    pub fn parse(text: &[u8], place: &str, key: &StateKey) -> Result<Self, SnapshotError> {
        let snapshot = format::read(text, place)?;
        if snapshot.key != *key {
            return Err(SnapshotError::Foreign {
                place: place.to_owned(),
                found: snapshot.key.name(),
                expected: key.name(),
            });
        }
        snapshot.verify(place)?;
        Ok(snapshot)
    }

    /// The numbered invariants, checked after every load and before every write:
    /// 1. no two resources of one kind have one id;
    /// 2. every id is non-empty, and so is every address;
    /// 3. generations count from 1;
    /// 4. a leftover's generation is below its address's current one;
    /// 5. no attribute waits for another resource (a state holds what was seen);
    /// 6. no resource depends on itself;
    /// 7. every kind is named `service.thing`;
    /// 8. no output waits for a resource, and none is a secret.
    pub fn verify(&self, place: &str) -> Result<(), SnapshotError> {
        let broken = |number: u8, what: String| SnapshotError::Invariant {
            place: place.to_owned(),
            number,
            what,
        };
        let all = || {
            self.resources.iter().chain(
                self.leftovers
                    .iter()
                    .map(|(address, record)| (address, record)),
            )
        };
        let mut ids: BTreeMap<(&KindName, &PhysicalId), &Address> = BTreeMap::new();
        for (address, record) in all() {
            if let Some(other) = ids.insert((&record.kind, &record.id), address) {
                return Err(broken(
                    1,
                    format!("{other} and {address} are both {}", record.id),
                ));
            }
            if address.as_str().is_empty() || record.id.as_str().is_empty() {
                return Err(broken(2, format!("`{address}` has the id `{}`", record.id)));
            }
            if record.generation == 0 {
                return Err(broken(3, format!("{address} has generation 0")));
            }
            if record.attributes.0.values().any(Value::is_pending) {
                return Err(broken(5, format!("{address} has a pending attribute")));
            }
            if record.depends_on.contains(address) {
                return Err(broken(6, format!("{address} depends on itself")));
            }
            let named = record.kind.as_str().split_once('.');
            if named.is_none_or(|(service, thing)| service.is_empty() || thing.is_empty()) {
                return Err(broken(
                    7,
                    format!("{address} is of the kind `{}`", record.kind),
                ));
            }
        }
        for (name, value) in &self.outputs {
            if value.is_pending() || value.is_secret() {
                return Err(broken(8, format!("the output {name} is not a known value")));
            }
        }
        for (address, record) in &self.leftovers {
            if let Some(current) = self.resources.get(address)
                && current.generation <= record.generation
            {
                return Err(broken(
                    4,
                    format!(
                        "{address} has a leftover of generation {}",
                        record.generation
                    ),
                ));
            }
        }
        Ok(())
    }

    /// As text, in the format of today.
    pub fn text(&self) -> Result<Vec<u8>, serde_json::Error> {
        format::write(self)
    }

    /// Puts `record` in as the current one of its address. An older current one becomes a leftover.
    pub fn put(&mut self, address: &Address, record: Record) {
        let same = |old: &Record| old.kind == record.kind && old.id == record.id;
        // An id stands in one place: most records replace themselves, and nothing else has to be looked through.
        if !self.resources.get(address).is_some_and(same) {
            self.drop_id(&record.kind, &record.id);
        }
        if let Some(old) = self.resources.insert(address.clone(), record) {
            let current = &self.resources[address];
            if old.generation < current.generation {
                self.leftovers.push((address.clone(), old));
            }
        }
    }

    /// Forgets the resource with that id, wherever it stands.
    pub fn drop_id(&mut self, kind: &KindName, id: &PhysicalId) {
        if !self.holds(kind, id) {
            return;
        }
        self.resources
            .retain(|_, record| record.kind != *kind || record.id != *id);
        self.leftovers
            .retain(|(_, record)| record.kind != *kind || record.id != *id);
    }

    /// The record of one resource: the current one of that address, or one that is to be deleted.
    pub fn record(&self, address: &Address, kind: &KindName, id: &PhysicalId) -> Option<&Record> {
        let is_it = |record: &&Record| record.kind == *kind && record.id == *id;
        let leftovers = self.leftovers.iter().filter(|(at, _)| at == address);
        let mut leftovers = leftovers.map(|(_, record)| record);
        let current = self.resources.get(address).filter(is_it);
        current.or_else(|| leftovers.find(is_it))
    }

    pub fn holds(&self, kind: &KindName, id: &PhysicalId) -> bool {
        self.resources
            .values()
            .chain(self.leftovers.iter().map(|(_, record)| record))
            .any(|record| record.kind == *kind && record.id == *id)
    }
}

/// A leftover as text: its record, and the address that it stands at.
mod leftover {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Address, Record};

    #[derive(Serialize)]
    struct Written<'a> {
        address: &'a Address,
        #[serde(flatten)]
        record: &'a Record,
    }

    #[derive(Deserialize)]
    struct Read {
        address: Address,
        #[serde(flatten)]
        record: Record,
    }

    pub fn serialize<S: Serializer>(all: &[(Address, Record)], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(
            all.iter()
                .map(|(address, record)| Written { address, record }),
        )
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<(Address, Record)>, D::Error> {
        let all: Vec<Read> = Vec::deserialize(from)?;
        Ok(all
            .into_iter()
            .map(|one| (one.address, one.record))
            .collect())
    }
}
