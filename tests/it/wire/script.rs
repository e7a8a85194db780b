//! What happens to one run of the program, and the count of its calls.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;

use super::call::Call;
use super::error_answer::Failing;

/// Before the call is forwarded, or once it is carried out and its answer swallowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Before,
    After,
}

/// Which calls something happens to.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// The nth mutating call, from 1.
    Mutating(usize),
    /// The first call of that name.
    Named(&'static str),
    /// So many of a hundred of all calls, by this seed.
    Share { percent: u32, seed: u64 },
}

/// What happens.
#[derive(Clone, Debug)]
pub enum Deed {
    /// SIGKILL to the program.
    Kill(Moment),
    /// Carried out; the connection closes without an answer.
    Lose,
    /// One of these instead, at random; a server's error perhaps after the call was carried out.
    Fail(&'static [Failing]),
    /// SIGKILL while it is under way: it is forwarded so much later, when the next run may be at work already.
    KillAndDelay(Duration),
    /// Waits until the test lets it go.
    Hold(Moment, Held),
}

/// A call that waits for the test.
#[derive(Clone, Debug)]
pub struct Held {
    arrived: watch::Sender<bool>,
    released: watch::Sender<bool>,
}

impl Held {
    pub fn new() -> Self {
        Self {
            arrived: watch::Sender::new(false),
            released: watch::Sender::new(false),
        }
    }

    /// Returns once a call is held.
    pub async fn arrived(&self) {
        let mut arrived = self.arrived.subscribe();
        arrived.wait_for(|yes| *yes).await.expect("its sender");
    }

    pub fn release(&self) {
        self.released.send_replace(true);
    }

    pub(super) async fn pass(&self) {
        self.arrived.send_replace(true);
        let mut released = self.released.subscribe();
        released.wait_for(|yes| *yes).await.expect("its sender");
    }
}

/// One run's script. The run signs with a key of its own, by which its calls are told from those of another, or of a dead one.
pub struct Script {
    key: String,
    when: When,
    deed: Option<Deed>,
    victim: watch::Sender<Option<Pid>>,
    counts: Mutex<Counts>,
    struck: AtomicUsize,
    landed: watch::Sender<bool>,
}

#[derive(Default)]
struct Counts {
    calls: Vec<Call>,
    mutating: usize,
    random: Option<StdRng>,
}

impl Script {
    /// Everything passes; it is only counted.
    pub fn pass() -> Arc<Self> {
        Self::build(When::Mutating(0), None)
    }

    pub fn new(when: When, deed: Deed) -> Arc<Self> {
        Self::build(when, Some(deed))
    }

    fn build(when: When, deed: Option<Deed>) -> Arc<Self> {
        static RUNS: AtomicUsize = AtomicUsize::new(1);
        let random = match when {
            When::Share { seed, .. } => Some(StdRng::seed_from_u64(seed)),
            When::Mutating(_) | When::Named(_) => None,
        };
        Arc::new(Self {
            key: format!("RUN{}", RUNS.fetch_add(1, Ordering::SeqCst)),
            when,
            deed,
            victim: watch::Sender::new(None),
            counts: Mutex::new(Counts {
                random,
                ..Counts::default()
            }),
            struck: AtomicUsize::new(0),
            landed: watch::Sender::new(false),
        })
    }

    /// The access key that the run signs with.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whom to kill.
    pub fn aim(&self, process: Pid) {
        self.victim.send_replace(Some(process));
    }

    /// The mutating calls that arrived so far, in order.
    pub fn mutating(&self) -> Vec<Call> {
        let counts = self.counts();
        counts
            .calls
            .iter()
            .filter(|call| call.mutating)
            .cloned()
            .collect()
    }

    /// How often the deed was done.
    pub fn struck(&self) -> usize {
        self.struck.load(Ordering::SeqCst)
    }

    /// Returns once the delayed call of a run that was killed is carried out.
    pub async fn landed(&self) {
        let mut landed = self.landed.subscribe();
        landed.wait_for(|yes| *yes).await.expect("its sender");
    }

    pub(super) fn land(&self) {
        self.landed.send_replace(true);
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Counts a call; what is to happen to it.
    pub(super) fn strike(&self, call: &Call) -> Option<Deed> {
        let mut counts = self.counts();
        counts.calls.push(call.clone());
        counts.mutating += usize::from(call.mutating);
        let strikes = match self.when {
            When::Mutating(nth) => call.mutating && counts.mutating == nth,
            When::Named(action) => call.action == action && self.struck() == 0,
            When::Share { percent, .. } => counts
                .random
                .as_mut()
                .is_some_and(|random| random.random_ratio(percent, 100)),
        };
        let deed = self.deed.clone().filter(|_| strikes)?;
        self.struck.fetch_add(1, Ordering::SeqCst);
        Some(deed)
    }

    /// One of them, and whether the call is carried out first.
    pub(super) fn choose(&self, failings: &[Failing]) -> (Failing, bool) {
        let mut counts = self.counts();
        let random = counts
            .random
            .get_or_insert_with(|| StdRng::seed_from_u64(0));
        let failing = failings[random.random_range(0..failings.len())];
        (failing, failing.perhaps_done() && random.random_ratio(1, 2))
    }

    /// Nothing of the program runs any more after this.
    pub(super) async fn kill(&self) {
        let mut victim = self.victim.subscribe();
        let victim = victim.wait_for(Option::is_some).await.expect("its sender");
        if let Some(process) = *victim {
            // Already dead is as good.
            let _ = kill_process(process, Signal::KILL);
        }
    }
}
