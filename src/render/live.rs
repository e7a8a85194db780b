//! A run on a terminal: what is done scrolls by above, what runs stays below with why it waits, and under it how far the whole is.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::durations::{roughly, say};
use super::lines::{doing, line};
use super::palette::{Palette, Tone};
use super::shown::clean;
use crate::event::{Event, RunView, Running, Sink};
use crate::model::KindName;
use crate::plan::StepId;

/// More running steps than this are counted, not listed: a terminal is some 24 lines high.
const ROWS: usize = 12;
const TICK: Duration = Duration::from_millis(120);

/// The live view, on standard error.
pub struct Live {
    all: MultiProgress,
    total: ProgressBar,
    rows: BTreeMap<StepId, Row>,
    view: RunView,
    start: Instant,
    palette: Palette,
}

struct Row {
    bar: Option<ProgressBar>,
    since: Instant,
    kind: KindName,
}

impl Live {
    pub fn new(palette: Palette) -> Self {
        Self::on(ProgressDrawTarget::stderr_with_hz(8), palette)
    }

    fn on(target: ProgressDrawTarget, palette: Palette) -> Self {
        let all = MultiProgress::with_draw_target(target);
        let total = all.add(ProgressBar::new_spinner());
        total.set_style(style("{spinner} {wide_msg}"));
        total.enable_steady_tick(TICK);
        Self {
            all,
            total,
            rows: BTreeMap::new(),
            view: RunView::default(),
            start: Instant::now(),
            palette,
        }
    }

    fn started(&mut self, step: StepId, kind: &KindName) {
        let listed = self.rows.values().filter(|row| row.bar.is_some()).count();
        let bar = (listed < ROWS).then(|| {
            let bar = self
                .all
                .insert_before(&self.total, ProgressBar::new_spinner());
            bar.set_style(style("{spinner} {wide_msg} {elapsed:>5}"));
            bar.enable_steady_tick(TICK);
            bar
        });
        self.rows.insert(
            step,
            Row {
                bar,
                since: Instant::now(),
                kind: kind.clone(),
            },
        );
    }

    /// The step's row goes, and what became of it is printed above the rows that stay.
    fn ended(&mut self, step: StepId, event: &Event) -> bool {
        let row = self.rows.remove(&step);
        let kind = row.as_ref().map(|row| row.kind.clone());
        if let Some(bar) = row.and_then(|row| row.bar) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
        self.print(event, kind.as_ref())
    }

    fn print(&self, event: &Event, kind: Option<&KindName>) -> bool {
        match line(event, kind, self.palette) {
            Some(text) => self.all.println(text).is_ok(),
            None => true,
        }
    }

    fn refresh(&self) {
        for (step, row) in &self.rows {
            if let (Some(bar), Some(running)) = (&row.bar, self.view.running.get(step)) {
                bar.set_message(row_text(running, self.palette));
            }
        }
        let ages: Vec<(Duration, Duration)> = self
            .view
            .running
            .iter()
            .filter_map(|(step, running)| {
                let row = self.rows.get(step)?;
                Some((running.typical, row.since.elapsed()))
            })
            .collect();
        let hidden = self.rows.values().filter(|row| row.bar.is_none()).count();
        self.total
            .set_message(total_text(&self.view, self.start.elapsed(), &ages, hidden));
    }
}

impl Sink for Live {
    fn take(&mut self, event: &Event) -> bool {
        self.view.apply(event);
        let goes_on = match event {
            Event::StepStarted { step, kind, .. } => {
                self.started(*step, kind);
                true
            }
            Event::StepDone { step, .. } | Event::StepFailed { step, .. } => {
                self.ended(*step, event)
            }
            // Shown in the step's own row.
            Event::StepWaiting { .. } => true,
            event => self.print(event, None),
        };
        if matches!(event, Event::RunFinished { .. }) {
            self.total.finish_and_clear();
        } else {
            self.refresh();
        }
        goes_on
    }
}

