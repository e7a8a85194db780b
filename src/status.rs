//! How a stack stands, as plain values: what `status` shows. Read by `session/status.rs`, shown by `render/status.rs`.

use serde::Serialize;

use crate::deploy::release::Release;
use crate::model::Address;
use crate::secrets::SecretRow;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    pub stack: String,
    pub environment: String,
    pub account: String,
    pub region: String,
    /// Seconds since 1970, when it was looked.
    pub at: i64,
    /// Where the service answers.
    pub url: Option<String>,
    pub services: Vec<Service>,
    pub databases: Vec<Database>,
    pub secrets: Vec<SecretRow>,
    pub drift: Drift,
    /// A run that was cut short, and what it was doing.
    pub unfinished: Option<String>,
    /// Resources that the state knows.
    pub resources: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Service {
    pub address: Address,
    pub name: String,
    /// `None`: it is not there.
    pub state: Option<ServiceState>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServiceState {
    /// What runs, as its task definition tells; `None`: AWS has that no more.
    pub release: Option<Release>,
    /// `family:revision`.
    pub task_definition: String,
    pub desired: i32,
    pub running: i32,
    pub pending: i32,
    pub deployments: Vec<Deployment>,
    pub tasks: Vec<Task>,
    pub targets: Vec<Target>,
    /// The service's own last word.
    pub last_event: Option<String>,
    /// Secrets with a version that is newer than some task that reads them.
    pub older_than_secrets: Vec<Address>,
}

impl ServiceState {
    pub fn healthy(&self) -> usize {
        self.targets
            .iter()
            .filter(|target| target.state == "healthy")
            .count()
    }

    /// One deployment, all that is wanted runs, and the balancer agrees.
    pub fn is_steady(&self) -> bool {
        let wanted = usize::try_from(self.desired).unwrap_or(0);
        self.deployments.len() <= 1
            && self.running == self.desired
            && self.pending == 0
            && (self.targets.is_empty() || self.healthy() >= wanted)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Deployment {
    /// `PRIMARY`, `ACTIVE`.
    pub status: String,
    pub rollout: String,
    pub task_definition: String,
    pub running: i32,
    pub desired: i32,
    pub failed: i32,
    /// Why it failed or was rolled back; empty otherwise.
    pub reason: String,
    /// Seconds since 1970.
    pub since: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Task {
    pub id: String,
    pub status: String,
    pub health: String,
    /// Seconds since 1970.
    pub started: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Target {
    pub id: String,
    pub state: String,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Database {
    pub address: Address,
    pub name: String,
    /// `None`: it is not there.
    pub state: Option<DatabaseState>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DatabaseState {
    pub status: String,
    pub engine_version: String,
    pub class: String,
    /// GiB.
    pub storage: i32,
    pub multi_az: bool,
    pub endpoint: Option<String>,
}

/// What was changed outside.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drift {
    /// Everything was looked at; otherwise only what a status reads anyway.
    pub whole: bool,
    /// One line each.
    pub found: Vec<String>,
}
