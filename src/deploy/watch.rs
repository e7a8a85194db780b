//! One look at a roll-out: the service's deployments, its targets, its events; and what that comes to. The judging is pure.

use aws_sdk_ecs::types::Service;
use futures::TryFutureExt;

use crate::aws::ecs::begun::BegunDeployment;
use crate::aws::ecs::rollout::{self, Deployment, Event, Rollout};
use crate::aws::ecs::still;
use crate::aws::{Aws, aws_error};
use crate::kind::{CloudError, Readiness};
use crate::session::Target;

const SERVICES: &str = "ecs:DescribeServices";
const HEALTH: &str = "elasticloadbalancing:DescribeTargetHealth";
/// So many tasks in a row that end before they are steady are no accident (the circuit breaker's own least threshold: ECS developer
/// guide, "How the Amazon ECS deployment circuit breaker detects failures").
const ENOUGH_FAILURES: i32 = 3;

/// How a roll-out stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// `ACTIVE`, `DRAINING`, `INACTIVE`; empty when there is no such service.
    pub status: String,
    /// What the service shall run.
    pub definition: String,
    pub desired: i32,
    pub running: i32,
    pub pending: i32,
    pub deployments: Vec<Deployment>,
    /// Newest first.
    pub events: Vec<Event>,
    /// `None`: nothing sends it requests.
    pub targets: Option<Targets>,
    /// Whether a roll-out that fails is given up by ECS itself, and taken back.
    pub breaker: bool,
    pub takes_back: bool,
    /// Its server rolls nothing out: what is to be run is all that it will ever show.
    pub still: bool,
    /// The deployment that this process began, if it did.
    pub begun: Option<BegunDeployment>,
}

/// How its target group sees its tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    pub healthy: usize,
    pub starting: usize,
    pub unhealthy: usize,
    pub leaving: usize,
}

/// What a look comes to, for somebody who wants one revision to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Under way.
    Going,
    /// All tasks run the revision, and are healthy.
    Steady,
    /// It will not come to run.
    Failed(String),
    /// It failed, and ECS has taken it back already.
    TakenBack(String),
    /// Somebody else has rolled out another revision since.
    Superseded(String),
    Gone,
}

/// A look for somebody who wants `wanted` to run. What no AWS would show is looked at again, as an apply does.
pub async fn look_for(aws: &Aws, target: &Target, wanted: &str) -> Result<View, CloudError> {
    let mut view = look(aws, target).await?;
    if view.rollout(wanted, 0).stands_still() {
        view.still = still::stays(aws, || async {
            let again = look(aws, target).await?;
            Ok(again.rollout(wanted, 0).stands_still())
        })
        .await?;
    }
    Ok(view)
}

pub async fn look(aws: &Aws, target: &Target) -> Result<View, CloudError> {
    let service = aws
        .ecs
        .describe_services()
        .cluster(&target.cluster)
        .services(&target.arn);
    let service = aws.read(SERVICES, || {
        service.clone().send().map_err(|e| aws_error(SERVICES, e))
    });
    let (answer, targets) = tokio::try_join!(service, targets(aws, target))?;
    let mut view = answer.services().first().map(view).unwrap_or_default();
    view.targets = targets;
    view.begun = aws.deployments.of(&target.arn);
    Ok(view)
}

fn view(service: &Service) -> View {
    let breaker = service
        .deployment_configuration()
        .and_then(|settings| settings.deployment_circuit_breaker());
    View {
        status: service.status().unwrap_or_default().to_owned(),
        definition: service.task_definition().unwrap_or_default().to_owned(),
        desired: service.desired_count(),
        running: service.running_count(),
        pending: service.pending_count(),
        deployments: service
            .deployments()
            .iter()
            .map(rollout::deployment)
            .collect(),
        events: service.events().iter().map(rollout::event).collect(),
        targets: None,
        breaker: breaker.is_some_and(|breaker| breaker.enable()),
        takes_back: breaker.is_some_and(|breaker| breaker.enable() && breaker.rollback()),
        still: false,
        begun: None,
    }
}

async fn targets(aws: &Aws, target: &Target) -> Result<Option<Targets>, CloudError> {
    let Some(group) = &target.target_group else {
        return Ok(None);
    };
    let request = aws.elb.describe_target_health().target_group_arn(group);
    let answer = aws
        .read(HEALTH, || {
            request.clone().send().map_err(|e| aws_error(HEALTH, e))
        })
        .await?;
    let mut counts = Targets::default();
    for one in answer.target_health_descriptions() {
        let state = one
            .target_health()
            .and_then(|health| health.state())
            .map(|state| state.as_str());
        match state {
            Some("healthy") => counts.healthy += 1,
            Some("initial") => counts.starting += 1,
            Some("draining") => counts.leaving += 1,
            _ => counts.unhealthy += 1,
        }
    }
    Ok(Some(counts))
}

impl View {
    pub fn is_there(&self) -> bool {
        self.status == "ACTIVE"
    }

