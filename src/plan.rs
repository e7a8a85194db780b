//! Planning: pure and synchronous. What the stack says, what the state remembers and what a look at AWS saw become a [`Plan`].
//! No AWS type, no clock, nothing async in here.

pub mod diff;
mod value;

pub use value::{
    Act, Cause, Header, Line, Mode, Note, Outputs, Plan, Refusal, Step, StepId, Totals, Why,
};
