//! The whole interface on one screen: every feature's routes, and the layers around them.

use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use crate::app::App;
use crate::connection::Peer;
use crate::error::ApiError;
use crate::{
    activity, checkins, collections, deadline, dms, drain, follows, health, live, media, observe,
    onboarding, openapi, place_chat, places, reviews, saved, security_headers, settings, support,
    users, write_limits,
};

/// Bodies without files.
const BODY_LIMIT: usize = 1024 * 1024;

/// Every documented and undocumented route.
#[must_use]
pub fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(health::router()) // /health /readyz /metrics /
        .merge(onboarding::router()) // /onboarding/* /auth/*
        .merge(users::router()) // /users/*
        .merge(follows::router()) // /follow/*
        .merge(settings::router()) // /settings/*
        .merge(places::router()) // /places/* /lookups/*
        .merge(checkins::router()) // /places/check-ins/* /check-ins/* whos-here
        .merge(reviews::router()) // /places/{id}/reviews /places/reviews/*
        .merge(saved::router()) // /places/saved/*
        .merge(collections::router()) // /collections/*
        .merge(activity::router()) // /activity/*
        .merge(support::router()) // /support/*
        .merge(dms::router()) // /dms/*
        .merge(place_chat::router()) // /places/{id}/chat/*
        .merge(live::router()) // /ws/*
        .merge(media::router()) // /media/*
}

/// The document without a running service: for `circles-app openapi` and the snapshot.
#[must_use]
pub fn document() -> OpenApi {
    openapi::finish(api().into_openapi())
}

/// The service as axum serves it.
pub fn router(app: App) -> Router {
    let (routes, document) = api().split_for_parts();
    let assets = SwaggerUi::new("/docs/assets").url("/openapi.json", openapi::finish(document));
    routes
        .route("/docs", get(openapi::page))
        .route("/docs/", get(openapi::page))
        .route("/docs/start.js", get(openapi::start_script))
        .merge(assets)
        .fallback(|| async { ApiError::NotFound("Path") })
        .method_not_allowed_fallback(not_allowed)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(CatchPanicLayer::custom(
            |_: Box<dyn std::any::Any + Send>| {
                ApiError::internal("a handler panicked").into_response()
            },
        ))
        .layer(cors(&app.config.cors_origins))
        .layer(middleware::from_fn_with_state(app.clone(), around))
        .with_state(app)
}

/// What every request goes through, outermost first. One layer, since each costs a request two allocations and a copy of all within.
async fn around(State(app): State<App>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<Peer>>().cloned();
    if let Some(ConnectInfo(peer)) = &peer {
        peer.begin_request();
    }
    let https = security_headers::is_https(request.headers(), app.config.trusted_proxies);
    let uri = request.uri().clone();
    let limited = |request| write_limits::enforce(&app, request, |request| next.run(request));
    let read = |request| drain::drain(request, limited);
    let in_time = |request| deadline::deadline(&app, request, read);
    let mut response = observe::observe(&app, request, in_time).await;
    security_headers::add(response.headers_mut(), uri.path(), https);
    if let Some(ConnectInfo(peer)) = &peer
        && response.status() != StatusCode::SWITCHING_PROTOCOLS
    {
        peer.end_request();
    }
    response
}

async fn not_allowed() -> impl IntoResponse {
    let body = axum::Json(serde_json::json!({ "detail": "Method Not Allowed" }));
    (StatusCode::METHOD_NOT_ALLOWED, body)
}

fn cors(origins: &[String]) -> CorsLayer {
    let origins: Vec<HeaderValue> = origins
        .iter()
        .filter_map(|o| HeaderValue::from_str(o).ok())
        .collect();
    let methods = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
        Method::HEAD,
    ];
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_credentials(true)
        .allow_methods(AllowMethods::list(methods))
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([header::HeaderName::from_static("x-request-id")])
        .max_age(Duration::from_secs(600))
}