    pub fn primary(&self) -> Option<&Deployment> {
        self.deployments
            .iter()
            .find(|deployment| deployment.status == "PRIMARY")
    }

    /// Tasks of that revision that ended before they were steady.
    pub fn failures(&self, definition: &str) -> i32 {
        self.deployments
            .iter()
            .filter(|deployment| deployment.task_definition == definition)
            .map(|deployment| deployment.failed)
            .sum()
    }

    /// When the latest roll-out of that revision began, in seconds since 1970. Its registration may be long ago: `redeploy` and a way
    /// back take one that is there.
    pub fn begun(&self, definition: &str) -> i64 {
        self.deployments
            .iter()
            .filter(|deployment| deployment.task_definition == definition)
            .map(|deployment| deployment.made_at)
            .max()
            .unwrap_or(0)
    }

    /// Why ECS went back from another revision to the one that runs, and when it did, in seconds since 1970.
    pub fn went_back(&self) -> Option<(&str, i64)> {
        let primary = self.primary()?;
        let failed = self.deployments.iter().find(|deployment| {
            deployment.rollout_state == "FAILED"
                && deployment.task_definition != primary.task_definition
        });
        let why = match failed {
            Some(failed) => &failed.reason,
            None if primary.reason.contains("circuit breaker")
                && primary.rollout_state != "FAILED" =>
            {
                &primary.reason
            }
            None => return None,
        };
        Some((why, primary.made_at))
    }

    /// Whether its primary deployment is none of these.
    pub fn has_new_deployment(&self, before: &[Deployment]) -> bool {
        self.primary()
            .is_some_and(|primary| before.iter().all(|one| one.id != primary.id))
    }

    /// Whether a roll-out is under way.
    pub fn is_rolling(&self) -> bool {
        self.primary()
            .is_some_and(|primary| primary.rollout_state == "IN_PROGRESS")
            || self.deployments.len() > 1
    }

    /// `since`: when `wanted` was registered, in seconds since 1970, so that an older failure is not taken for its own.
    pub fn judge(&self, wanted: &str, since: i64) -> Verdict {
        match self.status.as_str() {
            "ACTIVE" => {}
            _ => return Verdict::Gone,
        }
        let rollout = self.rollout(wanted, since);
        let went_back = rollout.rollback_reason().is_some();
        match rollout.readiness() {
            Readiness::Broken(why) if self.definition == wanted && !went_back => {
                Verdict::Failed(why)
            }
            Readiness::Broken(why) => Verdict::TakenBack(why),
            _ if self.definition != wanted => Verdict::Superseded(self.definition.clone()),
            Readiness::Ready if self.healthy() => Verdict::Steady,
            _ => self.failing(wanted),
        }
    }

    fn rollout<'a>(&'a self, wanted: &'a str, since: i64) -> Rollout<'a> {
        Rollout {
            status: &self.status,
            definition: &self.definition,
            desired: self.desired,
            running: self.running,
            pending: self.pending,
            deployments: &self.deployments,
            events: &self.events,
            still: self.still,
            wished: Some(wanted),
            wished_at: Some(since),
            begun: self.begun.as_ref(),
        }
    }

    /// Without a circuit breaker ECS tries for ever; after enough failures with none that runs, it is no accident.
    fn failing(&self, wanted: &str) -> Verdict {
        let failures = self.failures(wanted);
        let running = self
            .deployments
            .iter()
            .filter(|deployment| deployment.task_definition == wanted)
            .map(|deployment| deployment.running)
            .sum::<i32>();
        if !self.breaker && failures >= ENOUGH_FAILURES && running < self.desired {
            Verdict::Failed(format!(
                "{failures} of its tasks ended before they were steady"
            ))
        } else {
            Verdict::Going
        }
    }

    /// A server that rolls nothing out registers no targets either.
    fn healthy(&self) -> bool {
        self.still
            || self.targets.is_none_or(|targets| {
                targets.unhealthy == 0
                    && targets.starting == 0
                    && targets.healthy >= usize::try_from(self.desired).unwrap_or(0)
            })
    }

    /// In one line: `2 of 2 running, 1 starting; targets: 2 healthy, 1 leaving`.
    pub fn line(&self, wanted: &str) -> String {
        let new = self
            .deployments
            .iter()
            .find(|deployment| deployment.task_definition == wanted);
        let running = new.map_or(0, |new| new.running);
        let mut text = format!("{running} of {} new tasks running", self.desired);
        let counts = [
            (new.map_or(0, |new| new.pending), "starting"),
            (self.failures(wanted), "failed"),
            (self.running - running, "old ones running"),
        ];
        for (count, what) in counts {
            if count > 0 {
                text.push_str(&format!(", {count} {what}"));
            }
        }
        if let Some(targets) = self.targets {
            text.push_str(&format!("; targets: {} healthy", targets.healthy));
            let counts = [
                (targets.starting, "starting"),
                (targets.unhealthy, "unhealthy"),
                (targets.leaving, "leaving"),
            ];
            for (count, what) in counts {
                if count > 0 {
                    text.push_str(&format!(", {count} {what}"));
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests;
