//! Secrets as they are listed: keys, versions, ages; never a value.

use serde::Serialize;

use crate::model::Address;

/// One secret of the stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretRow {
    pub address: Address,
    pub name: String,
    pub standing: Standing,
    pub keys: Vec<KeyRow>,
}

/// How it stands in AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "standing")]
pub enum Standing {
    /// Not made yet.
    Absent,
    /// Deleted, and still to be restored.
    InRecovery {
        /// RFC 3339.
        until: String,
    },
    Live {
        version: Option<String>,
        /// Seconds since 1970.
        created: Option<i64>,
        /// Its content is no JSON object.
        foreign: bool,
        /// The caller may not read its values, and this version was never seen by one who may: `set` says what an older one had.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        unreadable: bool,
    },
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyRow {
    pub key: String,
    /// `generated`, `operator`, `operator, required`, `stack file`; `undeclared` when only the live secret has it.
    pub source: String,
    pub set: bool,
}
