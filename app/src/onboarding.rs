//! Getting in: a one-time code by phone, a token, a name.

mod otp;
mod otp_caps;
mod setup;

use axum::routing::post;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::error::ApiError;
use crate::routes;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(otp::request_otp))
        .routes(routes!(otp::verify_otp))
        .routes(routes!(setup::check_username))
        .routes(routes!(setup::complete_setup))
        .routes(routes!(setup::status))
        .routes(routes!(setup::me))
        // The way in of the first clients; it only points to the new one.
        .route("/auth/request-otp", post(moved))
        .route("/auth/verify-otp", post(moved))
}

async fn moved() -> ApiError {
    ApiError::bad(
        "This way of signing in has moved: use /onboarding/request-otp and /onboarding/verify-otp",
    )
}
