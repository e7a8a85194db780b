//! The outermost layer: one request, followed to its line in the log and its place in the metrics.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
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

/// Gives the request an id, counts it, times it, and logs it (all in debug and all failures, else a sample).
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
    let chosen = app.config.debug
        || status.is_server_error()
        || rand::random::<f64>() < app.config.log_sample_rate;
    if chosen {
        // The route, never the raw address: query strings can hold tokens.
        tracing::info!(
            request_id = %id, method = %method, route, status = status.as_u16(), user,
            ms = elapsed.as_secs_f64() * 1000.0, "request"
        );
    }
    response
}
