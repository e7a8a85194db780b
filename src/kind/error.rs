use std::fmt;

use crate::model::KindName;

/// What an AWS error means for what happens next. Classified once, in `aws/error.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    NotFound,
    /// The name or key is taken.
    Exists,
    /// Something else still uses it; passes when that is gone.
    InUse,
    Throttled,
    /// The caller may not.
    Denied,
    /// An account limit is reached; waiting does not help.
    Quota,
    /// AWS has not caught up with itself; passes by itself.
    NotYet,
    /// The caller's credentials have run out or are wrong: the run stops, nothing is marked failed.
    Credentials,
    /// The request is wrong.
    Invalid,
    /// Nobody can say whether it was carried out: a lost answer, a timeout, a 5xx.
    Unknown,
    /// The endpoint cannot be reached; nothing was carried out.
    Unreachable,
    /// A stop was asked for, or the lease was lost, before the call was sent.
    Stopped,
    Other,
}

/// An AWS call that did not succeed, with all that AWS said of it. The message is scrubbed of secret values before it gets here.
#[derive(Clone, Debug)]
pub struct CloudError {
    /// The IAM action, `ec2:CreateVpc`.
    pub action: String,
    pub code: String,
    pub message: String,
    pub request_id: Option<String>,
    pub class: Class,
}

/// A finished attempt's outcome, as far as the journal needs to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallFailure {
    /// AWS refused it: nothing was carried out.
    Refused,
    /// Nobody knows.
    Unknown,
}

impl CloudError {
    pub fn new(action: &str, class: Class, code: &str, message: impl Into<String>) -> Self {
        Self {
            action: action.to_owned(),
            code: code.to_owned(),
            message: message.into(),
            request_id: None,
            class,
        }
    }

    /// A bug of ours that AWS did not cause: attributes that do not fit, an answer without the id it must have.
    pub fn malformed(kind: &KindName, what: impl fmt::Display) -> Self {
        Self::new(kind.as_str(), Class::Other, "Malformed", what.to_string())
    }

    pub fn is(&self, class: Class) -> bool {
        self.class == class
    }

    pub fn failure(&self) -> CallFailure {
        match self.class {
            Class::Unknown => CallFailure::Unknown,
            _ => CallFailure::Refused,
        }
    }
}

impl fmt::Display for CloudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.action, self.code)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for CloudError {}
