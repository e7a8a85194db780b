//! `docs/commands.md`, made from clap's own help. A test holds the file equal to it.

use std::fmt::Write;

use clap::{Command, CommandFactory};

use super::failure::EXIT_CODES;
use super::terraform::{Answer, COMMANDS, OPTIONS, PHRASES};

/// How wide help texts are in the manual.
const WIDTH: usize = 100;

/// The whole manual.
pub fn manual() -> String {
    let mut command = super::Cli::command().term_width(WIDTH);
    command.build();
    let mut out = String::from(
        "# Commands\n\nMade from the program's own help; `CIRCLES_UPDATE_DOCS=1 cargo test manual` writes it anew.\n",
    );
    describe(&mut out, &command, super::NAME, &general(&command));
    exit_codes(&mut out);
    habits(&mut out);
    out
}

/// Long names of options that every command takes; the manual says them once.
fn general(command: &Command) -> Vec<String> {
    command
        .get_arguments()
        .filter(|argument| argument.is_global_set())
        .map(|argument| argument.get_id().to_string())
        .collect()
}

fn describe(out: &mut String, command: &Command, path: &str, general: &[String]) {
    let top = path == super::NAME;
    let shown = general.iter().filter(|_| !top);
    let mut command = shown.fold(command.clone(), |command, id| {
        let known = command
            .get_arguments()
            .any(|argument| argument.get_id() == id.as_str());
        if known {
            command.mut_arg(id, |argument| argument.hide(true))
        } else {
            command
        }
    });
    let help = command.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = write!(out, "\n## `{path}`\n\n```text\n{}\n```\n", lines.join("\n"));
    let verbs: Vec<Command> = command
        .get_subcommands()
        .filter(|verb| !verb.is_hide_set() && verb.get_name() != "help")
        .cloned()
        .collect();
    for verb in verbs {
        let path = format!("{path} {}", verb.get_name());
        describe(out, &verb, &path, general);
    }
}

fn exit_codes(out: &mut String) {
    out.push_str("\n## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for (exit, meaning) in EXIT_CODES {
        let _ = writeln!(out, "| {} | {meaning} |", exit.0);
    }
}

fn habits(out: &mut String) {
    out.push_str("\n## What a Terraform user types\n\n| typed | here |\n|---|---|\n");
    let options = OPTIONS
        .iter()
        .map(|(name, answer)| (format!("-{name}"), answer));
    let commands = COMMANDS
        .iter()
        .map(|(name, answer)| ((*name).to_owned(), answer));
    let phrases = PHRASES
        .iter()
        .map(|(one, two, answer)| (format!("{one} {two}"), answer));
    for (typed, answer) in commands.chain(phrases).chain(options) {
        let here = match answer {
            Answer::Means(words) => format!("`{}`", words.join(" ")),
            Answer::Needless => "taken, and changes nothing".into(),
            Answer::Fine(text) | Answer::Instead(text) => (*text).to_owned(),
        };
        let _ = writeln!(out, "| `{typed}` | {here} |");
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_manual_is_what_the_program_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md");
        let made = manual();
        if std::env::var_os("CIRCLES_UPDATE_DOCS").is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == made,
            "docs/commands.md is not what the program says: CIRCLES_UPDATE_DOCS=1 cargo test manual"
        );
    }
}
