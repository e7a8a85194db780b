//! What the stack says of its secrets' keys, and what an operator's change makes of the live values. Pure but for the randomness of a
//! rotation; AWS is `aws/secretsmanager`, the order of calls `session/secrets.rs`.
//!
//! ```text
//!   stack ─▶ declared ─┐
//!   live values ───────┴─▶ edit ─▶ new values, or why not
//! ```

mod declared;
mod edit;
mod listing;
mod login;

pub use declared::{Declared, Source, declared};
pub use edit::{Change, Edited, PREVIOUS, Refused, edit};
pub use listing::{KeyRow, SecretRow, Standing};
pub use login::{Login, Turn};
