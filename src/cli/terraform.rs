//! Habits from Terraform: each works as typed, or is answered with the right words. One table, read before clap sees the arguments.

use std::ffi::OsString;

use clap::{ArgAction, Command, CommandFactory};

use super::failure::Exit;

mod table;

pub use table::Answer;
use table::Answer::{Fine, Instead, Means, Needless};
pub use table::{COMMANDS, OPTIONS, PHRASES};

/// What is printed instead of running anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub text: String,
    pub exit: Exit,
}

/// Rewrites what the table knows; everything else is left as it is. `arguments[0]` is the program's name.
pub fn rewrite(arguments: Vec<OsString>) -> Result<Vec<OsString>, Said> {
    let verb = verb_at(&arguments);
    let mut rewritten = Vec::with_capacity(arguments.len());
    let mut options_ended = false;
    let typed = |at: usize| arguments.get(at).and_then(|word| word.to_str());
    let second = verb.and_then(|at| Some((typed(at)?, typed(at + 1)?)));
    let phrase = PHRASES
        .iter()
        .find(|(one, two, _)| second == Some((*one, *two)));
    if let Some((one, two, answer)) = phrase {
        take(&format!("{one} {two}"), *answer, None, &mut rewritten)?;
    }
    let applies = verb.and_then(typed) == Some("apply");
    let mut verb_stands = 0;
    for (index, argument) in arguments.into_iter().enumerate() {
        let Some(text) = argument.to_str() else {
            rewritten.push(argument);
            continue;
        };
        options_ended |= text == "--";
        if Some(index) == verb {
            verb_stands = rewritten.len();
            command(text, &mut rewritten)?;
        } else if index > 0 && !options_ended && text.starts_with('-') {
            option(text, &mut rewritten)?;
        } else {
            rewritten.push(argument);
        }
    }
    // `apply -destroy` is Terraform's other way to say it.
    let asked = rewritten.iter().position(|word| word == "--destroy");
    if let (true, Some(at)) = (applies, asked) {
        rewritten[verb_stands] = "destroy".into();
        rewritten.remove(at);
    }
    Ok(rewritten)
}

fn command(text: &str, rewritten: &mut Vec<OsString>) -> Result<(), Said> {
    match COMMANDS.iter().find(|(name, _)| *name == text) {
        Some((_, answer)) => take(text, *answer, None, rewritten),
        None => {
            rewritten.push(text.into());
            Ok(())
        }
    }
}

/// `-name`, `-name=value`; two dashes only where we have no such option ourselves.
fn option(text: &str, rewritten: &mut Vec<OsString>) -> Result<(), Said> {
    let bare = text.trim_start_matches('-');
    let name = bare.split('=').next().unwrap_or(bare);
    let whole = OPTIONS.iter().find(|(row, _)| *row == bare);
    let row = whole.or_else(|| OPTIONS.iter().find(|(row, _)| *row == name));
    let ours = text.starts_with("--")
        && matches!(row, Some((_, Means(to))) if to.first().is_some_and(|to| to[2..] == *name));
    match row {
        Some((row, answer)) if !ours => {
            let value = bare
                .split_once('=')
                .filter(|_| *row == name)
                .map(|(_, value)| value);
            take(text, *answer, value, rewritten)
        }
        _ => {
            rewritten.push(text.into());
            Ok(())
        }
    }
}

fn take(
    typed: &str,
    answer: Answer,
    value: Option<&str>,
    rewritten: &mut Vec<OsString>,
) -> Result<(), Said> {
    match answer {
        Means(words) => {
            for (index, word) in words.iter().enumerate() {
                match value.filter(|_| index + 1 == words.len()) {
                    Some(value) => rewritten.push(format!("{word}={value}").into()),
                    None => rewritten.push(word.into()),
                }
            }
            Ok(())
        }
        Needless => Ok(()),
        Fine(text) => Err(Said {
            text: text.to_owned(),
            exit: Exit::FINE,
        }),
        Instead(text) => Err(Said {
            text: format!("{typed}: {text}"),
            exit: Exit::USAGE,
        }),
    }
}

/// Where the command's name stands: the first argument that is neither an option nor an option's value.
fn verb_at(arguments: &[OsString]) -> Option<usize> {
    let command = super::Cli::command();
    let mut value_next = false;
    for (index, argument) in arguments.iter().enumerate().skip(1) {
        let text = argument.to_str()?;
        if std::mem::take(&mut value_next) {
            continue;
        }
        if !text.starts_with('-') {
            return Some(index);
        }
        value_next = !text.contains('=') && takes_value(&command, text.trim_start_matches('-'));
    }
    None
}

