//! Where a command's words go: results to standard output, everything else to standard error. A reader that goes away is an exit code,
//! never a panic.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::{Arc, Mutex};

use serde::Serialize;

use super::failure::{Failure, FailureKind};
use super::global::Global;
use super::invocation::Invocation;
use crate::aws::told::Listener;
use crate::render::palette::{Palette, Tone};
use crate::render::shown::clean;

/// A writer that the command and a run's event stream share.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<Box<dyn Write + Send>>>);

impl Shared {
    pub fn new(to: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(to))))
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).flush()
    }
}

/// A command's standard streams, and what is known about who is at their other ends.
pub struct Ui {
    pub out: Shared,
    pub err: Shared,
    input: Box<dyn BufRead + Send>,
    /// Somebody can be asked.
    pub interactive: bool,
    /// Standard error is a terminal that can redraw lines.
    pub live: bool,
    pub out_palette: Palette,
    pub err_palette: Palette,
    pub quiet: bool,
    /// `-v`, and how often.
    pub verbose: u8,
    /// Completes the commands that messages suggest.
    pub invocation: Invocation,
}

impl Ui {
    /// The process's own streams. Colours are off with `--no-color`, `NO_COLOR`, `TERM=dumb`, and where there is no terminal.
    pub fn of_process(global: &Global) -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let plain = global.no_color
            || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let asks = io::stdin().is_terminal() && err.is_terminal() && !global.no_input;
        Self {
            interactive: asks,
            // Lines of calls and lines that redraw themselves do not go together.
            live: err.is_terminal() && !plain && global.verbose == 0,
            out_palette: Palette::new(!plain && out.is_terminal()),
            err_palette: Palette::new(!plain && err.is_terminal()),
            out: Shared::new(out),
            err: Shared::new(err),
            input: Box::new(io::BufReader::new(io::stdin())),
            quiet: global.quiet,
            verbose: global.verbose,
            invocation: Invocation::of(global),
        }
    }

    /// With `-v`, whoever writes a line for each call to AWS.
    pub fn listener(&self) -> Option<Listener> {
        if self.verbose == 0 {
            return None;
        }
        let (err, palette) = (self.err.clone(), self.err_palette);
        Some(Listener(Arc::new(move |call| {
            let text = palette.paint(Tone::Faint, &clean(&call.to_string()));
            // Nobody who could be told of a standard error that is closed.
            let _ = writeln!(err.clone(), "{text}");
        })))
    }

    /// Writes a result. The text ends with a newline of its own, or is meant to have none.
    pub fn result(&mut self, text: &str) -> Result<(), Failure> {
        self.out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush())
            .map_err(|error| match error.kind() {
                io::ErrorKind::BrokenPipe => Failure::closed_pipe(),
                _ => Failure::new(
                    FailureKind::Local,
                    format!("cannot write to standard output: {error}"),
                ),
            })
    }

    /// Writes a result for people: the commands that it suggests are completed.
    pub fn screen(&mut self, text: &str) -> Result<(), Failure> {
        let text = self.invocation.complete(text).into_owned();
        self.result(&text)
    }

    /// Writes a value as one line of JSON.
    pub fn result_line(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value)
            .map_err(|error| Failure::new(FailureKind::Bug, error.to_string()))?;
        self.result(&format!("{text}\n"))
    }

    /// Says something beside the result; not with `--quiet`.
    pub fn say(&mut self, text: &str) {
        if !self.quiet {
            self.tell(text);
        }
    }

    /// Says something that is said even with `--quiet`.
    pub fn tell(&mut self, text: &str) {
        let text = self.invocation.complete(text.trim_end_matches('\n'));
        // Nobody who could be told of a standard error that is closed.
        let _ = writeln!(self.err, "{text}");
        let _ = self.err.flush();
    }

    /// All of standard input, as far as `most` bytes; a longer one is cut there, one byte over.
    pub fn read_input(&mut self, most: usize) -> io::Result<Vec<u8>> {
        use std::io::Read;
        let mut bytes = Vec::with_capacity(most + 1);
        let limit = u64::try_from(most + 1).unwrap_or(u64::MAX);
        (&mut self.input).take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Asks on standard error, reads one line from standard input. `None`: nobody answered.
    pub fn ask(&mut self, question: &str) -> Option<String> {
        let _ = write!(self.err, "{question} ");
        let _ = self.err.flush();
        let mut answer = String::new();
        match self.input.read_line(&mut answer) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(answer.trim().to_owned()),
        }
    }
}

#[cfg(test)]
pub mod testing {
    use super::*;

    /// What a test's command wrote.
    #[derive(Clone, Default)]
    pub struct Written(Arc<Mutex<Vec<u8>>>);

    impl Written {
        pub fn text(&self) -> String {
            String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
        }
    }

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A `Ui` whose reader types `input`, with what it writes to (out, err).
    pub fn ui(input: &'static str, interactive: bool) -> (Ui, Written, Written) {
        let (out, err) = (Written::default(), Written::default());
        let ui = Ui {
            out: Shared::new(out.clone()),
            err: Shared::new(err.clone()),
            input: Box::new(io::Cursor::new(input)),
            interactive,
            live: false,
            out_palette: Palette::PLAIN,
            err_palette: Palette::PLAIN,
            quiet: false,
            verbose: 0,
            invocation: Invocation::default(),
        };
        (ui, out, err)
    }

    /// A writer whose reader has gone.
    pub struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{Closed, ui};
    use super::*;
    use crate::cli::failure::Exit;

    #[test]
    fn results_and_words_go_separate_ways() {
        let (mut ui, out, err) = ui("", false);
        ui.result("a\n").unwrap();
        ui.say("b");
        ui.quiet = true;
        ui.say("c");
        ui.tell("d\n");
        assert_eq!(
            (out.text().as_str(), err.text().as_str()),
            ("a\n", "b\nd\n")
        );
    }

    #[test]
    fn a_closed_pipe_is_an_exit_code() {
        let (mut ui, _, _) = ui("", false);
        ui.out = Shared::new(Closed);
        ui.err = Shared::new(Closed);
        assert_eq!(ui.result("a\n").unwrap_err().kind.exit(), Exit::CLOSED_PIPE);
        ui.tell("no panic");
    }

    #[test]
    fn an_answer_is_one_line_and_silence_is_none() {
        let (mut ui, _, err) = ui("yes \nno\n", true);
        assert_eq!(ui.ask("sure?"), Some("yes".into()));
        assert_eq!(ui.ask("sure?"), Some("no".into()));
        assert_eq!(ui.ask("sure?"), None);
        assert_eq!(err.text(), "sure? sure? sure? ");
    }
}
