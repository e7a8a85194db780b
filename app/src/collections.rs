//! Collections of places.

pub mod items;
pub mod manage;
pub mod store;

use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::extract::whole::whole;
use crate::routes;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(manage::list, manage::create))
        .routes(routes!(manage::paginated))
        .routes(routes!(manage::summary))
        .routes(routes!(
            manage::one,
            manage::replace,
            manage::patch,
            manage::remove
        ))
        .routes(routes!(items::add_check_in, items::remove))
        .routes(routes!(items::add_place, items::remove_place))
        .routes(routes!(items::items))
        .routes(routes!(items::places))
        .routes(routes!(items::list))
        // The unslashed form is served, the slashed one declared.
        .route(
            "/collections",
            get(whole(manage::list)).post(whole(manage::create)),
        )
}
