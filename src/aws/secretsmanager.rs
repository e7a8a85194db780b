//! Secrets Manager, the only home of secret values. `values.rs` makes, merges and writes out what a secret holds; `reads.rs` finds, `contents.rs`
//! reads what they hold, `writes.rs` changes, `swap.rs` changes one over the version that was read.

mod contents;
mod reads;
pub mod secret;
mod secret_parts;
pub mod swap;
pub mod text_rules;
pub mod values;
mod writes;
