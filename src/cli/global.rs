//! Options that every command takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use jiff::SignedDuration;

/// Which stack, in which world, and how talkative.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// The stack file
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        default_value = Global::STACK
    )]
    pub stack: PathBuf,

    /// The environment, as named in the stack file [default: its `default_environment`]
    #[arg(long, global = true, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub env: Option<String>,

    /// Use the local AWS instead of a real one; it is started when it does not run
    #[arg(long, global = true)]
    pub sandbox: bool,

    /// The AWS region, where the stack file names none; an error where it names another
    #[arg(long, global = true, value_name = "REGION", value_parser = NonEmptyStringValueParser::new())]
    pub region: Option<String>,

    /// The profile of the AWS configuration [default: AWS_PROFILE]
    #[arg(long, global = true, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub profile: Option<String>,

    /// Set a variable of the stack; wins over --var-file, the environment's block, CIRCLES_VAR_NAME and the default
    #[arg(long = "var", global = true, value_name = "NAME=VALUE", value_parser = variable)]
    pub var: Vec<(String, String)>,

    /// Read variables from a YAML or JSON file; a later file wins over an earlier one
    #[arg(long = "var-file", global = true, value_name = "FILE")]
    pub var_file: Vec<PathBuf>,

    /// How many steps are carried out side by side
    #[arg(long, global = true, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=512))]
    pub parallelism: u16,

    /// How long to wait for somebody else who is at work on this stack: 30s, 5m, 1h
    #[arg(long, global = true, value_name = "TIME", default_value = "0s", value_parser = time)]
    pub lock_timeout: Duration,

    /// No colours, and no lines that redraw themselves; NO_COLOR does the same
    #[arg(long, global = true)]
    pub no_color: bool,

    /// Never ask, as if there were no terminal
    #[arg(long, global = true)]
    pub no_input: bool,

    /// Results and errors only
    #[arg(long, short, global = true)]
    pub quiet: bool,

    /// Tell of every call to AWS as it ends: action, milliseconds, outcome, attempt; never what is sent or answered. Twice: also what
    /// AWS calls things, and every look at something that is waited for
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

impl Global {
    /// The stack file where none is named.
    pub const STACK: &str = "stacks/circles.yaml";
}

/// `name=value`; the value may hold further `=`.
fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.to_owned()))
        }
        _ => Err("a variable is written NAME=VALUE".into()),
    }
}

/// `30s`, `5m`, `1h 30m`; a bare number is seconds.
pub fn time(text: &str) -> Result<Duration, String> {
    let wrong = || "a time is written like 30s, 5m or 1h".to_owned();
    if let Ok(seconds) = text.trim().parse::<u32>() {
        return Ok(Duration::from_secs(seconds.into()));
    }
    let parsed: SignedDuration = text.trim().parse().map_err(|_| wrong())?;
    Duration::try_from(parsed).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_split_at_the_first_equals_sign() {
        assert_eq!(variable("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert_eq!(variable("a="), Ok(("a".into(), String::new())));
        assert!(variable("a").is_err());
        assert!(variable("=a").is_err());
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("0s", 0),
            ("90", 90),
            ("30s", 30),
            ("5m", 300),
            ("1h 30m", 5400),
        ] {
            assert_eq!(time(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "soon", "-5s", "5 parsecs"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
