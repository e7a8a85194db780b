//! The one owner of what is written: journal, snapshot, version. Appends in groups, saves seldom, never over somebody else's write.
//!
//! What must be durable before anything goes on (an intent, an id) is appended; what only tells how it ended goes with the next append,
//! or within a second. A crash in between leaves an open intent, and the next run looks for what it made.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::journal::{CallOutcome, Entry, Event, RunState};
use crate::kind::{CallFailure, Class, Intent};
use crate::model::{Address, KindName, PhysicalId};
use crate::plan::Outputs;
use crate::state::{Pace, Record, RunInfo, Snapshot, Store, StoreError, Version};

/// The longest that an outcome waits for company.
const LINGER: Duration = Duration::from_secs(1);

/// Who begins a run, and what for.
#[derive(Clone, Debug)]
pub struct Opening {
    pub info: RunInfo,
    /// `apply`, `destroy`, …
    pub doing: String,
    /// Milliseconds since 1970.
    pub clock: fn() -> u64,
}

pub struct Ledger {
    store: Arc<dyn Store>,
    pub snapshot: Snapshot,
    version: Option<Version>,
    opening: Opening,
    next_seq: u64,
    next_number: u64,
    /// The snapshot holds more than what is stored.
    dirty: bool,
    /// Outcomes that go with the next append, and since when the first of them waits.
    pending: Vec<Event>,
    waiting_since: Option<Instant>,
    appended: Instant,
}

impl Ledger {
    /// Begins a run: a new epoch, and its opening in the journal. `snapshot` is already up to what `unfinished` tells.
    pub async fn open(
        store: Arc<dyn Store>,
        mut snapshot: Snapshot,
        version: Option<Version>,
        unfinished: &RunState,
        opening: Opening,
    ) -> Result<Self, StoreError> {
        if unfinished.closed {
            // A crash between the journal's end and its putting away.
            store.close_journal().await?;
        }
        let going_on = unfinished.run.is_some() && !unfinished.closed;
        snapshot.epoch = snapshot.epoch.max(unfinished.epoch) + 1;
        let mut ledger = Self {
            store,
            snapshot,
            version,
            next_seq: if going_on { unfinished.next_seq } else { 0 },
            next_number: if going_on { unfinished.next_number } else { 0 },
            opening: opening.clone(),
            dirty: true,
            pending: Vec::new(),
            waiting_since: None,
            appended: Instant::now(),
        };
        ledger
            .append(vec![Event::Opened {
                run: opening.info.run.clone(),
                epoch: ledger.snapshot.epoch,
                caller: opening.info.caller.clone(),
                who: opening.info.who.clone(),
                doing: opening.doing.clone(),
                commit: opening.info.commit.clone(),
            }])
            .await?;
        Ok(ledger)
    }

    /// Milliseconds since 1970.
    pub fn now(&self) -> u64 {
        (self.opening.clock)()
    }

    pub fn pace(&self) -> Pace {
        self.store.pace()
    }

    /// Not before this does the store want another append.
    pub fn next_append(&self) -> Instant {
        self.appended + self.pace().gather
    }

    /// Durable when this returns, and so is everything that waited.
    pub async fn append(&mut self, events: Vec<Event>) -> Result<(), StoreError> {
        self.later(events);
        self.flush().await
    }

    /// Goes with the next append, or when [`Ledger::flush_due`] says so.
    pub fn later(&mut self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        self.waiting_since.get_or_insert_with(Instant::now);
        self.pending.extend(events);
    }

    /// When what waits has waited long enough; `None`: nothing does.
    pub fn flush_due(&self) -> Option<Instant> {
        Some((self.waiting_since? + LINGER).max(self.next_append()))
    }

    /// Appends what waits. On an error it goes on waiting.
    pub async fn flush(&mut self) -> Result<(), StoreError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let at = (self.opening.clock)();
        let entries: Vec<Entry> = (self.next_seq..)
            .zip(&self.pending)
            .map(|(seq, event)| Entry {
                seq,
                at,
                event: event.clone(),
            })
            .collect();
        let written = self.store.append(&entries).await;
        self.appended = Instant::now();
        written?;
        self.next_seq += entries.len() as u64;
        self.pending.clear();
        self.waiting_since = None;
        Ok(())
    }

    /// The next intent's number and its line.
    pub fn intent(&mut self, intent: Intent) -> (u64, Event) {
        let number = self.next_number;
        self.next_number += 1;
        (
            number,
            Event::Intent {
                number,
                intent: Box::new(intent),
            },
        )
    }

    pub fn returned(&mut self, number: u64, outcome: Result<(), (CallFailure, Class)>) -> Event {
        let outcome = match outcome {
            Ok(()) => CallOutcome::Done,
            Err((CallFailure::Refused, _)) => CallOutcome::Refused,
            Err((CallFailure::Unknown, _)) => CallOutcome::Unknown,
        };
        Event::Returned { number, outcome }
    }

    /// The resource as it is now.
    pub fn put(&mut self, address: &Address, record: Record) -> Event {
        self.snapshot.put(address, record.clone());
        self.dirty = true;
        Event::Recorded {
            address: address.clone(),
            record: Box::new(record),
        }
    }

    /// Gone, or not ours any more.
    pub fn removed(&mut self, address: &Address, kind: &KindName, id: &PhysicalId) -> Event {
        self.snapshot.drop_id(kind, id);
        self.dirty = true;
        Event::Removed {
            kind: kind.clone(),
            id: id.clone(),
            address: address.clone(),
        }
    }

    pub fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Writes the snapshot over the one that was read; first the journal, which must never tell less than the state.
    pub async fn save(&mut self) -> Result<(), StoreError> {
        self.flush().await?;
        if !self.dirty {
            return Ok(());
        }
        self.snapshot.serial += 1;
        self.snapshot.last_run = self.opening.info.clone();
        let written = self.store.swap(self.version.as_ref(), &self.snapshot).await;
        match written {
            Ok(version) => {
                self.version = Some(version);
                self.dirty = false;
                Ok(())
            }
            Err(error) => {
                self.snapshot.serial -= 1;
                Err(error)
            }
        }
    }

    /// Ends the run: the state is written, and the journal put away unless something in it is still open.
    pub async fn close(
        &mut self,
        outputs: Option<Outputs>,
        settled: bool,
    ) -> Result<(), StoreError> {
        if let Some(outputs) = outputs
            && outputs != self.snapshot.outputs
        {
            self.snapshot.outputs = outputs;
            self.dirty = true;
        }
        self.save().await?;
        if settled {
            self.append(vec![Event::Closed]).await?;
            self.store.close_journal().await?;
        }
        Ok(())
    }
}
