//! A session's errors as a command's failures: what is wrong, and what to do.

use crate::cli::failure::{Failure, FailureKind};
use crate::diagnostic::{self, Style};
use crate::engine::RunError;
use crate::session::SessionError;
use crate::state::StoreError;

/// With the stack file's diagnostics rendered.
pub fn failure(error: SessionError, style: Style) -> Failure {
    match error {
        SessionError::Stack {
            ref diagnostics,
            ref texts,
        } => {
            let body = diagnostic::render(diagnostics, texts, style);
            Failure::new(FailureKind::Stack, error.to_string()).body(body)
        }
        SessionError::Usage(_) => Failure::new(FailureKind::Usage, error.to_string()),
        SessionError::Cloud(error) => error.into(),
        SessionError::Connect(error) => (*error).into(),
        SessionError::Stale(_) => Failure::new(FailureKind::StalePlan, error.to_string())
            .hint("plan again; nothing was changed"),
        SessionError::Store(StoreError::Busy(_) | StoreError::Silent { .. }) => {
            Failure::new(FailureKind::Busy, error.to_string())
                .hint("wait for it, or let --lock-timeout 10m wait")
        }
        SessionError::Unknown { ref near, .. } => {
            let hint = match near {
                Some(near) => format!("is {near} meant?"),
                None => "circles-infra graph shows every address of the stack".to_owned(),
            };
            Failure::new(FailureKind::Usage, error.to_string())
                .hint(hint)
                .hint("nothing was changed")
        }
        SessionError::Store(ref stored) => {
            let failure = Failure::new(keeper(stored), error.to_string());
            stored.advice().into_iter().fold(failure, Failure::hint)
        }
        SessionError::File { ref source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Failure::new(FailureKind::Local, error.to_string())
                .hint("run this in the project's folder, or name the stack file: --stack FILE")
        }
        SessionError::File { .. } | SessionError::Sandbox(_) | SessionError::Journal { .. } => {
            Failure::new(FailureKind::Local, error.to_string())
        }
        SessionError::Run(RunError::Credentials(error)) => Failure::from(error)
            .hint("what was done is remembered: log in and run the same command again"),
        SessionError::Run(RunError::Store(ref stored)) => {
            let failure = Failure::new(keeper(stored), error.to_string());
            let failure = stored.advice().into_iter().fold(failure, Failure::hint);
            failure.hint("the next run looks at what was done, and goes on from there")
        }
        SessionError::Run(_) => Failure::new(FailureKind::Local, error.to_string())
            .hint("what was done is remembered: the next run goes on from there"),
        SessionError::Refused(_) | SessionError::Guard(_) | SessionError::NotFound(_) => {
            Failure::new(FailureKind::Refused, error.to_string())
        }
        SessionError::Secret(refused) => Failure {
            hints: refused.hints,
            ..Failure::new(FailureKind::Refused, refused.what)
        },
        SessionError::Plan(_) => Failure::new(FailureKind::Stack, error.to_string())
            .hint("if an address was renamed, say so: circles-infra state mv OLD NEW, or `moved:` in the stack file"),
    }
}

/// Whose failure it is that a state cannot be kept: AWS's, if it is kept in a bucket.
fn keeper(error: &StoreError) -> FailureKind {
    match error {
        StoreError::Cloud { .. } | StoreError::Unfit { .. } => FailureKind::Cloud,
        _ => FailureKind::Local,
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        failure(error, Style::Plain)
    }
}
