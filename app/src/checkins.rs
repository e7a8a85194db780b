//! Check-ins: being at a place, with photos, comments and likes.

pub mod comments;
pub mod create;
pub mod likes;
pub mod model;
pub mod photos;
pub mod read;
pub mod whos_here;

use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::routes;

/// Room for several photos in one request.
const UPLOAD_LIMIT: usize = 64 * 1024 * 1024;

pub fn router() -> OpenApiRouter<App> {
    let uploads = OpenApiRouter::new()
        .routes(routes!(photos::add, photos::remove_all))
        .routes(routes!(create::full))
        .layer(DefaultBodyLimit::max(UPLOAD_LIMIT));
    OpenApiRouter::new()
        .routes(routes!(create::create))
        .routes(routes!(create::by_query))
        .routes(routes!(read::mine))
        .routes(routes!(read::change, read::remove))
        .routes(routes!(read::detail))
        .routes(routes!(read::stats))
        .routes(routes!(photos::list))
        .routes(routes!(photos::remove))
        .routes(routes!(comments::list, comments::create))
        .routes(routes!(comments::remove))
        .routes(routes!(likes::list))
        .routes(routes!(likes::like, likes::unlike))
        .routes(routes!(whos_here::whos_here))
        .routes(routes!(whos_here::count))
        .routes(routes!(whos_here::plain_count))
        .merge(uploads)
}
