//! Credentials that are renewed before they run out. An endpoint that is away for a while costs
//! nothing as long as the last credentials are valid, and a wait after that; it is reported as an
//! outage, which is repeated, and not as a login that failed, which ends a run.

use std::sync::{Mutex, RwLock};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use tokio::time::Instant;

use super::exchange::{Exchange, LastExchange};
use super::outage::{CredentialsOutage, chain, is_transient};

/// Renewed this long before they run out, or a quarter of their lifetime.
const EARLY: Duration = Duration::from_secs(300);
/// Credentials without an end are read again after this time: a file or a process may have newer
/// ones.
const REREAD: Duration = Duration::from_secs(900);
/// What a request that is signed now may still take on its way.
const MARGIN: Duration = Duration::from_secs(5);
/// Between attempts while the last credentials are still valid.
const POSTPONED: Duration = Duration::from_secs(5);
/// How long one call waits for an endpoint that is away. Below the attempt timeout, within which
/// the SDK resolves credentials: a call that was never signed must not look like one that was sent.
/// Callers repeat it for longer.
const PATIENCE: Duration = Duration::from_secs(20);
/// One attempt, with the SDK's own three inside. A credential process may ask its user.
const LOAD_TIMEOUT: Duration = Duration::from_secs(25);

/// Wraps any provider.
#[derive(Debug)]
pub struct RefreshingProvider {
    inner: SharedCredentialsProvider,
    last: LastExchange,
    current: RwLock<Option<Current>>,
    /// One load at a time.
    loading: tokio::sync::Mutex<()>,
    /// When the last load was given up, and why: for those that waited for it.
    given_up: Mutex<Option<(Instant, String)>>,
}

#[derive(Clone, Debug)]
struct Current {
    credentials: Credentials,
    refresh_at: SystemTime,
    /// No attempt before.
    postponed: Option<Instant>,
}

impl RefreshingProvider {
    pub fn new(inner: impl ProvideCredentials + 'static, last: LastExchange) -> Self {
        Self {
            inner: SharedCredentialsProvider::new(inner),
            last,
            current: RwLock::new(None),
            loading: tokio::sync::Mutex::new(()),
            given_up: Mutex::new(None),
        }
    }

    fn current(&self) -> Option<Current> {
        self.current
            .read()
            .unwrap_or_else(|e| e.into_inner())
            .clone()
    }

    /// Those that need no renewal yet.
    fn fresh(&self) -> Option<Credentials> {
        let current = self.current()?;
        let postponed = current
            .postponed
            .is_some_and(|until| Instant::now() < until);
        let fresh = SystemTime::now() < current.refresh_at || postponed;
        (fresh && is_valid(&current.credentials)).then_some(current.credentials)
    }

    /// Those that AWS still takes.
    fn valid(&self) -> Option<Credentials> {
        self.current()
            .map(|current| current.credentials)
            .filter(is_valid)
    }

    async fn credentials(&self) -> provider::Result {
        if let Some(credentials) = self.fresh() {
            return Ok(credentials);
        }
        let asked = Instant::now();
        let _turn = match self.valid() {
            None => self.loading.lock().await,
            Some(credentials) => match self.loading.try_lock() {
                Ok(turn) => turn,
                // Somebody else renews them.
                Err(_) => return Ok(credentials),
            },
        };
        if let Some(credentials) = self.fresh() {
            return Ok(credentials);
        }
        if let Some(why) = self.given_up_since(asked) {
            return Err(outage(why));
        }
        self.load_with_retry(asked).await
    }

    async fn load_with_retry(&self, asked: Instant) -> provider::Result {
        let mut attempt = 0;
        loop {
            let error = match self.load(asked).await {
                Ok(credentials) => return Ok(self.keep(credentials)),
                Err(error) => error,
            };
            if let Some(credentials) = self.valid() {
                self.postpone();
                return Ok(credentials);
            }
            let loaded = self.current().is_some();
            let last = self.last.get();
            if !is_transient(&error, last, loaded) {
                return Err(error);
            }
            attempt += 1;
            // A machine that is offline from the beginning should be told so soon.
            let hopeless = !loaded && last == Some(Exchange::Failed);
            if hopeless || asked.elapsed() + gap(attempt) >= PATIENCE {
                let why = chain(&error);
                *self.given_up.lock().unwrap_or_else(|e| e.into_inner()) =
                    Some((Instant::now(), why.clone()));
                return Err(outage(why));
            }
            tokio::time::sleep(gap(attempt)).await;
        }
    }

    async fn load(&self, asked: Instant) -> provider::Result {
        self.last.clear();
        let limit = LOAD_TIMEOUT.saturating_sub(asked.elapsed());
        tokio::time::timeout(limit, self.inner.provide_credentials())
            .await
            .unwrap_or_else(|_| Err(CredentialsError::provider_timed_out(limit)))
    }

    fn keep(&self, credentials: Credentials) -> Credentials {
        let now = SystemTime::now();
        let refresh_at = match credentials.expiry() {
            None => now + REREAD,
            Some(end) => {
                let lifetime = end.duration_since(now).unwrap_or_default();
                now + (lifetime - EARLY.min(lifetime / 4))
            }
        };
        self.set(Current {
            credentials: credentials.clone(),
            refresh_at,
            postponed: None,
        });
        credentials
    }

    fn postpone(&self) {
        if let Some(current) = self.current() {
            self.set(Current {
                postponed: Some(Instant::now() + POSTPONED),
                ..current
            });
        }
    }

    fn set(&self, current: Current) {
        *self.current.write().unwrap_or_else(|e| e.into_inner()) = Some(current);
    }

    fn given_up_since(&self, asked: Instant) -> Option<String> {
        let given_up = self.given_up.lock().unwrap_or_else(|e| e.into_inner());
        let (at, why) = given_up.as_ref()?;
        (*at >= asked).then(|| why.clone())
    }
}

impl ProvideCredentials for RefreshingProvider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

fn is_valid(credentials: &Credentials) -> bool {
    credentials
        .expiry()
        .is_none_or(|end| SystemTime::now() + MARGIN < end)
}

fn outage(why: String) -> CredentialsError {
    CredentialsError::provider_error(CredentialsOutage(why))
}

/// From half a second, doubled, up to four seconds.
fn gap(attempt: u32) -> Duration {
    Duration::from_millis(250 << attempt.min(4))
}

#[cfg(test)]
mod tests;
