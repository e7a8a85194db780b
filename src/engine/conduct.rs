//! The loop. One task owns ledger, known values and events; workers get owned inputs and return outcomes. Outcomes are handled one at a
//! time, so events are linear, and what is written is written by one hand.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::gate::Message;
use super::ledger::Ledger;
use super::look::Vault;
use super::matching::{Matcher, SharedMatcher};
use super::settings::Settings;
use super::settle::Trouble;
use super::stop::Stop;
use super::worker::Made;
use crate::event::{Event, Outcome, Sink, StepVerb};
use crate::journal::{self, RunState};
use crate::kind::{Class, CloudError, Kinds, Limiter};
use crate::model::{Address, Attributes, KindName, PhysicalId, Reference, Scope, SecretRef, Value};
use crate::plan::{Act, Outputs, Plan, Seen, Sighting, Step, StepId};
use crate::state::{Lease, StoreError};

mod begin;
mod finish;
mod hear;
mod schedule;
mod start;
mod unseen;

use schedule::{Ready, path_lengths};

/// All that a run needs.
pub struct Job {
    pub plan: Plan,
    pub kinds: Kinds,
    pub scope: Scope,
    pub seen: Seen,
    pub matcher: Matcher,
    pub unfinished: RunState,
    /// By address: what the state needs to know beside what AWS says.
    pub keep: BTreeMap<Address, Kept>,
    pub outputs: Vec<(String, Value)>,
    pub settings: Settings,
    pub timeouts: BTreeMap<Address, BTreeMap<String, Duration>>,
    pub run: String,
}

/// What a record takes from the stack file.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    pub depends_on: Vec<Address>,
    pub protect: bool,
    pub retain: bool,
    /// The wish itself, for fields that AWS cannot tell.
    pub attributes: Attributes,
}

/// How a run ended.
#[derive(Debug)]
pub struct Conclusion {
    pub outcome: Outcome,
    pub outputs: Outputs,
    pub failures: Vec<(Address, CloudError)>,
}

/// Why a run could not go on at all. What it had done is in journal and state all the same, as far as those could be written.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Credentials(CloudError),
    #[error("the lease was lost: {0}")]
    LeaseLost(String),
}

/// What a worker came back with.
pub(crate) enum Work {
    Made(Result<Made, Trouble>),
    Deleted(Result<(), Trouble>),
    Forgotten(Result<(), Trouble>),
}

pub(crate) struct Conductor<'a> {
    job: Job,
    ledger: Ledger,
    lease: Arc<dyn Lease>,
    stop: Stop,
    sink: &'a mut dyn Sink,
    matcher: SharedMatcher,
    vault: Arc<Vault>,
    limits: Arc<Limiter>,
    messages: mpsc::UnboundedSender<Message>,
    /// What is known of live resources, for references.
    known: BTreeMap<Address, Attributes>,
    live: BTreeMap<(KindName, PhysicalId), Sighting>,
    /// What this run's steps made or changed.
    kept: BTreeMap<Address, Vec<Sighting>>,
    waits: Vec<usize>,
    followers: Vec<Vec<StepId>>,
    lengths: Vec<Duration>,
    ready: BinaryHeap<Ready>,
    running: BTreeMap<StepId, Instant>,
    failed: BTreeSet<StepId>,
    made: BTreeSet<Address>,
    failures: Vec<(Address, CloudError)>,
    /// Something that ends the whole run.
    fatal: Option<RunError>,
    stopping: u8,
    started: Instant,
    saved: Instant,
    calls: u64,
    /// By its number in the journal, what a call was for.
    sent: BTreeMap<u64, Address>,
    /// The ids that a step's calls were answered with.
    learned: BTreeMap<StepId, Vec<PhysicalId>>,
    /// Where a call had no answer, or something was begun that is in no record: for these the journal stays open.
    open_ends: BTreeSet<Address>,
    sink_open: bool,
}

