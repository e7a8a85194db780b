//! Where a state is kept: load, compare-and-swap, journal, lease. A folder and a bucket have the same face.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::{Snapshot, SnapshotError};
use crate::journal::{Entry, JournalDamage};
use crate::kind::CloudError;

/// Which text of the state was read; a swap over another one is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(pub String);

/// Who is at work on a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// `user@host`, or the CI job's URL.
    pub who: String,
    /// `apply`, `destroy`, …
    pub doing: String,
    /// RFC 3339.
    pub since: String,
    pub process: u32,
}

/// Somebody else holds the lease.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is at work on this state since {} ({}, process {})", .0.who, .0.since, .0.doing, .0.process)]
pub struct Busy(pub Holder);

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    #[error(transparent)]
    Busy(#[from] Busy),
    /// Nobody has shown yet that the holder is alive: asked again, the store goes on watching, and takes over after `left`.
    #[error(
        "{busy}, but has not been heard of yet: its lease is taken over if it stays silent for {} s", left.as_secs_f64().ceil()
    )]
    Silent { busy: Busy, left: Duration },
    #[error(
        "the state was changed by somebody else meanwhile ({place}); nothing was overwritten. Run again"
    )]
    Conflict { place: String },
    /// A bucket or table that cannot keep a state as it is; `what` says what to do.
    #[error("{place}: {what}")]
    Unfit { place: String, what: String },
    #[error("{place}: {error}")]
    Cloud {
        place: String,
        error: Box<CloudError>,
    },
    #[error("{place}: {what}")]
    Journal { place: String, what: String },
    /// A journal that this program does not understand, and that is not damaged.
    #[error("{place}: {what}")]
    Newer { place: String, what: String },
    #[error("{doing} {place} failed: {source}")]
    Io {
        doing: &'static str,
        place: String,
        source: std::io::Error,
    },
}

impl StoreError {
    /// What reading a journal came to, with its place.
    pub fn of_journal(place: String, damage: JournalDamage) -> Self {
        let what = damage.to_string();
        match damage {
            JournalDamage::Damaged { .. } => Self::Journal { place, what },
            JournalDamage::Newer { .. } => Self::Newer { place, what },
        }
    }

    /// What to do about it, in lines for the reader.
    pub fn advice(&self) -> Vec<String> {
        let lines: &[&str] = match self {
            Self::Cloud { error, .. } => return error.advice(),
            Self::Snapshot(error) if error.is_damage() => &[
                "the way out: circles-infra state rebuild keeps what is there beside, and finds this stack's state again in AWS",
                "nothing was changed",
            ],
            Self::Journal { .. } => {
                &["move that file away; what it tells of is found again by its tags"]
            }
            Self::Newer { .. } => &[
                "upgrade circles-infra; nothing was changed, and nothing that the newer one began is lost",
            ],
            Self::Io { source, .. } => match source.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => &[
                    "there is no room for it: make some, then run the same command again",
                    "what was done before is remembered, or found again by its tags",
                ],
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => &[
                    "the state has to be written: look at the permissions, or keep it elsewhere (`state: { path: … }` in the stack file, CIRCLES_STATE_DIR)",
                ],
                _ => &[
                    "the stack file (`state: { path: … }`) and CIRCLES_STATE_DIR say where the state is kept",
                ],
            },
            Self::Snapshot(_)
            | Self::Busy(_)
            | Self::Silent { .. }
            | Self::Conflict { .. }
            | Self::Unfit { .. } => &[],
        };
        lines.iter().map(|line| (*line).to_owned()).collect()
    }
}

/// A held lease; dropping it gives it back.
pub trait Lease: Send + Sync {
    /// Whether it is still ours, by the holder's own clock.
    fn held(&self) -> Result<(), String>;

    /// The same, asked right before a call is sent. One that ran out, on a busy machine or in a pause, is renewed by compare-and-swap
    /// first: as long as nobody took it, it is ours.
    fn renewed(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async { self.held() })
    }

    /// Taken from a holder that did not give it back: whoever takes it over fences that one off before looking at anything.
    fn taken_over(&self) -> bool {
        false
    }

    /// How old what an earlier run left is known to be at least, by our own monotonic clock: as long as its holder was watched. The times
    /// in a journal are a wall clock's, which may have been set meanwhile, also on one machine.
    fn silence(&self) -> Duration {
        Duration::ZERO
    }
}

/// How often a store wants to be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Least time between two appends: what comes meanwhile goes with the next.
    pub gather: Duration,
    /// Least time between two writes of the state while a run goes on.
    pub save_every: Duration,
}

/// One environment's state, journal and lease.
pub trait Store: Send + Sync {
    /// A name for messages: the file or object.
    fn place(&self) -> String;
    /// The same for the journal.
    fn journal_place(&self) -> String {
        self.place()
    }
    fn load(&self) -> BoxFuture<'_, Result<Option<(Snapshot, Version)>, StoreError>>;
    /// Writes `snapshot` over the version that was read; `None`: there was none.
    fn swap<'a>(
        &'a self,
        base: Option<&'a Version>,
        snapshot: &'a Snapshot,
    ) -> BoxFuture<'a, Result<Version, StoreError>>;
    /// Keeps a state that cannot be read beside, under a name of its own, so that nothing is lost and a new one can be written. Says
    /// where it is now.
    fn lay_aside(&self) -> BoxFuture<'_, Result<String, StoreError>>;
    /// The journal as it stands, without what a crash left of the last append.
    fn journal(&self) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>>;
    /// Appends; durable when this returns.
    fn append<'a>(&'a self, entries: &'a [Entry]) -> BoxFuture<'a, Result<(), StoreError>>;
    /// Puts the journal away as the run's history: its outcome stands in the state.
    fn close_journal(&self) -> BoxFuture<'_, Result<(), StoreError>>;
    /// Journals of finished runs that are still kept, oldest first.
    fn runs(&self) -> BoxFuture<'_, Result<Vec<Vec<Entry>>, StoreError>>;
    /// Takes the lease, or says who has it. To be asked again after [`StoreError::Silent`], of the same store.
    fn lease(&self, holder: Holder) -> BoxFuture<'_, Result<Arc<dyn Lease>, StoreError>>;
    /// A write here costs next to nothing, unless a store says otherwise.
    fn pace(&self) -> Pace {
        Pace {
            gather: Duration::ZERO,
            save_every: Duration::from_secs(1),
        }
    }
}
