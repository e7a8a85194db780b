//! Holding a lease: a task of its own renews it until it is given back or lost.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{Notify, oneshot, watch};
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
    until: watch::Sender<Result<Instant, String>>,
    /// Somebody waits for the next renewal.
    hurry: Notify,
    length: Duration,
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
        until: watch::Sender::new(Ok(until)),
        hurry: Notify::new(),
        length: claim.length(),
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
    tag: Tag,
    shared: Arc<Shared>,
    mut asked: oneshot::Receiver<()>,
) {
    let length = claim.length();
    let mut gap = length / 3;
    let mut tag = Some(tag);
    loop {
        tokio::select! {
            _ = &mut asked => break,
            () = tokio::time::sleep(gap) => {}
            () = shared.hurry.notified() => {}
        }
        claim.beat = nonce();
        let sent = Instant::now();
        let Ok(text) = claim.text() else { return };
        // A write that hangs must not use the whole lease up.
        let written = tokio::time::timeout(
            length / 4,
            put_surely(register.as_ref(), &text, tag.as_ref(), length / 4),
        );
        gap = match written.await.unwrap_or(Err(PutError::Lost)) {
            Ok(new) => {
                tag = Some(new);
                shared.set(Ok(sent + length.mul_f64(SAFE)));
                length / 3
            }
            Err(PutError::Lost) => match whose(register.as_ref(), &claim).await {
                // A beat that was believed to have failed was carried out after all, or none was.
                Ok(Whose::Ours(new)) => {
                    tag = Some(new);
                    length / 12
                }
                // Somebody deleted it by hand. That is nobody at work.
                Ok(Whose::Nobodys) => {
                    tag = None;
                    length / 12
                }
                Err(_) => length / 12,
                Ok(Whose::Theirs) => {
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
        let _ = put_surely(register.as_ref(), &text, tag.as_ref(), GIVING_BACK).await;
    }
}

/// Who stands in the register.
enum Whose {
    /// This holding, written so.
    Ours(Tag),
    Theirs,
    Nobodys,
}

async fn whose(register: &dyn Register, claim: &Claim) -> Result<Whose, StoreError> {
    let Some((text, tag)) = register.get().await? else {
        return Ok(Whose::Nobodys);
    };
    let there = Claim::read(&text, &register.place(), claim.length());
    let ours = there.term == claim.term && there.holder == claim.holder && !there.free;
    Ok(if ours {
        Whose::Ours(tag)
    } else {
        Whose::Theirs
    })
}

impl Shared {
    fn set(&self, until: Result<Instant, String>) {
        // What it was before is of no interest.
        drop(self.until.send_replace(until));
    }

    /// Whether it is ours by our own clock; `None`: it ran out, and nobody knows yet whether somebody has taken it.
    fn ours(&self) -> Option<Result<(), String>> {
        match &*self.until.borrow() {
            Ok(until) if Instant::now() < *until => Some(Ok(())),
            Ok(_) => None,
            Err(why) => Some(Err(why.clone())),
        }
    }

    async fn renewed(&self) -> Result<(), String> {
        let mut news = self.until.subscribe();
        let patience = Instant::now() + self.length;
        loop {
            if let Some(answer) = self.ours() {
                return answer;
            }
            self.hurry.notify_one();
            match tokio::time::timeout_at(patience, news.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Err(RAN_OUT.into()),
            }
        }
    }
}

const RAN_OUT: &str =
    "it ran out and could not be renewed (the network is gone, or this process was paused)";

impl Lease for HeldLease {
    fn held(&self) -> Result<(), String> {
        self.shared.ours().unwrap_or_else(|| Err(RAN_OUT.into()))
    }

    fn renewed(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(self.shared.renewed())
    }

    fn taken_over(&self) -> bool {
        self.watched.is_some()
    }

    fn silence(&self) -> Duration {
        self.watched.unwrap_or_default()
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
