//! What ran, when, by whom.

use serde::Serialize;

use super::shown::clean;
use crate::model::Address;

/// One run, as its journal tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PastRun {
    pub run: String,
    /// `apply`, `destroy`, `state mv`, …
    pub doing: String,
    /// RFC 3339, UTC.
    pub started: String,
    /// The caller's ARN, and the CI actor where there was one.
    pub who: String,
    pub commit: Option<String>,
    /// False: it was killed, and the next one went on from there.
    pub ended: bool,
    /// At which address something was created, changed, deleted or replaced.
    pub changes: Vec<(Address, String)>,
}

/// Newest first, one line a run; with `address` what was done there below it.
pub fn text(runs: &[PastRun], address: Option<&Address>) -> String {
    if runs.is_empty() {
        return match address {
            Some(address) => format!("No run is remembered that changed {address}.\n"),
            None => "No run is remembered.\n".into(),
        };
    }
    let mut out = String::new();
    let width = runs.iter().map(|run| run.doing.len()).max().unwrap_or(0);
    for run in runs {
        let ended = if run.ended { "" } else { "  (killed)" };
        let commit = run
            .commit
            .as_ref()
            .map(|commit| format!("  {}", clean(commit)))
            .unwrap_or_default();
        out.push_str(&format!(
            "{}  {:width$}  {}{ended}  {}{commit}\n",
            run.started,
            run.doing,
            did(run),
            clean(&run.who),
        ));
        for (at, what) in &run.changes {
            if address.is_some_and(|address| at.within(address)) {
                out.push_str(&format!("    {at}: {}\n", clean(what)));
            }
        }
    }
    out
}

/// `3 created, 1 deleted`.
fn did(run: &PastRun) -> String {
    let parts: Vec<String> = ["created", "changed", "replaced", "deleted"]
        .into_iter()
        .map(|word| {
            (
                run.changes.iter().filter(|(_, did)| did == word).count(),
                word,
            )
        })
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if parts.is_empty() {
        "nothing changed".into()
    } else {
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_listed_with_what_they_did_at_an_address() {
        let run = PastRun {
            run: "r1".into(),
            doing: "apply".into(),
            started: "2026-03-01T10:00:00Z".into(),
            who: "arn:aws:iam::000000000000:user/ci".into(),
            commit: Some("4f2a9c1".into()),
            ended: true,
            changes: vec![
                ("alb/balancer".into(), "changed".into()),
                ("logs".into(), "replaced".into()),
            ],
        };
        let killed = PastRun {
            doing: "state mv".into(),
            ended: false,
            commit: None,
            ..run.clone()
        };
        insta::assert_snapshot!(text(&[killed, run], Some(&"alb".into())), @r"
        2026-03-01T10:00:00Z  state mv  1 changed, 1 replaced  (killed)  arn:aws:iam::000000000000:user/ci
            alb/balancer: changed
        2026-03-01T10:00:00Z  apply     1 changed, 1 replaced  arn:aws:iam::000000000000:user/ci  4f2a9c1
            alb/balancer: changed
        ");
        assert_eq!(text(&[], None), "No run is remembered.\n");
        assert_eq!(
            text(&[], Some(&"db".into())),
            "No run is remembered that changed db.\n"
        );
    }
}
