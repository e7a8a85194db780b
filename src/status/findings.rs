//! What is wrong with a stack, judged from what was read of it: whether its services serve, the likely cause, and the next command. Pure.

use serde::Serialize;

use super::cause::{Cause, cause_of};
use super::{Deployment, EndedTask, Entry, Service, ServiceState, Status};
use crate::model::Address;

mod stores;
#[cfg(test)]
mod tests;

use stores::{database_finding, secret_finding};

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub about: Address,
    pub severity: Severity,
    /// A sentence without a full stop.
    pub text: String,
    /// The command that helps, or what to do.
    pub next: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A service does not serve because of it.
    Outage,
    /// The services serve all the same.
    Warning,
}

/// Everything that is wrong, outages first.
pub fn findings(status: &Status) -> Vec<Finding> {
    if status.resources == 0 {
        return Vec::new();
    }
    let wanted = status.services.iter().any(Service::is_wanted);
    let mut all = Vec::new();
    for service in &status.services {
        service_findings(service, &mut all);
    }
    for database in &status.databases {
        all.extend(database_finding(database, &status.region, wanted));
    }
    let running = status.services.iter().all(|service| {
        service
            .state
            .as_ref()
            .is_none_or(|state| state.running >= state.desired)
    });
    for secret in &status.secrets {
        let made = status.made.contains(&secret.address);
        all.extend(secret_finding(secret, made, running || !wanted));
    }
    all.sort_by_key(|finding| finding.severity == Severity::Warning);
    all
}

impl Finding {
    fn outage(about: &Address, text: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            about: about.clone(),
            severity: Severity::Outage,
            text: text.into(),
            next: Some(next.into()),
        }
    }

    fn warning(about: &Address, text: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::outage(about, text, next)
        }
    }
}

fn service_findings(service: &Service, all: &mut Vec<Finding>) {
    let (at, name) = (&service.address, &service.name);
    let Some(state) = &service.state else {
        all.push(if service.made {
            let text = format!("ECS has no service {name} any more");
            Finding::outage(at, text, "circles-infra apply")
        } else {
            Finding::warning(at, "it is not made yet", "circles-infra apply")
        });
        return;
    };
    if state.status != "ACTIVE" {
        let text = format!(
            "the service is being deleted ({})",
            state.status.to_lowercase()
        );
        all.push(Finding::outage(at, text, "circles-infra apply"));
        return;
    }
    if state.desired == 0 {
        if service.recorded_count.is_some_and(|count| count > 0) {
            let text = "it is scaled to 0 tasks, and was applied with more";
            all.push(Finding::outage(at, text, "circles-infra apply"));
        }
        return;
    }
    let cause = likely_cause(service, state);
    let before = all.len();
    entry_findings(service, state, cause.as_ref(), all);
    task_findings(service, state, cause.as_ref(), all);
    // The cause is told once.
    let untold = |cause: &&Cause| {
        all[before..]
            .iter()
            .all(|one| !one.text.contains(&cause.text))
    };
    let cause = cause.as_ref().filter(untold);
    rollout_findings(service, state, cause, all);
    for secret in &state.older_than_secrets {
        all.push(Finding::warning(
            at,
            format!("{secret} has a newer version than running tasks started with"),
            "circles-infra redeploy, or circles-infra apply when a key came or went",
        ));
    }
}

/// How requests come in: balancer, listener or rule, target group, targets.
fn entry_findings(
    service: &Service,
    state: &ServiceState,
    cause: Option<&Cause>,
    all: &mut Vec<Finding>,
) {
    let Some(entry) = &state.entry else { return };
    let at = &service.address;
    let before = all.len();
    if let Some(text) = broken_way(entry) {
        all.push(Finding::outage(at, text, "circles-infra apply"));
    }
    if !entry.target_group {
        return;
    }
    let (healthy, staying) = (state.healthy(), state.staying());
    if healthy > 0 && healthy == staying.len() {
        return;
    }
    let reason = staying
        .iter()
        .filter(|target| target.state == "unhealthy")
        .find_map(|target| target.reason.clone())
        .map_or_else(String::new, |reason| format!(": {reason}"));
    let logs = format!("circles-infra logs {at}");
    let unhealthy = staying
        .iter()
        .any(|target| target.state != "healthy" && target.state != "initial");
    let checked = !unhealthy;
    if healthy > 0 && checked && state.is_rolling() {
        // New tasks on their way in.
    } else if healthy > 0 {
        let text = format!("{healthy} of {} targets are healthy{reason}", staying.len());
        all.push(Finding::warning(at, text, logs));
    } else if staying.is_empty() {
        // Tasks that do not run register no target: that is said of the tasks.
        if state.running > 0 && all.len() == before {
            let text = "no target is registered in its target group, although tasks run";
            all.push(Finding::outage(
                at,
                text,
                format!("circles-infra redeploy {at}"),
            ));
        }
    } else if checked && all.len() == before {
        let text = "its targets are still in their first health checks";
        all.push(Finding::outage(
            at,
            text,
            "circles-infra status, in a minute",
        ));
    } else if all.len() == before {
        let text = format!("none of its {} targets is healthy{reason}", staying.len());
        let next = cause.map_or(logs, |cause| cause.next.clone());
        all.push(Finding::outage(at, text, next));
    }
}

