//! What is around.

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::model::{self, Place, View};
use super::search;
use super::trending::{TrendingQuery, metres};
use crate::app::App;
use crate::bounds::{Int, Lat, Lng, Num};
use crate::error::Result;
use crate::external::foursquare::Around;
use crate::extract::{Json, Query};
use crate::page::Page;

#[derive(Deserialize, IntoParams)]
pub struct NearbyQuery {
    #[param(inline)]
    lat: Lat,
    #[param(inline)]
    lng: Lng,
    #[param(inline)]
    radius_m: Option<Num<1, 50_000>>,
    /// Without it: three, and half the number of people who can chat now, 50 at most.
    #[param(inline)]
    limit: Option<Int<1, 100>>,
    #[param(inline)]
    offset: Option<Int<0, { i64::MAX }>>,
}

async fn busy_limit(app: &App) -> Result<i64> {
    let chatting = {
        let hours = app.config.checkin.chat_window_hours;
        app.rankings.chatting(&app.db, hours).await?
    };
    Ok((3 + chatting / 2).clamp(3, 50))
}

/// Places around a point, nearest first: stored ones, filled up from outside when there are few.
#[utoipa::path(get, path = "/places/nearby", tag = "places", params(NearbyQuery, TrendingQuery), responses((status = 200, body = Page<Place>)))]
pub async fn nearby(
    State(app): State<App>,
    Query(near): Query<NearbyQuery>,
    Query(query): Query<TrendingQuery>,
) -> Result<Json<Page<Place>>> {
    let query = query.checked()?;
    let point = (*near.lat, *near.lng);
    let radius = near.radius_m.map_or(1000.0, |r| *r);
    let limit = match near.limit {
        Some(limit) => *limit,
        None => busy_limit(&app).await?,
    };
    let offset = near.offset.map_or(0, |o| *o);
    let find = async || {
        let mut filter = query.filter();
        let order = search::near(&app, &mut filter, Some(point), radius).unwrap_or_default();
        filter
            .page(&app.db, "p.id", "places p", &order, limit, offset)
            .await
    };
    let (mut total, mut ids) = find().await?;
    if total < limit && app.external.has_foursquare() {
        let around = Around::Point {
            lat: point.0,
            lng: point.1,
            radius_m: radius,
        };
        let venues = app.external.trending(around, &query.wanted(limit)).await;
        if !crate::external::venue::store(&app.db, &venues)
            .await?
            .is_empty()
        {
            (total, ids) = find().await?;
        }
    }
    let mut items = model::by_ids(&app, &ids, View::day(Some(point))).await?;
    items.retain(|p| metres(p, point).is_some());
    Ok(Json(Page::new(items, total, limit, offset)))
}
