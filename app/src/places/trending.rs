//! What is going on: places ranked within a window, narrowed by filters and a place, with the provider's where ours are few.

use std::collections::HashSet;

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::choices::{PriceBudget, TimeWindow};
use super::filter::Filter;
use super::model::{self, Place, View};
use super::search;
use crate::app::App;
use crate::bounds::{Lat, Lng, Rating, Text};
use crate::error::{ApiError, Result};
use crate::external::foursquare::{Around, Wanted};
use crate::extract::{Json, Query};
use crate::geo::{Circle, Spot, haversine_m};
use crate::page::{Page, Paging};
use crate::rankings::{Ranked, Ranking, Window};

#[derive(Deserialize, IntoParams)]
pub struct TrendingQuery {
    #[param(inline)]
    lat: Option<Lat>,
    #[param(inline)]
    lng: Option<Lng>,
    #[param(inline)]
    place_type: Option<Text<0, 100>>,
    #[param(inline)]
    cuisine: Option<Text<0, 100>>,
    #[param(inline)]
    country: Option<Text<0, 100>>,
    #[param(inline)]
    city: Option<Text<0, 100>>,
    #[param(inline)]
    neighborhood: Option<Text<0, 100>>,
    #[param(inline, value_type = Option<PriceBudget>)]
    price_budget: Option<Text<0, 10>>,
    #[param(inline)]
    q: Option<Text<0, 200>>,
    #[param(inline)]
    min_rating: Option<Rating>,
    #[param(inline)]
    price_tier: Option<Text<0, 10>>,
}

#[derive(Deserialize, IntoParams)]
pub struct WindowQuery {
    #[param(inline, value_type = Option<TimeWindow>)]
    time_window: Option<String>,
}

impl TrendingQuery {
    /// # Errors
    /// 400 for an unknown budget.
    pub fn checked(self) -> Result<TrendingQuery> {
        match self.price_budget.as_deref() {
            None | Some("" | "$" | "$$" | "$$$") => Ok(self),
            Some(_) => Err(ApiError::bad("price_budget must be one of $, $$, $$$")),
        }
    }

    /// The filters as conditions on the place `p`: substrings, ignoring case.
    #[must_use]
    pub fn filter(&self) -> Filter {
        let mut filter = Filter::default();
        filter.contains(&["p.categories"], self.place_type.as_deref());
        filter.contains(&["p.categories"], self.cuisine.as_deref());
        filter.contains(&["p.country"], self.country.as_deref());
        filter.contains(&["p.city"], self.city.as_deref());
        filter.contains(&["p.neighborhood"], self.neighborhood.as_deref());
        filter.equals("p.price_tier", self.price_budget.as_deref());
        filter.equals("p.price_tier", self.price_tier.as_deref());
        filter.contains(&["p.name", "p.categories", "p.address"], self.q.as_deref());
        if let Some(min) = self.min_rating {
            let min = filter.bind(*min);
            filter.and(format!("p.rating >= {min}"));
        }
        filter
    }

    /// The filters as the provider is asked for them.
    #[must_use]
    pub fn wanted(&self, limit: i64) -> Wanted<'_> {
        fn given(text: Option<&str>) -> Option<&str> {
            text.filter(|t| !t.trim().is_empty())
        }
        Wanted {
            text: given(self.cuisine.as_deref()).or(given(self.q.as_deref())),
            place_type: given(self.place_type.as_deref()),
            price_tier: given(self.price_budget.as_deref()).or(given(self.price_tier.as_deref())),
            min_rating: self.min_rating.map(|min| *min),
            limit,
        }
    }

    fn city(&self) -> Option<&str> {
        self.city
            .as_deref()
            .map(str::trim)
            .filter(|c| !c.is_empty())
    }
}

struct Ask<'a> {
    query: &'a TrendingQuery,
    window: Window,
    point: Option<(f64, f64)>,
    /// Metres around the point the result is limited to.
    radius: Option<f64>,
}

