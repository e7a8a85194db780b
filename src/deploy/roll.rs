//! Watching a roll-out to its end, and telling what happens on the way.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::error::DeployError;
use super::revision::Revision;
use super::said::{Said, Tell};
use super::tasks;
use super::watch::{self, Verdict, View};
use crate::aws::Aws;
use crate::engine::Stop;
use crate::kind::CloudError;
use crate::session::{Session, Target};

/// How often it is looked, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub gap: Duration,
    pub patience: Duration,
}

impl Pace {
    /// Slow against AWS, which counts calls.
    pub fn of(session: &Session, patience: Duration) -> Self {
        let gap = if session.header.sandbox || session.aws.endpoint.is_some() {
            Duration::from_millis(100)
        } else {
            Duration::from_secs(2)
        };
        Self { gap, patience }
    }
}

/// How a roll-out ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Steady,
    /// It will not come to run; what ran before has to be rolled out again.
    Failed(String),
    /// ECS is going, or has gone, back by itself.
    TakenBack(String),
    /// Another revision was rolled out by somebody else.
    Superseded(String),
    Gone,
    /// Ctrl-C.
    Stopped(String),
    TimedOut(String),
}

/// One service on its way to one revision.
pub struct Roll<'a> {
    pub aws: &'a Aws,
    pub target: &'a Target,
    pub wanted: &'a Revision,
    pub pace: Pace,
    pub stop: &'a Stop,
    pub tell: Tell<'a>,
    /// Several services are rolled at once: lines say which.
    pub several: bool,
}

impl Roll<'_> {
    fn name(&self, text: &str) -> String {
        if self.several {
            format!("{}: {text}", self.target.label())
        } else {
            text.to_owned()
        }
    }

    /// Looks until it ends one way or another. Writes nothing.
    pub async fn watch(&self) -> Result<End, DeployError> {
        let since = Instant::now();
        let mut told = Told::default();
        loop {
            let view = watch::look_for(self.aws, self.target, self.wanted.arn()).await?;
            self.tell(&view, &mut told).await;
            let end = match view.judge(self.wanted.arn(), self.wanted.registered_at()) {
                Verdict::Going => None,
                Verdict::Steady => {
                    if view.still {
                        (self.tell)(Said::Warning(self.name(
                            "this server is not AWS: it starts no tasks, so none were waited for",
                        )));
                    }
                    Some(End::Steady)
                }
                Verdict::Failed(why) => Some(End::Failed(why)),
                Verdict::TakenBack(why) => Some(End::TakenBack(why)),
                Verdict::Superseded(by) => Some(End::Superseded(by)),
                Verdict::Gone => Some(End::Gone),
            };
            if let Some(end) = end {
                return Ok(end);
            }
            if self.stop.level() > 0 {
                return Ok(End::Stopped(view.line(self.wanted.arn())));
            }
            if since.elapsed() > self.pace.patience {
                return Ok(End::TimedOut(view.line(self.wanted.arn())));
            }
            self.pause().await;
        }
    }

    /// Looks until the service is steady on this revision again; false when it is not within the patience.
    pub async fn settle(&self) -> Result<bool, CloudError> {
        let since = Instant::now();
        let mut told = Told::default();
        loop {
            let view = watch::look_for(self.aws, self.target, self.wanted.arn()).await?;
            self.tell(&view, &mut told).await;
            // What was given up before is no failure of what comes back.
            match view.judge(self.wanted.arn(), i64::MAX) {
                Verdict::Steady => return Ok(true),
                Verdict::Gone | Verdict::Superseded(_) => return Ok(false),
                _ if self.stop.level() > 1 || since.elapsed() > self.pace.patience => {
                    return Ok(false);
                }
                _ => sleep(self.pace.gap).await,
            }
        }
    }

    async fn pause(&self) {
        let mut stop = self.stop.clone();
        tokio::select! {
            () = sleep(self.pace.gap) => {}
            () = stop.reached(1) => {}
        }
    }

    /// Tells what is new since the last look.
    async fn tell(&self, view: &View, told: &mut Told) {
        let line = self.name(&view.line(self.wanted.arn()));
        if told.line != line {
            (self.tell)(Said::View(line.clone()));
            told.line = line;
        }
        let first = told.events.is_empty();
        // By AWS's clock: what is older is of an earlier roll-out.
        let since = view
            .begun(self.wanted.arn())
            .max(self.wanted.registered_at());
        for event in view.events.iter().rev() {
            let old = event.at < since;
            if told.events.insert(event.id.clone()) && !(first && old) {
                (self.tell)(Said::Event(self.name(&event.message)));
            }
        }
        let failures = view.failures(self.wanted.arn());
        if failures > told.failures {
            told.failures = failures;
            self.explain(told).await;
        }
    }

    /// Says of the latest task that ended why it did, and what it wrote last; of each only once.
    async fn explain(&self, told: &mut Told) {
        let Target { cluster, name, .. } = self.target;
        // Looking for reasons must not end a roll-out that goes on.
        let ended = tasks::ended(self.aws, cluster, name, self.wanted.arn()).await;
        let Some(task) = ended.unwrap_or_default().into_iter().next() else {
            return;
        };
        if !told.tasks.insert(task.id.clone()) {
            return;
        }
        (self.tell)(Said::Warning(
            self.name(&format!("task {} ended: {}", task.id, task.reason)),
        ));
        for line in tasks::last_lines(self.aws, &self.wanted.definition, &task).await {
            (self.tell)(Said::Log(line));
        }
    }

    /// Why the latest task of this revision ended, for the last word.
    pub async fn reason(&self) -> Option<String> {
        let Target { cluster, name, .. } = self.target;
        let ended = tasks::ended(self.aws, cluster, name, self.wanted.arn()).await;
        let all = ended.ok()?;
        // Tasks that the scheduler stopped tell less than those that ended by themselves.
        let telling = all.iter().find(|task| {
            !task.reason.contains("Scaling activity") && !task.reason.contains("circuit breaker")
        });
        let task = telling.or(all.first())?;
        let lines = tasks::last_lines(self.aws, &self.wanted.definition, task).await;
        Some(match lines.last() {
            Some(line) => format!("{}; it said last: {line}", task.reason),
            None => task.reason.clone(),
        })
    }
}

#[derive(Default)]
struct Told {
    line: String,
    events: BTreeSet<String>,
    tasks: BTreeSet<String>,
    failures: i32,
}

/// The revision to go back to: what last ran whole, if anything did.
pub fn before(view: &View, wanted: &str) -> Option<String> {
    let good = |deployment: &&crate::aws::ecs::rollout::Deployment| {
        deployment.task_definition != wanted
            && deployment.rollout_state != "FAILED"
            && (deployment.running > 0
                || deployment.desired == 0 && deployment.rollout_state == "COMPLETED")
    };
    let completed = view
        .deployments
        .iter()
        .filter(good)
        .find(|deployment| deployment.rollout_state == "COMPLETED");
    completed
        .or(view.deployments.iter().find(good))
        .map(|deployment| deployment.task_definition.clone())
}
