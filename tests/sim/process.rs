//! One process of the program: it comes to boundaries, and at one of them it may die, stop for a while, or be asked to stop.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use circles_infra::engine::StopHandle;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::faults::{Fault, Tally};

/// Where a process can be when it dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Boundary {
    BeforeAppend,
    WithinAppend,
    AfterAppend,
    BeforeCall,
    DuringCall,
    AfterCall,
    BeforeSwap,
    AfterSwap,
    BeforeClose,
    AfterClose,
}

impl Boundary {
    fn crash(self) -> Fault {
        match self {
            Self::BeforeAppend => Fault::CrashBeforeAppend,
            Self::WithinAppend => Fault::CrashWithinAppend,
            Self::AfterAppend => Fault::CrashAfterAppend,
            Self::BeforeCall => Fault::CrashBeforeCall,
            Self::DuringCall => Fault::CrashDuringCall,
            Self::AfterCall => Fault::CrashAfterCall,
            Self::BeforeSwap => Fault::CrashBeforeSwap,
            Self::AfterSwap => Fault::CrashAfterSwap,
            Self::BeforeClose => Fault::CrashBeforeClose,
            Self::AfterClose => Fault::CrashAfterClose,
        }
    }
}

/// What happens to a process, and at which boundary; boundaries are counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mishap {
    pub kill_at: Option<u64>,
    /// At the first boundary of that sort: of those that a run has two of among hundreds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kill_on: Option<Boundary>,
    /// Stopped by SIGSTOP, and going on so many seconds later.
    pub pause_at: Option<(u64, u64)>,
    /// Ctrl-C, once or twice.
    pub stop_at: Option<(u64, u8)>,
}

pub struct Process {
    /// Which process of the case it is.
    pub number: u32,
    mishap: Mishap,
    tally: Arc<Tally>,
    died: Notify,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    passed: u64,
    dead: bool,
    until: Option<Instant>,
    stop: Option<StopHandle>,
}

impl Process {
    pub fn new(number: u32, mishap: Mishap, tally: &Arc<Tally>) -> Arc<Self> {
        Arc::new(Self {
            number,
            mishap,
            tally: tally.clone(),
            died: Notify::new(),
            inner: Mutex::default(),
        })
    }

    /// Who is asked to stop by Ctrl-C.
    pub fn on_stop(&self, handle: StopHandle) {
        self.inner.lock().unwrap().stop = Some(handle);
    }

    /// How many boundaries it has come to.
    pub fn passed(&self) -> u64 {
        self.inner.lock().unwrap().passed
    }

    pub fn is_dead(&self) -> bool {
        self.inner.lock().unwrap().dead
    }

    /// Returns when it has died.
    pub async fn death(&self) {
        self.died.notified().await;
    }

    /// Comes to a boundary. True: it dies here, and whoever asked may do one thing more (half a line) before [`Process::end`].
    pub fn falls(&self, at: Boundary) -> bool {
        let mut inner = self.inner.lock().unwrap();
        if inner.dead {
            return false;
        }
        inner.passed += 1;
        let here = Some(inner.passed);
        if let Some((_, times)) = self.mishap.stop_at.filter(|(n, _)| Some(*n) == here) {
            if let Some(stop) = &inner.stop {
                for _ in 0..times {
                    stop.pull();
                }
            }
            self.tally.strike(Fault::CtrlC);
        }
        // Between the last look at the lease and the call nobody can help a process that is stopped: that call is in flight.
        let may_pause = !matches!(at, Boundary::BeforeCall);
        if let Some((_, seconds)) = self
            .mishap
            .pause_at
            .filter(|(n, _)| inner.until.is_none() && *n <= inner.passed && may_pause)
        {
            inner.until = Some(Instant::now() + Duration::from_secs(seconds));
            self.tally.strike(Fault::Paused);
        }
        if self.mishap.kill_at == here || self.mishap.kill_on == Some(at) {
            // Within an append it still writes what it can.
            inner.dead = at != Boundary::WithinAppend;
            self.tally.strike(at.crash());
            return true;
        }
        false
    }

    /// Comes to a boundary, and does not return if it dies there.
    pub async fn boundary(&self, at: Boundary) {
        if self.falls(at) {
            self.end();
        }
        if at == Boundary::BeforeCall && !self.is_dead() {
            // The lease was looked at a moment ago: what is sent now is in flight, also if the process is stopped here.
            return;
        }
        self.alive().await;
    }

    /// Tells whoever drives it that it is dead.
    pub fn end(&self) {
        self.inner.lock().unwrap().dead = true;
        self.died.notify_one();
    }

    /// Waits while it is stopped; never returns once it is dead.
    pub async fn alive(&self) {
        let until = self.inner.lock().unwrap().until;
        if let Some(until) = until.filter(|until| *until > Instant::now()) {
            sleep_until(until).await;
        }
        if self.is_dead() {
            std::future::pending::<()>().await;
        }
    }
}
