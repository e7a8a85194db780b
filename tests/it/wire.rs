//! A wire proxy between the program and the local AWS: it counts the mutating calls by itself, and at a call of the test's choice kills
//! the program, loses the answer, answers with an error of AWS's making, or holds the call until the test lets it go.
//!
//! ```text
//!   circles-infra ──HTTP/1.1──▶ proxy ──▶ sandbox
//!                                │ script of the run: what happens at which call
//! ```

mod call;
mod error_answer;
mod proxy;
mod script;

pub use call::Call;
pub use error_answer::Failing;
pub use proxy::Proxy;
pub use script::{Deed, Held, Moment, Script, When};
