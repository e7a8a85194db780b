//! Prometheus series of the service.

use std::sync::atomic::AtomicI64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

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
    /// The series in the form of OpenMetrics, and its content type.
    ///
    /// # Errors
    /// When a series cannot be written, which is a fault of ours.
    pub fn text(&self) -> Result<(&'static str, String), std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        Ok((kind, text))
    }

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
