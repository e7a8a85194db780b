//! Starting steps: resolve what they wait for, hand a worker its tools.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::schedule::typical;
use super::{Conductor, Work, verb};
use crate::engine::gate::Gate;
use crate::engine::look::Tools;
use crate::engine::settle::Trouble;
use crate::engine::visibility::{is_catching_up, unproven_for};
use crate::engine::{remove, worker};
use crate::event::Event;
use crate::kind::{Class, CloudError, IntentVerb};
use crate::model::{Address, Attributes};
use crate::plan::{Act, Step, StepId};

impl Conductor<'_> {
    /// Starts what is ready, as far as there is room and nobody asked to stop.
    pub(super) fn launch(&mut self, workers: &mut JoinSet<(StepId, Work)>) {
        while self.stopping == 0 && workers.len() < self.job.settings.parallelism {
            let Some(next) = self.ready.pop() else {
                return;
            };
            let Some(step) = self.job.plan.step(next.step).cloned() else {
                continue;
            };
            self.running.insert(step.id, Instant::now());
            self.tell(Event::StepStarted {
                step: step.id,
                address: step.address.clone(),
                kind: step.kind.clone(),
                verb: verb(&step),
                typical: typical(&step, &self.job.kinds),
            });
            self.spawn(step, workers);
        }
    }

    fn spawn(&mut self, step: Step, workers: &mut JoinSet<(StepId, Work)>) {
        let id = step.id;
        let Some(tools) = self.tools(&step) else {
            let error = CloudError::malformed(&step.kind, "there is no such kind");
            workers.spawn(async move { (id, Work::Made(Err(Trouble::new(error, None)))) });
            return;
        };
        let wait = !self.job.settings.no_wait && !self.job.plan.unwaited.contains(&step.address)
            || step.kind.as_str() != "ecs.service";
        match step.act {
            Act::Create { desired, tags, .. } => {
                let desired = self.resolved(&desired);
                let begun = self.begun_for(&step.address, &[IntentVerb::Create]);
                self.matcher
                    .lock()
                    .anew(&step.address, |key| self.live.contains_key(key));
                workers.spawn(async move {
                    let work = match known(&tools, &desired) {
                        Ok(()) => worker::create(&tools, &desired, &tags, begun, wait).await,
                        Err(trouble) => Err(trouble),
                    };
                    (id, Work::Made(work))
                });
            }
            Act::Update {
                id: of,
                desired,
                tags,
                ..
            } => {
                let desired = self.resolved(&desired);
                let live = self.live.get(&(step.kind.clone(), of)).cloned();
                let sent = [IntentVerb::Create, IntentVerb::Update];
                let begun = self.begun_for(&step.address, &sent);
                workers.spawn(async move {
                    let work = match (live, known(&tools, &desired)) {
                        (Some(live), Ok(())) => {
                            worker::update(&tools, &desired, &tags, live, begun, wait).await
                        }
                        (None, _) => Err(unseen(&tools)),
                        (_, Err(trouble)) => Err(trouble),
                    };
                    (id, Work::Made(work))
                });
            }
            Act::Delete { id: of, last, .. } => {
                let live = self.live.get(&(step.kind.clone(), of)).cloned();
                workers.spawn(async move {
                    let work = match live {
                        Some(live) => remove::delete(&tools, live, &last).await,
                        None => Err(unseen(&tools)),
                    };
                    (id, Work::Deleted(work))
                });
            }
            Act::Forget { id: of, .. } => {
                let live = self.live.get(&(step.kind.clone(), of)).cloned();
                workers.spawn(async move {
                    let work = match live {
                        Some(live) => remove::forget(&tools, &live).await,
                        None => Err(unseen(&tools)),
                    };
                    (id, Work::Forgotten(work))
                });
            }
        }
    }

    fn tools(&self, step: &Step) -> Option<Tools> {
        let kind = self.job.kinds.get(&step.kind)?.clone();
        let budget = self
            .budget(&step.address, verb_name(step))
            .unwrap_or(kind.patience().budget);
        Some(Tools {
            kind,
            scope: self.job.scope.clone(),
            matcher: self.matcher.clone(),
            gate: Arc::new(Gate::new(
                step.id,
                self.messages.clone(),
                self.limits.clone(),
                self.lease.clone(),
                self.stop.clone(),
            )),
            vault: self.vault.clone(),
            settings: self.job.settings.clone(),
            stop: self.stop.clone(),
            budget,
            fresh: self.is_fresh(step),
            after_delete: self
                .before(step)
                .any(|before| before.kind == step.kind && matches!(before.act, Act::Delete { .. })),
            unproven_until: self.unproven_until(step),
            step: step.clone(),
        })
    }

    /// The steps that it waits for.
    fn before<'s>(&'s self, step: &'s Step) -> impl Iterator<Item = &'s Step> {
        step.after.iter().filter_map(|id| self.job.plan.step(*id))
    }

    /// Whether it, or something it stands on, was made in this run or shortly before.
    fn is_fresh(&self, step: &Step) -> bool {
        let now = self.ledger.now();
        let kept = self.job.keep.get(&step.address);
        let needs = kept.into_iter().flat_map(|kept| &kept.depends_on);
        let mut records = needs
            .chain([&step.address])
            .filter_map(|address| self.ledger.snapshot.resources.get(address));
        self.before(step)
            .any(|before| self.made.contains(&before.address))
            || records.any(|record| record.made_at.is_some_and(|at| is_catching_up(at, now)))
    }

    /// Until when "no such id" does not prove that what a step deletes is gone.
    fn unproven_until(&self, step: &Step) -> Option<Instant> {
        let Act::Delete { id, .. } = &step.act else {
            return None;
        };
        let record = self.ledger.snapshot.record(&step.address, &step.kind, id);
        let made_at = record?.made_at?;
        let window = self.job.settings.settle_window;
        Some(Instant::now() + unproven_for(window, made_at, self.ledger.now()))
    }

    /// The stack's `timeouts` for that resource and verb.
    fn budget(&self, address: &Address, verb: &str) -> Option<Duration> {
        self.job.timeouts.get(address)?.get(verb).copied()
    }

    fn resolved(&self, desired: &Attributes) -> Attributes {
        desired.resolve(&|reference| self.value(reference))
    }

    /// How long ago, at least, an earlier run sent a call of unknown outcome for this address, of one of these verbs.
    fn begun_for(&self, address: &Address, verbs: &[IntentVerb]) -> Option<Duration> {
        let at = self.job.unfinished.unknown_call(address, verbs)?;
        Some(self.age_at_start(at) + self.started.elapsed())
    }

    /// How old a line of an earlier run was, at least, when this one began. The clock that it was written by may be hours off: only what
    /// was seen by our own counts, unless the line is of another day.
    pub(super) fn age_at_start(&self, at: u64) -> Duration {
        let now = self.ledger.now().saturating_sub(at);
        let said = Duration::from_millis(now).saturating_sub(self.started.elapsed());
        if said < ANOTHER_DAY {
            self.lease.silence()
        } else {
            said
        }
    }
}

/// No clock that AWS's signatures accept is off by as much (they allow 5 to 15 min).
const ANOTHER_DAY: Duration = Duration::from_secs(12 * 3600);

fn verb_name(step: &Step) -> &'static str {
    match step.act {
        Act::Create { .. } => "create",
        Act::Update { .. } | Act::Forget { .. } => "update",
        Act::Delete { .. } => "delete",
    }
}

/// Everything the step refers to must be known by now.
fn known(tools: &Tools, desired: &Attributes) -> Result<(), Trouble> {
    let open: Vec<String> = desired
        .references()
        .iter()
        .map(ToString::to_string)
        .collect();
    if open.is_empty() {
        return Ok(());
    }
    let what = format!(
        "{} is not known: what it names has no such value",
        open.join(", ")
    );
    Err(Trouble::new(
        CloudError::new(tools.step.kind.as_str(), Class::Other, "NotKnown", what),
        None,
    ))
}

fn unseen(tools: &Tools) -> Trouble {
    let what = format!("{} was not seen in AWS", tools.step.address);
    Trouble::new(
        CloudError::new(tools.step.kind.as_str(), Class::Other, "NotSeen", what),
        None,
    )
}
