//! How many uploads a task receives at a time: a bound for the task, and one for each user.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{ApiError, Result};

/// How long an upload is taken to need that has not sent anything yet.
const UNKNOWN: Duration = Duration::from_secs(10);
/// The longest time a client is told to wait.
const LONGEST: u64 = 120;

#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub per_task: usize,
    pub per_user: usize,
}

struct Running {
    user: i64,
    started: Instant,
    /// The length of the body as its head tells it.
    expected: Option<u64>,
    received: Arc<AtomicU64>,
}

impl Running {
    /// How long it will still take at its speed so far.
    fn remaining(&self) -> Duration {
        let received = self.received.load(Ordering::Relaxed);
        let (Some(expected), true) = (self.expected, received > 0) else {
            return UNKNOWN;
        };
        let missing = expected.saturating_sub(received);
        #[allow(clippy::cast_precision_loss)] // an estimate
        let seconds = self.started.elapsed().as_secs_f64() * missing as f64 / received as f64;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

#[derive(Default)]
struct State {
    next: u64,
    running: HashMap<u64, Running>,
}

/// The uploads under way in this task.
pub struct UploadSlots {
    bounds: Bounds,
    state: Arc<Mutex<State>>,
}

/// The right to send one upload, given back when dropped.
pub struct Slot {
    number: u64,
    received: Arc<AtomicU64>,
    state: Arc<Mutex<State>>,
}

impl UploadSlots {
    #[must_use]
    pub fn new(bounds: Bounds) -> UploadSlots {
        UploadSlots {
            bounds,
            state: Arc::default(),
        }
    }

    /// Takes a slot for an upload of the user; `expected` is the length its head tells.
    ///
    /// # Errors
    /// 429 when the user has as many under way as one may have, 503 when the task has. Both tell when the next of those under way is
    /// likely to end.
    pub fn take(&self, user: i64, expected: Option<u64>) -> Result<Slot> {
        let mut state = lock(&self.state);
        let own = || state.running.values().filter(|r| r.user == user);
        if own().count() >= self.bounds.per_user {
            let wait = seconds(own());
            let detail = format!(
                "You have {} uploads under way; wait for one of them to end",
                self.bounds.per_user
            );
            return Err(ApiError::too_many(detail, wait));
        }
        if state.running.len() >= self.bounds.per_task {
            let wait = seconds(state.running.values());
            return Err(ApiError::Busy {
                detail: "Too many uploads are under way, try again shortly".to_owned(),
                retry_after: wait,
            });
        }
        state.next += 1;
        let number = state.next;
        let received: Arc<AtomicU64> = Arc::default();
        let running = Running {
            user,
            started: Instant::now(),
            expected,
            received: received.clone(),
        };
        state.running.insert(number, running);
        Ok(Slot {
            number,
            received,
            state: self.state.clone(),
        })
    }

    /// The uploads under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        lock(&self.state).running.len()
    }
}

/// Whole seconds until the first of them is likely to end.
fn seconds<'a>(running: impl Iterator<Item = &'a Running>) -> u32 {
    let first = running.map(Running::remaining).min().unwrap_or(UNKNOWN);
    let whole = first.as_secs().saturating_add(1).clamp(1, LONGEST);
    u32::try_from(whole).unwrap_or(1)
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Slot {
    /// Notes that so many bytes more have arrived.
    pub fn note(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(0);
        self.received.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        lock(&self.state).running.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots() -> UploadSlots {
        UploadSlots::new(Bounds {
            per_task: 3,
            per_user: 2,
        })
    }

    #[test]
    fn a_user_and_a_task_have_their_bounds_and_slots_come_back() {
        let slots = slots();
        let held = [slots.take(1, None).unwrap(), slots.take(1, None).unwrap()];
        assert!(matches!(slots.take(1, None), Err(ApiError::TooMany { .. })));
        let other = slots.take(2, None).unwrap();
        assert!(matches!(slots.take(3, None), Err(ApiError::Busy { .. })));
        drop(other);
        let _third = slots.take(3, None).unwrap();
        drop(held);
        assert_eq!(slots.under_way(), 1);
        slots.take(1, None).unwrap();
    }

    #[test]
    fn the_time_to_wait_follows_the_upload_that_ends_first() {
        let slots = slots();
        let (slow, quick) = (
            slots.take(1, Some(1000)).unwrap(),
            slots.take(1, Some(1000)).unwrap(),
        );
        let started = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
        for running in lock(&slots.state).running.values_mut() {
            running.started = started;
        }
        slow.note(10);
        quick.note(500);
        let wait = match slots.take(1, None) {
            Err(ApiError::TooMany { retry_after, .. }) => retry_after,
            other => panic!("{:?}", other.err()),
        };
        // Half took ten seconds, so the other half takes ten more.
        assert!((10..=12).contains(&wait), "{wait}");
    }
}
