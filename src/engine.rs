//! The engine: looks at AWS, carries out a plan, and survives being killed at any moment.
//!
//! ```text
//!                    ┌──────────── conduct (one task owns journal, state, events) ───────────┐
//!   plan ──▶ ready steps ──▶ worker: create │ update │ delete ──▶ gate ──intent──▶ ledger ──▶ store
//!                    ▲          │   ▲                               │
//!                    └─outcome──┘   └── look (find, match) ◀────────┴──call──▶ AWS
//! ```
//!
//! A worker never trusts a failed call: it looks first, and goes on from what is there. The same path serves lost answers, timeouts,
//! 5xx, and the run after a crash.

mod conduct;
mod confirm;
mod gate;
mod ledger;
mod look;
mod matching;
mod observe;
mod react;
mod remove;
mod settings;
mod settle;
mod stop;
mod visibility;
mod worker;

pub use conduct::{Conclusion, Job, Kept, RunError, conduct};
pub use ledger::{Ledger, Opening};
pub use matching::Matcher;
pub use observe::{Look, Observation, observe};
pub use settings::Settings;
pub use stop::{Stop, StopHandle};