impl Drop for Live {
    /// A run that ends without its last event leaves no half-drawn rows behind.
    fn drop(&mut self) {
        for row in self.rows.values() {
            if let Some(bar) = &row.bar {
                bar.finish_and_clear();
            }
        }
        self.total.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants, so the fallback is never taken.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .tick_strings(&["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏", " "])
}

/// `db: creating (rds.instance): AWS is making a backup`.
fn row_text(running: &Running, palette: Palette) -> String {
    let mut text = format!(
        "{}: {} ({})",
        running.address,
        doing(running.verb),
        running.kind
    );
    if let Some(id) = &running.id {
        text.push_str(&format!(" {}", clean(id.as_str())));
    }
    if let Some(why) = &running.why {
        let why = clean(why).replace('\n', " ");
        text.push_str(&palette.paint(Tone::Faint, &format!(": {why}")));
    }
    text
}

/// `12 of 37 done, 3 running, 1 failed · 1 min 20 s · about 4 min left`.
fn total_text(
    view: &RunView,
    elapsed: Duration,
    ages: &[(Duration, Duration)],
    hidden: usize,
) -> String {
    let mut text = format!("{} of {} done", view.done, view.steps);
    for (count, word) in [
        (view.running.len(), "running"),
        (view.failed.len(), "failed"),
        (view.skipped.len(), "not started"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} {word}"));
        }
    }
    if hidden > 0 {
        text.push_str(&format!(" ({hidden} not shown)"));
    }
    text.push_str(&format!(" · {}", say(elapsed)));
    match view.stopping {
        0 => text.push_str(&format!(" · {}", left(view, elapsed, ages))),
        1 => text.push_str(" · stopping"),
        _ => text.push_str(" · stopping at once"),
    }
    text
}

/// What is left: the longest path's time that has not passed yet, and at least what the running steps usually still take.
/// `ages`: (typical, age) of each running step.
fn left(view: &RunView, elapsed: Duration, ages: &[(Duration, Duration)]) -> String {
    let path = view.estimate.saturating_sub(elapsed);
    let running = ages
        .iter()
        .map(|(typical, age)| typical.saturating_sub(*age))
        .max()
        .unwrap_or_default();
    let left = path.max(running);
    if left.is_zero() && !view.estimate.is_zero() {
        "longer than usual".into()
    } else {
        format!("{} left", roughly(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;

    #[test]
    fn rows_say_what_runs_and_why_it_waits() {
        let mut view = RunView::default();
        let mut shown = String::new();
        for event in samples::a_run() {
            view.apply(&event);
            for running in view.running.values() {
                shown.push_str(&format!("  {}\n", row_text(running, Palette::PLAIN)));
            }
            let ages: Vec<_> = view
                .running
                .values()
                .map(|running| (running.typical, Duration::from_secs(30)))
                .collect();
            shown.push_str(&total_text(&view, Duration::from_secs(95), &ages, 0));
            shown.push('\n');
        }
        insta::assert_snapshot!("live_rows", shown);
    }

    #[test]
    fn the_estimate_is_never_less_than_what_runs_still_takes() {
        let mut view = RunView {
            estimate: Duration::from_secs(600),
            ..RunView::default()
        };
        let seconds = Duration::from_secs;
        assert_eq!(left(&view, seconds(60), &[]), "about 9 min left");
        let late = [(seconds(700), seconds(50))];
        assert_eq!(left(&view, seconds(590), &late), "about 11 min left");
        assert_eq!(left(&view, seconds(700), &[]), "longer than usual");
        view.estimate = Duration::ZERO;
        assert_eq!(left(&view, seconds(1), &[]), "a few seconds left");
    }

    #[test]
    fn a_whole_run_leaves_no_row_behind() {
        let mut live = Live::on(ProgressDrawTarget::hidden(), Palette::PLAIN);
        for event in samples::a_run() {
            assert!(live.take(&event));
        }
        assert!(live.rows.is_empty());
        assert!(live.total.is_finished());
    }
}
