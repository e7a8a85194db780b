//! What all tasks share of their calls to third parties: the answers, for a while, and how many calls there may be.
//!
//! Anybody may cause these calls, without a token. Without a common limit some clients could have the addresses of the service
//! banned, or use up a plan that is paid for.

use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use sqlx::types::Json;

use super::foreign::ForeignJson;
use super::{External, ExternalError};
use crate::limits;

/// How long a call waits for its turn before it is given up.
const PATIENCE: Duration = Duration::from_secs(3);

/// Who is called.
#[derive(Debug, Clone, Copy)]
pub(super) enum Provider {
    Nominatim,
    Overpass,
    Foursquare,
}

impl Provider {
    const fn name(self) -> &'static str {
        match self {
            Provider::Nominatim => "nominatim",
            Provider::Overpass => "overpass",
            Provider::Foursquare => "foursquare",
        }
    }

    /// Seconds for which an answer is good.
    const fn lifetime(self) -> f64 {
        match self {
            Provider::Nominatim => 3600.0,
            Provider::Overpass => 600.0,
            Provider::Foursquare => 300.0,
        }
    }
}

impl External {
    /// The answer to the question `key`: one that some task has got a while ago, else that of `ask`, as soon as the provider may be
    /// called. `key` must hold no secret.
    ///
    /// # Errors
    /// [`ExternalError::Busy`] when the provider's calls are used up, or the call's error.
    pub(super) async fn shared(
        &self,
        provider: Provider,
        key: &str,
        ask: impl Future<Output = Result<ForeignJson, ExternalError>>,
    ) -> Result<ForeignJson, ExternalError> {
        let key = format!("{} {key}", provider.name());
        // Callers of this task who ask the same at once wait for the first one's answer.
        let asking = self.asking(&key);
        let _first = asking.lock().await;
        let mut waited = Duration::ZERO;
        loop {
            if let Some(known) = self.known(&key).await? {
                return Ok(known);
            }
            let left = self.turn(provider).await?;
            if left.is_zero() {
                break;
            }
            waited += left;
            if waited > PATIENCE {
                return Err(ExternalError::Busy);
            }
            tokio::time::sleep(left).await;
        }
        let answer = ask.await?;
        if let Err(error) = self.remember(provider, &key, &answer).await {
            tracing::debug!(cause = %error, "an answer was not kept");
        }
        Ok(answer)
    }

    /// The lock of a question, for as long as somebody asks it.
    fn asking(&self, key: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut all = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, lock| lock.strong_count() > 0);
        if let Some(lock) = all.get(key).and_then(Weak::upgrade) {
            return lock;
        }
        let lock = Arc::default();
        all.insert(key.to_owned(), Arc::downgrade(&lock));
        lock
    }

    async fn known(&self, key: &str) -> Result<Option<ForeignJson>, ExternalError> {
        let sql = "select body from upstream_answers where key = $1 and expires_at > now()";
        let known: Option<Json<ForeignJson>> = sqlx::query_scalar(sql)
            .bind(key)
            .fetch_optional(&self.db)
            .await?;
        Ok(known.map(|Json(answer)| answer))
    }

    /// Takes a call of the provider's budget; otherwise the time until there is one.
    async fn turn(&self, provider: Provider) -> Result<Duration, ExternalError> {
        let (calls, seconds) = match provider {
            // The public server's usage policy.
            Provider::Nominatim => (1, 1),
            Provider::Overpass => (self.config.overpass_per_min, 60),
            Provider::Foursquare => (self.config.foursquare_per_min, 60),
        };
        let key = format!("upstream {}", provider.name());
        let left = limits::wait_for(&self.db, &key, seconds, calls)
            .await
            .map_err(|error| ExternalError::Http(error.detail()))?;
        Ok(Duration::from_secs_f64(left))
    }

    async fn remember(
        &self,
        provider: Provider,
        key: &str,
        answer: &ForeignJson,
    ) -> Result<(), sqlx::Error> {
        let sql = "insert into upstream_answers (key, body, expires_at) values ($1, $2, now() + make_interval(secs => $3)) \
                   on conflict (key) do update set body = excluded.body, expires_at = excluded.expires_at";
        sqlx::query(sql)
            .bind(key)
            .bind(Json(answer))
            .bind(provider.lifetime())
            .execute(&self.db)
            .await?;
        // Each answer takes some that are no longer good with it, so that no job has to.
        let sql = "delete from upstream_answers where key in \
                   (select key from upstream_answers where expires_at < now() order by expires_at limit 10 for update skip locked)";
        sqlx::query(sql).execute(&self.db).await.map(drop)
    }
}
