//! What ran, when, by whom.

use serde::Serialize;

use super::plan_words::tally;
use super::shown::clean;
use crate::event::Outcome;
use crate::model::Address;
use crate::plan::{Mode, Totals};

/// One run, as the state remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PastRun {
    pub run: String,
    pub mode: Mode,
    /// RFC 3339, UTC.
    pub started: String,
    /// The caller's ARN, and the CI actor where there was one.
    pub who: String,
    pub commit: Option<String>,
    /// `None`: it was killed.
    pub outcome: Option<Outcome>,
    pub totals: Totals,
    /// What was done at which address, in words.
    pub changes: Vec<(Address, String)>,
}

/// Newest first, one line a run; with `address` what was done there below it.
pub fn text(runs: &[PastRun], address: Option<&Address>) -> String {
    if runs.is_empty() {
        return "No run is remembered.\n".into();
    }
    let mut out = String::new();
    for run in runs {
        let mode = match run.mode {
            Mode::Apply => "apply",
            Mode::Destroy => "destroy",
        };
        let outcome = match run.outcome {
            Some(Outcome::Done) => "done",
            Some(Outcome::Failed) => "failed",
            Some(Outcome::Stopped) => "stopped",
            None => "killed",
        };
        let commit = run
            .commit
            .as_ref()
            .map(|commit| format!("  {}", clean(commit)))
            .unwrap_or_default();
        out.push_str(&format!(
            "{}  {mode:7}  {outcome:7}  {}  {}{commit}\n",
            run.started,
            clean(&run.who),
            tally(&run.totals),
        ));
        for (at, what) in &run.changes {
            if address.is_some_and(|address| at.within(address)) {
                out.push_str(&format!("    {at}: {}\n", clean(what)));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_listed_with_what_they_did_at_an_address() {
        let run = PastRun {
            run: "r1".into(),
            mode: Mode::Apply,
            started: "2026-03-01T10:00:00Z".into(),
            who: "arn:aws:iam::000000000000:user/ci".into(),
            commit: Some("4f2a9c1".into()),
            outcome: Some(Outcome::Done),
            totals: Totals {
                update: 2,
                ..Totals::default()
            },
            changes: vec![
                ("alb/balancer".into(), "updated idle_timeout".into()),
                ("logs".into(), "updated retention_days".into()),
            ],
        };
        let killed = PastRun {
            outcome: None,
            commit: None,
            ..run.clone()
        };
        insta::assert_snapshot!(text(&[killed, run], Some(&"alb".into())), @r"
        2026-03-01T10:00:00Z  apply    killed   arn:aws:iam::000000000000:user/ci  2 to update
            alb/balancer: updated idle_timeout
        2026-03-01T10:00:00Z  apply    done     arn:aws:iam::000000000000:user/ci  2 to update  4f2a9c1
            alb/balancer: updated idle_timeout
        ");
        assert_eq!(text(&[], None), "No run is remembered.\n");
    }
}
