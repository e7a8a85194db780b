//! Reading: retried here, since the SDK's own retry is off for every client.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::Aws;
use super::credentials::OUTAGE;
use super::told::ATTEMPT;
use crate::kind::{Class, CloudError};

/// Attempts of a read that is throttled, refused with a 5xx or cut off: half a minute of them. A plan needs a hundred reads, and with a
/// fifth of all calls failing the SDK's usual three would end every other one.
const ATTEMPTS: u32 = 10;
/// Attempts where each costs its whole timeout, or where nobody listens.
const ATTEMPTS_UNHEARD: u32 = 3;
/// Attempts of a read about what another read has just shown: some four seconds.
const ATTEMPTS_LAGGING: u32 = 5;
/// How long a service that answered before may be away in the middle of a run, or the endpoint of
/// its credentials.
pub(super) const OUTAGE_PATIENCE: Duration = Duration::from_secs(90);

/// The services that have answered this process. One that never did may not exist in this region,
/// or this machine may be offline: that is to be said soon. One that did comes back.
#[derive(Clone, Debug, Default)]
pub struct Answering(Arc<Mutex<BTreeSet<String>>>);

impl Answering {
    fn note(&self, action: &str) {
        let service = service(action);
        let mut all = self.0.lock().unwrap_or_else(|e| e.into_inner());
        if !all.contains(service) {
            all.insert(service.to_owned());
        }
    }

    /// Whether what `error` could not reach was there before.
    fn knows(&self, action: &str, error: &CloudError) -> bool {
        let all = self.0.lock().unwrap_or_else(|e| e.into_inner());
        if error.code == OUTAGE {
            !all.is_empty()
        } else {
            all.contains(service(action))
        }
    }
}

fn service(action: &str) -> &str {
    action.split(':').next().unwrap_or_default()
}

impl Aws {
    /// Sends a read, again after throttling, a lost answer or a 5xx (reads may be repeated freely). `action` is the IAM action.
    /// Gaps double from 100 ms up to 5 s, each with up to half of it added at random so that callers spread out.
    pub async fn read<T, F>(
        &self,
        action: &'static str,
        call: impl Fn() -> F + Send + Sync,
    ) -> Result<T, CloudError>
    where
        F: Future<Output = Result<T, CloudError>> + Send,
    {
        self.read_while(action, Duration::ZERO, call, attempts)
            .await
    }

    /// Like [`Aws::read`], about what another answer has just shown: "no such id" is then the service's lag, and the read is repeated for
    /// some seconds.
    pub async fn read_lagging<T, F>(
        &self,
        action: &'static str,
        call: impl Fn() -> F + Send + Sync,
    ) -> Result<T, CloudError>
    where
        F: Future<Output = Result<T, CloudError>> + Send,
    {
        self.read_while(action, Duration::ZERO, call, attempts_lagging)
            .await
    }

    /// Like [`Aws::read`], but what passes by itself is repeated for at least `patience`: for the state, on
    /// which a whole run depends.
    pub(super) async fn read_until<T, F>(
        &self,
        action: &'static str,
        patience: Duration,
        call: impl Fn() -> F + Send + Sync,
    ) -> Result<T, CloudError>
    where
        F: Future<Output = Result<T, CloudError>> + Send,
    {
        self.read_while(action, patience, call, attempts).await
    }

    async fn read_while<T, F>(
        &self,
        action: &'static str,
        patience: Duration,
        call: impl Fn() -> F + Send + Sync,
        attempts: impl Fn(&CloudError) -> u32 + Send + Sync,
    ) -> Result<T, CloudError>
    where
        F: Future<Output = Result<T, CloudError>> + Send,
    {
        let since = Instant::now();
        let mut attempt = 0;
        loop {
            let answer = {
                let place = self.reads.place(action).await;
                let answer = ATTEMPT.scope(attempt + 1, call()).await;
                place.returned(answer.as_ref().err().map(|error| error.class));
                answer
            };
            let error = match answer {
                Ok(answer) => {
                    self.answering.note(action);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            if is_answer(&error) {
                self.answering.note(action);
            }
            attempt += 1;
            let patience = if self.answering.knows(action, &error) && !is_answer(&error) {
                patience.max(OUTAGE_PATIENCE)
            } else {
                patience
            };
            let most = attempts(&error);
            if most == 1 || (attempt >= most && since.elapsed() >= patience) {
                return Err(error);
            }
            tokio::time::sleep(gap(attempt)).await;
        }
    }
}

/// Whether an error came from the service itself.
fn is_answer(error: &CloudError) -> bool {
    !matches!(error.class, Class::Unreachable | Class::Credentials)
        && !matches!(error.code.as_str(), "NoAnswer" | "NotSent" | "Timeout")
}

/// How often a read that fails so is sent, where time does not allow for more.
fn attempts(error: &CloudError) -> u32 {
    match (error.class, error.code.as_str()) {
        (Class::Unreachable, _) | (Class::Unknown, "Timeout") => ATTEMPTS_UNHEARD,
        (Class::Throttled | Class::Unknown, _) => ATTEMPTS,
        _ => 1,
    }
}

fn attempts_lagging(error: &CloudError) -> u32 {
    match error.class {
        Class::NotFound => ATTEMPTS_LAGGING,
        _ => attempts(error),
    }
}

fn gap(attempt: u32) -> Duration {
    let base = Duration::from_millis(100 << attempt.min(6)).min(Duration::from_secs(5));
    base + base.mul_f64(rand::random::<f64>() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_asked_again() {
        for (class, code, sent) in [
            (Class::Throttled, "Throttling", 10),
            (Class::Unknown, "InternalFailure", 10),
            (Class::Unknown, "Timeout", 3),
            (Class::Unreachable, "NoAnswer", 3),
            (Class::Denied, "AccessDenied", 1),
            (Class::NotFound, "InvalidVpcID.NotFound", 1),
        ] {
            let error = CloudError::new("ec2:DescribeVpcs", class, code, "");
            assert_eq!(attempts(&error), sent, "{code}");
            let lagging = if class == Class::NotFound { 5 } else { sent };
            assert_eq!(attempts_lagging(&error), lagging, "{code}");
        }
        let unreachable = CloudError::new("ec2:DescribeVpcs", Class::Unreachable, OUTAGE, "");
        let answering = Answering::default();
        assert!(!answering.knows("ec2:DescribeVpcs", &unreachable));
        answering.note("sts:GetCallerIdentity");
        // Whose credentials cannot be renewed had some; EC2 itself is still unknown.
        assert!(answering.knows("ec2:DescribeVpcs", &unreachable));
        let unheard = CloudError::new("ec2:DescribeVpcs", Class::Unreachable, "NoAnswer", "");
        assert!(!answering.knows("ec2:DescribeVpcs", &unheard));
        assert!((1..ATTEMPTS).map(gap).sum::<Duration>() < Duration::from_secs(60));
    }
}
