//! A deploy's words on standard error: bars that redraw themselves on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::invocation::Invocation;
use crate::cli::ui::{Shared, Ui};
use crate::deploy::{Said, megabytes, short};
use crate::render::palette::{Palette, Tone};
use crate::render::shown::clean;

pub struct Teller {
    out: Mutex<Shared>,
    palette: Palette,
    quiet: bool,
    invocation: Invocation,
    /// `None`: no terminal.
    live: Option<Live>,
}

struct Live {
    all: MultiProgress,
    layers: Mutex<BTreeMap<String, ProgressBar>>,
    status: Mutex<Option<ProgressBar>>,
}

impl Teller {
    pub fn new(ui: &Ui) -> Self {
        let live = (ui.live && !ui.quiet).then(|| Live {
            all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            layers: Mutex::default(),
            status: Mutex::default(),
        });
        Self {
            out: Mutex::new(ui.err.clone()),
            palette: ui.err_palette,
            quiet: ui.quiet,
            invocation: ui.invocation.clone(),
            live,
        }
    }

    pub fn tell(&self, said: Said) {
        match said {
            Said::Text(text) => self.line(&clean(&self.invocation.complete(&text))),
            Said::Warning(text) => self.warn(&self.invocation.complete(&text)),
            Said::Event(text) => self.line(&format!(
                "  {}",
                self.palette
                    .paint(Tone::Faint, &clean(without_service(&text)))
            )),
            Said::Log(text) => {
                self.line(&format!(
                    "  {} {}",
                    self.palette.paint(Tone::Faint, "│"),
                    clean(&text)
                ));
            }
            Said::Sending { digest, sent, size } => self.sending(&digest, sent, size),
            Said::Sent { digest, size } => self.sent(&digest, size),
            Said::View(line) => self.view(&line),
        }
    }

    /// Takes the bars away.
    pub fn end(&self) {
        if let Some(live) = &self.live {
            // A terminal that is gone has nothing to be cleared.
            let _ = live.all.clear();
        }
    }

    /// What is a warning is told also with `--quiet`.
    fn warn(&self, text: &str) {
        let word = self.palette.paint(Tone::Warning, "warning:");
        self.write(&format!("{word} {}", clean(text)));
    }

    fn line(&self, text: &str) {
        if !self.quiet {
            self.write(text);
        }
    }

    fn write(&self, text: &str) {
        let write = || {
            let mut out = self.out.lock().unwrap_or_else(|e| e.into_inner());
            // Nobody who could be told of a standard error that is closed.
            let _ = writeln!(out, "{text}");
        };
        match &self.live {
            Some(live) => live.all.suspend(write),
            None => write(),
        }
    }

    fn sending(&self, digest: &str, sent: u64, size: u64) {
        let Some(live) = &self.live else { return };
        let mut layers = live.layers.lock().unwrap_or_else(|e| e.into_inner());
        let bar = layers.entry(digest.to_owned()).or_insert_with(|| {
            let bar = live.all.add(ProgressBar::new(size));
            if let Ok(style) = ProgressStyle::with_template(
                "  {prefix} {bar:30} {bytes}/{total_bytes} {bytes_per_sec}",
            ) {
                bar.set_style(style);
            }
            bar.set_prefix(short(digest).to_owned());
            bar
        });
        bar.set_position(sent);
    }

    fn sent(&self, digest: &str, size: u64) {
        if let Some(live) = &self.live
            && let Some(bar) = live
                .layers
                .lock()
                .unwrap_or_else(|e| e.into_inner())
                .remove(digest)
        {
            bar.finish_and_clear();
        }
        self.line(&format!(
            "  layer {} sent ({})",
            short(digest),
            megabytes(size)
        ));
    }

    fn view(&self, line: &str) {
        let Some(live) = &self.live else {
            return self.line(&format!("  {line}"));
        };
        let mut status = live.status.lock().unwrap_or_else(|e| e.into_inner());
        let bar = status.get_or_insert_with(|| {
            let bar = live.all.add(ProgressBar::new_spinner());
            bar.enable_steady_tick(std::time::Duration::from_millis(120));
            bar
        });
        bar.set_message(line.to_owned());
    }
}

/// An event without `(service app)` in front of it.
fn without_service(text: &str) -> &str {
    match text.split_once(") ") {
        Some((service, rest)) if service.starts_with("(service ") => rest,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::ui::testing::ui;

    #[test]
    fn without_a_terminal_it_is_plain_lines() {
        let (ui, out, err) = ui("", false);
        let teller = Teller::new(&ui);
        let digest = format!("sha256:{}", "ab".repeat(32));
        teller.tell(Said::Text("one".into()));
        teller.tell(Said::Sending {
            digest: digest.clone(),
            sent: 1,
            size: 2,
        });
        teller.tell(Said::Sent {
            digest,
            size: 1_500_000,
        });
        teller.tell(Said::View("1 of 2 new tasks running".into()));
        teller.tell(Said::Event(
            "(service app) has reached a steady state.".into(),
        ));
        teller.tell(Said::Log("a log line".into()));
        teller.tell(Said::Warning("look".into()));
        teller.end();
        assert_eq!(out.text(), "");
        insta::assert_snapshot!(err.text(), @r"
        one
          layer abababababab sent (1.5 MB)
          1 of 2 new tasks running
          has reached a steady state.
          │ a log line
        warning: look
        ");
    }

    #[test]
    fn quiet_leaves_the_warnings() {
        let (mut ui, _, err) = ui("", false);
        ui.quiet = true;
        let teller = Teller::new(&ui);
        teller.tell(Said::Text("one".into()));
        teller.tell(Said::Warning("look".into()));
        assert_eq!(err.text(), "warning: look\n");
    }
}
