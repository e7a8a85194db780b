//! How a stack stands, as plain values: what `status` shows. Read by `session/status.rs`, judged by `findings.rs`, shown by
//! `render/status.rs`.

use std::collections::BTreeSet;

use serde::Serialize;

mod cause;
mod findings;

pub use findings::{Finding, Severity, findings};

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
    /// Their addresses.
    #[serde(skip)]
    pub made: BTreeSet<Address>,
    /// What is wrong, outages first.
    pub findings: Vec<Finding>,
}

impl Status {
    /// Whether every service that should serve does.
    pub fn serves(&self) -> bool {
        self.findings
            .iter()
            .all(|finding| finding.severity != Severity::Outage)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Service {
    pub address: Address,
    pub name: String,
    /// It was made by an apply, as far as state or tags tell.
    pub made: bool,
    /// The number of tasks that was last applied.
    pub recorded_count: Option<i64>,
    /// Name or ARN of its cluster.
    #[serde(skip)]
    pub cluster: String,
    /// `None`: it is not there.
    pub state: Option<ServiceState>,
}

impl Service {
    /// Whether it should serve: it was made, and its tasks are wanted.
    pub fn is_wanted(&self) -> bool {
        match &self.state {
            Some(state) => state.desired > 0 || self.recorded_count.is_some_and(|n| n > 0),
            None => self.made,
        }
    }
}

/// How requests reach a service, as it was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// The load balancer's state, `active`; `None`: it is gone.
    pub balancer: Option<String>,
    pub listeners: usize,
    /// A listener or a rule forwards to the target group.
    pub forwards: bool,
    /// The target group is there.
    pub target_group: bool,
}

/// A task that ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EndedTask {
    pub id: String,
    pub reason: String,
    /// What it wrote last, where that was looked for.
    pub last_line: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServiceState {
    /// `ACTIVE`, `DRAINING`.
    pub status: String,
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
    /// `None`: it is behind no load balancer.
    pub entry: Option<Entry>,
    /// Tasks that ended of late, the latest first; read only where something is wrong.
    pub ended: Vec<EndedTask>,
    /// Events since its deployments began, newest first.
    #[serde(skip)]
    pub events: Vec<String>,
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

    /// Targets that are not on their way out.
    pub fn staying(&self) -> Vec<&Target> {
        let leaving = |target: &&Target| target.state != "draining";
        self.targets.iter().filter(leaving).collect()
    }

    pub fn primary(&self) -> Option<&Deployment> {
        self.deployments.iter().find(|one| one.status == "PRIMARY")
    }

    pub fn is_rolling(&self) -> bool {
        self.primary()
            .is_some_and(|one| one.rollout == "IN_PROGRESS")
    }

    /// One deployment that is done, all that is wanted runs, and the targets are healthy: nothing is left to look for.
    pub fn is_steady(&self) -> bool {
        let wanted = usize::try_from(self.desired).unwrap_or(0);
        let done = |one: &Deployment| {
            matches!(one.rollout.as_str(), "COMPLETED" | "")
                && !one.reason.contains("circuit breaker")
        };
        self.deployments.len() <= 1
            && self.deployments.iter().all(done)
            && self.running == self.desired
            && self.pending == 0
            && (self.entry.is_none() || self.healthy() >= wanted)
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
    /// It was made by an apply, as far as state or tags tell.
    pub made: bool,
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
