//! The nouns: addresses, ids, values, tags, origins. No I/O, no AWS type, no clock.

mod address;
mod attributes;
mod process_id;
mod tags;
mod value;
pub mod version;

pub use address::{Address, KindName, PhysicalId, Scope};
pub use attributes::{Attributes, DecodeError};
pub use process_id::process_id;
pub use tags::{Ownership, PROTECT_TAG, TAG_PREFIX, Tags};
pub use value::{Expr, Part, Reference, SecretRef, Value};

use serde::{Deserialize, Serialize};

/// Where in a stack file something was asked for: a byte range into the text, with the file's name beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub file: String,
    pub start: usize,
    pub end: usize,
    /// 1-based line of `start`, for messages that do not have the text at hand.
    pub line: usize,
}
