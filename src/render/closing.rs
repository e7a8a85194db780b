//! The last words of a run: what was done, what was not and why, and how to go on.

use super::durations::say;
use super::lines::stopping;
use super::palette::{Palette, Tone};
use super::plan_words::tally;
use super::shown::clean;
use crate::event::{Outcome, RunView};
use crate::model::Address;
use crate::plan::{Mode, Totals};

/// Names of what did not start are listed up to this many.
const NAMED: usize = 8;

/// What a run came to. `command` is what to type to go on (`circles-infra apply`).
pub fn closing(view: &RunView, mode: Mode, command: &str, palette: Palette) -> String {
    let mut out = String::new();
    for (address, text) in &view.notes {
        out.push_str(&format!(
            "{} {address}: {}\n",
            palette.paint(Tone::Warning, "note:"),
            clean(text)
        ));
    }
    for (address, error, help) in &view.failed {
        out.push_str(&format!(
            "{} {address}: {}\n",
            palette.paint(Tone::Error, "failed:"),
            clean(error)
        ));
        for line in help.iter().flat_map(|help| help.lines()) {
            out.push_str(&format!("  {}\n", clean(line)));
        }
    }
    for (because, skipped) in by_cause(view) {
        let named: Vec<_> = skipped.iter().take(NAMED).map(|a| a.as_str()).collect();
        let more = skipped.len().saturating_sub(NAMED);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        out.push_str(&format!(
            "not started, because {because} did not succeed: {}{more}\n",
            named.join(", ")
        ));
    }
    out.push_str(&verdict(view, mode, palette));
    if view.outcome != Some(Outcome::Done) {
        out.push_str(&format!(
            "What was done stays done and is remembered; to go on: {command}\n"
        ));
    }
    out
}

fn verdict(view: &RunView, mode: Mode, palette: Palette) -> String {
    let calls = match view.calls {
        0 => String::new(),
        1 => " (1 call)".into(),
        n => format!(" ({n} calls)"),
    };
    let took = say(view.took);
    let (tone, text) = match view.outcome {
        Some(Outcome::Done) => {
            let what = match mode {
                Mode::Apply => "Applied",
                Mode::Destroy => "Destroyed",
            };
            (
                Tone::Strong,
                format!("{what}: {}, in {took}{calls}.", past(view)),
            )
        }
        Some(Outcome::Failed) => (
            Tone::Error,
            format!(
                "Failed: {} of {} steps done, {} failed, {} not started, in {took}{calls}.",
                view.done,
                view.steps,
                view.failed.len(),
                view.skipped.len()
            ),
        ),
        Some(Outcome::Stopped) => (
            Tone::Warning,
            format!(
                "Stopped: {} of {} steps done, in {took}{calls}.",
                view.done, view.steps
            ),
        ),
        None => (
            Tone::Error,
            format!(
                "Ended without a result: {} of {} steps done; {}.",
                view.done,
                view.steps,
                stopping(view.stopping, view.running.len())
            ),
        ),
    };
    format!("{}\n", palette.paint(tone, &text))
}

/// `3 created, 1 deleted` from `3 to create, 1 to delete`.
fn past(view: &RunView) -> String {
    if view.totals == Totals::default() {
        return format!("{} of {} steps", view.done, view.steps);
    }
    let done = Totals {
        update: view.totals.update.saturating_sub(view.needless),
        ..view.totals
    };
    if done == Totals::default() {
        return "nothing had to be changed after all".into();
    }
    tally(&done)
        .split(", ")
        .map(|part| match part.split_once(" to ") {
            Some((count, "forget")) => format!("{count} let go"),
            Some((count, verb)) if count.chars().all(|c| c.is_ascii_digit()) => {
                format!("{count} {verb}d")
            }
            _ => part.to_owned(),
        })
        .collect::<Vec<_>>()
        .join(", ")
}

fn by_cause(view: &RunView) -> Vec<(&Address, Vec<&Address>)> {
    let mut all: Vec<(&Address, Vec<&Address>)> = Vec::new();
    for (address, because) in &view.skipped {
        match all.iter_mut().find(|(cause, _)| *cause == because) {
            Some((_, skipped)) => skipped.push(address),
            None => all.push((because, vec![address])),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::render::samples;

    fn after(events: &[Event]) -> RunView {
        let mut view = RunView::default();
        for event in events {
            view.apply(event);
        }
        view
    }

    #[test]
    fn a_failed_run_says_what_is_left_and_how_to_go_on() {
        let view = after(&samples::a_run());
        insta::assert_snapshot!(
            "closing_failed",
            closing(&view, Mode::Apply, "circles-infra apply", Palette::PLAIN)
        );
    }

    #[test]
    fn a_run_that_went_well_is_one_line() {
        let mut view = after(&samples::a_good_run());
        insta::assert_snapshot!(closing(&view, Mode::Apply, "circles-infra apply", Palette::PLAIN), @"Applied: 1 created, 2 updated, 1 replaced, 1 let go, in 3 min 20 s (183 calls).");
        view.outcome = Some(Outcome::Stopped);
        insta::assert_snapshot!(closing(&view, Mode::Apply, "circles-infra apply", Palette::PLAIN), @r"
        Stopped: 1 of 1 steps done, in 3 min 20 s (183 calls).
        What was done stays done and is remembered; to go on: circles-infra apply
        ");
    }
}
