//! The rights that a stack's commands need, as IAM policy documents.
//!
//! ```text
//!   stack file ─▶ names (ARN patterns)  ─┐
//!   commands   ─▶ access ─▶ actions     ─┴▶ one file per service: statements ─▶ documents
//! ```
//!
//! An action that a kind or a command calls is placed by its service: reads of settings in one
//! statement, creates by the name or the tags of what is made, everything else by the tags that
//! this stack's resources carry. Facts about what can be narrowed how are from IAM's service
//! authorization reference.

pub mod access;
mod actions;
mod containers;
mod database;
mod documents;
mod names;
mod network;
mod reading;
mod reads;
mod roles;
mod secret;
mod statement;
mod storage;
pub mod trust;

#[cfg(test)]
mod tests;

pub use access::Need;
pub use documents::{Document, LONGEST};
pub use names::{NamedResource, StackNames, StateLocation};
pub use statement::Topic;

use std::collections::BTreeSet;

use crate::kind::Kinds;
use actions::Actions;

/// The documents that `needs` come to, each one short enough for a managed policy.
pub fn documents(names: &StackNames, kinds: &Kinds, needs: &BTreeSet<Need>) -> Vec<Document> {
    let actions = Actions::collect(names, kinds, needs);
    let parts = [
        reads::statements,
        network::statements,
        containers::statements,
        database::statements,
        storage::statements,
        secret::statements,
        roles::statements,
    ];
    let statements = parts
        .iter()
        .flat_map(|part| part(&actions, names))
        .collect();
    documents::pack(&names.prefix, statements)
}