/// Carries out a plan.
///
/// # Errors
/// When journal or state cannot be written, the lease is lost, or the credentials run out. Failed steps are not errors: they are in
/// the [`Conclusion`].
pub async fn conduct(
    job: Job,
    ledger: Ledger,
    lease: Arc<dyn Lease>,
    mut stop: Stop,
    sink: &mut dyn Sink,
) -> Result<Conclusion, RunError> {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let mut conductor = Conductor::new(job, ledger, lease, stop.clone(), sink, sender);
    let mut workers: JoinSet<(StepId, Work)> = JoinSet::new();
    conductor.begin().await;
    loop {
        conductor.launch(&mut workers);
        if workers.is_empty() {
            break;
        }
        let pulled = conductor.stopping + 1;
        let flush_due = conductor.flush_due();
        tokio::select! {
            biased;
            Some(message) = receiver.recv() => {
                let mut batch = vec![message];
                // As much as comes before the store wants another append; at least what is there already.
                let due = conductor.ledger.next_append();
                while let Ok(Some(more)) = tokio::time::timeout_at(due, receiver.recv()).await {
                    batch.push(more);
                }
                conductor.hear(batch).await;
            }
            Some(ended) = workers.join_next() => {
                // Outcomes come after everything the worker said.
                let mut batch = Vec::new();
                while let Ok(more) = receiver.try_recv() {
                    batch.push(more);
                }
                conductor.hear(batch).await;
                if let Ok((step, work)) = ended {
                    conductor.ended(step, work);
                }
            }
            () = stop.reached(pulled) => conductor.stopped(stop.level()),
            () = tokio::time::sleep_until(flush_due.unwrap_or_else(Instant::now)), if flush_due.is_some() => {
                conductor.flush().await;
            }
        }
        conductor.save_now_and_then().await;
    }
    conductor.conclude().await
}

impl<'a> Conductor<'a> {
    fn new(
        job: Job,
        ledger: Ledger,
        lease: Arc<dyn Lease>,
        stop: Stop,
        sink: &'a mut dyn Sink,
        messages: mpsc::UnboundedSender<Message>,
    ) -> Self {
        let steps = &job.plan.steps;
        let mut followers = vec![Vec::new(); steps.len()];
        for step in steps {
            for before in &step.after {
                followers[before.0].push(step.id);
            }
        }
        let lengths = path_lengths(steps, &followers, &job.kinds);
        let vault = Arc::new(secrets(&job.seen));
        let mut known: BTreeMap<Address, Attributes> = job.seen.existing.clone();
        let mut live = BTreeMap::new();
        for (address, all) in &job.seen.ours {
            for sighting in all {
                let observed = &sighting.observed;
                live.insert(
                    (observed.kind.clone(), observed.id.clone()),
                    sighting.clone(),
                );
            }
            if let Some(newest) = all.first() {
                known.insert(address.clone(), newest.observed.attributes.clone());
            }
        }
        let now = Instant::now();
        Self {
            waits: steps.iter().map(|step| step.after.len()).collect(),
            matcher: SharedMatcher::new(job.matcher.clone()),
            vault,
            limits: Arc::default(),
            messages,
            known,
            live,
            kept: BTreeMap::new(),
            followers,
            lengths,
            ready: BinaryHeap::new(),
            running: BTreeMap::new(),
            failed: BTreeSet::new(),
            made: BTreeSet::new(),
            failures: Vec::new(),
            fatal: None,
            stopping: 0,
            started: now,
            saved: now,
            calls: 0,
            sent: BTreeMap::new(),
            learned: BTreeMap::new(),
            open_ends: BTreeSet::new(),
            sink_open: true,
            job,
            ledger,
            lease,
            stop,
            sink,
        }
    }

    fn tell(&mut self, event: Event) {
        if self.sink_open && !self.sink.take(&event) {
            // Nobody reads any more (a closed pipe): end in order.
            self.sink_open = false;
            self.stopping = self.stopping.max(1);
        }
    }

