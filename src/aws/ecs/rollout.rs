//! What a service's deployments come to. Pure.
//!
//! With the circuit breaker a service becomes steady on the OLD task definition, so being steady is not enough: the primary deployment
//! must be of the wished one (ECS developer guide, "How the Amazon ECS deployment circuit breaker detects failures").

use aws_sdk_ecs::types::{Deployment as Inner, ServiceEvent};

use super::begun::BegunDeployment;
use crate::kind::Readiness;

/// One deployment of a service, as `DescribeServices` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    pub id: String,
    /// `PRIMARY` is the newest, `ACTIVE` an older one that still has tasks.
    pub status: String,
    pub task_definition: String,
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    pub rollout_state: String,
    pub reason: String,
    /// Seconds since 1970.
    pub made_at: i64,
    pub desired: i32,
    pub running: i32,
    pub pending: i32,
    /// Tasks that ended before they were steady.
    pub failed: i32,
}

/// One line of a service's own log, newest first; AWS keeps the last 100.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    /// Seconds since 1970.
    pub at: i64,
    pub message: String,
}

/// A service's counts and deployments, and what it should be running, where that is known.
#[derive(Clone, Debug)]
pub struct Rollout<'a> {
    pub status: &'a str,
    /// What the service shall run, as it says itself.
    pub definition: &'a str,
    pub desired: i32,
    pub running: i32,
    pub pending: i32,
    pub deployments: &'a [Deployment],
    pub events: &'a [Event],
    /// Its server was found to roll nothing out: see [`Rollout::stands_still`].
    pub still: bool,
    pub wished: Option<&'a str>,
    /// When the wished one was registered, in seconds since 1970; read only when [`Rollout::may_be_rolled_back`].
    pub wished_at: Option<i64>,
    /// The deployment that this process began, if it did.
    pub begun: Option<&'a BegunDeployment>,
}

impl Deployment {
    /// Whether the circuit breaker made it: "ECS deployment circuit breaker: rolling back to deploymentId …", later "rollback completed."
    pub fn is_rollback(&self) -> bool {
        self.reason.contains("circuit breaker") && self.rollout_state != "FAILED"
    }
}

pub fn deployment(inner: &Inner) -> Deployment {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Deployment {
        id: text(inner.id()),
        status: text(inner.status()),
        task_definition: text(inner.task_definition()),
        rollout_state: text(inner.rollout_state().map(|state| state.as_str())),
        reason: text(inner.rollout_state_reason()),
        made_at: inner.created_at().map_or(0, |at| at.secs()),
        desired: inner.desired_count(),
        running: inner.running_count(),
        pending: inner.pending_count(),
        failed: inner.failed_tasks(),
    }
}

pub fn event(inner: &ServiceEvent) -> Event {
    Event {
        id: inner.id().unwrap_or_default().to_owned(),
        at: inner.created_at().map_or(0, |at| at.secs()),
        message: inner.message().unwrap_or_default().to_owned(),
    }
}

