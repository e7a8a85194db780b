//! Holding a lease: a task of its own renews it until it is given back or lost.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{Claim, SAFE, nonce};
use crate::state::objects::{PutError, Register, Tag, put_surely};
use crate::state::store::{Lease, StoreError};

/// How long giving it back may take: a lease that is not given back runs out by itself.
const GIVING_BACK: Duration = Duration::from_secs(5);

/// What the holder and its task share.
struct Shared {
    /// Ours until then, or why not any more.
    until: Mutex<Result<Instant, String>>,
}

struct HeldLease {
    shared: Arc<Shared>,
    /// How long the former holder was silent, if it was taken from one.
    watched: Option<Duration>,
    give_back: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

/// Renews `claim` from now on.
pub fn hold(
    register: Arc<dyn Register>,
    claim: Claim,
    tag: Tag,
    until: Instant,
    watched: Option<Duration>,
) -> Arc<dyn Lease> {
    let shared = Arc::new(Shared {
        until: Mutex::new(Ok(until)),
    });
    let (give_back, asked) = oneshot::channel();
    let task = tokio::spawn(beat(register, claim, tag, shared.clone(), asked));
    Arc::new(HeldLease {
        shared,
        watched,
        give_back: Some(give_back),
        task: Some(task),
    })
}

async fn beat(
    register: Arc<dyn Register>,
    mut claim: Claim,
    mut tag: Tag,
    shared: Arc<Shared>,
    mut asked: oneshot::Receiver<()>,
) {
    let length = claim.length();
    let mut gap = length / 3;
    loop {
        tokio::select! {
            _ = &mut asked => break,
            () = tokio::time::sleep(gap) => {}
        }
        claim.beat = nonce();
        let sent = Instant::now();
        let Ok(text) = claim.text() else { return };
        // A write that hangs must not use the whole lease up.
        let written =
            tokio::time::timeout(length / 4, put_surely(register.as_ref(), &text, Some(&tag)));
        gap = match written.await.unwrap_or(Err(PutError::Lost)) {
            Ok(new) => {
                tag = new;
                shared.set(Ok(sent + length.mul_f64(SAFE)));
                length / 3
            }
            Err(PutError::Lost) => match mine(register.as_ref(), &claim).await {
                // A beat that was believed to have failed was carried out after all, or none was.
                Ok(Some(new)) => {
                    tag = new;
                    length / 12
                }
                Err(_) => length / 12,
                Ok(None) => {
                    let what = format!("somebody else has taken over ({})", register.place());
                    shared.set(Err(what));
                    return;
                }
            },
            // Perhaps the network comes back before the lease is over; until then it is not counted on.
            Err(PutError::Again(_) | PutError::Failed(_)) => length / 12,
        };
    }
    claim.free = true;
    claim.beat = nonce();
    if let Ok(text) = claim.text() {
        // It runs out by itself when this fails.
        let _ = put_surely(register.as_ref(), &text, Some(&tag)).await;
    }
}

/// The tag of what stands there, if it is a claim of this holding.
async fn mine(register: &dyn Register, claim: &Claim) -> Result<Option<Tag>, StoreError> {
    let Some((text, tag)) = register.get().await? else {
        return Ok(None);
    };
    let there = Claim::read(&text, &register.place(), claim.length());
    let ours = there.term == claim.term && there.holder == claim.holder && !there.free;
    Ok(ours.then_some(tag))
}

impl Shared {
    fn set(&self, until: Result<Instant, String>) {
        *self.until.lock().unwrap_or_else(|e| e.into_inner()) = until;
    }
}

impl Lease for HeldLease {
    fn held(&self) -> Result<(), String> {
        let until = self.shared.until.lock().unwrap_or_else(|e| e.into_inner());
        match &*until {
            Ok(until) if Instant::now() < *until => Ok(()),
            Ok(_) => Err(
                "it could not be renewed in time (the network, or this process was paused)".into(),
            ),
            Err(why) => Err(why.clone()),
        }
    }

    fn taken_over(&self) -> bool {
        self.watched.is_some()
    }

    fn silence(&self) -> Option<Duration> {
        Some(self.watched.unwrap_or_default())
    }
}

impl Drop for HeldLease {
    /// Gives it back, and waits for that where the runtime has other threads to do it.
    fn drop(&mut self) {
        drop(self.give_back.take());
        let (Some(task), Ok(runtime)) = (self.task.take(), Handle::try_current()) else {
            return;
        };
        if runtime.runtime_flavor() == RuntimeFlavor::MultiThread {
            tokio::task::block_in_place(|| {
                // An error or too long a wait: the lease runs out by itself.
                let _ = runtime.block_on(async { tokio::time::timeout(GIVING_BACK, task).await });
            });
        }
    }
}
