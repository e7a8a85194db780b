//! People: their profiles, what they show, what they like.

pub mod interests;
pub mod media;
pub mod profile;
pub mod search;
pub mod shelf;
pub mod stats;

use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::routes;

pub fn router() -> OpenApiRouter<App> {
    let uploads = OpenApiRouter::new()
        .routes(routes!(profile::avatar))
        .layer(DefaultBodyLimit::max(64 * 1024 * 1024));
    OpenApiRouter::new()
        .routes(routes!(search::by_body, search::by_query))
        .routes(routes!(profile::change))
        .routes(routes!(profile::one))
        .routes(routes!(media::check_ins))
        .routes(routes!(media::media))
        .routes(routes!(media::random_photos))
        .routes(routes!(shelf::collections))
        .routes(routes!(shelf::items))
        .routes(routes!(stats::stats))
        .routes(routes!(interests::list, interests::add))
        .routes(routes!(interests::remove))
        .merge(uploads)
}
