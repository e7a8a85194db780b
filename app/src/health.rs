//! `/health` for the load balancer, `/readyz` for people, `/metrics` for Prometheus, and the greeting at `/`.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use subtle::ConstantTimeEq;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use crate::app::{App, Checked};
use crate::db;
use crate::error::ApiError;
use crate::extract::Json;
use crate::routes;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(ready))
        .routes(routes!(hello))
        .routes(routes!(metrics))
}

#[derive(Serialize, ToSchema)]
pub struct Health {
    status: &'static str,
    app: &'static str,
    debug: bool,
}

/// Whether the process lives. Asks nobody.
#[utoipa::path(get, path = "/health", tag = "system", responses((status = 200, body = Health)))]
async fn health(State(app): State<App>) -> Json<Health> {
    Json(Health {
        status: "ok",
        app: "Circles",
        debug: app.config.debug,
    })
}

#[derive(Serialize, ToSchema)]
pub struct Hello {
    hello: &'static str,
}

/// A greeting.
#[utoipa::path(get, path = "/", tag = "system", responses((status = 200, body = Hello)))]
async fn hello() -> Json<Hello> {
    Json(Hello { hello: "world" })
}

#[derive(Serialize, ToSchema)]
pub struct Readiness {
    ready: bool,
    database: bool,
    migrations: bool,
    storage: bool,
    listener: bool,
    /// Whether the background jobs run and end well.
    jobs: bool,
}

/// Everybody may ask, so the answer is good for a moment.
const CHECKED_FOR: Duration = Duration::from_secs(1);

async fn check(app: &App) -> Checked {
    let limit = Duration::from_secs(2);
    let migrated = tokio::time::timeout(limit, db::is_migrated(&app.db));
    let stored = tokio::time::timeout(limit, app.objects.check());
    let (migrated, stored) = tokio::join!(migrated, stored);
    Checked {
        database: matches!(migrated, Ok(Ok(_))),
        migrations: matches!(migrated, Ok(Ok(true))),
        storage: stored.unwrap_or(false),
    }
}

/// Whether everything a request may need is there; 503 when not.
#[utoipa::path(get, path = "/readyz", tag = "system", responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
async fn ready(State(app): State<App>) -> (StatusCode, Json<Readiness>) {
    let Checked {
        database,
        migrations,
        storage,
    } = app.checked.get(CHECKED_FOR, check(&app)).await;
    let listener = app.live.is_listening();
    let jobs = app.jobs.is_healthy();
    let ready = database && migrations && storage && listener && jobs;
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(Readiness {
            ready,
            database,
            migrations,
            storage,
            listener,
            jobs,
        }),
    )
}

/// Open in debug; otherwise the token's header must match, and without a token in the settings it is closed.
#[utoipa::path(get, path = "/metrics", tag = "system", responses((status = 200, description = "Prometheus text", body = String)))]
async fn metrics(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    if !app.config.debug {
        let given = headers
            .get("x-metrics-token")
            .map_or(&b""[..], |v| v.as_bytes());
        let token = app.config.metrics_token.as_ref();
        let good = token.is_some_and(|t| bool::from(t.expose().as_bytes().ct_eq(given)));
        if !good {
            return Err(ApiError::forbidden("Metrics access denied"));
        }
    }
    let failing = i64::try_from(app.jobs.failing().len()).unwrap_or(i64::MAX);
    let stalled = i64::from(failing == 0 && !app.jobs.is_healthy());
    app.metrics.jobs_failing.set(failing + stalled);
    let uploads = i64::try_from(app.uploads.under_way()).unwrap_or(i64::MAX);
    app.metrics.uploads.set(uploads);
    let (kind, text) = app.metrics.text().map_err(ApiError::internal)?;
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
