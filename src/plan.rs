//! Planning: pure and synchronous. What the stack says, what the state remembers and what a look at AWS saw become a [`Plan`].
//! No AWS type, no clock, nothing async in here.
//!
//! ```text
//!   Inputs ─▶ decide (keep, create, update, replace) ─┐
//!        └──▶ retire (delete, forget) ────────────────┴▶ assemble ─▶ arrange (order) ─▶ Plan
//! ```

mod arrange;
mod assemble;
mod decide;
pub mod diff;
mod holds;
mod inputs;
pub mod order;
pub mod release;
mod retire;
mod value;

pub use assemble::{plan, unordered};
pub use decide::{suffixed, take_back};
pub use inputs::{Ask, Inputs, Seen, Sighting, Unsought, Wish};
pub use value::{
    Act, Cause, ChangedBy, Header, Line, Mode, Note, Outputs, Plan, Refusal, Step, StepId, Totals,
    Why,
};
