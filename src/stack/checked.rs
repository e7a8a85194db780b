//! What the rest of the program takes from the language.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::diagnostic::Diagnostic;
use crate::model::{Address, Attributes, KindName, Origin, Tags, Value};

/// One stack in one environment: checked, components expanded, nothing asked of AWS yet.
#[derive(Clone, Debug, Serialize)]
pub struct Stack {
    pub name: String,
    pub environment: String,
    /// The file's region, which wins over the shell's; `None`: the shell's.
    pub region: Option<String>,
    /// The only account this environment may be applied to.
    pub account: Option<String>,
    /// Accounts that other environments are bound to: refused for this one unless it names one of them itself.
    pub other_accounts: Vec<String>,
    /// The ARN of a role to assume first.
    pub assume_role: Option<String>,
    /// Databases, buckets and secrets may be deleted and replaced without further word.
    pub ephemeral: bool,
    pub protect: bool,
    /// Of the stack and the environment; every resource's `tags` hold them already.
    pub tags: Tags,
    pub state: StateSettings,
    /// What AWS names begin with: the stack's name in the default environment, `stack-environment` in others.
    pub prefix: String,
    /// Kinds only, in the file's order, a component's own in the component's.
    pub resources: Vec<Resource>,
    pub outputs: Vec<(String, Value)>,
    pub moved: Vec<(Address, Address)>,
    pub variables: BTreeMap<String, Value>,
    pub warnings: Vec<Diagnostic>,
    /// SHA-256 of text, environment and variables, in hex: a plan file belongs to exactly one.
    pub digest: String,
    pub existing: Vec<Existing>,
    pub services: Vec<ServiceInfo>,
}

impl Stack {
    /// Whether its state is kept where every machine finds it.
    pub fn keeps_state_in_s3(&self) -> bool {
        matches!(self.state, StateSettings::S3 { .. })
    }

    pub fn resource(&self, address: &str) -> Option<&Resource> {
        self.resources
            .iter()
            .find(|resource| resource.address.as_str() == address)
    }
}

/// One AWS resource as the stack wants it.
#[derive(Clone, Debug, Serialize)]
pub struct Resource {
    pub address: Address,
    pub kind: KindName,
    /// Defaults filled in. References are to kinds' addresses, or to [`Existing`] ones. A field that AWS shall choose is not there;
    /// one that shall be unset is `Null`.
    pub attributes: Attributes,
    /// What it waits for beyond what it refers to.
    pub depends_on: Vec<Address>,
    pub protect: bool,
    /// Forgotten instead of deleted.
    pub retain: bool,
    /// Fields that somebody else owns: not compared.
    pub ignore: Vec<String>,
    /// By verb: `create`, `update`, `delete`.
    pub timeouts: BTreeMap<String, Duration>,
    /// The stack's, the environment's and its own, and `Name`.
    pub tags: Tags,
    /// Its entry in the file.
    pub origin: Origin,
    /// Field by field, where known.
    pub field_origins: BTreeMap<String, Origin>,
}

impl Resource {
    /// Addresses it refers to or depends on, each once.
    pub fn dependencies(&self) -> Vec<Address> {
        let references = self.attributes.references().into_iter().map(|r| r.address);
        let secrets = self.attributes.secrets().into_iter().map(|s| s.address);
        let mut all: Vec<Address> = references
            .chain(secrets)
            .chain(self.depends_on.iter().cloned())
            .collect();
        all.sort();
        all.dedup();
        all
    }

    /// Where `field` was asked for, or else the entry.
    pub fn origin_of(&self, field: &str) -> &Origin {
        self.field_origins.get(field).unwrap_or(&self.origin)
    }
}

/// Where the state is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "backend")]
pub enum StateSettings {
    Local {
        /// A folder; `None`: `state/` beside the stack's project.
        path: Option<String>,
    },
    S3 {
        bucket: String,
        /// What the names of its objects begin with.
        key: String,
        /// `None`: the stack's.
        region: Option<String>,
        /// The account that owns the bucket; `None`: the run's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<String>,
        /// `None`: S3's own keys encrypt it.
        kms_key_id: Option<String>,
        /// The DynamoDB table that keeps the lease; `None`: the bucket does.
        lock_table: Option<String>,
    },
}

/// Something of somebody else's, looked up before planning and never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Existing {
    /// References to it stay in the resources as `${address.attribute}`.
    pub address: Address,
    /// `network` (id, vpc_id, cidr, public_subnets, private_subnets) `ecs.cluster` (id, arn, name) or
    /// `certificate` (id, arn, domain).
    pub kind: String,
    /// By name: all of them have to match exactly one.
    pub criteria: BTreeMap<String, Value>,
    pub origin: Origin,
}

/// A `fargate_service`, for deploying to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceInfo {
    /// Of the component.
    pub address: Address,
    pub service: Address,
    pub task_definition: Address,
    /// The name of the container that gets the image.
    pub container: String,
    /// The repository's address, unless the image comes from elsewhere.
    pub repository: Option<Address>,
    pub target_group: Option<Address>,
    /// The cluster's address.
    pub cluster: Address,
    pub log_group: Option<Address>,
    /// Tag or digest that the stack names.
    pub image: Value,
    /// `X86_64` or `ARM64`.
    pub architecture: String,
    /// How its image is built.
    pub build: Option<BuildInfo>,
    /// What migrates its database, in a task of its own.
    pub migrate: Vec<String>,
    /// What gives a database user its password, in a task of its own: the program and its arguments.
    pub rotate_login: Vec<String>,
    /// The role that starts the task which runs it.
    pub rotation_role: Option<Address>,
}

/// How an image is built. Paths are beside the stack file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildInfo {
    /// The folder that is sent to the builder.
    pub context: String,
    pub dockerfile: Option<String>,
    pub target: Option<String>,
    #[serde(default)]
    pub args: BTreeMap<String, String>,
}

impl Default for BuildInfo {
    fn default() -> Self {
        Self {
            context: ".".into(),
            dockerfile: None,
            target: None,
            args: BTreeMap::new(),
        }
    }
}
