//! Cloud, disk and clock of one case.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use circles_infra::model::Scope;
use circles_infra::state::{BucketStore, LEASE, LocalStore, StateKey, Store};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::cloud::{Cloud, Inner};
use crate::drive::Defect;
use crate::faults::{Fault, Tally};
use crate::objects::{Bucket, Door};
use crate::process::{Mishap, Process};
use crate::shelf::Shelf;

/// Where the state of a case is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Keeping {
    Local,
    Bucket,
}

pub enum Disk {
    Local(TempDir),
    Bucket(Arc<Bucket>),
}

/// Cloud, disk and clock of one case.
pub struct Universe {
    pub seed: u64,
    pub tally: Arc<Tally>,
    pub cloud: Arc<Cloud>,
    pub disk: Disk,
    pub defect: Option<Defect>,
    pub scope: Scope,
    /// Whether every event is printed.
    pub loud: bool,
    processes: AtomicU32,
}

thread_local! {
    static CLOCK: Cell<(Option<Instant>, i64)> = const { Cell::new((None, 0)) };
}

/// Milliseconds since 1970 by the clock of whoever runs now.
pub fn clock() -> u64 {
    let (began, skew) = CLOCK.get();
    let passed = began.map_or(0, |began| began.elapsed().as_millis());
    let passed = i64::try_from(passed).unwrap_or(0);
    u64::try_from(1_700_000_000_000 + passed + skew).unwrap_or(0)
}

/// Sets the wall clock off by so many seconds from now on.
pub fn clock_off(seconds: i64) {
    let (began, _) = CLOCK.get();
    CLOCK.set((began, seconds * 1000));
}

/// A folder in memory where there is one: a test writes a thousand files.
fn folder() -> TempDir {
    let memory = PathBuf::from("/dev/shm");
    let made = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    made.expect("a temporary folder")
}

impl Universe {
    pub fn new(seed: u64, keeping: Keeping, defect: Option<Defect>, tally: &Arc<Tally>) -> Self {
        CLOCK.set((Some(Instant::now()), 0));
        let disk = match keeping {
            Keeping::Local => Disk::Local(folder()),
            Keeping::Bucket => Disk::Bucket(Arc::default()),
        };
        Self {
            seed,
            tally: tally.clone(),
            cloud: Cloud::new(seed, tally, Inner::default()),
            disk,
            defect,
            scope: Scope {
                stack: "sim".into(),
                environment: "dev".into(),
                account: "000000000000".into(),
                region: "nowhere-1".into(),
                partition: "aws".into(),
            },
            loud: false,
            processes: AtomicU32::new(0),
        }
    }

    pub fn key(&self) -> StateKey {
        StateKey {
            scope: self.scope.clone(),
            endpoint: None,
        }
    }

    /// The local state's folder.
    pub fn folder(&self) -> Option<PathBuf> {
        match &self.disk {
            Disk::Local(root) => Some(root.path().join(self.key().name())),
            Disk::Bucket(_) => None,
        }
    }

    pub fn process(&self, mishap: Mishap) -> Arc<Process> {
        let number = self.processes.fetch_add(1, Ordering::Relaxed);
        Process::new(number, mishap, &self.tally)
    }

    pub fn shelf(&self, process: &Arc<Process>) -> Arc<Shelf> {
        let (store, journal): (Arc<dyn Store>, _) = match &self.disk {
            Disk::Local(root) => (
                Arc::new(LocalStore::new(root.path(), self.key())),
                self.folder().map(|folder| folder.join("journal.jsonl")),
            ),
            Disk::Bucket(bucket) => {
                let door = Door {
                    bucket: bucket.clone(),
                    cloud: self.cloud.clone(),
                    process: process.clone(),
                    defect: self.defect,
                };
                let store = BucketStore::new(Arc::new(door), "team", self.key(), None, LEASE);
                (Arc::new(store), None)
            }
        };
        Shelf::new(store, process, &self.cloud, journal, self.defect, self.seed)
    }

    /// The state is lost, and all that belongs to it.
    pub fn lose_state(&self) {
        match &self.disk {
            Disk::Local(_) => {
                let _ = std::fs::remove_dir_all(self.folder().unwrap_or_default());
            }
            Disk::Bucket(bucket) => bucket.clear(),
        }
        self.cloud.now().epochs.clear();
        self.tally.strike(Fault::LostState);
    }
}