impl Rollout<'_> {
    pub fn primary(&self) -> Option<&Deployment> {
        self.deployments
            .iter()
            .find(|deployment| deployment.status == "PRIMARY")
    }

    pub fn readiness(&self) -> Readiness {
        match self.status {
            "ACTIVE" => {}
            "DRAINING" => return Readiness::Going(self.counts()),
            other => return Readiness::NotYet(other.to_lowercase()),
        }
        if let Some(why) = self.failure() {
            return Readiness::Broken(why);
        }
        if self.still {
            return Readiness::Ready;
        }
        let Some(primary) = self.primary() else {
            return Readiness::NotYet("no deployment yet".into());
        };
        if self
            .wished
            .is_some_and(|wished| wished != primary.task_definition)
        {
            return Readiness::NotYet("the new task definition is not rolled out yet".into());
        }
        // An answer from before the update; its deployment may be of the same task definition.
        let stale =
            |begun: &BegunDeployment| primary.id != begun.id && primary.made_at < begun.made_at;
        if self.begun.is_some_and(stale) {
            return Readiness::NotYet("the new deployment is not shown yet".into());
        }
        // Containers that run may still fail their health checks: AWS completes a deployment when they have passed them. Only a server
        // that gives no rollout state is judged by its counts.
        let steady = match primary.rollout_state.as_str() {
            "COMPLETED" => self.running >= self.desired,
            "" => self.deployments.len() == 1 && self.running == self.desired,
            _ => false,
        };
        if steady {
            Readiness::Ready
        } else {
            Readiness::NotYet(self.counts())
        }
    }

    /// What no AWS shows for long: the service has the wished definition and its one deployment is of another, or tasks are about to
    /// start and no event tells of it. AWS begins the deployment together with the change of the service, and an event with each start.
    /// A server that keeps answering so (moto) rolls nothing out: waiting for it would never end.
    pub fn stands_still(&self) -> bool {
        let (Some(wished), [only]) = (self.wished, self.deployments) else {
            return false;
        };
        let behind = self.definition == wished
            && only.task_definition != wished
            && !only.reason.contains("circuit breaker");
        let idle = self.pending > 0 && only.failed == 0 && self.events.is_empty();
        self.status == "ACTIVE" && (behind || idle)
    }

    /// Whether the service went back from some task definition, and it has to be seen whether that was the wished one.
    pub fn may_be_rolled_back(&self) -> bool {
        self.primary().is_some_and(|primary| {
            primary.reason.contains("circuit breaker")
                && self
                    .wished
                    .is_some_and(|wished| wished != primary.task_definition)
        })
    }

    /// Why the wished task definition will not come to run: its roll-out failed, and perhaps was rolled back.
    fn failure(&self) -> Option<String> {
        let primary = self.primary()?;
        if let Some(reason) = self.rollback_reason() {
            return Some(self.explain(reason));
        }
        if self
            .wished
            .is_none_or(|wished| wished == primary.task_definition)
        {
            // An earlier attempt with the same definition does not count.
            return (primary.rollout_state == "FAILED").then(|| self.explain(&primary.reason));
        }
        let failed = self.deployments.iter().find(|deployment| {
            deployment.rollout_state == "FAILED"
                && self.wished == Some(deployment.task_definition.as_str())
        });
        if let Some(failed) = failed {
            return Some(self.explain(&failed.reason));
        }
        // The failed one has left the list. A deployment that went back before the wished definition was there went back from another.
        // (An emulator that does not say when is believed.)
        let since_then = self.wished_at.is_none_or(|since| primary.made_at >= since);
        (self.may_be_rolled_back() && since_then).then(|| self.explain(&primary.reason))
    }

    /// Why ECS went back from the deployment that this process began, if it did.
    pub fn rollback_reason(&self) -> Option<&str> {
        let (begun, primary) = (self.begun?, self.primary()?);
        // An answer from before the update shows an older primary.
        if primary.id == begun.id || primary.made_at < begun.made_at {
            return None;
        }
        let ours = self.deployments.iter().find(|one| one.id == begun.id);
        match ours {
            Some(ours) if ours.rollout_state == "FAILED" => Some(&ours.reason),
            _ if primary.is_rollback() => Some(&primary.reason),
            _ => None,
        }
    }

    fn explain(&self, reason: &str) -> String {
        let mut text = String::from("its roll-out failed");
        if !reason.is_empty() {
            text.push_str(&format!(": {reason}"));
        }
        if let Some(event) = self.telling_event() {
            text.push_str(&format!(" ({event})"));
        }
        text
    }

    fn counts(&self) -> String {
        let mut text = format!("{} of {} running", self.running, self.desired);
        if self.pending > 0 {
            text.push_str(&format!(", {} starting", self.pending));
        }
        let failed = self.primary().map_or(0, |primary| primary.failed);
        if failed > 0 {
            text.push_str(&format!(", {failed} failed to start"));
            if let Some(event) = self.telling_event() {
                text.push_str(&format!(" ({event})"));
            }
        }
        let older = self.deployments.len().saturating_sub(1);
        if older > 0 && self.status == "ACTIVE" {
            text.push_str(", the previous ones still stopping");
        }
        text
    }

    /// The newest event that says what is wrong, without the service's name in front of it.
    fn telling_event(&self) -> Option<&str> {
        let telling = ["unable", "failed", "unhealthy", "error", "stopped"];
        self.events
            .iter()
            .map(|event| event.message.as_str())
            .find(|message| telling.iter().any(|word| message.contains(word)))
            .map(|message| match message.split_once(") ") {
                Some((service, rest)) if service.starts_with("(service ") => rest,
                _ => message,
            })
    }
}

#[cfg(test)]
mod tests;
