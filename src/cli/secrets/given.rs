//! Where a value comes from: an environment variable, a prompt without echo, or standard input.

use std::ffi::OsString;
use std::io;

use zeroize::Zeroize;

use crate::aws::secretsmanager::swap::LARGEST;
use crate::cli::failure::{Failure, FailureKind};
use crate::cli::ui::Ui;
use crate::kind::SecretText;

/// More than any secret takes, so that a file piped in by mistake is not read to its end, and its size can still be told.
const MOST: usize = 4 * LARGEST;

#[derive(Debug)]
pub enum Given {
    Value(SecretText),
    /// There is none; and why.
    Absent(String),
}

/// A value on the command line stands in the process list, and in the shell's history.
pub fn never_an_argument(key: &str, rest: &[OsString]) -> Result<(), Failure> {
    if rest.is_empty() && !key.contains('=') {
        return Ok(());
    }
    Err(Failure::new(
        FailureKind::Usage,
        "a secret value is never an argument: it would stand in the process list, and in the shell's history",
    )
    .hint("circles-infra secrets set KEY                   asks for it, without echo")
    .hint("circles-infra secrets set KEY < FILE            reads it")
    .hint("circles-infra secrets set KEY --from-env NAME   takes it from the environment")
    .hint("what was just typed is in the history now: take it out there, or have another value issued"))
}

/// The same, as text.
pub fn refusal_text() -> String {
    never_an_argument("=", &[]).map_or_else(
        |failure| failure.text(crate::render::palette::Palette::PLAIN),
        |()| String::new(),
    )
}

/// A key for a message. What cannot be a variable's name may be a value in the wrong place, and is not repeated.
pub fn named(key: &str) -> &str {
    let name = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if name && key.len() <= 64 {
        key
    } else {
        "of that name"
    }
}

/// The value for `key`.
pub fn given(key: &str, from_env: Option<&str>, ui: &mut Ui) -> Result<Given, Failure> {
    let (bytes, empty) = if let Some(name) = from_env {
        let Some(value) = std::env::var_os(name) else {
            return Ok(Given::Absent(format!("{name} is not set")));
        };
        (value.into_encoded_bytes(), format!("{name} is empty"))
    } else if ui.interactive {
        let typed = rpassword::prompt_password(format!("{key}: "))
            .map_err(|e| unreadable("the terminal", e))?;
        (typed.into_bytes(), "nothing was typed".to_owned())
    } else {
        let bytes = ui
            .read_input(MOST)
            .map_err(|e| unreadable("standard input", e))?;
        (bytes, "standard input is empty".to_owned())
    };
    value(key, bytes, from_env.is_none(), empty)
}

fn unreadable(what: &str, error: io::Error) -> Failure {
    Failure::new(FailureKind::Local, format!("cannot read {what}: {error}"))
}

/// Checks what was read. One newline at the end belongs to the line, not to the value, unless it comes from a variable.
fn value(key: &str, mut bytes: Vec<u8>, lines: bool, empty: String) -> Result<Given, Failure> {
    if lines && bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    if bytes.is_empty() {
        return Ok(Given::Absent(empty));
    }
    let problem = problem(&bytes);
    if let Some(problem) = problem {
        bytes.zeroize();
        return Err(Failure::new(
            FailureKind::Refused,
            format!("the value for {key} {problem}"),
        ));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Given::Value(SecretText::new(text))),
        Err(error) => {
            error.into_bytes().zeroize();
            Err(Failure::new(
                FailureKind::Refused,
                format!(
                    "the value for {key} is no UTF-8 text: a task could not take it as a variable"
                ),
            )
            .hint("encode it, for example with base64, and let the service decode it"))
        }
    }
}

fn problem(bytes: &[u8]) -> Option<String> {
    if bytes.len() > LARGEST {
        let size = if bytes.len() > MOST {
            format!("more than {MOST}")
        } else {
            bytes.len().to_string()
        };
        return Some(format!(
            "is {size} bytes long: AWS keeps at most {LARGEST} for all keys of a secret together"
        ));
    }
    bytes.contains(&0).then(|| {
        "holds a NUL character, which no environment variable can: a task would not start with it"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::ui::testing::ui;

    fn read(bytes: &[u8]) -> Result<String, String> {
        match value("KEY", bytes.to_vec(), true, "nothing".into()) {
            Ok(Given::Value(value)) => Ok(value.expose().to_owned()),
            Ok(Given::Absent(why)) => Ok(format!("({why})")),
            Err(failure) => Err(failure.message),
        }
    }

    #[test]
    fn a_value_is_taken_as_it_is_but_for_one_newline_at_the_end() {
        for (given, taken) in [
            ("plain\n", "plain"),
            ("plain\r\n", "plain"),
            ("two\nlines\n\n", "two\nlines\n"),
            (
                "quotes \" and ' and 100 % \\",
                "quotes \" and ' and 100 % \\",
            ),
            (" spaces ", " spaces "),
            ("", "(nothing)"),
            ("\n", "(nothing)"),
        ] {
            assert_eq!(read(given.as_bytes()), Ok(taken.into()), "{given:?}");
        }
    }

    #[test]
    fn what_no_task_could_take_is_refused_without_being_repeated() {
        for (given, word) in [
            (b"hunter2\0hunter2".to_vec(), "NUL"),
            (b"hunter2\xff".to_vec(), "UTF-8"),
            (vec![b'h'; 70 * 1024], "71680 bytes"),
            (vec![b'h'; MOST + 1], "more than 262144"),
        ] {
            let told = read(&given).unwrap_err();
            assert!(told.contains(word) && !told.contains("hunter2"), "{told}");
        }
    }

    #[test]
    fn standard_input_is_read_where_nobody_can_be_asked() {
        let (mut ui, _, _) = ui("from a pipe\n", false);
        let Ok(Given::Value(value)) = given("KEY", None, &mut ui) else {
            panic!("a value");
        };
        assert_eq!(value.expose(), "from a pipe");
        let absent = given("KEY", Some("CIRCLES_NO_SUCH_VARIABLE"), &mut ui);
        assert!(matches!(absent, Ok(Given::Absent(why)) if why.contains("is not set")));
    }

    #[test]
    fn an_argument_is_refused_and_not_repeated() {
        for (key, rest) in [("KEY=hunter2", None), ("KEY", Some("hunter2"))] {
            let rest: Vec<OsString> = rest.into_iter().map(OsString::from).collect();
            let failure = never_an_argument(key, &rest).unwrap_err();
            assert!(!format!("{failure:?}").contains("hunter2"));
        }
        assert!(never_an_argument("KEY", &[]).is_ok());
        assert_eq!(named("sk-live/hunter2"), "of that name");
    }
}
