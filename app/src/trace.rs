//! One request, followed: its id, its user, its line in the log and its place in the metrics.

use std::cell::Cell;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;

use crate::app::App;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// All paths that are no route share this label: raw paths would make the series unbounded.
const UNMATCHED: &str = "unmatched";

struct Context {
    id: String,
    user: Cell<Option<i64>>,
}

tokio::task_local! {
    static CONTEXT: Context;
}

/// The id of the request being served; empty outside one.
#[must_use]
pub fn request_id() -> String {
    CONTEXT.try_with(|c| c.id.clone()).unwrap_or_default()
}

/// Notes whose request this is, for the log.
pub fn set_user(id: i64) {
    // Outside a request (a socket's own task) there is nothing to note it in.
    let _ = CONTEXT.try_with(|c| c.user.set(Some(id)));
}

/// An incoming id is kept when it is short and plain.
fn accepted_id(request: &Request) -> Option<String> {
    let id = request.headers().get(&REQUEST_ID)?.to_str().ok()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || b == b'.';
    ((1..=128).contains(&id.len()) && id.bytes().all(plain)).then(|| id.to_owned())
}

/// The outermost layer: gives the request an id, counts it, times it, and logs it (all in debug and all failures, else a sample).
pub async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = accepted_id(&request).unwrap_or_else(|| Uuid::new_v4().to_string());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let header = HeaderValue::from_str(&id).unwrap_or_else(|_| HeaderValue::from_static("invalid"));
    let started = Instant::now();

    let context = Context {
        id: id.clone(),
        user: Cell::new(None),
    };
    let (mut response, user) = CONTEXT
        .scope(context, async {
            let response = next.run(request).await;
            (response, CONTEXT.with(|c| c.user.get()))
        })
        .await;

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

/// JSON lines on standard error. `RUST_LOG` overrides the level.
pub fn start_logging(debug: bool) {
    use tracing_subscriber::EnvFilter;
    let default = if debug {
        "info,circles_app=debug,sqlx::query=debug"
    } else {
        "info,sqlx::query=warn"
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let logs = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter);
    // A second start in one process (tests) keeps the first.
    let _ = logs.with_writer(std::io::stderr).try_init();
}
