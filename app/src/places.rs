//! Places: finding them, one in full, and what feeds them.

pub mod admin;
pub mod advanced;
pub mod choices;
pub mod create;
pub mod detail;
pub mod external;
pub mod filter;
pub mod lookups;
pub mod model;
pub mod nearby;
pub mod photos;
pub mod recommend;
pub mod search;
pub mod sources;
pub mod stats;
pub mod suggest;
pub mod trending;

use axum::routing::{get, post};
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::extract::whole::whole;
use crate::routes;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(search::search))
        .routes(routes!(search::quick))
        .routes(routes!(suggest::suggestions))
        .routes(routes!(suggest::filter_options))
        .routes(routes!(advanced::advanced))
        .routes(routes!(advanced::flexible))
        .routes(routes!(external::search))
        .routes(routes!(external::test))
        .routes(routes!(recommend::recommendations))
        .routes(routes!(trending::trending))
        .routes(routes!(trending::global))
        .routes(routes!(nearby::nearby))
        .routes(routes!(create::create))
        .routes(routes!(lookups::countries))
        .routes(routes!(lookups::cities))
        .routes(routes!(lookups::neighborhoods))
        .routes(routes!(lookups::major_cities))
        .routes(routes!(lookups::all_cities))
        .routes(routes!(lookups::near_neighborhoods))
        .routes(routes!(detail::place))
        .routes(routes!(stats::stats))
        .routes(routes!(photos::photos))
        .routes(routes!(admin::current))
        .routes(routes!(admin::enrich))
        .routes(routes!(admin::seed_from_osm))
        .routes(routes!(sources::enrichment_stats))
        .routes(routes!(sources::seeding_stats))
        .routes(routes!(admin::promote))
        // Served, not documented: the unslashed form, and what never was public.
        .route(
            "/places/external/suggestions",
            get(whole(external::suggestions)),
        )
        .route("/places", post(whole(create::create)))
        .route("/places/search/enhanced", get(whole(external::enhanced)))
        .route(
            "/places/{place_id}/stats/enhanced",
            get(whole(stats::enhanced)),
        )
}
