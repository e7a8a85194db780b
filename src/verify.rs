//! Asks a running Circles service whether it does what its clients need, from outside, as they do.
//!
//! ```text
//!   open: health, readiness, document, metrics, what everybody may read      login: onboarding, check-in, collection, upload, DM, socket
//!          └──────────────────────────── Walk: one check after the other ────────────────────────────┘ ─▶ Report
//! ```
//!
//! What a service in production hides is a verdict of its own, not a failure: [`Verdict::Expected`].

mod live;
mod login;
mod open;
mod report;
mod service;

pub use report::{Check, Report, Verdict};

use std::time::Duration;

use report::Walk;
use service::Service;

/// What to ask.
#[derive(Clone, Debug)]
pub struct VerifyAsk {
    /// `http://…` or `https://…`, without a path.
    pub url: String,
    /// Sign two people up and let them use the service: writes to its database and bucket.
    pub login: bool,
    /// How long one answer may take.
    pub patience: Duration,
}

/// Why nothing could be asked at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    #[error("{0} is no URL of a service: it begins with http:// or https:// and names a host")]
    Url(String),
    #[error("cannot make a client: {0}")]
    Client(String),
}

/// Carries the checks out, each told as it ends.
///
/// # Errors
/// When the URL is none. A service that does not answer is a failed check.
pub async fn verify(
    ask: &VerifyAsk,
    told: &mut (dyn FnMut(&Check) + Send),
) -> Result<Report, VerifyError> {
    let service = Service::new(&ask.url, ask.patience)?;
    let mut walk = Walk::new(service.base().to_owned(), told);
    let debug = open::walk(&service, &mut walk).await;
    if ask.login {
        match debug {
            Some(_) => login::walk(&service, &mut walk).await,
            None => walk.skip("login", "sign-up", "the service does not answer"),
        }
    }
    Ok(walk.end())
}