/// The places of the ranking that pass the filter, in its order.
async fn passing(app: &App, ranking: &[Ranked], filter: Filter) -> Result<Vec<Ranked>> {
    let mut passing = filter.ids(&app.db).await?;
    passing.sort_unstable();
    let passes = |place: &&Ranked| passing.binary_search(&place.id).is_ok();
    Ok(ranking.iter().filter(passes).copied().collect())
}

/// The ranked places near the point, by the coordinates they were ranked with, that pass the other filters.
async fn around(
    app: &App,
    ask: &Ask<'_>,
    ranking: &Ranking,
    circle: &Circle,
) -> Result<Vec<Ranked>> {
    let near = ranking.within(circle);
    let mut filter = ask.query.filter();
    if filter.is_empty() {
        return Ok(near);
    }
    let ids: Vec<i64> = near.iter().map(|place| place.id).collect();
    let ids = filter.bind(ids);
    filter.and(format!("p.id = any({ids})"));
    passing(app, &near, filter).await
}

/// One page of the ranking.
async fn shown(
    app: &App,
    ask: &Ask<'_>,
    ranking: &[Ranked],
    paging: &Paging,
) -> Result<Page<Place>> {
    let total = i64::try_from(ranking.len()).unwrap_or(i64::MAX);
    let chosen = cut(ranking, paging);
    let keys: Vec<i64> = chosen.iter().map(|ranked| ranked.id).collect();
    let mut places = model::by_ids(app, &keys, View::uncounted(ask.point)).await?;
    for place in &mut places {
        // The ranking has counted them already.
        let ranked = chosen.iter().find(|ranked| ranked.id == place.id);
        place.recent_checkins_count = ranked.map_or(0, |ranked| ranked.people);
    }
    if ask.point.is_some() {
        nearest_first(&mut places);
    }
    Ok(paging.page(places, total))
}

/// The part of the ranking that is on the page.
fn cut<'a>(ranking: &'a [Ranked], paging: &Paging) -> &'a [Ranked] {
    let from = usize::try_from(paging.offset()).unwrap_or(usize::MAX);
    let (_, rest) = ranking.split_at(from.min(ranking.len()));
    let many = usize::try_from(paging.limit()).unwrap_or(0);
    &rest[..many.min(rest.len())]
}

async fn internal(app: &App, ask: &Ask<'_>, paging: &Paging) -> Result<Page<Place>> {
    let ranking = app.rankings.of(&app.db, ask.window).await?;
    let mut filter = ask.query.filter();
    if let (Some(point), Some(radius)) = (ask.point, ask.radius) {
        let circle = app.geo.circle(point, radius);
        let near = around(app, ask, &ranking, &circle).await?;
        let page = shown(app, ask, &near, paging).await?;
        let is_near = |place: &Place| {
            let at = place.latitude.zip(place.longitude);
            at.is_some_and(|(lat, lng)| circle.holds(&Spot::at(lat, lng)))
        };
        if page.items.len() == cut(&near, paging).len() && page.items.iter().all(is_near) {
            return Ok(page);
        }
        // One of them went or moved away since it was ranked: now the database judges the radius.
        search::near(app, &mut filter, ask.point, radius);
    }
    if filter.is_empty() {
        return shown(app, ask, &ranking.places, paging).await;
    }
    let ranking = passing(app, &ranking.places, filter).await?;
    shown(app, ask, &ranking, paging).await
}

/// Orders by distance; places without coordinates come last.
pub fn nearest_first(places: &mut [Place]) {
    let metres = |p: &Place| p.distance_meters.unwrap_or(f64::MAX);
    places.sort_by(|a, b| metres(a).total_cmp(&metres(b)));
}

/// Places found by the provider, stored and shown with their ids.
async fn external(
    app: &App,
    around: Around<'_>,
    query: &TrendingQuery,
    view: View,
    limit: i64,
) -> Result<Vec<Place>> {
    let venues = app.external.trending(around, &query.wanted(limit)).await;
    let ids = crate::external::venue::store(&app.db, &venues).await?;
    model::by_ids(app, &ids, view).await
}

