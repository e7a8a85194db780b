//! Suggested commands, completed with the options of this invocation, so that they work when they are pasted.
//!
//! Messages all over the program name commands by their verb (`circles-infra apply`). Which stack, environment, region, profile and
//! variables were given is known here alone, and put in when a message is written for people.

use std::borrow::Cow;

use super::global::Global;

/// What a shell takes as one word without quotes.
const PLAIN: &str = "_./:=@%+,-";
const PROGRAM: &str = "circles-infra ";

/// Verbs that take the options which choose a stack. `sandbox`, `completions` and `schema` look at none.
const VERBS: &[&str] = &[
    "apply",
    "bootstrap",
    "deploy",
    "destroy",
    "drift",
    "graph",
    "history",
    "logs",
    "outputs",
    "permissions",
    "plan",
    "redeploy",
    "releases",
    "rollback",
    "secrets",
    "show",
    "state",
    "status",
    "validate",
    "verify",
];

/// The options that every suggested command repeats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invocation {
    /// Each with a space behind it.
    options: String,
    /// For the AWS command line.
    profile: Option<String>,
}

impl Invocation {
    pub fn of(global: &Global) -> Self {
        let mut options = String::new();
        let mut add = |option: &str, value: &str| {
            options.push_str(&format!("{option} {} ", quoted(value)));
        };
        if let Some(stack) = global.stack.to_str().filter(|path| *path != Global::STACK) {
            add("--stack", stack);
        }
        let named = [
            ("--env", &global.env),
            ("--region", &global.region),
            ("--profile", &global.profile),
        ];
        for (option, value) in named {
            if let Some(value) = value {
                add(option, value);
            }
        }
        for file in global.var_file.iter().filter_map(|path| path.to_str()) {
            add("--var-file", file);
        }
        for (name, value) in &global.var {
            add("--var", &format!("{name}={value}"));
        }
        if global.sandbox {
            options.insert_str(0, "--sandbox ");
        }
        Self {
            options,
            profile: global.profile.as_deref().map(quoted),
        }
    }

    /// A text with its commands completed. A command that has options before its verb already stays as it is.
    pub fn complete<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.options.is_empty() || !(text.contains(PROGRAM) || text.contains("aws ")) {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len() + self.options.len());
        let mut rest = text;
        while let Some(at) = rest.find(PROGRAM) {
            let end = at + PROGRAM.len();
            out.push_str(&rest[..end]);
            // `/path/circles-infra plan` is a program, `my-circles-infra plan` is none of ours.
            let begins = rest[..at]
                .chars()
                .next_back()
                .is_none_or(|c| !is_of_name(c));
            let verb: &str = rest[end..]
                .split(|c: char| !c.is_ascii_lowercase())
                .next()
                .unwrap_or("");
            if begins && VERBS.contains(&verb) {
                out.push_str(&self.options);
            }
            rest = &rest[end..];
        }
        out.push_str(rest);
        Cow::Owned(self.with_profile(out))
    }

    /// `aws rds start-db-instance …` goes to the same account.
    fn with_profile(&self, text: String) -> String {
        match &self.profile {
            Some(profile) if !text.contains("aws --profile") => {
                let services = ["rds", "sso", "ecs", "ec2"];
                services.iter().fold(text, |text, service| {
                    text.replace(
                        &format!("aws {service} "),
                        &format!("aws --profile {profile} {service} "),
                    )
                })
            }
            _ => text,
        }
    }
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '-' || c == '_'
}

/// One word of a POSIX shell.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || PLAIN.contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::cli::Cli;

    fn invocation(arguments: &[&str]) -> Invocation {
        let arguments = ["circles-infra"].iter().chain(arguments).chain(&["plan"]);
        Invocation::of(&Cli::try_parse_from(arguments).expect("options").global)
    }

    #[test]
    fn every_verb_of_the_program_is_known() {
        let none = ["sandbox", "completions", "schema", "help"];
        let all = Cli::command();
        let mut verbs: Vec<&str> = all
            .get_subcommands()
            .map(|verb| verb.get_name())
            .filter(|name| !none.contains(name))
            .collect();
        verbs.sort_unstable();
        assert_eq!(verbs, VERBS);
    }

    #[test]
    fn a_suggested_command_repeats_what_chooses_the_stack() {
        let given = invocation(&["--sandbox", "--stack", "my stacks/a.yaml", "--env", "prod"]);
        let options = "--sandbox --stack 'my stacks/a.yaml' --env prod";
        for (text, completed) in [
            (
                "to go on: circles-infra destroy",
                "to go on: circles-infra OPTIONS destroy",
            ),
            (
                "`circles-infra plan` shows how, circles-infra apply makes it.",
                "`circles-infra OPTIONS plan` shows how, circles-infra OPTIONS apply makes it.",
            ),
            // Not commands, or complete already.
            (
                "written by a newer circles-infra (format 3)",
                "written by a newer circles-infra (format 3)",
            ),
            (
                "made by circles-infra, applying",
                "made by circles-infra, applying",
            ),
            ("circles-infra sandbox stop", "circles-infra sandbox stop"),
            (
                "circles-infra --sandbox apply",
                "circles-infra --sandbox apply",
            ),
            ("my-circles-infra plan", "my-circles-infra plan"),
            ("circles-infra planning", "circles-infra planning"),
        ] {
            let expected = completed.replace("OPTIONS", options);
            assert_eq!(given.complete(text), expected);
            assert_eq!(given.complete(&expected), expected, "once is enough");
        }
        let none = invocation(&["--quiet", "--stack", "stacks/circles.yaml"]);
        assert_eq!(none.complete("circles-infra apply"), "circles-infra apply");
    }

    #[test]
    fn values_are_quoted_for_a_shell() {
        let given = invocation(&[
            "--region",
            "eu-west-1",
            "--profile",
            "o'brien",
            "--var",
            "a=b c",
            "--var-file",
            "v.yaml",
        ]);
        assert_eq!(
            given.complete("circles-infra plan"),
            r"circles-infra --region eu-west-1 --profile 'o'\''brien' --var-file v.yaml --var 'a=b c' plan"
        );
        assert_eq!(
            given.complete("aws rds start-db-instance --x y"),
            r"aws --profile 'o'\''brien' rds start-db-instance --x y"
        );
        // What is written can be read again.
        let words = ["--stack", "a b.yaml", "--var", "x=it's"];
        let line = invocation(&words)
            .complete("circles-infra plan")
            .into_owned();
        assert_eq!(
            line,
            r"circles-infra --stack 'a b.yaml' --var 'x=it'\''s' plan"
        );
    }
}
