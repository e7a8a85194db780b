//! Prometheus series of the service.

use std::sync::atomic::AtomicI64;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use subtle::ConstantTimeEq;

use crate::app::App;
use crate::error::ApiError;

const BUCKETS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Requests {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Durations {
    method: String,
    route: String,
}

pub struct Metrics {
    registry: Registry,
    requests: Family<Requests, Counter>,
    durations: Family<Durations, Histogram, fn() -> Histogram>,
    /// Open WebSockets of this task.
    pub sockets: Gauge<i64, AtomicI64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let requests = Family::default();
        let durations =
            Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let sockets = Gauge::default();
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register(
            "http_request_duration_seconds",
            "Time to answer a request",
            durations.clone(),
        );
        registry.register(
            "websocket_connections",
            "Open WebSockets of this task",
            sockets.clone(),
        );
        Metrics {
            registry,
            requests,
            durations,
            sockets,
        }
    }
}

impl Metrics {
    pub fn count(&self, method: &str, route: &str, status: u16, elapsed: Duration) {
        // Methods are the caller's to invent; only the known ones make a series.
        let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
        let method = if known.contains(&method) {
            method
        } else {
            "OTHER"
        };
        let (method, route) = (method.to_owned(), route.to_owned());
        self.requests
            .get_or_create(&Requests {
                method: method.clone(),
                route: route.clone(),
                status,
            })
            .inc();
        self.durations
            .get_or_create(&Durations { method, route })
            .observe(elapsed.as_secs_f64());
    }
}

/// Open in debug; otherwise the token's header must match, and without a token in the settings it is closed.
#[utoipa::path(get, path = "/metrics", tag = "system", responses((status = 200, description = "Prometheus text", body = String)))]
pub async fn metrics(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    if !app.config.debug {
        let given = headers
            .get("x-metrics-token")
            .map_or(&b""[..], |v| v.as_bytes());
        let good = app
            .config
            .metrics_token
            .as_ref()
            .is_some_and(|t| bool::from(t.expose().as_bytes().ct_eq(given)));
        if !good {
            return Err(ApiError::forbidden("Metrics access denied"));
        }
    }
    let mut text = String::new();
    encode(&mut text, &app.metrics.registry).map_err(ApiError::internal)?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