/// The decision table: who answers, by the override, the key, and what location was given.
async fn decide(
    app: &App,
    ask: &Ask<'_>,
    paging: &Paging,
    without_location: WithoutLocation,
) -> Result<Page<Place>> {
    let settings = &app.config.external;
    let keyed = settings.trending_enabled && app.external.has_foursquare();
    let view = View {
        point: ask.point,
        hours: ask.window.hours(),
    };
    if settings.trending_override {
        let around = match (ask.point, ask.query.city()) {
            (Some((lat, lng)), _) => Some(Around::Point {
                lat,
                lng,
                radius_m: settings.trending_radius_m,
            }),
            (None, Some(city)) => Some(Around::City(city)),
            (None, None) => None,
        };
        return match (around, without_location) {
            (Some(around), _) if keyed => {
                let all = external(
                    app,
                    around,
                    ask.query,
                    view,
                    paging.limit().saturating_add(paging.offset()),
                )
                .await?;
                let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
                let skip = usize::try_from(paging.offset()).unwrap_or(usize::MAX);
                Ok(paging.page(all.into_iter().skip(skip).collect(), total))
            }
            (Some(_), _) => {
                let limited = Ask {
                    radius: Some(settings.trending_radius_m),
                    ..*ask
                };
                internal(app, &limited, paging).await
            }
            (None, WithoutLocation::Empty) => Ok(paging.page(Vec::new(), 0)),
            (None, WithoutLocation::Internal) => internal(app, ask, paging).await,
        };
    }
    let mut page = internal(app, ask, paging).await?;
    let short = page.total < paging.limit() && paging.offset() == 0;
    if let (true, true, Some((lat, lng))) = (short, keyed, ask.point) {
        let around = Around::Point {
            lat,
            lng,
            radius_m: settings.trending_radius_m,
        };
        let known: HashSet<String> = page.items.iter().map(|p| p.name.to_lowercase()).collect();
        let ids: HashSet<i64> = page.items.iter().map(|p| p.id).collect();
        let more = external(app, around, ask.query, view, paging.limit()).await?;
        let more = more
            .into_iter()
            .filter(|p| !ids.contains(&p.id) && !known.contains(&p.name.to_lowercase()));
        let room = usize::try_from(paging.limit() - page.total).unwrap_or(0);
        page.items.extend(more.take(room));
        page.total = i64::try_from(page.items.len()).unwrap_or(i64::MAX);
    }
    Ok(page)
}

#[derive(Clone, Copy)]
enum WithoutLocation {
    Empty,
    Internal,
}

/// Trending places.
#[utoipa::path(get, path = "/places/trending", tag = "places", params(WindowQuery, TrendingQuery, Paging), responses((status = 200, body = Page<Place>)))]
pub async fn trending(
    State(app): State<App>,
    Query(window): Query<WindowQuery>,
    Query(query): Query<TrendingQuery>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Place>>> {
    let window = Window::parse(window.time_window.as_deref())?;
    let query = query.checked()?;
    let point = search::point(query.lat, query.lng)?;
    let ask = Ask {
        query: &query,
        window,
        point,
        radius: None,
    };
    Ok(Json(
        decide(&app, &ask, &paging, WithoutLocation::Empty).await?,
    ))
}

/// Trending places of the last week, wherever.
#[utoipa::path(get, path = "/places/trending/global", tag = "places", params(TrendingQuery, Paging), responses((status = 200, body = Page<Place>)))]
pub async fn global(
    State(app): State<App>,
    Query(query): Query<TrendingQuery>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Place>>> {
    let query = query.checked()?;
    let point = search::point(query.lat, query.lng)?;
    let ask = Ask {
        query: &query,
        window: Window::Week,
        point,
        radius: None,
    };
    Ok(Json(
        decide(&app, &ask, &paging, WithoutLocation::Internal).await?,
    ))
}

/// Metres between a place and a point, when the place has coordinates.
#[must_use]
pub fn metres(place: &Place, point: (f64, f64)) -> Option<f64> {
    Some(haversine_m(
        point.0,
        point.1,
        place.latitude?,
        place.longitude?,
    ))
}
