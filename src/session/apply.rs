//! Carrying out a plan: under the lease, from a look that is not older than it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::who;
use super::{Planned, Request, Session, SessionError};
use crate::engine::{Conclusion, Job, Kept, Ledger, Opening, Settings, Stop, conduct};
use crate::event::{Outcome, RunView, Sink};
use crate::kind::CloudError;
use crate::model::Address;
use crate::plan::{Ask, Outputs, Plan, Refusal};

/// How a plan shall be carried out.
#[derive(Clone, Debug)]
pub struct RunAsk {
    pub parallelism: usize,
    /// Services are not waited for.
    pub no_wait: bool,
    pub doing: String,
    /// The user saw the plan and said yes to it: losing data was part of what was shown.
    pub confirmed: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Applied {
    pub outcome: Outcome,
    pub outputs: Outputs,
    pub failures: Vec<(Address, CloudError)>,
    pub view: RunView,
}

impl Session {
    /// Carries out `plan`: what this session planned under its lease, or a part of it. A plan that was made elsewhere is made again, and
    /// all of its steps must come out the same.
    pub async fn apply(
        &mut self,
        plan: Plan,
        ask: &Ask,
        run: &RunAsk,
        stop: Stop,
        sink: &mut dyn Sink,
    ) -> Result<Applied, SessionError> {
        let fresh = self
            .planned
            .take()
            .filter(|planned| self.lease.is_some() && planned.ask.destroy == ask.destroy);
        self.lock(&run.doing, Duration::ZERO, &mut |_| {}).await?;
        let planned = match fresh {
            Some(planned) => planned,
            None => self.look(ask).await?,
        };
        part_of(&plan, &planned.plan)?;
        permitted(&plan, run.confirmed)?;
        let planned = Planned { plan, ..planned };
        self.conduct(planned, run, stop, sink).await
    }

    pub(super) async fn conduct(
        &mut self,
        planned: Planned,
        run: &RunAsk,
        stop: Stop,
        sink: &mut dyn Sink,
    ) -> Result<Applied, SessionError> {
        let lease = match &self.lease {
            Some(lease) => lease.clone(),
            None => return Err(SessionError::Guard("the state is not locked".into())),
        };
        let info = who::run_info(&self.request.process, self.caller());
        let opening = Opening {
            info: info.clone(),
            doing: run.doing.clone(),
            clock: who::clock,
        };
        let ledger = Ledger::open(
            self.store.clone(),
            planned.snapshot,
            planned.version,
            &planned.unfinished,
            opening,
        )
        .await?;
        let job = Job {
            plan: planned.plan,
            kinds: self.kinds.clone(),
            scope: self.scope.clone(),
            seen: planned.seen,
            matcher: planned.matcher,
            unfinished: planned.unfinished,
            keep: self.kept(),
            outputs: if planned.ask.destroy {
                Vec::new()
            } else {
                self.stack.outputs.clone()
            },
            settings: self.settings(run)?,
            timeouts: self.timeouts(),
            run: info.run,
        };
        let mut tee = Tee {
            sink,
            view: RunView::default(),
        };
        let Conclusion {
            outcome,
            outputs,
            failures,
        } = conduct(job, ledger, lease, stop, &mut tee).await?;
        Ok(Applied {
            outcome,
            outputs,
            failures,
            view: tee.view,
        })
    }

    pub(super) fn kept(&self) -> BTreeMap<Address, Kept> {
        self.wishes
            .iter()
            .map(|wish| {
                let kept = Kept {
                    depends_on: wish.needs().into_iter().collect(),
                    protect: wish.protect,
                    retain: wish.retain,
                    attributes: wish.attributes.clone(),
                };
                (wish.address.clone(), kept)
            })
            .collect()
    }

    fn timeouts(&self) -> BTreeMap<Address, BTreeMap<String, Duration>> {
        self.stack
            .resources
            .iter()
            .filter(|resource| !resource.timeouts.is_empty())
            .map(|resource| (resource.address.clone(), resource.timeouts.clone()))
            .collect()
    }

    /// How long AWS may take to show what it has made, before "not there" is believed.
    pub(super) fn settle_window(&self) -> Result<Duration, SessionError> {
        let local = self.header.sandbox.then(|| Duration::from_secs(1));
        let set = settle_window(&self.request)?.or(local);
        Ok(set.unwrap_or(Settings::default().settle_window))
    }

    fn settings(&self, run: &RunAsk) -> Result<Settings, SessionError> {
        let mut settings = Settings {
            parallelism: run.parallelism.max(1),
            no_wait: run.no_wait,
            ..Settings::default()
        };
        settings.settle_window = self.settle_window()?;
        if self.header.sandbox {
            settings.longest_gap = Duration::from_millis(500);
        }
        if settle_window(&self.request)?.is_some() {
            settings.longest_gap = settings
                .longest_gap
                .min(settings.settle_window.max(Duration::from_millis(200)));
        }
        Ok(settings)
    }
}

/// `CIRCLES_SETTLE_WINDOW`, where it is set.
pub(super) fn settle_window(request: &Request) -> Result<Option<Duration>, SessionError> {
    let Some(text) = request.process.get("CIRCLES_SETTLE_WINDOW") else {
        return Ok(None);
    };
    let window = time(text).ok_or_else(|| {
        SessionError::Usage(format!(
            "CIRCLES_SETTLE_WINDOW={text}: a time is written like 60s, 500ms or 1m 30s"
        ))
    })?;
    Ok(Some(window))
}

pub(super) fn time(text: &str) -> Option<Duration> {
    let span: jiff::SignedDuration = text.trim().parse().ok()?;
    Duration::try_from(span).ok()
}

/// A plan is for one world and one moment: `now` still says of everything that it touches what it says.
fn part_of(plan: &Plan, now: &Plan) -> Result<(), SessionError> {
    let stale = |what: &str| Err(SessionError::Stale(what.to_owned()));
    let (was, is) = (&plan.header, &now.header);
    if was.account != is.account || was.region != is.region {
        return stale("it was made for another account or region");
    }
    if was.environment != is.environment || was.stack != is.stack || was.mode != is.mode {
        return stale("it was made for another stack or environment");
    }
    if was.digest != is.digest {
        return stale("the stack file or its variables have changed since");
    }
    let changed = plan
        .steps
        .iter()
        .find(|step| !now.steps.iter().any(|other| step.same_change(other)));
    match changed {
        None => Ok(()),
        Some(step) => stale(&format!(
            "something that it touches has changed since ({})",
            step.address
        )),
    }
}

/// Whoever saw the plan and said yes agreed to what it loses; `--yes` alone did not.
fn permitted(plan: &Plan, confirmed: bool) -> Result<(), SessionError> {
    let refusals: Vec<Refusal> = plan
        .refusals
        .iter()
        .filter(|refusal| !(confirmed && matches!(refusal, Refusal::LosesData { .. })))
        .cloned()
        .collect();
    if refusals.is_empty() {
        Ok(())
    } else {
        Err(SessionError::Refused(refusals))
    }
}

/// Passes events on, and keeps the run's view.
struct Tee<'a> {
    sink: &'a mut dyn Sink,
    view: RunView,
}

impl Sink for Tee<'_> {
    fn take(&mut self, event: &crate::event::Event) -> bool {
        self.view.apply(event);
        self.sink.take(event)
    }
}
