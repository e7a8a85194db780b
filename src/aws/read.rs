//! Reading: retried here, since the SDK's own retry is off for every client.

use std::future::Future;
use std::time::Duration;

use crate::kind::{Class, CloudError};

use super::Aws;
use super::told::ATTEMPT;

/// Attempts of a read that failed for a reason that passes.
const ATTEMPTS: u32 = 6;

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
        let mut attempt = 0;
        loop {
            let answer = {
                let place = self.reads.place(action).await;
                let answer = ATTEMPT.scope(attempt + 1, call()).await;
                place.returned(answer.as_ref().err().map(|error| error.class));
                answer
            };
            let error = match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            attempt += 1;
            let passes = matches!(
                error.class,
                Class::Throttled | Class::Unknown | Class::Unreachable
            );
            if !passes || attempt >= ATTEMPTS || (error.is(Class::Unreachable) && attempt >= 3) {
                return Err(error);
            }
            tokio::time::sleep(gap(attempt)).await;
        }
    }
}

fn gap(attempt: u32) -> Duration {
    let base = Duration::from_millis(100 << attempt.min(6)).min(Duration::from_secs(5));
    base + base.mul_f64(rand::random::<f64>() / 2.0)
}
