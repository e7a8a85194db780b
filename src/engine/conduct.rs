//! The loop. One task owns ledger, known values and events; workers get owned inputs and return outcomes. Outcomes are handled one at a
//! time, so events are linear, and what is written is written by one hand.
//!
//! Long: one owner holds ledger, known values and events, and its handlers stand beside it.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::gate::Message;
use super::ledger::Ledger;
use super::look::Vault;
use super::matching::Matcher;
use super::settings::Settings;
use super::settle::Trouble;
use super::stop::Stop;
use super::worker::Made;
use crate::event::{Event, Outcome, Sink, StepVerb};
use crate::journal::{self, RunState};
use crate::kind::{Class, CloudError, Kinds, Limiter, Refusal};
use crate::model::{Address, Attributes, KindName, PhysicalId, Reference, Scope, SecretRef, Value};
use crate::plan::{Act, Outputs, Plan, Seen, Sighting, Step, StepId};
use crate::state::{Lease, Record, StoreError};

mod finish;
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
    matcher: Arc<Mutex<Matcher>>,
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
    unanswered: u64,
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
        let vault = Arc::new(Vault::default());
        let mut known: BTreeMap<Address, Attributes> = job.seen.existing.clone();
        let mut live = BTreeMap::new();
        for (address, all) in &job.seen.ours {
            for sighting in all {
                for (key, value) in &sighting.observed.secrets {
                    vault.keep(
                        SecretRef {
                            address: address.clone(),
                            key: key.clone(),
                        },
                        value.clone(),
                    );
                }
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
            matcher: Arc::new(Mutex::new(job.matcher.clone())),
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
            unanswered: 0,
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

    async fn begin(&mut self) {
        let plan = &self.job.plan;
        let longest = self.lengths.iter().max().copied().unwrap_or_default();
        let event = Event::RunStarted {
            run: self.job.run.clone(),
            steps: plan.steps.len(),
            totals: plan.totals(),
            estimate: longest,
        };
        self.tell(event);
        self.recovered();
        self.adopt().await;
        for i in 0..self.waits.len() {
            if self.waits[i] == 0 {
                self.ready.push(Ready {
                    length: self.lengths[i],
                    step: StepId(i),
                });
            }
        }
    }

    /// Says what was found of calls that an earlier run did not see the end of.
    fn recovered(&mut self) {
        let found: Vec<(Address, String)> = self
            .job
            .unfinished
            .open
            .iter()
            .map(|(address, open)| {
                let actions: Vec<&str> = open.iter().map(|o| o.intent.action.as_str()).collect();
                let there = self.job.seen.ours.contains_key(address);
                let what = if there {
                    "found, and taken over"
                } else {
                    "not there"
                };
                (
                    address.clone(),
                    format!("{} of an unfinished run: {what}", actions.join(", ")),
                )
            })
            .collect();
        for (address, text) in found {
            self.tell(Event::Recovered { address, text });
        }
    }

    /// Writes down what is live and as wished but not in the state as such: found by its tags, or seen with other values.
    async fn adopt(&mut self) {
        let leaving: BTreeSet<(KindName, PhysicalId)> = self
            .job
            .plan
            .steps
            .iter()
            .filter_map(|step| match &step.act {
                Act::Delete { id, .. } | Act::Forget { id, .. } => {
                    Some((step.kind.clone(), id.clone()))
                }
                Act::Create { .. } | Act::Update { .. } => None,
            })
            .collect();
        let changing: BTreeSet<Address> = self
            .job
            .plan
            .steps
            .iter()
            .map(|step| step.address.clone())
            .collect();
        let mut events = Vec::new();
        // What is gone goes first: else a newer generation would push it among those to delete.
        for (address, id) in self.job.seen.gone.clone() {
            if let Some(record) = self
                .ledger
                .snapshot
                .resources
                .get(&address)
                .filter(|record| record.id == id)
            {
                let kind = record.kind.clone();
                events.push(self.ledger.removed(&address, &kind, &id));
            }
        }
        for (address, kind, id) in self.job.seen.cleared.clone() {
            events.push(self.ledger.removed(&address, &kind, &id));
        }
        for (address, sighting) in self.generations() {
            let observed = &sighting.observed;
            if leaving.contains(&(observed.kind.clone(), observed.id.clone()))
                && self.ledger.snapshot.holds(&observed.kind, &observed.id)
            {
                continue;
            }
            let mut record = self.record(&address, &sighting);
            // What it stands on changes with the step that is still to come.
            if changing.contains(&address)
                && let Some(before) = self.ledger.snapshot.resources.get(&address)
            {
                record.depends_on.clone_from(&before.depends_on);
            }
            if self.ledger.snapshot.resources.get(&address) != Some(&record)
                && !self
                    .ledger
                    .snapshot
                    .leftovers
                    .contains(&(address.clone(), record.clone()))
            {
                events.push(self.ledger.put(&address, record));
            }
        }
        self.write(events).await;
    }

    /// What is live, address by address, older generations first; of several in one generation the one that stays.
    fn generations(&self) -> Vec<(Address, Sighting)> {
        let mut all = Vec::new();
        for (address, sightings) in &self.job.seen.ours {
            let mut last = None;
            let mut one_each: Vec<&Sighting> = Vec::new();
            for sighting in sightings {
                if last != Some(sighting.generation) {
                    one_each.push(sighting);
                }
                last = Some(sighting.generation);
            }
            let ascending = one_each.into_iter().rev();
            all.extend(ascending.map(|sighting| (address.clone(), sighting.clone())));
        }
        all
    }

    /// A record of a live resource: as observed, and what only the file can tell.
    fn record(&self, address: &Address, sighting: &Sighting) -> Record {
        let kept = self.job.keep.get(address);
        let mut attributes = sighting.observed.attributes.clone();
        let before = self.ledger.snapshot.resources.get(address);
        let sources = [kept.map(|k| &k.attributes), before.map(|b| &b.attributes)];
        for source in sources.into_iter().flatten() {
            for (field, value) in &source.0 {
                if attributes.get(field).is_null() && !value.is_null() {
                    let value = value.resolve(&|r| self.value(r));
                    if !value.is_pending() {
                        attributes.0.insert(field.clone(), value);
                    }
                }
            }
        }
        Record {
            kind: sighting.observed.kind.clone(),
            id: sighting.observed.id.clone(),
            generation: sighting.generation,
            attributes,
            depends_on: kept
                .map(|k| k.depends_on.clone())
                .or(before.map(|b| b.depends_on.clone()))
                .unwrap_or_default(),
            protect: kept.map_or(before.is_some_and(|b| b.protect), |k| k.protect),
            retain: kept.map_or(before.is_some_and(|b| b.retain), |k| k.retain),
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

    /// Handles what workers said, one journal write for all of it.
    async fn hear(&mut self, batch: Vec<Message>) {
        let mut events = Vec::new();
        let mut intents: Vec<(u64, oneshot::Sender<Result<u64, Refusal>>)> = Vec::new();
        let mut learned: Vec<oneshot::Sender<Result<(), Refusal>>> = Vec::new();
        for message in batch {
            match message {
                Message::Intent(intent, reply) => {
                    let (number, event) = self.ledger.intent(*intent);
                    events.push(event);
                    intents.push((number, reply));
                    self.calls += 1;
                }
                Message::Learned(step, number, id, reply) => {
                    events.push(journal::Event::Learned {
                        number,
                        id: id.clone(),
                    });
                    learned.push(reply);
                    self.learned(step, id);
                }
                Message::Returned(number, outcome) => {
                    if matches!(outcome, Err((crate::kind::CallFailure::Unknown, _))) {
                        self.unanswered += 1;
                    }
                    let event = self.ledger.returned(number, outcome);
                    events.push(event);
                }
                Message::Waiting(step, address, why) => {
                    self.tell(Event::StepWaiting { step, address, why })
                }
                Message::Note(address, text) => self.tell(Event::StepNote { address, text }),
            }
        }
        let durable = if intents.is_empty() && learned.is_empty() {
            self.ledger.later(events);
            true
        } else {
            self.write(events).await
        };
        let refusal = || Refusal::NotDurable("the journal could not be written".into());
        for (number, reply) in intents {
            let _ = reply.send(if durable { Ok(number) } else { Err(refusal()) });
        }
        for reply in learned {
            let _ = reply.send(if durable { Ok(()) } else { Err(refusal()) });
        }
    }

    fn learned(&mut self, step: StepId, id: crate::model::PhysicalId) {
        let Some(step) = self.job.plan.step(step) else {
            return;
        };
        let (step, address, kind, generation) = (
            step.id,
            step.address.clone(),
            step.kind.clone(),
            step.generation,
        );
        self.matcher
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .learn(&kind, &id, &address, generation);
        self.tell(Event::StepLearned { step, address, id });
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
            _ => self.unseen().is_empty() && self.unanswered == 0 && self.fatal.is_none(),
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
