use crate::aws::ConnectError;
use crate::diagnostic::{Diagnostic, Severity, Texts};
use crate::engine::RunError;
use crate::kind::CloudError;
use crate::model::Address;
use crate::sandbox::SandboxError;
use crate::state::StoreError;

/// Why a session could not be opened, look, or carry out a plan.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error("the stack file has {}", counted(.diagnostics))]
    Stack {
        diagnostics: Vec<Diagnostic>,
        texts: Box<Texts>,
    },
    #[error("cannot read {place}: {source}")]
    File {
        place: String,
        source: std::io::Error,
    },
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    #[error(transparent)]
    Connect(Box<ConnectError>),
    #[error("{0}")]
    Guard(String),
    /// A `CIRCLES_…` variable of the process that cannot be read.
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Cloud(#[from] CloudError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "{place} does not make sense: {what}. Move it away; what it tells of is found again by its tags"
    )]
    Journal { place: String, what: String },
    #[error(transparent)]
    Run(#[from] RunError),
    #[error("{0}")]
    Plan(#[from] crate::plan::order::Cycle),
    #[error("the plan is stale: {0}")]
    Stale(String),
    #[error("the plan is not carried out")]
    Refused(Vec<crate::plan::Refusal>),
    #[error("{option} {address}: the stack has nothing at that address")]
    Unknown {
        option: &'static str,
        address: Address,
        near: Option<String>,
    },
    #[error("{0}")]
    NotFound(String),
    #[error("{}", .0.what)]
    Secret(crate::secrets::Refused),
}

impl From<ConnectError> for SessionError {
    fn from(error: ConnectError) -> Self {
        Self::Connect(Box::new(error))
    }
}

/// `2 errors`; what only warns is not counted.
fn counted(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error)
        .count();
    format!("{errors} error{}", if errors == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_no_error() {
        let diagnostics = [
            Diagnostic::warning("W0305", "stray"),
            Diagnostic::error("E0201", "unknown key"),
        ];
        assert_eq!(counted(&diagnostics), "1 error");
        assert_eq!(
            counted(&[&diagnostics[1..], &diagnostics].concat()),
            "2 errors"
        );
    }
}
