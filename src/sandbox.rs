//! The local AWS behind `--sandbox`: moto with a layer that gives it AWS's time, order and failures (`sandbox/realism/`), in a Python
//! environment of its own, as one background process per user that outlives the command. Its memory is the "cloud".
//!
//! Beside it, on request, runs the whole system (`sandbox/system/`): what the local AWS says should run, as processes of this machine.
//!
//! ```text
//!   ensure_running ─▶ lock ─▶ running? ── yes ─▶ its endpoint
//!                               └─ no ─▶ python ─▶ packages (once) ─▶ layer ─▶ start ─▶ health
//! ```

mod control;
mod error;
mod home;
mod install;
mod layer;
mod process;
mod python;

pub use error::SandboxError;
pub use home::{Down, Home, Shown, ShownDatabase, ShownService, ShownTask};

/// The sandbox's account. Nobody's in AWS, so nothing of the sandbox can be taken for a real one.
pub const ACCOUNT: &str = "000000000000";

/// A sandbox that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sandbox {
    /// `http://127.0.0.1:<port>`, for every service.
    pub endpoint: String,
    pub account: &'static str,
    /// Whether this call started it; its world is then empty.
    pub started: bool,
}

/// What `ensure_running` is doing, for somebody who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Another command is preparing it.
    Waiting,
    /// The Python packages are downloaded and installed: once, some 20 seconds and 140 MB.
    Installing,
    Starting,
}

/// The state of the background process, for `sandbox status`.
#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    Stopped,
    Running {
        endpoint: String,
        pid: u32,
        uptime_seconds: f64,
        /// Scale of AWS's waits: 1.0 as in AWS, 0.0 everything is ready at once.
        clock_factor: f64,
        /// False when another version of the program started it; `stop` and `start` renew it.
        current: bool,
    },
}

/// The running sandbox, started if there is none.
///
/// # Errors
/// See [`SandboxError`]: each says what to do.
pub async fn ensure_running(
    say: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Sandbox, SandboxError> {
    Home::from_env()?.ensure_running(say).await
}

/// End the background process, and with it its world. False when there was none.
///
/// # Errors
/// [`SandboxError::StillRunning`] when it does not go.
pub async fn stop() -> Result<bool, SandboxError> {
    Home::from_env()?.stop().await
}

/// What there is.
///
/// # Errors
/// Only when the folder cannot be determined or read.
pub async fn status() -> Result<Status, SandboxError> {
    Home::from_env()?.status().await
}

/// Forget every resource of the running sandbox. False when none is running. The caller forgets the states of its stacks.
///
/// # Errors
/// [`SandboxError::Control`] when the sandbox does not do it.
pub async fn reset() -> Result<bool, SandboxError> {
    Home::from_env()?.reset().await
}
