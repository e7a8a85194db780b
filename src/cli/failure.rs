//! How a command fails: whose fault it is, what to do about it, and the exit code that says so to scripts.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;

use super::suggest::nearest;
use crate::aws::ConnectError;
use crate::kind::{Class, CloudError};
use crate::render::palette::{Palette, Tone};
use crate::render::shown::clean;

/// A command's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit(pub u8);

impl Exit {
    pub const FINE: Self = Self(0);
    pub const ERROR: Self = Self(1);
    pub const CHANGES: Self = Self(2);
    pub const USAGE: Self = Self(64);
    pub const ROLLED_BACK: Self = Self(69);
    pub const STALE_PLAN: Self = Self(73);
    pub const BUSY: Self = Self(75);
    pub const NOT_VERIFIED: Self = Self(76);
    pub const NOT_SERVING: Self = Self(77);
    pub const INTERRUPTED: Self = Self(130);
    pub const CLOSED_PIPE: Self = Self(141);
}

/// Every exit code and what it means. The manual prints this table.
pub const EXIT_CODES: &[(Exit, &str)] = &[
    (
        Exit::FINE,
        "All is well. Without `--detailed-exitcode`, `plan` and `drift` end so whatever they found.",
    ),
    (
        Exit::ERROR,
        "An error: the stack file is wrong, AWS refused something, a step failed, the plan is not permitted.",
    ),
    (
        Exit::CHANGES,
        "Only with `--detailed-exitcode`: there are changes (`plan`), or drift (`drift`).",
    ),
    (
        Exit::USAGE,
        "Wrong usage: no such command or option, or a `CIRCLES_…` variable that cannot be read.",
    ),
    (
        Exit::ROLLED_BACK,
        "A release was given up: its tasks did not come to run, or did not answer. What ran before runs again, unless nothing did.",
    ),
    (
        Exit::STALE_PLAN,
        "The plan file is stale: made for another account, region, environment or stack text, or what it touches has changed since.",
    ),
    (
        Exit::BUSY,
        "Somebody else is at work on this stack and environment; `--lock-timeout` waits.",
    ),
    (
        Exit::NOT_VERIFIED,
        "`verify`: the service answers, or fails to, as it should not.",
    ),
    (
        Exit::NOT_SERVING,
        "`status`: a service does not serve. The output names the likely cause and the next command.",
    ),
    (
        Exit::INTERRUPTED,
        "Interrupted. What was done is remembered; the next run goes on from there.",
    ),
    (
        Exit::CLOSED_PIPE,
        "Whoever read the output went away before its end.",
    ),
];

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The command line.
    Usage,
    /// The stack file.
    Stack,
    /// AWS, or the way there.
    Cloud,
    /// This machine: a file that cannot be read or written.
    Local,
    /// Nothing is wrong, and yet it is not done unasked: a protection, a missing `--yes`, an answer other than yes.
    Refused,
    /// A release was given up.
    RolledBack,
    StalePlan,
    Busy,
    Interrupted,
    ClosedPipe,
    /// Ours.
    Bug,
}

impl FailureKind {
    pub fn exit(self) -> Exit {
        match self {
            Self::Usage => Exit::USAGE,
            Self::RolledBack => Exit::ROLLED_BACK,
            Self::StalePlan => Exit::STALE_PLAN,
            Self::Busy => Exit::BUSY,
            Self::Interrupted => Exit::INTERRUPTED,
            Self::ClosedPipe => Exit::CLOSED_PIPE,
            Self::Stack | Self::Cloud | Self::Local | Self::Refused | Self::Bug => Exit::ERROR,
        }
    }
}

