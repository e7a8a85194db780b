//! Place data of third parties. Every call has a time limit and sits behind a breaker; a failure is an empty answer, never an error.

mod breaker;
pub mod foreign;
pub mod foursquare;
pub mod matching;
pub mod nominatim;
pub mod overpass;
mod shared;
pub mod venue;

use std::collections::HashMap;
use std::sync::{Mutex, Weak};
use std::time::{Duration, Instant};

use breaker::Breaker;
use sqlx::PgPool;

use crate::config::ExternalConfig;
use foreign::ForeignJson;
use venue::Venue;

/// Results of the provider's trending are kept this long.
const CACHED: Duration = Duration::from_secs(300);
/// And this many of them.
const CACHE_SIZE: usize = 512;

pub struct External {
    config: ExternalConfig,
    http: reqwest::Client,
    /// Holds what the tasks share of their calls.
    db: PgPool,
    /// The questions that are being asked, each with its lock.
    asking: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
    foursquare: Breaker,
    nominatim: Breaker,
    overpass: Breaker,
    trending: Mutex<HashMap<String, (Instant, Vec<Venue>)>>,
}

/// Why a third party gave nothing. Never shown to callers, never holds a key.
#[derive(Debug, thiserror::Error)]
pub enum ExternalError {
    #[error("not configured")]
    Off,
    #[error("paused after failures")]
    Paused,
    /// All tasks together have called it as often as they may.
    #[error("called too often")]
    Busy,
    #[error("status {status}: {text}")]
    Status { status: u16, text: String },
    #[error("{0}")]
    Http(String),
}

impl From<reqwest::Error> for ExternalError {
    fn from(error: reqwest::Error) -> ExternalError {
        // Addresses can hold keys.
        ExternalError::Http(error.without_url().to_string())
    }
}

impl From<sqlx::Error> for ExternalError {
    fn from(error: sqlx::Error) -> ExternalError {
        ExternalError::Http(error.to_string())
    }
}

impl External {
    #[must_use]
    pub fn new(config: &ExternalConfig, db: PgPool) -> External {
        let http = reqwest::Client::builder()
            .timeout(config.http_timeout)
            .connect_timeout(Duration::from_secs(5))
            .user_agent("circles-app/1.0")
            .build()
            .unwrap_or_default();
        External {
            config: config.clone(),
            http,
            db,
            asking: Mutex::default(),
            foursquare: Breaker::default(),
            nominatim: Breaker::default(),
            overpass: Breaker::default(),
            trending: Mutex::default(),
        }
    }

    #[must_use]
    pub fn has_foursquare(&self) -> bool {
        self.config.foursquare.is_some()
    }

    fn cached(&self, key: &str) -> Option<Vec<Venue>> {
        let cache = self
            .trending
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        cache
            .get(key)
            .filter(|(at, _)| at.elapsed() < CACHED)
            .map(|(_, venues)| venues.clone())
    }

    fn keep(&self, key: String, venues: &[Venue]) {
        let mut cache = self
            .trending
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if cache.len() >= CACHE_SIZE {
            cache.retain(|_, (at, _)| at.elapsed() < CACHED);
        }
        if cache.len() < CACHE_SIZE {
            cache.insert(key, (Instant::now(), venues.to_vec()));
        }
    }
}

/// The longest answer that is read.
const MAX_ANSWER: usize = 32 * 1024 * 1024;

/// The body of a good answer.
async fn good(mut response: reqwest::Response) -> Result<ForeignJson, ExternalError> {
    let status = response.status();
    if status.is_success() {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(ExternalError::Http("the answer is too long".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        let parsed = ForeignJson::parse(&body);
        return parsed.map_err(|e| ExternalError::Http(format!("the answer is not JSON: {e}")));
    }
    let text: String = response
        .text()
        .await
        .unwrap_or_default()
        .chars()
        .take(200)
        .collect();
    Err(ExternalError::Status {
        status: status.as_u16(),
        text,
    })
}
