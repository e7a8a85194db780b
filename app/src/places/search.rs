//! Public discovery: by text, by area, by point.

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::filter::Filter;
use super::model::{self, Place, View};
use crate::app::App;
use crate::auth::MaybeUser;
use crate::bounds::{Lat, Lng, Num, Rating, Text};
use crate::error::{ApiError, Result};
use crate::extract::{Json, Query};
use crate::page::{Page, Paging};

#[derive(Deserialize, IntoParams)]
pub struct SearchQuery {
    #[param(inline)]
    query: Option<Text<0, 200>>,
    /// The same as `query`.
    #[param(inline)]
    q: Option<Text<0, 200>>,
    #[param(inline)]
    city: Option<Text<0, 200>>,
    #[param(inline)]
    neighborhood: Option<Text<0, 200>>,
    #[param(inline)]
    category: Option<Text<0, 200>>,
    #[param(inline)]
    rating_min: Option<Rating>,
    #[param(inline)]
    lat: Option<Lat>,
    #[param(inline)]
    lng: Option<Lng>,
    #[param(inline)]
    radius_m: Option<Num<100, 50_000>>,
}

/// A point takes both of its halves.
///
/// # Errors
/// 422 when one is missing.
pub fn point(lat: Option<Lat>, lng: Option<Lng>) -> Result<Option<(f64, f64)>> {
    match (lat, lng) {
        (Some(lat), Some(lng)) => Ok(Some((*lat, *lng))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(ApiError::invalid(
            "query",
            "lng",
            "lat and lng go together",
            serde_json::Value::Null,
        )),
        (None, Some(_)) => Err(ApiError::invalid(
            "query",
            "lat",
            "lat and lng go together",
            serde_json::Value::Null,
        )),
    }
}

/// Places by text, area or point; newest first, nearest first when a point is given.
#[utoipa::path(get, path = "/places/search", tag = "places", params(SearchQuery, Paging), responses((status = 200, body = Page<Place>)))]
pub async fn search(
    State(app): State<App>,
    _: MaybeUser,
    Query(search): Query<SearchQuery>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Place>>> {
    let mut filter = Filter::default();
    let text = search.q.as_deref().or(search.query.as_deref());
    filter.contains(&["p.name", "p.categories", "p.address", "p.city"], text);
    filter.equals("p.city", search.city.as_deref());
    filter.equals("p.neighborhood", search.neighborhood.as_deref());
    filter.contains(&["p.categories"], search.category.as_deref());
    if let Some(min) = search.rating_min {
        let min = filter.bind(*min);
        filter.and(format!("p.rating >= {min}"));
    }
    let point = point(search.lat, search.lng)?;
    let order = near(
        &app,
        &mut filter,
        point,
        search.radius_m.map_or(5000.0, |r| *r),
    );
    let order = order.unwrap_or_else(|| "p.created_at desc, p.id desc".to_owned());
    let (total, ids) = filter
        .page(
            &app.db,
            "p.id",
            "places p",
            &order,
            paging.limit(),
            paging.offset(),
        )
        .await?;
    Ok(Json(paging.page(
        model::by_ids(&app, &ids, View::day(point)).await?,
        total,
    )))
}

/// Keeps what lies within `metres` of the point, and returns the order nearest first.
pub fn near(
    app: &App,
    filter: &mut Filter,
    point: Option<(f64, f64)>,
    metres: f64,
) -> Option<String> {
    let (lat, lng) = point?;
    let (lat, lng, metres) = (filter.bind(lat), filter.bind(lng), filter.bind(metres));
    filter.and(app.geo.within("p", &lat, &lng, &metres));
    Some(format!("{}, p.id", app.geo.nearest("p", &lat, &lng)))
}

#[derive(Deserialize, IntoParams)]
pub struct QuickQuery {
    #[param(inline)]
    q: Text<0, 200>,
}

/// Places by name, city, neighborhood or category; by name.
#[utoipa::path(get, path = "/places/search/quick", tag = "places", params(QuickQuery, Paging), responses((status = 200, body = Page<Place>)))]
pub async fn quick(
    State(app): State<App>,
    Query(search): Query<QuickQuery>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Place>>> {
    let mut filter = Filter::default();
    filter.contains(
        &["p.name", "p.city", "p.neighborhood", "p.categories"],
        Some(&search.q),
    );
    let order = "lower(p.name), p.id";
    let (total, ids) = filter
        .page(
            &app.db,
            "p.id",
            "places p",
            order,
            paging.limit(),
            paging.offset(),
        )
        .await?;
    Ok(Json(paging.page(
        model::by_ids(&app, &ids, View::day(None)).await?,
        total,
    )))
}