fn takes_value(command: &Command, name: &str) -> bool {
    command
        .get_arguments()
        .filter(|argument| argument.get_long() == Some(name))
        .any(|argument| matches!(argument.get_action(), ArgAction::Set | ArgAction::Append))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, NAME};

    fn rewritten(line: &str) -> Result<Vec<String>, Said> {
        let arguments = std::iter::once(NAME).chain(line.split_whitespace());
        rewrite(arguments.map(OsString::from).collect()).map(|all| {
            all.into_iter()
                .skip(1)
                .map(|argument| argument.into_string().unwrap())
                .collect()
        })
    }

    fn parsed(line: &str) -> Cli {
        let arguments = rewritten(line).unwrap();
        Cli::try_parse_from(std::iter::once(NAME.to_owned()).chain(arguments))
            .unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    /// A line that uses the option of each row, and must parse, or be answered.
    const LINES: &[(&str, &str)] = &[
        ("auto-approve", "apply -auto-approve"),
        ("force", "destroy -force"),
        ("var", "plan -var a=b -var=c=d"),
        ("var-file", "plan -var-file=x.yaml -var-file y.yaml"),
        ("out", "plan -out=p -no-color"),
        ("target", "plan -target=a/b -target c"),
        ("replace", "apply -replace=a"),
        ("destroy", "plan -destroy"),
        ("json", "output -json"),
        ("raw", "output -raw alb_dns_name"),
        ("detailed-exitcode", "plan -detailed-exitcode"),
        ("parallelism", "apply -parallelism=4"),
        ("lock-timeout", "apply -lock-timeout=30s"),
        ("no-color", "-no-color plan"),
        ("input=false", "apply -input=false"),
        ("input", "apply -input"),
        ("input=true", "apply -input=true"),
        ("lock=true", "plan -lock=true"),
        ("refresh=true", "plan -refresh=true"),
        ("compact-warnings", "plan -compact-warnings"),
        ("help", "plan -help"),
        ("version", "-version"),
    ];

    #[test]
    fn every_option_of_the_table_works_or_is_answered() {
        for (name, answer) in OPTIONS {
            match answer {
                Means(_) | Needless => {
                    let (_, line) = LINES
                        .iter()
                        .find(|(row, _)| row == name)
                        .unwrap_or_else(|| panic!("no line uses -{name}"));
                    let arguments = rewritten(line).unwrap();
                    let all = std::iter::once(NAME.to_owned()).chain(arguments);
                    if let Err(error) = Cli::try_parse_from(all) {
                        assert_eq!(error.exit_code(), 0, "{line}: {error}");
                    }
                }
                Fine(_) | Instead(_) => {
                    for dashes in ["-", "--"] {
                        let said = rewritten(&format!("plan {dashes}{name}")).unwrap_err();
                        assert_eq!(said.exit, Exit::USAGE, "{name}");
                        assert!(said.text.starts_with(&format!("{dashes}{name}: ")));
                    }
                }
            }
        }
    }

    #[test]
    fn every_command_of_the_table_works_or_is_answered() {
        for (name, answer) in COMMANDS {
            let line = format!("--env prod --var a=b {name} x");
            match answer {
                Means(words) => {
                    let arguments = rewritten(&line).unwrap();
                    assert_eq!(arguments[4..4 + words.len()], **words);
                }
                Fine(_) => assert_eq!(rewritten(&line).unwrap_err().exit, Exit::FINE),
                Instead(_) => assert_eq!(rewritten(&line).unwrap_err().exit, Exit::USAGE),
                Needless => panic!("{name}: a command cannot be dropped"),
            }
        }
    }

    #[test]
    fn every_phrase_of_the_table_is_answered() {
        for (one, two, _) in PHRASES {
            let said = rewritten(&format!("--env prod {one} {two} x")).unwrap_err();
            assert_eq!(said.exit, Exit::USAGE);
            assert!(said.text.starts_with(&format!("{one} {two}: ")));
            let ours = Cli::command();
            let ours = ours.find_subcommand(one).unwrap();
            assert!(ours.find_subcommand(two).is_none(), "{one} {two} is ours");
        }
    }

    #[test]
    fn apply_destroy_destroys() {
        assert_eq!(
            rewritten("--env prod apply -destroy -auto-approve").unwrap(),
            ["--env", "prod", "destroy", "--yes"]
        );
        assert_eq!(
            rewritten("plan -destroy").unwrap(),
            ["plan", "--destroy"],
            "a plan of it stays a plan"
        );
    }

    #[test]
    fn no_row_hides_a_command_or_stands_twice() {
        let ours = Cli::command();
        for (index, (name, _)) in COMMANDS.iter().enumerate() {
            assert!(ours.find_subcommand(name).is_none(), "{name} is ours");
            assert!(COMMANDS[..index].iter().all(|(other, _)| other != name));
        }
        for (index, (name, _)) in OPTIONS.iter().enumerate() {
            assert!(OPTIONS[..index].iter().all(|(other, _)| other != name));
        }
    }

    #[test]
    fn values_come_along() {
        let cli = parsed("plan -var a=b=c -var=d=e -target=network -out=p.json");
        assert_eq!(
            cli.global.var,
            [("a".into(), "b=c".into()), ("d".into(), "e".into())]
        );
        assert_eq!(
            rewritten("import network/vpc vpc-1").unwrap(),
            ["state", "import", "network/vpc", "vpc-1"]
        );
    }

    #[test]
    fn what_is_ours_stays_as_it_is() {
        for line in [
            "-vv plan",
            "-q apply --yes",
            "plan --out -x",
            "--stack init plan",
            "apply -- -auto-approve",
            "state show init",
            "plan --var=a=b --json",
        ] {
            let typed: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
            assert_eq!(rewritten(line).unwrap(), typed, "{line}");
        }
    }
}