/// What keeps the load balancer from forwarding requests, if anything does.
fn broken_way(entry: &Entry) -> Option<String> {
    let text = match entry.balancer.as_deref() {
        None => "its load balancer is gone".to_owned(),
        Some("failed") => "its load balancer failed to be set up".to_owned(),
        Some("provisioning") => "its load balancer is still being set up".to_owned(),
        Some(_) if entry.listeners == 0 => "its load balancer has no listener".to_owned(),
        Some(_) if !entry.target_group => "its target group is gone".to_owned(),
        Some(_) if !entry.forwards => {
            "no listener or rule forwards requests to its target group".to_owned()
        }
        Some(_) => return None,
    };
    Some(text)
}

fn task_findings(
    service: &Service,
    state: &ServiceState,
    cause: Option<&Cause>,
    all: &mut Vec<Finding>,
) {
    let at = &service.address;
    let because = cause.map_or_else(String::new, |cause| format!(": {}", cause.text));
    let next = cause.map_or_else(
        || format!("circles-infra logs {at}"),
        |cause| cause.next.clone(),
    );
    let ill = state
        .tasks
        .iter()
        .filter(|task| task.health == "UNHEALTHY")
        .count();
    if state.running == 0 {
        let starting = cause.is_none() && state.pending > 0;
        let (text, next) = if starting {
            (
                "no task runs yet; they are starting".to_owned(),
                "circles-infra status, in a minute".to_owned(),
            )
        } else {
            (format!("no task runs{because}"), next)
        };
        all.push(Finding::outage(at, text, next));
    } else if ill > 0 && ill == state.tasks.len() && state.entry.is_none() {
        let text = "all of its tasks fail their container's health check";
        all.push(Finding::outage(
            at,
            text,
            format!("circles-infra logs {at}"),
        ));
    } else if ill > 0 {
        let text = format!(
            "{ill} of {} tasks fail their container's health check",
            state.tasks.len()
        );
        all.push(Finding::warning(
            at,
            text,
            format!("circles-infra logs {at}"),
        ));
    } else if state.running < state.desired && !state.is_rolling() {
        let text = format!("{} of {} tasks run{because}", state.running, state.desired);
        all.push(Finding::warning(at, text, next));
    }
}

fn rollout_findings(
    service: &Service,
    state: &ServiceState,
    cause: Option<&Cause>,
    all: &mut Vec<Finding>,
) {
    let at = &service.address;
    let because = cause.map_or_else(String::new, |cause| {
        format!(". Likely cause: {}", cause.text)
    });
    let Some(primary) = state.primary() else {
        return;
    };
    let failed = state.deployments.iter().find(|one| one.rollout == "FAILED");
    if primary.rollout == "FAILED" {
        let text = format!(
            "the roll-out of {} failed, and ECS starts no more of its tasks{because}",
            primary.task_definition
        );
        let next = cause.map_or_else(|| format!("circles-infra deploy {at}"), |c| c.next.clone());
        all.push(Finding::warning(at, text, next));
    } else if failed.is_some() || is_rollback(primary) {
        let text = format!(
            "the last roll-out failed, and ECS went back: {} runs, not what was rolled out{because}",
            primary.task_definition
        );
        let next = cause.map_or_else(|| format!("circles-infra logs {at}"), |c| c.next.clone());
        all.push(Finding::warning(at, text, next));
    } else if primary.failed > 0 && primary.rollout != "COMPLETED" {
        let text = format!(
            "{} tasks of the roll-out of {} ended before they were steady{because}",
            primary.failed, primary.task_definition
        );
        let next = cause.map_or_else(|| format!("circles-infra logs {at}"), |c| c.next.clone());
        all.push(Finding::warning(at, text, next));
    }
}

fn is_rollback(deployment: &Deployment) -> bool {
    deployment.reason.contains("circuit breaker") && deployment.rollout != "FAILED"
}

/// From the tasks that ended, or else from the service's own events.
fn likely_cause(service: &Service, state: &ServiceState) -> Option<Cause> {
    let at = &service.address;
    let of_task = |task: &EndedTask| {
        let last = task.last_line.as_deref();
        cause_of(at, &task.reason, last)
    };
    let of_tasks = state.ended.iter().find_map(of_task);
    of_tasks.or_else(|| {
        state
            .events
            .iter()
            .find_map(|event| cause_of(at, event, None))
    })
}
