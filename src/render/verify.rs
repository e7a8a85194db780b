//! Checks of a running service as a table.

use super::palette::{Palette, Tone};
use super::shown::clean;
use crate::verify::{Check, Report, Verdict};

/// One check on one line: part, name, time, verdict, what was found.
pub fn line(check: &Check, palette: Palette) -> String {
    let (tone, word, what) = match &check.verdict {
        Verdict::Passed(what) => (Tone::Create, "passed", what),
        Verdict::Expected(what) => (Tone::Faint, "expected", what),
        Verdict::Skipped(what) => (Tone::Faint, "skipped", what),
        Verdict::Failed(what) => (Tone::Error, "FAILED", what),
    };
    let word = palette.paint(tone, &format!("{word:8}"));
    format!(
        "{:5}  {:22}  {:>6} ms  {word}  {}\n",
        check.part,
        check.name,
        check.took_ms,
        clean(what)
    )
}

/// The last line.
pub fn total(report: &Report, palette: Palette) -> String {
    let count = |wanted: fn(&Verdict) -> bool| {
        report
            .checks
            .iter()
            .filter(|check| wanted(&check.verdict))
            .count()
    };
    let passed = count(|verdict| matches!(verdict, Verdict::Passed(_)));
    let expected = count(|verdict| matches!(verdict, Verdict::Expected(_)));
    let skipped = count(|verdict| matches!(verdict, Verdict::Skipped(_)));
    let failed = report.failures();
    let text = format!(
        "{}: {passed} passed, {expected} hidden as expected, {skipped} skipped, {failed} failed",
        clean(&report.url)
    );
    let tone = if failed == 0 {
        Tone::Strong
    } else {
        Tone::Error
    };
    format!("{}\n", palette.paint(tone, &text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_lines_and_a_total() {
        let check = |name, verdict| Check {
            part: "open",
            name,
            verdict,
            took_ms: 12,
        };
        let report = Report {
            url: "http://circles.example".into(),
            passed: false,
            checks: vec![
                check("health", Verdict::Passed("ok".into())),
                check("debug mode", Verdict::Expected("off".into())),
                check(
                    "metrics",
                    Verdict::Failed("GET /metrics answers 200 instead of 403".into()),
                ),
                check("socket", Verdict::Skipped("nobody is signed in".into())),
            ],
        };
        let mut text: String = report
            .checks
            .iter()
            .map(|check| line(check, Palette::PLAIN))
            .collect();
        text.push_str(&total(&report, Palette::PLAIN));
        insta::assert_snapshot!(text);
    }
}
