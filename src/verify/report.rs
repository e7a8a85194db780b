//! Checks with their time and verdict.

use std::future::Future;
use std::time::Instant;

use serde::Serialize;

/// One check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// `open` or `login`.
    pub part: &'static str,
    pub name: &'static str,
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Milliseconds.
    pub took_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict", content = "what")]
pub enum Verdict {
    Passed(String),
    /// Not to be seen here, and rightly so: what a service in production does not show.
    Expected(String),
    /// Not asked, because something before it failed or is hidden.
    Skipped(String),
    Failed(String),
}

/// Why a check did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    Failed(String),
    Expected(String),
}

/// `Err(failed(…))`.
pub fn failed(what: impl Into<String>) -> Problem {
    Problem::Failed(what.into())
}

/// All checks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub url: String,
    pub passed: bool,
    pub checks: Vec<Check>,
}

impl Report {
    pub fn failures(&self) -> usize {
        self.checks
            .iter()
            .filter(|check| matches!(check.verdict, Verdict::Failed(_)))
            .count()
    }
}

/// The checks so far.
pub struct Walk<'a> {
    report: Report,
    told: &'a mut (dyn FnMut(&Check) + Send),
}

impl<'a> Walk<'a> {
    pub fn new(url: String, told: &'a mut (dyn FnMut(&Check) + Send)) -> Self {
        Self {
            report: Report {
                url,
                passed: false,
                checks: Vec::new(),
            },
            told,
        }
    }

    /// Carries one check out. What it found is there when it passed.
    pub async fn check<T>(
        &mut self,
        part: &'static str,
        name: &'static str,
        check: impl Future<Output = Result<(T, String), Problem>>,
    ) -> Option<T> {
        let since = Instant::now();
        let (found, verdict) = match check.await {
            Ok((found, what)) => (Some(found), Verdict::Passed(what)),
            Err(Problem::Expected(why)) => (None, Verdict::Expected(why)),
            Err(Problem::Failed(why)) => (None, Verdict::Failed(why)),
        };
        let took = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.put(part, name, verdict, took);
        found
    }

    pub fn skip(&mut self, part: &'static str, name: &'static str, why: &str) {
        self.put(part, name, Verdict::Skipped(why.to_owned()), 0);
    }

    fn put(&mut self, part: &'static str, name: &'static str, verdict: Verdict, took_ms: u64) {
        let check = Check {
            part,
            name,
            verdict,
            took_ms,
        };
        (self.told)(&check);
        self.report.checks.push(check);
    }

    pub fn end(mut self) -> Report {
        self.report.passed = self.report.failures() == 0;
        self.report
    }
}
