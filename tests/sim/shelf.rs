//! The store of one process: the real one, with a boundary before, within and after each write.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use circles_infra::journal::{Entry, Event};
use circles_infra::state::{Holder, Lease, Pace, Snapshot, Store, StoreError, Version};
use futures::future::{BoxFuture, pending};

use crate::cloud::Cloud;
use crate::drive::Defect;
use crate::faults::{Dice, Fault};
use crate::process::{Boundary, Process};

pub struct Shelf {
    pub inner: Arc<dyn Store>,
    pub process: Arc<Process>,
    pub cloud: Arc<Cloud>,
    /// The file that a crash can tear; a bucket has none.
    pub journal: Option<PathBuf>,
    pub defect: Option<Defect>,
    pub seed: u64,
    /// Under which this process writes.
    epoch: Mutex<u64>,
    /// Planted: what was said to be durable, and is so only with the next write.
    unsynced: Mutex<Option<u64>>,
}

impl Shelf {
    pub fn new(
        inner: Arc<dyn Store>,
        process: &Arc<Process>,
        cloud: &Arc<Cloud>,
        journal: Option<PathBuf>,
        defect: Option<Defect>,
        seed: u64,
    ) -> Arc<Self> {
        Arc::new(Self {
            inner,
            process: process.clone(),
            cloud: cloud.clone(),
            epoch: Mutex::new(0),
            journal,
            defect,
            seed,
            unsynced: Mutex::new(None),
        })
    }

    fn length(&self) -> u64 {
        let path = self.journal.as_ref();
        path.and_then(|path| std::fs::metadata(path).ok())
            .map_or(0, |file| file.len())
    }

    fn cut(&self, to: u64) {
        if let Some(path) = &self.journal
            && let Ok(file) = std::fs::OpenOptions::new().write(true).open(path)
        {
            file.set_len(to).unwrap();
        }
    }

    /// The process has died within an append: a part of it stands.
    async fn torn(&self, entries: &[Entry]) {
        let before = self.length();
        if self.inner.append(entries).await.is_ok() && self.journal.is_some() {
            let after = self.length();
            let mut dice = Dice::at(self.seed, &[&"torn", &self.process.number, &after]);
            // A half line that stood there is cut off first: it can be shorter now.
            let (from, upto) = (before.min(after), before.max(after).saturating_sub(1));
            let to = dice.between(from.min(upto), upto).min(after);
            self.cut(to);
            let text = self
                .journal
                .as_ref()
                .and_then(|path| std::fs::read(path).ok());
            if text.is_some_and(|text| text.last().is_some_and(|byte| *byte != b'\n')) {
                self.cloud.tally.strike(Fault::TornLine);
            }
        }
    }

    /// Whoever was taken over from writes nothing any more.
    fn judge(&self, entries: &[Entry]) {
        let mut epoch = self.epoch.lock().unwrap();
        for entry in entries {
            if let Event::Opened { epoch: opened, .. } = &entry.event {
                *epoch = *opened;
            }
        }
        self.cloud.now().written("the journal", *epoch);
    }

    /// The machine has gone down: what was not synced is lost.
    pub fn power_cut(&self) {
        if let Some(to) = self.unsynced.lock().unwrap().take() {
            self.cut(to);
        }
    }
}

impl Store for Shelf {
    fn place(&self) -> String {
        self.inner.place()
    }

    fn load(&self) -> BoxFuture<'_, Result<Option<(Snapshot, Version)>, StoreError>> {
        self.inner.load()
    }

    fn swap<'a>(
        &'a self,
        base: Option<&'a Version>,
        snapshot: &'a Snapshot,
    ) -> BoxFuture<'a, Result<Version, StoreError>> {
        Box::pin(async move {
            self.process.boundary(Boundary::BeforeSwap).await;
            let there = match self.defect {
                // Planted: over whatever stands there.
                Some(Defect::NoIfMatch) => self.inner.load().await?.map(|(_, version)| version),
                _ => base.cloned(),
            };
            let version = self.inner.swap(there.as_ref(), snapshot).await?;
            self.cloud.now().written("the state", snapshot.epoch);
            self.process.boundary(Boundary::AfterSwap).await;
            Ok(version)
        })
    }

    fn lay_aside(&self) -> BoxFuture<'_, Result<String, StoreError>> {
        self.inner.lay_aside()
    }

    fn journal(&self) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        self.inner.journal()
    }

    fn append<'a>(&'a self, entries: &'a [Entry]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.process.boundary(Boundary::BeforeAppend).await;
            if self.process.falls(Boundary::WithinAppend) {
                self.torn(entries).await;
                self.process.end();
                pending::<()>().await;
            }
            let before = self.length();
            self.inner.append(entries).await?;
            self.judge(entries);
            if self.defect == Some(Defect::NoFsync) {
                *self.unsynced.lock().unwrap() = Some(before);
            }
            self.process.boundary(Boundary::AfterAppend).await;
            Ok(())
        })
    }

    fn close_journal(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.process.boundary(Boundary::BeforeClose).await;
            self.inner.close_journal().await?;
            *self.unsynced.lock().unwrap() = None;
            self.process.boundary(Boundary::AfterClose).await;
            Ok(())
        })
    }

    fn runs(&self) -> BoxFuture<'_, Result<Vec<Vec<Entry>>, StoreError>> {
        self.inner.runs()
    }

    fn lease(&self, holder: Holder) -> BoxFuture<'_, Result<Arc<dyn Lease>, StoreError>> {
        self.inner.lease(holder)
    }

    fn pace(&self) -> Pace {
        self.inner.pace()
    }
}
