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

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct JobRuns {
    job: &'static str,
    outcome: &'static str,
}

pub struct Metrics {
    registry: Registry,
    requests: Family<Requests, Counter>,
    durations: Family<Durations, Histogram, fn() -> Histogram>,
    /// Open WebSockets of this task.
    pub sockets: Gauge<i64, AtomicI64>,
    /// Background jobs of this task that fail: the series to put an alarm on.
    pub jobs_failing: Gauge<i64, AtomicI64>,
    /// Uploads of this task under way.
    pub uploads: Gauge<i64, AtomicI64>,
    job_runs: Family<JobRuns, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let requests = Family::default();
        let durations =
            Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let (sockets, jobs_failing, uploads) =
            (Gauge::default(), Gauge::default(), Gauge::default());
        let job_runs = Family::default();
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
        registry.register("job_runs", "Runs of background jobs", job_runs.clone());
        registry.register(
            "jobs_failing",
            "Background jobs of this task that panicked or failed several times in a row",
            jobs_failing.clone(),
        );
        registry.register(
            "uploads_under_way",
            "Uploads of this task under way",
            uploads.clone(),
        );
        Metrics {
            registry,
            requests,
            durations,
            sockets,
            jobs_failing,
            uploads,
            job_runs,
        }
    }
}

impl Metrics {
    /// The series in Prometheus' text format, and its content type.
    ///
    /// # Errors
    /// When a series cannot be written, which is a fault of ours.
    pub fn text(&self) -> Result<(&'static str, String), std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(("text/plain; version=0.0.4; charset=utf-8", classic(&text)))
    }

    pub fn count_job(&self, job: &'static str, outcome: &'static str) {
        self.job_runs.get_or_create(&JobRuns { job, outcome }).inc();
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

/// OpenMetrics as Prometheus' older format: there a counter's series and its description have one name, and nothing marks the end.
fn classic(open_metrics: &str) -> String {
    let counters: Vec<&str> = open_metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"))
        .collect();
    let mut text = String::with_capacity(open_metrics.len() + 64);
    for line in open_metrics.lines().filter(|line| *line != "# EOF") {
        let described = ["# HELP ", "# TYPE "].iter().find_map(|kind| {
            let (name, rest) = line.strip_prefix(kind)?.split_once(' ')?;
            counters
                .contains(&name)
                .then(|| format!("{kind}{name}_total {rest}"))
        });
        text.push_str(described.as_deref().unwrap_or(line));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_has_its_description_under_its_own_name() {
        let metrics = Metrics::default();
        metrics.count("GET", "/health", 200, Duration::from_millis(7));
        let (kind, text) = metrics.text().unwrap();
        assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
        let mut described = "";
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                described = name;
            } else if !line.starts_with("# HELP ") {
                let name = line.split(['{', ' ']).next().unwrap();
                let own = ["", "_bucket", "_sum", "_count"].map(|end| format!("{described}{end}"));
                assert!(own.contains(&name.to_owned()), "{line} under {described}");
            }
        }
        for line in [
            "# TYPE http_requests_total counter",
            r#"http_requests_total{method="GET",route="/health",status="200"} 1"#,
            "# TYPE http_request_duration_seconds histogram",
            r#"http_request_duration_seconds_bucket{le="0.01",method="GET",route="/health"} 1"#,
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in {text}");
        }
        assert!(!text.contains("# EOF"));
    }
}
