//! What the variables of a file come to.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Value;

/// What the variables come to.
#[derive(Debug, Default)]
pub struct Values {
    pub known: BTreeMap<String, Value>,
    /// Declared, and what they come to is wrong, which is reported. What uses them is read on without, and nothing that follows from
    /// that is reported as well.
    pub wrong: BTreeSet<String>,
}

impl Values {
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.known.keys().chain(&self.wrong).map(String::as_str)
    }
}
