//! Why code was not shipped.

use super::image::ImageError;
use crate::kind::CloudError;
use crate::session::SessionError;
use crate::state::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error("{what}")]
    Registry { what: String, hints: Vec<String> },
    #[error("{what}")]
    Build { what: String, hints: Vec<String> },
    #[error(transparent)]
    Cloud(#[from] CloudError),
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Nothing was begun: what was asked for cannot be done.
    #[error("{what}")]
    Refused { what: String, hints: Vec<String> },
    /// The roll-out was given up; what ran before runs again, or there was nothing before.
    #[error("{what}")]
    RolledBack { what: String, hints: Vec<String> },
    /// The roll-out failed, and so did going back, or nobody could see the end of it.
    #[error("{what}")]
    Failed { what: String, hints: Vec<String> },
    /// Ctrl-C. What was begun goes on in AWS.
    #[error("{what}")]
    Interrupted { what: String, hints: Vec<String> },
}

impl DeployError {
    pub fn refused(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused {
            what: what.into(),
            hints: vec![hint.into()],
        }
    }

    pub fn registry(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Registry {
            what: what.into(),
            hints: vec![hint.into()],
        }
    }
}

impl From<StoreError> for DeployError {
    fn from(error: StoreError) -> Self {
        Self::Session(error.into())
    }
}
