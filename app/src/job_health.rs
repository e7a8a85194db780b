//! How the background jobs of this task fare: for `/readyz` and the metrics.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A job that failed so many times in a row needs somebody to look at it.
const FAILURES: u32 = 3;
/// The scheduler looks for due jobs every few seconds; after this long without a look it has stopped.
const STALLED: Duration = Duration::from_secs(90);

/// How a run of a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Failed,
    TimedOut,
    Panicked,
}

impl Outcome {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Failed => "failed",
            Outcome::TimedOut => "timed_out",
            Outcome::Panicked => "panicked",
        }
    }
}

#[derive(Default)]
struct Record {
    failures_in_a_row: u32,
    panicked: bool,
}

#[derive(Default)]
struct State {
    jobs: BTreeMap<&'static str, Record>,
    last_look: Option<Instant>,
}

/// The jobs' state in this task. A job run by another task is that task's to report.
#[derive(Default)]
pub struct JobHealth(Mutex<State>);

impl JobHealth {
    /// The scheduler is looking for due jobs.
    pub fn note_look(&self) {
        self.lock().last_look = Some(Instant::now());
    }

    /// Notes a run; true when the job is failing now: it panicked, or failed several times in a row.
    pub fn note_run(&self, job: &'static str, outcome: Outcome) -> bool {
        let mut state = self.lock();
        let record = state.jobs.entry(job).or_default();
        match outcome {
            Outcome::Done => *record = Record::default(),
            Outcome::Failed | Outcome::TimedOut => record.failures_in_a_row += 1,
            Outcome::Panicked => record.panicked = true,
        }
        record.is_failing()
    }

    /// The jobs that fail, by name.
    #[must_use]
    pub fn failing(&self) -> Vec<&'static str> {
        let state = self.lock();
        let failing = state.jobs.iter().filter(|(_, record)| record.is_failing());
        failing.map(|(job, _)| *job).collect()
    }

    /// Whether no job fails and the scheduler, once started, still looks for due jobs.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        let looks = self
            .lock()
            .last_look
            .is_none_or(|at| at.elapsed() < STALLED);
        looks && self.failing().is_empty()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn is_failing(&self) -> bool {
        self.panicked || self.failures_in_a_row >= FAILURES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_or_three_failures_in_a_row_count_until_a_run_succeeds() {
        let health = JobHealth::default();
        assert!(health.is_healthy());
        assert!(health.note_run("a", Outcome::Panicked));
        assert!(!health.note_run("b", Outcome::Failed));
        assert!(!health.note_run("b", Outcome::TimedOut));
        assert_eq!(health.failing(), ["a"]);
        assert!(health.note_run("b", Outcome::Failed));
        assert_eq!(health.failing(), ["a", "b"]);
        assert!(!health.is_healthy());
        assert!(!health.note_run("a", Outcome::Done));
        assert!(!health.note_run("b", Outcome::Done));
        health.note_look();
        assert!(health.is_healthy());
    }
}
