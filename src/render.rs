//! Renderings: functions of a plan, of a run's events, of what the state holds. They decide nothing and touch neither AWS nor files;
//! whatever is secret is a reference by the time it gets here, and is shown as `(secret)`.
//!
//! ```text
//!   Plan ──▶ plan_page ──▶ plan_text (terminal)      Event ──▶ RunView ──▶ live  (terminal)
//!       │            └───▶ markdown  (pull request)       │            └─▶ closing (the last words)
//!       ├──▶ drift   (what was changed outside)           ├──▶ lines (a log)
//!       └──▶ json                                         └──▶ json  (one event a line)
//! ```
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod banner;
pub mod closing;
pub mod drift;
pub mod durations;
pub mod graph;
pub mod history;
pub mod json;
pub mod leaves;
pub mod lines;
pub mod live;
pub mod markdown;
pub mod outputs;
pub mod palette;
pub mod plan_page;
pub mod plan_text;
pub mod plan_words;
pub mod releases;
pub mod secrets;
pub mod shown;
pub mod state_text;
pub mod status;
pub mod verify;

#[cfg(test)]
pub mod samples;

pub use banner::Banner;
pub use palette::{Palette, Tone};
