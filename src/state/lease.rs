//! Leases: a text that its holder writes anew every third of its length. Whoever finds it held watches it by its own monotonic clock, and
//! takes it over when it has not changed for as long as the holder promised to renew it. No wall clock is ever compared.
//!
//! ```text
//!   absent, free ──take──▶ held ──beat──▶ held ──give back──▶ free
//!                           └──silent for its length──▶ taken over
//! ```
//!
//! A lease keeps two runs from working at once; it is not what keeps the state right: that is compare-and-swap, on state and journal.

mod beat;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::objects::{PutError, Register, Tag, put_surely};
use super::store::{Busy, Holder, Lease, StoreError};

/// How long a lease lasts without a word of its holder.
pub const LEASE: Duration = Duration::from_secs(60);
/// What a lease of somebody's own making can ask for at most.
const LONGEST: Duration = Duration::from_secs(600);
/// A holder counts on its lease for this part of its length only; the rest is for clocks that run differently.
const SAFE: f64 = 0.9;

/// How long a write to the state's store is repeated while the store is away: a minute and a half
/// with the usual lease. That may be longer than the lease lasts, and does no harm: every write is
/// conditional, whoever takes over takes the names that its predecessor would write next, and the
/// lease is asked for again right before each call to AWS. A run waits for its renewal up to one
/// length; together that is what an outage may take.
pub fn outage_patience(lease: Duration) -> Duration {
    lease.mul_f64(1.5)
}

/// What stands in the register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Claim {
    #[serde(flatten)]
    holder: Holder,
    /// Counts holders.
    term: u64,
    /// Another one with every write, so that a silent holder can be told from a living one.
    beat: String,
    /// The holder renews it within this time.
    length_ms: u64,
    /// Given back.
    free: bool,
}

impl Claim {
    fn text(&self) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(self).map_err(|e| StoreError::Journal {
            place: "the lease".into(),
            what: e.to_string(),
        })
    }

    /// A text that is none of ours is a claim all the same: of somebody who never renews it, for as long as one of ours.
    fn read(text: &[u8], place: &str, length: Duration) -> Self {
        serde_json::from_slice(text).unwrap_or_else(|_| Self {
            holder: Holder {
                who: format!("somebody ({place} was not written by circles-infra)"),
                doing: "something unknown".into(),
                since: "an unknown time".into(),
                process: 0,
            },
            term: 0,
            beat: String::new(),
            length_ms: u64::try_from(length.as_millis()).unwrap_or(u64::MAX),
            free: false,
        })
    }

    fn length(&self) -> Duration {
        Duration::from_millis(self.length_ms).min(LONGEST)
    }
}

/// What was seen of somebody else's claim.
struct Watch {
    tag: Tag,
    /// When this tag was first seen.
    since: Instant,
    /// The tag changed before our eyes.
    alive: bool,
}

/// Takes and watches the lease of one register.
pub struct Leases {
    register: Arc<dyn Register>,
    length: Duration,
    watch: Mutex<Option<Watch>>,
}

/// What a look at the register means.
enum Seen {
    /// To be taken over that tag; how long it was watched, if it was held by one that is silent.
    Free(Option<Tag>, u64, Option<Duration>),
    Held(StoreError),
}

impl Leases {
    pub fn new(register: Arc<dyn Register>, length: Duration) -> Self {
        Self {
            register,
            length,
            watch: Mutex::new(None),
        }
    }

    /// Takes the lease, or says who has it. See [`super::Store::lease`].
    pub async fn take(&self, holder: Holder) -> Result<Arc<dyn Lease>, StoreError> {
        // Somebody may be quicker, and give it back at once; a few rounds tell them apart from a holder.
        for _ in 0..5 {
            let (over, term, watched) = match self.look().await? {
                Seen::Free(over, term, watched) => (over, term, watched),
                Seen::Held(error) => return Err(error),
            };
            let claim = Claim {
                holder: holder.clone(),
                term: term + 1,
                beat: nonce(),
                length_ms: u64::try_from(self.length.as_millis()).unwrap_or(u64::MAX),
                free: false,
            };
            let sent = Instant::now();
            let text = claim.text()?;
            let patience = outage_patience(self.length);
            match put_surely(self.register.as_ref(), &text, over.as_ref(), patience).await {
                Ok(tag) => {
                    *self.watch.lock().unwrap_or_else(|e| e.into_inner()) = None;
                    let until = sent + self.length.mul_f64(SAFE);
                    return Ok(beat::hold(
                        self.register.clone(),
                        claim,
                        tag,
                        until,
                        watched,
                    ));
                }
                Err(PutError::Lost) => {}
                Err(PutError::Again(error) | PutError::Failed(error)) => return Err(error),
            }
        }
        Err(StoreError::Conflict {
            place: self.register.place(),
        })
    }

    async fn look(&self) -> Result<Seen, StoreError> {
        let asked = Instant::now();
        let there = self.register.get().await?;
        let mut watch = self.watch.lock().unwrap_or_else(|e| e.into_inner());
        let Some((text, tag)) = there else {
            return Ok(Seen::Free(None, 0, None));
        };
        let claim = Claim::read(&text, &self.register.place(), self.length);
        if claim.free {
            return Ok(Seen::Free(Some(tag), claim.term, None));
        }
        let (since, alive) = match watch.as_ref() {
            Some(seen) if seen.tag == tag => (seen.since, seen.alive),
            Some(_) => (Instant::now(), true),
            None => (Instant::now(), false),
        };
        let silent = asked.saturating_duration_since(since);
        if silent >= claim.length() {
            return Ok(Seen::Free(Some(tag), claim.term, Some(silent)));
        }
        *watch = Some(Watch { tag, since, alive });
        let left = claim.length() - silent;
        let busy = Busy(claim.holder);
        Ok(Seen::Held(if alive {
            busy.into()
        } else {
            StoreError::Silent { busy, left }
        }))
    }
}

fn nonce() -> String {
    format!("{:032x}", rand::random::<u128>())
}

#[cfg(test)]
mod tests;
