//! What the commands that ask nobody need of a stack.

use crate::render::graph::Picture;

/// A stack that was read and checked offline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    pub stack: String,
    pub environment: String,
    /// Rendered; empty for nearly all.
    pub warnings: String,
    pub picture: Picture,
}
