//! A run as plain lines, for logs: one when a step starts, ends, or waits for something new.

use std::collections::HashMap;
use std::io::Write;
use std::time::{Duration, Instant};

use super::durations::{roughly, say};
use super::palette::{Palette, Tone};
use super::shown::clean;
use crate::event::{Event, Sink, StepVerb};
use crate::model::KindName;
use crate::plan::StepId;

/// A wait that goes on is repeated this often, so that a CI system does not take silence for death.
const STILL_WAITING: Duration = Duration::from_secs(60);

/// Writes lines as events come.
pub struct Lines<W> {
    to: W,
    palette: Palette,
    /// Ids as AWS gives them, and every look at what is waited for.
    detailed: bool,
    /// Time since the start; a test's own in tests.
    clock: Box<dyn Fn() -> Duration + Send>,
    kinds: HashMap<StepId, KindName>,
    said: HashMap<StepId, (String, Duration)>,
}

impl<W: Write + Send> Lines<W> {
    pub fn new(to: W, palette: Palette) -> Self {
        let start = Instant::now();
        Self::with_clock(to, palette, Box::new(move || start.elapsed()))
    }

    /// Also says ids, and every look at what is waited for.
    pub fn detailed(mut self, detailed: bool) -> Self {
        self.detailed = detailed;
        self
    }

    fn with_clock(to: W, palette: Palette, clock: Box<dyn Fn() -> Duration + Send>) -> Self {
        Self {
            to,
            palette,
            detailed: false,
            clock,
            kinds: HashMap::new(),
            said: HashMap::new(),
        }
    }

    /// Whether a wait is worth a line: its reason is new, or it was last said long ago.
    fn news(&mut self, step: StepId, why: &str) -> bool {
        let now = (self.clock)();
        let stale = self
            .said
            .get(&step)
            .is_none_or(|(last, at)| last != why || now.saturating_sub(*at) >= STILL_WAITING);
        if stale {
            self.said.insert(step, (why.to_owned(), now));
        }
        stale
    }

    fn text(&mut self, event: &Event) -> Option<String> {
        match event {
            Event::StepStarted { step, kind, .. } => {
                self.kinds.insert(*step, kind.clone());
            }
            Event::StepLearned { address, id, .. } if self.detailed => {
                let text = format!("{address}: is {}", clean(id.as_str()));
                return Some(self.palette.paint(Tone::Faint, &text));
            }
            Event::StepWaiting { step, why, .. } if !self.news(*step, why) && !self.detailed => {
                return None;
            }
            _ => {}
        }
        let kind = match event {
            Event::StepDone { step, .. } | Event::StepFailed { step, .. } => self.kinds.get(step),
            _ => None,
        };
        line(event, kind, self.palette)
    }
}

impl<W: Write + Send> Sink for Lines<W> {
    fn take(&mut self, event: &Event) -> bool {
        match self.text(event) {
            Some(text) => writeln!(self.to, "{text}")
                .and_then(|()| self.to.flush())
                .is_ok(),
            None => true,
        }
    }
}

