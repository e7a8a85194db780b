//! Taking the lease, and fencing off whoever held it and did not give it back.

use std::sync::Arc;
use std::time::Duration;

use super::who;
use super::{Request, Session, SessionError};
use crate::engine::{Ledger, Opening};
use crate::state::{Holder, Lease, SnapshotError, Store, StoreError};

/// Between two looks at a lease that somebody else has.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// What a fence's line in the journal says is being done. Nothing else is done in it, so `history` leaves it out.
pub const TAKING_OVER: &str = "take over";
/// A dead holder has at most what was in flight, so it is ahead of us a few times at most.
const ROUNDS: usize = 5;

/// A damaged state that was kept beside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Salvaged {
    pub damage: SnapshotError,
    /// Where it is now.
    pub kept: String,
}

impl Session {
    /// Takes the lease, waiting up to `patience` for somebody else to finish. Held until the session ends.
    pub async fn lock(
        &mut self,
        doing: &str,
        patience: Duration,
        on_wait: &mut dyn FnMut(&StoreError),
    ) -> Result<(), SessionError> {
        if self.take_lease(doing, patience, on_wait).await? {
            self.fence().await?;
        }
        Ok(())
    }

    /// The same for whoever makes the state anew: one that is damaged is kept beside before anything else, and told of.
    pub async fn lock_to_rebuild(
        &mut self,
        doing: &str,
        patience: Duration,
        on_wait: &mut dyn FnMut(&StoreError),
    ) -> Result<Option<Salvaged>, SessionError> {
        let taken_over = self.take_lease(doing, patience, on_wait).await?;
        let salvaged = match self.store.load().await {
            Err(StoreError::Snapshot(damage)) if damage.is_damage() => Some(Salvaged {
                kept: self.store.lay_aside().await?,
                damage,
            }),
            // What is not damaged is read again where it is used, and told there.
            _ => None,
        };
        if taken_over {
            self.fence().await?;
        }
        Ok(salvaged)
    }

    /// Says whether it was taken from a holder that did not give it back.
    async fn take_lease(
        &mut self,
        doing: &str,
        patience: Duration,
        on_wait: &mut dyn FnMut(&StoreError),
    ) -> Result<bool, SessionError> {
        if self.lease.is_some() {
            return Ok(false);
        }
        let lease = take(self.store.as_ref(), &self.request, doing, patience, on_wait).await?;
        let taken_over = lease.taken_over();
        self.lease = Some(lease);
        Ok(taken_over)
    }

    /// Writes a line to the journal and a new epoch to the state before anything is looked at: from then on whatever the holder of before
    /// still sends is refused, and what it had in flight until then is in what is read next.
    async fn fence(&self) -> Result<(), SessionError> {
        for _ in 0..ROUNDS {
            let remembered = self.remember().await?;
            let opening = Opening {
                info: who::run_info(&self.request.process, self.caller()),
                doing: TAKING_OVER.to_owned(),
                clock: who::clock,
            };
            let opened = Ledger::open(
                self.store.clone(),
                remembered.snapshot,
                remembered.version,
                &remembered.unfinished,
                opening,
            )
            .await;
            let saved = match opened {
                Ok(mut ledger) => ledger.save().await,
                Err(error) => Err(error),
            };
            match saved {
                Err(StoreError::Conflict { .. }) => {}
                saved => return Ok(saved?),
            }
        }
        Err(StoreError::Conflict {
            place: self.store.place(),
        }
        .into())
    }
}

/// Takes a store's lease.
pub async fn take(
    store: &dyn Store,
    request: &Request,
    doing: &str,
    patience: Duration,
    on_wait: &mut dyn FnMut(&StoreError),
) -> Result<Arc<dyn Lease>, SessionError> {
    let since = tokio::time::Instant::now();
    let mut told = false;
    loop {
        let holder = Holder {
            who: who::who(&request.process),
            doing: doing.to_owned(),
            since: who::now(),
            process: std::process::id(),
        };
        let (error, pause) = match store.lease(holder).await {
            Ok(lease) => return Ok(lease),
            // Whether a silent holder is alive shows within its lease; that much is waited for without being asked to.
            Err(error @ StoreError::Silent { left, .. }) => (error, left.min(LOOK_AGAIN)),
            Err(error @ StoreError::Busy(_)) if since.elapsed() < patience => (error, LOOK_AGAIN),
            Err(error) => return Err(error.into()),
        };
        if !told {
            on_wait(&error);
            told = true;
        }
        tokio::time::sleep(pause).await;
    }
}
