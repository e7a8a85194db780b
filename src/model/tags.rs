use std::collections::BTreeMap;

use super::{Address, Scope};

/// Every tag of ours begins with this.
pub const TAG_PREFIX: &str = "circles-infra:";

/// Marks a resource that `protect` keeps from being deleted and that AWS itself would delete all the same. Beside the state, so that
/// neither a lost state nor a block taken out of the stack file lifts it.
pub const PROTECT_TAG: &str = "circles-infra:protect";

/// A resource's tags, by key. `aws:` keys are AWS's own and are dropped on reading.
pub type Tags = BTreeMap<String, String>;

/// Who a resource belongs to, as its tags say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership {
    pub stack: String,
    pub environment: String,
    pub region: String,
    pub address: Address,
    /// Counts replacements: with two live resources at one address the higher is the one.
    pub generation: u32,
}

impl Ownership {
    pub fn new(scope: &Scope, address: &Address, generation: u32) -> Self {
        Self {
            stack: scope.stack.clone(),
            environment: scope.environment.clone(),
            region: scope.region.clone(),
            address: address.clone(),
            generation,
        }
    }

    /// The tags that say so.
    pub fn tags(&self) -> Tags {
        [
            ("stack", self.stack.clone()),
            ("env", self.environment.clone()),
            ("region", self.region.clone()),
            ("address", self.address.to_string()),
            ("generation", self.generation.to_string()),
        ]
        .into_iter()
        .map(|(key, value)| (format!("{TAG_PREFIX}{key}"), value))
        .collect()
    }

    /// What `tags` say; `None` unless stack, env, region and address are all there.
    pub fn read(tags: &Tags) -> Option<Self> {
        let get = |key: &str| tags.get(&format!("{TAG_PREFIX}{key}"));
        Some(Self {
            stack: get("stack")?.clone(),
            environment: get("env")?.clone(),
            region: get("region")?.clone(),
            address: Address::new(get("address")?.clone()),
            generation: get("generation").and_then(|g| g.parse().ok()).unwrap_or(1),
        })
    }

    /// Whether this is a resource of that stack and environment, in that region.
    pub fn is_of(&self, scope: &Scope) -> bool {
        self.stack == scope.stack
            && self.environment == scope.environment
            && self.region == scope.region
    }
}
