//! Nothing waits for ever.
//!
//! The server's own limits (`db.rs`) end what is slow. They do not help when the server itself is gone without a word, as in a failover
//! or behind a cut wire: then nobody ever answers, and who waits would keep a connection of the pool.

use std::time::Duration;

use axum::extract::Request;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use crate::app::App;
use crate::error::ApiError;

/// A large file over a slow line takes its time.
const UPLOAD: Duration = Duration::from_secs(600);

/// Answers by `next`, or 503 in the end.
pub async fn deadline<F: Future<Output = Response>>(
    app: &App,
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let uploads = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/"));
    let limit = if uploads {
        UPLOAD.max(app.config.request_timeout)
    } else {
        app.config.request_timeout
    };
    match timeout(limit, next(request)).await {
        Ok(response) => response,
        Err(_) => {
            tracing::warn!(seconds = limit.as_secs_f64(), "a request was given up");
            ApiError::Unavailable.into_response()
        }
    }
}
