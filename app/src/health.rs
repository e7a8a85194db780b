//! `/health` for the load balancer, `/readyz` for people, and the greeting at `/`.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::db;
use crate::extract::Json;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(ready))
        .routes(routes!(hello))
        .routes(routes!(crate::metrics::metrics))
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
}

/// Whether everything a request may need is there; 503 when not.
#[utoipa::path(get, path = "/readyz", tag = "system", responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
async fn ready(State(app): State<App>) -> (StatusCode, Json<Readiness>) {
    let limit = Duration::from_secs(2);
    let migrated = tokio::time::timeout(limit, db::is_migrated(&app.db));
    let stored = tokio::time::timeout(limit, app.objects.check());
    let (migrated, stored) = tokio::join!(migrated, stored);
    let database = matches!(migrated, Ok(Ok(_)));
    let migrations = matches!(migrated, Ok(Ok(true)));
    let storage = stored.unwrap_or(false);
    let listener = app.live.is_listening();
    let ready = database && migrations && storage && listener;
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
        }),
    )
}