/// What there is to say of one event; `None`: nothing (the closing words tell it, or nobody needs it).
pub fn line(event: &Event, kind: Option<&KindName>, palette: Palette) -> Option<String> {
    Some(match event {
        Event::RunStarted {
            steps, estimate, ..
        } => {
            let estimate = match estimate.as_secs() {
                0 => String::new(),
                _ => format!(", {}", roughly(*estimate)),
            };
            let plural = if *steps == 1 { "" } else { "s" };
            format!("{steps} step{plural} to carry out{estimate}")
        }
        Event::Recovered { address, text } => {
            format!("{address}: from an earlier run: {}", clean(text))
        }
        Event::StepStarted {
            address,
            kind,
            verb,
            ..
        } => format!("{address}: {} ({kind})", doing(*verb)),
        Event::StepLearned { .. } => return None,
        Event::StepWaiting { address, why, .. } => {
            palette.paint(Tone::Faint, &format!("{address}: waiting: {}", clean(why)))
        }
        Event::StepNote { address, text } => format!("{address}: {}", clean(text)),
        Event::StepDone {
            address,
            verb,
            took,
            nothing,
            ..
        } => {
            let kind = kind.map(|kind| format!(" ({kind})")).unwrap_or_default();
            if *nothing {
                format!("{address}: nothing to do after all{kind}")
            } else {
                let text = format!("{address}: {}{kind} in {}", done(*verb), say(*took));
                palette.paint(tone(*verb), &text)
            }
        }
        Event::StepFailed {
            address,
            error,
            help,
            ..
        } => {
            let mut text =
                palette.paint(Tone::Error, &format!("{address}: failed: {}", clean(error)));
            if let Some(help) = help {
                for line in clean(help).lines() {
                    text.push_str(&format!("\n    {line}"));
                }
            }
            text
        }
        Event::StepSkipped {
            address, because, ..
        } => palette.paint(
            Tone::Faint,
            &format!("{address}: not started, because {because} did not succeed"),
        ),
        Event::Stopping { level, running } => stopping(*level, running.len()),
        Event::RunFinished { .. } => return None,
    })
}

/// `creating`, `deleting`.
pub fn doing(verb: StepVerb) -> &'static str {
    match verb {
        StepVerb::Create => "creating",
        StepVerb::Update => "updating",
        StepVerb::Delete => "deleting",
        StepVerb::Forget => "letting go",
    }
}

/// `created`, `deleted`.
pub fn done(verb: StepVerb) -> &'static str {
    match verb {
        StepVerb::Create => "created",
        StepVerb::Update => "updated",
        StepVerb::Delete => "deleted",
        StepVerb::Forget => "let go",
    }
}

pub fn tone(verb: StepVerb) -> Tone {
    match verb {
        StepVerb::Create => Tone::Create,
        StepVerb::Update => Tone::Update,
        StepVerb::Delete => Tone::Delete,
        StepVerb::Forget => Tone::Forget,
    }
}

/// What a Ctrl-C brought about, and what the next one does.
pub fn stopping(level: u8, running: usize) -> String {
    let steps = match running {
        0 => "nothing is under way".to_owned(),
        1 => "one step is under way".to_owned(),
        n => format!("{n} steps are under way"),
    };
    match level {
        0 | 1 => format!("stopping: nothing new starts, {steps}; Ctrl-C again gives up waiting"),
        _ => format!(
            "stopping: waits are given up, calls in flight are finished ({steps}); Ctrl-C again leaves at once"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::render::samples;

    #[test]
    fn a_run_line_by_line() {
        let mut sink = Lines::with_clock(Vec::new(), Palette::PLAIN, Box::new(|| Duration::ZERO));
        assert!(samples::a_run().iter().all(|event| sink.take(event)));
        insta::assert_snapshot!("run_lines", String::from_utf8(sink.to).unwrap());
    }

    #[test]
    fn a_wait_is_repeated_only_when_it_is_news() {
        let clock = Arc::new(AtomicU64::new(0));
        let read = clock.clone();
        let mut sink = Lines::with_clock(
            Vec::new(),
            Palette::PLAIN,
            Box::new(move || Duration::from_secs(read.load(Ordering::Relaxed))),
        );
        for (at, why) in [
            (0, "creating"),
            (5, "creating"),
            (9, "backing up"),
            (70, "backing up"),
        ] {
            clock.store(at, Ordering::Relaxed);
            sink.take(&Event::StepWaiting {
                step: StepId(0),
                address: "db".into(),
                why: why.into(),
            });
        }
        insta::assert_snapshot!(String::from_utf8(sink.to).unwrap(), @r"
        db: waiting: creating
        db: waiting: backing up
        db: waiting: backing up
        ");
    }
}
