//! A request's body that nobody read is read to its end before the answer goes out.
//!
//! A refusal often comes before the body is looked at. Left unread, the rest would end the connection, and a client that keeps its
//! connections would meet that end with its next request, or while it still sends.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};

/// Bytes read for nothing, at most: what the largest upload may weigh.
const MOST: usize = 64 * 1024 * 1024;
/// The time without a byte, and the time in all, that may take. A client that waits for `100 Continue`, or is slower, loses its
/// connection instead.
const PATIENCE: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(60);

/// A body that the handler and this layer read in turn.
#[derive(Clone)]
struct Shared(Arc<Mutex<BodyDataStream>>);

impl Shared {
    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, axum::Error>>> {
        let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        body.poll_next_unpin(cx)
    }

    fn stream(&self) -> impl Stream<Item = Result<Bytes, axum::Error>> + Send + use<> {
        let shared = self.clone();
        stream::poll_fn(move |cx| shared.poll(cx))
    }

    /// Whether the end was reached.
    async fn read_on(&self) -> bool {
        let mut rest = self.stream();
        let mut read = 0;
        while let Ok(next) = tokio::time::timeout(PATIENCE, rest.next()).await {
            let Some(piece) = next else { return true };
            let Ok(piece) = piece else { return false };
            read += piece.len();
            if read > MOST {
                return false;
            }
        }
        false
    }
}

/// Answers by `next`, and then sees to the body.
pub async fn drain<F: Future<Output = Response>>(
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let expects = request.headers().contains_key(header::EXPECT);
    if request.body().is_end_stream() || expects {
        return next(request).await;
    }
    let (head, body) = request.into_parts();
    let body = Shared(Arc::new(Mutex::new(body.into_data_stream())));
    let request = Request::from_parts(head, Body::from_stream(body.stream()));
    let mut response = next(request).await;
    let done = tokio::time::timeout(LONGEST, body.read_on()).await;
    if !done.unwrap_or(false) {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}
