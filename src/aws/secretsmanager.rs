//! Secrets Manager, the only home of secret values. `values.rs` makes, merges and writes out what a secret holds; `reads.rs` finds, `writes.rs`
//! changes.

mod reads;
pub mod secret;
mod values;
mod writes;
