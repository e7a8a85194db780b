//! A session: one stack in one environment, in one account. Opens the world and the state, looks, plans, and carries plans out. The
//! commands are thin around it.
//!
//! ```text
//!   stack file ─▶ open ─▶ Session ─look─▶ Planned ─▶ apply (lease, ledger, engine)
//! ```

mod apply;
mod backend;
mod bootstrap;
mod error;
mod foreign_services;
mod hands;
mod history;
mod lock;
mod logins;
mod logs;
mod look;
mod migrate;
mod open;
mod pipeline;
mod releases;
mod required_keys;
mod running;
mod secrets;
mod ship;
mod state_verbs;
mod status;
mod who;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

pub use apply::{Applied, RunAsk};
pub use backend::Place;
pub use bootstrap::Bootstrapped;
pub use error::SessionError;
pub use history::{Deed, PastRun};
pub use lock::Salvaged;
pub use logs::{Follower, Source};
pub use look::Planned;
pub use migrate::Migrated;
pub use open::{check, check_everywhere, check_with};
pub use pipeline::PipelinePlan;
pub use secrets::{Changed, Hand};
pub use ship::{Calls, Subject, Target};
pub use state_verbs::Rebuilt;

use crate::aws::Aws;
use crate::aws::told::Listener;
use crate::diagnostic::Texts;
use crate::kind::Kinds;
use crate::model::Scope;
use crate::plan::{Header, Wish};
use crate::stack::{Stack, VarFile};
use crate::state::{Lease, Store};

/// Which stack, in which world.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub stack_file: PathBuf,
    pub environment: Option<String>,
    pub variables: Vec<(String, String)>,
    pub variable_files: Vec<VarFile>,
    /// The process environment, for `CIRCLES_…` and `AWS_ENDPOINT_URL`.
    pub process: BTreeMap<String, String>,
    pub region: Option<String>,
    pub profile: Option<String>,
    pub sandbox: bool,
    /// Hears of every call to AWS.
    pub listener: Option<Listener>,
}

/// An open world.
pub struct Session {
    pub stack: Stack,
    pub texts: Texts,
    pub header: Header,
    pub scope: Scope,
    pub kinds: Kinds,
    pub aws: Arc<Aws>,
    pub store: Arc<dyn Store>,
    wishes: Vec<Wish>,
    /// The region's availability zones.
    zones: crate::aws::Zones,
    request: Request,
    /// Held from the first look of a changing command to its end.
    lease: Option<Arc<dyn Lease>>,
    planned: Option<Planned>,
}