    fn value(&self, reference: &Reference) -> Option<Value> {
        self.known
            .get(&reference.address)?
            .path(&reference.attribute)
    }

    /// Appends; a journal that cannot be written ends the run.
    async fn write(&mut self, events: Vec<journal::Event>) -> bool {
        self.ledger.later(events);
        self.flush().await
    }

    async fn flush(&mut self) -> bool {
        match self.ledger.flush().await {
            Ok(()) => true,
            Err(error) => {
                self.end(error.into());
                false
            }
        }
    }

    /// When outcomes that wait are to be appended; never again, once the journal could not be written.
    fn flush_due(&self) -> Option<Instant> {
        self.ledger.flush_due().filter(|_| self.fatal.is_none())
    }

    fn end(&mut self, error: RunError) {
        self.fatal.get_or_insert(error);
        self.stopping = self.stopping.max(1);
    }

    fn stopped(&mut self, level: u8) {
        self.stopping = level;
        let running = self
            .running
            .keys()
            .filter_map(|id| self.job.plan.step(*id))
            .map(|step| step.address.clone())
            .collect();
        self.tell(Event::Stopping { level, running });
    }

    async fn save_now_and_then(&mut self) {
        let least = self
            .job
            .settings
            .save_every
            .max(self.ledger.pace().save_every);
        if self.ledger.is_dirty() && self.saved.elapsed() >= least && self.fatal.is_none() {
            self.saved = Instant::now();
            if let Err(error) = self.ledger.save().await {
                self.end(error.into());
            }
        }
    }

    async fn conclude(mut self) -> Result<Conclusion, RunError> {
        let outputs: Outputs = self
            .job
            .outputs
            .iter()
            .map(|(name, value)| (name.clone(), value.resolve(&|r| self.value(r))))
            .filter(|(_, value)| !value.is_pending() && !value.is_secret())
            .collect();
        let stopped = self.stopping > 0 || self.fatal.is_some();
        let outcome = match (self.failures.is_empty(), stopped) {
            (_, true) => Outcome::Stopped,
            (false, _) => Outcome::Failed,
            (true, _) => Outcome::Done,
        };
        // A journal with calls that nobody saw the end of stays open: the next run looks for what they made.
        let settled = match outcome {
            Outcome::Done => self.all_seen().await,
            _ => self.unseen().is_empty() && self.open_ends.is_empty() && self.fatal.is_none(),
        };
        if let Err(error) = self.ledger.close(Some(outputs.clone()), settled).await {
            self.fatal.get_or_insert(error.into());
        }
        let finished = Event::RunFinished {
            outcome,
            took: self.started.elapsed(),
            calls: self.calls,
        };
        self.tell(finished);
        match self.fatal {
            Some(error) => Err(error),
            None => Ok(Conclusion {
                outcome,
                outputs,
                failures: self.failures,
            }),
        }
    }
}

/// What was read of secret values, in memory.
fn secrets(seen: &Seen) -> Vault {
    let vault = Vault::default();
    for (address, all) in &seen.ours {
        for (key, value) in all.iter().flat_map(|sighting| &sighting.observed.secrets) {
            let secret = SecretRef {
                address: address.clone(),
                key: key.clone(),
            };
            vault.keep(secret, value.clone());
        }
    }
    vault
}

fn verb(step: &Step) -> StepVerb {
    match step.act {
        Act::Create { .. } => StepVerb::Create,
        Act::Update { .. } => StepVerb::Update,
        Act::Delete { .. } => StepVerb::Delete,
        Act::Forget { .. } => StepVerb::Forget,
    }
}

/// Errors that end the whole run rather than one step.
fn run_level(error: &CloudError) -> Option<RunError> {
    match (error.class, error.code.as_str()) {
        (Class::Credentials, _) => Some(RunError::Credentials(error.clone())),
        (Class::Stopped, "LeaseLost") => Some(RunError::LeaseLost(error.message.clone())),
        _ => None,
    }
}
