//! Servers that keep services and roll nothing out, moto first of all: what [`Rollout::stands_still`] sees once may be an answer that
//! lags; what it goes on seeing is no AWS's.
//!
//! [`Rollout::stands_still`]: super::rollout::Rollout::stands_still

use std::time::Duration;

use crate::aws::Aws;
use crate::kind::CloudError;

/// How often, and how long apart, a service is looked at before its server is believed to roll nothing out.
const LOOKS: u32 = 4;
const APART: Duration = Duration::from_secs(1);

/// Whether a service that was seen to stand still is seen so at every further look. AWS itself is never suspected of it.
pub async fn stays<F>(aws: &Aws, look: impl Fn() -> F) -> Result<bool, CloudError>
where
    F: Future<Output = Result<bool, CloudError>>,
{
    if aws.endpoint.is_none() {
        return Ok(false);
    }
    for _ in 1..LOOKS {
        tokio::time::sleep(APART).await;
        if !look().await? {
            return Ok(false);
        }
    }
    Ok(true)
}
