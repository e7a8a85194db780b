//! What a service's deployments come to. Pure.
//!
//! With the circuit breaker a service becomes steady on the OLD task definition, so being steady is not enough: the primary deployment
//! must be of the wished one (ECS developer guide, "How the Amazon ECS deployment circuit breaker detects failures").

use aws_sdk_ecs::types::{Deployment as Inner, ServiceEvent};

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
        let completed = primary.rollout_state == "COMPLETED" && self.running >= self.desired;
        let steady = self.deployments.len() == 1 && self.running == self.desired;
        if completed || steady {
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
mod tests {
    use super::*;

    const OLD: &str = "arn:aws:ecs:r:1:task-definition/app:1";
    const NEW: &str = "arn:aws:ecs:r:1:task-definition/app:2";

    fn one(status: &str, task_definition: &str, state: &str) -> Deployment {
        Deployment {
            id: "ecs-svc/1".into(),
            status: status.into(),
            task_definition: task_definition.into(),
            rollout_state: state.into(),
            reason: String::new(),
            made_at: 100,
            desired: 2,
            running: 2,
            pending: 0,
            failed: 0,
        }
    }

    fn rollout<'a>(
        running: i32,
        deployments: &'a [Deployment],
        wished: Option<&'a str>,
    ) -> Rollout<'a> {
        Rollout {
            status: "ACTIVE",
            definition: wished.unwrap_or(OLD),
            desired: 2,
            running,
            pending: 0,
            deployments,
            events: &[],
            still: false,
            wished,
            wished_at: None,
        }
    }

    #[test]
    fn ready_is_the_wished_definition_rolled_out() {
        let done = [one("PRIMARY", NEW, "COMPLETED")];
        assert_eq!(rollout(2, &done, Some(NEW)).readiness(), Readiness::Ready);
        assert_eq!(rollout(2, &done, None).readiness(), Readiness::Ready);
        // Older services have no rollout state: one deployment with all tasks running.
        let plain = [one("PRIMARY", NEW, "")];
        assert_eq!(rollout(2, &plain, Some(NEW)).readiness(), Readiness::Ready);
        // Done rolling while the old ones still stop.
        let both = [
            one("PRIMARY", NEW, "COMPLETED"),
            one("ACTIVE", OLD, "COMPLETED"),
        ];
        assert_eq!(rollout(3, &both, Some(NEW)).readiness(), Readiness::Ready);
    }

    #[test]
    fn tasks_that_are_missing_are_waited_for() {
        let rolling = [
            one("PRIMARY", NEW, "IN_PROGRESS"),
            one("ACTIVE", OLD, "COMPLETED"),
        ];
        assert_eq!(
            rollout(2, &rolling, Some(NEW)).readiness(),
            Readiness::NotYet("2 of 2 running, the previous ones still stopping".into())
        );
        // Scaled up: no new deployment, but fewer tasks than wished.
        let done = [one("PRIMARY", NEW, "COMPLETED")];
        assert_eq!(
            rollout(1, &done, Some(NEW)).readiness(),
            Readiness::NotYet("1 of 2 running".into())
        );
        assert!(matches!(
            rollout(0, &[], Some(NEW)).readiness(),
            Readiness::NotYet(_)
        ));
    }

    #[test]
    fn steady_on_the_old_definition_is_not_ready() {
        // An answer from before the update.
        let stale = [one("PRIMARY", OLD, "COMPLETED")];
        assert!(matches!(
            rollout(2, &stale, Some(NEW)).readiness(),
            Readiness::NotYet(_)
        ));
        // Rolled back, and the failed deployment has left the list.
        let mut back = one("PRIMARY", OLD, "COMPLETED");
        back.reason = "ECS deployment circuit breaker: rollback completed.".into();
        let back = [back];
        let mut rolled = rollout(2, &back, Some(NEW));
        assert!(rolled.may_be_rolled_back());
        rolled.wished_at = Some(90);
        assert!(matches!(rolled.readiness(), Readiness::Broken(_)));
        // An answer from before the update, of a service that went back from another definition earlier.
        rolled.wished_at = Some(110);
        assert!(matches!(rolled.readiness(), Readiness::NotYet(_)));
        // The same service, looked at for planning, is what it is.
        assert_eq!(rollout(2, &back, None).readiness(), Readiness::Ready);
    }

    #[test]
    fn a_failed_roll_out_is_broken_and_says_why() {
        let mut failed = one("ACTIVE", NEW, "FAILED");
        failed.reason = "tasks failed to start.".into();
        let deployments = [one("PRIMARY", OLD, "IN_PROGRESS"), failed];
        let events = [Event {
            id: "1".into(),
            at: 0,
            message: "(service app) was unable to place a task.".into(),
        }];
        let mut broken = rollout(2, &deployments, Some(NEW));
        broken.events = &events;
        assert_eq!(
            broken.readiness(),
            Readiness::Broken(
                "its roll-out failed: tasks failed to start. (was unable to place a task.)".into()
            )
        );
        // A failure of a definition that is not wished for any more does not count.
        let deployments = [
            one("PRIMARY", OLD, "COMPLETED"),
            one("ACTIVE", NEW, "FAILED"),
        ];
        assert_eq!(
            rollout(2, &deployments, Some(OLD)).readiness(),
            Readiness::Ready
        );
    }

    #[test]
    fn a_second_attempt_with_the_same_definition_gets_its_chance() {
        let deployments = [
            one("PRIMARY", NEW, "IN_PROGRESS"),
            one("ACTIVE", OLD, "COMPLETED"),
            one("ACTIVE", NEW, "FAILED"),
        ];
        let again = rollout(2, &deployments, Some(NEW)).readiness();
        assert!(matches!(again, Readiness::NotYet(_)), "{again:?}");
    }

    #[test]
    fn a_service_being_drained_is_going() {
        let deployments = [one("PRIMARY", NEW, "IN_PROGRESS")];
        let mut going = rollout(1, &deployments, None);
        going.status = "DRAINING";
        going.desired = 0;
        assert_eq!(going.readiness(), Readiness::Going("1 of 0 running".into()));
    }

    #[test]
    fn a_server_that_rolls_nothing_out_is_told_from_one_that_lags() {
        let of_old = [one("PRIMARY", OLD, "IN_PROGRESS")];
        let mut behind = rollout(0, &of_old, Some(NEW));
        assert!(behind.stands_still());
        assert!(matches!(behind.readiness(), Readiness::NotYet(_)));
        behind.still = true;
        assert_eq!(behind.readiness(), Readiness::Ready);
        // From before the update; rolling; done; looked at for planning.
        behind.definition = OLD;
        assert!(!behind.stands_still());
        let rolling = [one("PRIMARY", NEW, "IN_PROGRESS"), of_old[0].clone()];
        assert!(!rollout(0, &rolling, Some(NEW)).stands_still());
        assert!(!rollout(2, &rolling[..1], Some(NEW)).stands_still());
        assert!(!rollout(0, &of_old, None).stands_still());
        // Tasks that never start, of which nobody says a word.
        let mut idle = rollout(0, &rolling[..1], Some(NEW));
        idle.pending = 2;
        assert!(idle.stands_still());
        let events = [Event {
            id: "1".into(),
            at: 0,
            message: "(service app) has started 1 tasks: (task 1).".into(),
        }];
        idle.events = &events;
        assert!(!idle.stands_still());
    }
}
