//! What can go wrong before the local AWS answers, each with the line to type.

use std::path::PathBuf;

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error(
        "the sandbox needs Python 3.10 or newer, and there is no `python3` here; install it: {line}"
    )]
    NoPython { line: &'static str },
    #[error(
        "the sandbox needs Python 3.10 or newer, and `{python}` is {version}; install a newer one: {line}"
    )]
    OldPython {
        python: String,
        version: String,
        line: &'static str,
    },
    #[error("`{python}` cannot make virtual environments; install what it lacks: {line}")]
    NoVenv { python: String, line: &'static str },
    #[error("installing the sandbox's Python packages failed (is the network there?):\n{tail}")]
    Install { tail: String },
    #[error("the sandbox did not start; the end of {}:\n{tail}", log.display())]
    Start { log: PathBuf, tail: String },
    #[error("the sandbox (process {pid}) does not end; end it by hand: kill {pid}")]
    StillRunning { pid: u32 },
    #[error("the sandbox did not answer {path}: {what}")]
    Control { path: String, what: String },
    #[error("{what} {}: {source}", path.display())]
    File {
        what: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{what}")]
    NoDatabase { what: String },
    #[error("no home folder: set HOME, or CIRCLES_SANDBOX_DIR to a folder for the sandbox")]
    NoHome,
}

/// For `map_err`: an I/O error with what was done to which file.
pub(super) fn file(
    what: &'static str,
    path: &std::path::Path,
) -> impl FnOnce(std::io::Error) -> SandboxError {
    let path = path.to_path_buf();
    move |source| SandboxError::File { what, path, source }
}

/// The last lines of a longer text, for a person who looks for the cause.
pub(super) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_end_without_blank_lines() {
        assert_eq!(tail("a\n\nb\n  \nc\n", 2), "b\nc");
        assert_eq!(tail("a", 5), "a");
        assert_eq!(tail("", 5), "");
    }

    #[test]
    fn an_error_says_what_to_type() {
        let error = SandboxError::NoPython {
            line: "sudo apt-get install python3",
        };
        assert!(
            error
                .to_string()
                .ends_with("install it: sudo apt-get install python3")
        );
    }
}
