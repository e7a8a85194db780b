//! `/media/…`: the files of local storage. On S3 clients read the bucket by signed addresses instead.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::Path;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().route("/media/{*key}", get(serve))
}

async fn serve(State(app): State<App>, Path(key): Path<String>) -> Result<Response, ApiError> {
    let (bytes, kind) = app
        .objects
        .read(&key)
        .await
        .ok_or(ApiError::NotFound("File"))?;
    let headers = [
        (header::CONTENT_TYPE, kind),
        // The type was decided by signature; browsers must not guess another.
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox".to_owned(),
        ),
        // Names are random and never reused.
        (
            header::CACHE_CONTROL,
            "public, max-age=31536000, immutable".to_owned(),
        ),
    ];
    Ok((headers, bytes).into_response())
}
