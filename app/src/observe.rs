//! The outermost layer: one request, followed to its line in the log and its place in the metrics.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use uuid::Uuid;

use crate::app::App;
use crate::trace;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// All paths that are no route share this label: raw paths would make the series unbounded.
const UNMATCHED: &str = "unmatched";

/// An incoming id is kept when it is short and plain.
fn accepted_id(request: &Request) -> Option<String> {
    let id = request.headers().get(&REQUEST_ID)?.to_str().ok()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || b == b'.';
    ((1..=128).contains(&id.len()) && id.bytes().all(plain)).then(|| id.to_owned())
}

/// Whether a request is logged: failed ones always, of the others a share; `drawn` is from 0 to 1, without 1.
fn is_logged(status: StatusCode, share: f64, drawn: f64) -> bool {
    status.is_client_error() || status.is_server_error() || drawn < share
}

/// Gives the request an id, counts it, times it, and logs it (all failures, and a share of the others).
pub async fn observe<F: Future<Output = Response>>(
    app: &App,
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let id = accepted_id(&request).unwrap_or_else(|| Uuid::new_v4().to_string());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let header = HeaderValue::from_str(&id).unwrap_or_else(|_| HeaderValue::from_static("invalid"));
    let started = Instant::now();

    let (mut response, user) = trace::follow(id.clone(), next(request)).await;

    let elapsed = started.elapsed();
    let status = response.status();
    let route = route.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    app.metrics
        .count(method.as_str(), route, status.as_u16(), elapsed);
    response.headers_mut().insert(REQUEST_ID, header);
    if is_logged(status, app.config.log_sample, rand::random()) {
        // The route, never the raw address: query strings can hold tokens.
        tracing::info!(
            request_id = %id, method = %method, route, status = status.as_u16(), user,
            ms = elapsed.as_secs_f64() * 1000.0, "request"
        );
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_always_logged_and_successes_by_their_share() {
        for status in [400, 404, 429, 500, 503] {
            let status = StatusCode::from_u16(status).unwrap();
            assert!(is_logged(status, 0.0, 0.999), "{status}");
        }
        for status in [101, 200, 204, 304] {
            let status = StatusCode::from_u16(status).unwrap();
            assert!(!is_logged(status, 0.0, 0.0), "{status}");
            assert!(is_logged(status, 1.0, 0.999), "{status}");
            assert!(is_logged(status, 0.3, 0.29) && !is_logged(status, 0.3, 0.3));
        }
    }
}
