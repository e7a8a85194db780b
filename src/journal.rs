//! What may exist: a line before each mutating call, the id as soon as AWS gives one, the outcome after. Read after a crash to know what
//! to look for; never replayed.
//!
//! ```text
//!   Opened ─▶ ( Intent ─▶ [Learned] ─▶ Outcome )* ─▶ Recorded* ─▶ Closed
//! ```

mod entry;
mod fold;
mod lines;

pub use entry::{CallOutcome, Entry, Event};
pub use fold::{IllegalEntry, OpenIntent, RunState, fold};
pub use lines::{JournalDamage, read_lines, read_whole, write_append, write_line};