/// What a command returns when it did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    pub kind: FailureKind,
    /// A sentence, lowercase, without a full stop.
    pub message: String,
    /// Ready-made text that goes before the message: diagnostics with the stack's text underlined.
    pub body: Option<String>,
    /// What to do about it.
    pub hints: Vec<String>,
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            body: None,
            hints: Vec::new(),
            source: None,
        }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// A file that could not be read or written; `what` is what was tried (`read the plan`).
    pub fn file(what: &str, path: &Path, error: io::Error) -> Self {
        let failure = Self::new(
            FailureKind::Local,
            format!("cannot {what} {}: {error}", path.display()),
        );
        match error.kind() {
            io::ErrorKind::NotFound => failure.hint("no such file: look at the path"),
            io::ErrorKind::PermissionDenied => failure.hint("its permissions do not allow it"),
            io::ErrorKind::StorageFull => {
                failure.hint("the disk is full: make room and run the same command again")
            }
            _ => failure,
        }
        .because(error)
    }

    pub fn closed_pipe() -> Self {
        Self::new(FailureKind::ClosedPipe, "nobody reads the output")
    }

    /// As printed: the body, `error: message`, the chain of causes that say something new, the hints.
    pub fn text(&self, palette: Palette) -> String {
        let mut out = String::new();
        if let Some(body) = &self.body {
            out.push_str(body.trim_end());
            out.push_str("\n\n");
        }
        let word = match self.kind {
            FailureKind::Bug => "bug:",
            _ => "error:",
        };
        out.push_str(&format!(
            "{} {}\n",
            palette.paint(Tone::Error, word),
            clean(&self.message)
        ));
        let mut source = self.source.as_deref().map(|e| e as &dyn Error);
        while let Some(error) = source {
            let text = error.to_string();
            if !out.contains(&text) {
                out.push_str(&format!("  because: {}\n", clean(&text)));
            }
            source = error.source();
        }
        for hint in &self.hints {
            out.push_str(&format!(
                "  {} {}\n",
                palette.paint(Tone::Strong, "hint:"),
                clean(hint)
            ));
        }
        if self.kind == FailureKind::Bug {
            out.push_str("  this is a mistake in circles-infra: please report it with this text\n");
        }
        out
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Failure {}

impl From<CloudError> for Failure {
    fn from(error: CloudError) -> Self {
        let kind = match error.class {
            Class::Stopped => FailureKind::Interrupted,
            _ => FailureKind::Cloud,
        };
        Self {
            hints: error.advice(),
            ..Self::new(kind, error.to_string())
        }
    }
}

/// Regions of the AWS partition, for a misspelled one: https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
const REGIONS: &[&str] = &[
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "af-south-1",
    "ap-east-1",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
];

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let failure = Self::new(FailureKind::Cloud, error.to_string());
        match error {
            ConnectError::NoRegion => {
                failure.hint("name one: `region:` in the stack file, --region, or AWS_REGION")
            }
            ConnectError::NoCredentials(_) => failure,
            ConnectError::CredentialEndpoint(_) => failure
                .hint("is this machine online? What gives the credentials (STS, IAM Identity Center, instance or container metadata) does not answer at present")
                .hint("nothing was carried out"),
            ConnectError::CaBundle(_) => failure.hint(
                "name a PEM file with the authorities of this network, or unset AWS_CA_BUNDLE (`ca_bundle` of the profile)",
            ),
            ConnectError::Profile { .. } => failure.hint(
                "log in again, by `aws sso login --profile NAME`; a profile with keys, a role or a process has what the message names to be corrected",
            ),
            ConnectError::UnknownProfile { profile, profiles } => {
                let hint = match nearest(&profile, profiles.names()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => "name one that there is, by --profile or AWS_PROFILE".into(),
                };
                failure.hint(hint).hint(format!(
                    "make it: `aws configure --profile {profile}`, or `aws configure sso --profile {profile}`; without AWS_PROFILE the default is taken"
                ))
            }
            ConnectError::Endpoint(_) => failure.hint(
                "AWS_ENDPOINT_URL and endpoint_url in the AWS configuration say where AWS is; leave them out for the real one",
            ),
            ConnectError::Region { region, .. } => {
                let near = nearest(&region, REGIONS.iter().copied());
                let failure = match near {
                    Some(near) if near != region => {
                        failure.hint(format!("is there a region {region}? {near} is near"))
                    }
                    _ => failure.hint("is this machine online, and is the region switched on in the account?"),
                };
                failure.hint("nothing was carried out")
            }
            ConnectError::Credentials(source)
            | ConnectError::Unreachable { source, .. }
            | ConnectError::Refused(source) => Self {
                hints: source.advice(),
                ..failure
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_failure_has_a_code_of_the_table() {
        for kind in [
            FailureKind::Usage,
            FailureKind::Stack,
            FailureKind::Cloud,
            FailureKind::Local,
            FailureKind::Refused,
            FailureKind::RolledBack,
            FailureKind::StalePlan,
            FailureKind::Busy,
            FailureKind::Interrupted,
            FailureKind::ClosedPipe,
            FailureKind::Bug,
        ] {
            let rows = EXIT_CODES.iter().filter(|(exit, _)| *exit == kind.exit());
            assert_eq!(rows.count(), 1, "{kind:?}");
        }
    }

    #[test]
    fn codes_are_what_scripts_rely_on() {
        let codes: Vec<u8> = EXIT_CODES.iter().map(|(exit, _)| exit.0).collect();
        assert_eq!(codes, [0, 1, 2, 64, 69, 73, 75, 76, 77, 130, 141]);
    }

    #[test]
    fn a_failure_prints_causes_once_and_hints() {
        let denied = CloudError::new(
            "ec2:CreateVpc",
            Class::Denied,
            "UnauthorizedOperation",
            "You are not authorized to perform this operation.",
        );
        let failure = Failure::from(denied).because(io::Error::other("a lost connection"));
        insta::assert_snapshot!(failure.text(Palette::PLAIN), @r#"
        error: ec2:CreateVpc: UnauthorizedOperation: You are not authorized to perform this operation.
          because: a lost connection
          hint: the caller lacks the IAM action ec2:CreateVpc
          hint: a policy statement that grants it: {"Action":"ec2:CreateVpc","Effect":"Allow","Resource":"*"}
          hint: the whole policy this stack needs: circles-infra permissions
        "#);
    }

    #[test]
    fn a_file_that_is_not_there() {
        let error = io::Error::from(io::ErrorKind::NotFound);
        let failure = Failure::file("read the plan", Path::new("plan.json"), error);
        insta::assert_snapshot!(failure.text(Palette::PLAIN), @r"
        error: cannot read the plan plan.json: entity not found
          hint: no such file: look at the path
        ");
    }
}
