//! The limits of the routes that write (`config/route_limits.rs`), held before the handler runs.

use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::auth::{self, ClientIp};
use crate::config::RouteLimit;
use crate::limits;

/// Answers by `next`, or 429 when the caller has called the route too often.
pub async fn enforce<F: Future<Output = Response>>(
    app: &App,
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let admitted = match counted(app, &request) {
        Some((key, limit)) => limits::take(&app.db, &key, limit.seconds, limit.calls).await,
        None => Ok(()),
    };
    match admitted {
        Ok(()) => next(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Whose call of which route the request is, and the limit that it counts against.
fn counted(app: &App, request: &Request) -> Option<(String, RouteLimit)> {
    let method = request.method().as_str();
    let route = request.extensions().get::<MatchedPath>()?.as_str();
    let limit = app.config.limits.routes.get(method, route)?;
    // A token that is no good is refused by the handler; until then its holder is anybody.
    let user = auth::bearer(request.headers()).and_then(|token| app.tokens.user_id(token));
    let caller = match user {
        Some(id) => format!("user {id}"),
        None => {
            let proxies = app.config.trusted_proxies;
            ClientIp::of(request.headers(), request.extensions(), proxies).0
        }
    };
    Some((format!("route {method} {route} {caller}"), limit))
}
