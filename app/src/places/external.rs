//! Discovery beyond the stored places. None of these ever fails for want of a key or an upstream.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::filter::Filter;
use super::search;
use crate::app::App;
use crate::auth::ClientIp;
use crate::bounds::{Int, Lat, Lng, Num, Text};
use crate::error::Result;
use crate::external::foreign::Foreign;
use crate::external::matching::{name_similarity, quality};
use crate::external::overpass::Area;
use crate::external::venue::Venue;
use crate::extract::{Json, Query};
use crate::geo::haversine_m;
use crate::limits;
use crate::stamp::Stamp;

#[derive(Deserialize, IntoParams)]
pub struct SuggestionsQuery {
    #[param(inline)]
    query: Text<1, 200>,
    #[param(inline)]
    lat: Option<Lat>,
    #[param(inline)]
    lon: Option<Lng>,
    #[param(inline)]
    limit: Option<Int<1, 20>>,
}

/// A stored place with what was found out about it.
#[derive(Debug, Serialize, sqlx::FromRow)]
struct Known {
    id: i64,
    name: String,
    latitude: Option<f64>,
    longitude: Option<f64>,
    categories: Option<String>,
    rating: Option<f64>,
    phone: Option<String>,
    website: Option<String>,
    address: Option<String>,
    city: Option<String>,
    external_id: Option<String>,
    data_source: Option<String>,
    metadata: Option<Value>,
    last_enriched_at: Option<Stamp>,
    #[serde(skip)]
    photo_url: Option<String>,
}

const KNOWN: &str = "select p.id, p.name, p.latitude, p.longitude, p.categories, p.rating, p.phone, p.website, p.address, p.city, \
    p.external_id, p.data_source, p.place_metadata as metadata, p.last_enriched_at, p.photo_url from places p{where}";

async fn known(
    app: &App,
    text: Option<&str>,
    point: (f64, f64),
    radius: f64,
    limit: i64,
) -> Result<Vec<Known>> {
    let mut filter = Filter::default();
    filter.contains(&["p.name", "p.categories", "p.address"], text);
    let order = search::near(app, &mut filter, Some(point), radius).unwrap_or_default();
    let limit = filter.bind(limit);
    filter
        .rows(&app.db, &format!("{KNOWN} order by {order} limit {limit}"))
        .await
}

/// Places to suggest for a text: stored ones around a point, else by OpenStreetMap's text search.
pub async fn suggestions(
    State(app): State<App>,
    ClientIp(ip): ClientIp,
    Query(query): Query<SuggestionsQuery>,
) -> Result<Json<Value>> {
    let limit = query.limit.map_or(10, |l| *l);
    if let (Some(lat), Some(lon)) = (query.lat, query.lon) {
        let radius = app.config.external.suggestions_radius_m;
        let found = known(&app, Some(&query.query), (*lat, *lon), radius, limit).await?;
        return Ok(Json(json!(found)));
    }
    limit_address(&app, &ip).await?;
    Ok(Json(json!(
        app.external.text_search(&query.query, limit).await
    )))
}

/// What one address may cause third parties to do.
async fn limit_address(app: &App, address: &str) -> Result<()> {
    let most = app.config.limits.external_per_min;
    limits::take(&app.db, &format!("external-search:{address}"), 60, most).await
}

#[derive(Deserialize, IntoParams)]
pub struct AreaQuery {
    #[param(inline)]
    lat: Lat,
    #[param(inline)]
    lon: Lng,
    #[param(inline)]
    radius: Option<Num<100, 50_000>>,
    #[param(inline)]
    query: Option<Text<0, 200>>,
    /// Comma list, matched against the category.
    #[param(inline)]
    types: Option<Text<0, 200>>,
    #[param(inline)]
    limit: Option<Int<1, 100>>,
}

#[derive(Serialize, ToSchema)]
pub struct ExternalHit {
    name: String,
    latitude: f64,
    longitude: f64,
    categories: Option<String>,
    address: Option<String>,
    city: Option<String>,
    phone: Option<String>,
    website: Option<String>,
    external_id: Option<String>,
    data_source: &'static str,
    distance_m: f64,
    photos: Option<Vec<String>>,
    price_tier: Option<String>,
    rating: Option<f64>,
    popularity: Option<f64>,
    verified: Option<bool>,
    description: Option<String>,
    open_now: Option<bool>,
}

#[derive(Serialize, ToSchema)]
pub struct ExternalHits {
    source: &'static str,
    count: usize,
    fetched_at: Stamp,
    snapshot_id: Option<i64>,
    search_key: String,
    results: Vec<ExternalHit>,
}

fn hit(venue: Venue, point: (f64, f64)) -> ExternalHit {
    ExternalHit {
        distance_m: haversine_m(point.0, point.1, venue.latitude, venue.longitude),
        name: venue.name,
        latitude: venue.latitude,
        longitude: venue.longitude,
        categories: venue.categories,
        address: venue.address,
        city: venue.city,
        phone: venue.phone,
        website: venue.website,
        external_id: Some(venue.external_id),
        data_source: venue.source,
        photos: (!venue.photos.is_empty()).then_some(venue.photos),
        price_tier: venue.price_tier,
        rating: venue.rating,
        popularity: Foreign::of(&venue.metadata).get("popularity").number(),
        verified: Foreign::of(&venue.metadata).get("verified").boolean(),
        description: None,
        open_now: None,
    }
}

fn wanted(hit: &ExternalHit, query: &AreaQuery, radius: f64) -> bool {
    let has = |text: &str| {
        let text = text.trim().to_lowercase();
        hit.name.to_lowercase().contains(&text)
            || hit
                .categories
                .as_ref()
                .is_some_and(|c| c.to_lowercase().contains(&text))
    };
    let types = query.types.as_deref().unwrap_or_default();
    let mut types = types.split(',').filter(|t| !t.trim().is_empty()).peekable();
    hit.distance_m <= radius
        && query.query.as_deref().is_none_or(has)
        && (types.peek().is_none() || types.any(has))
}

/// What OpenStreetMap knows around a point now, nearest first. Limited, because a third party does the work.
#[utoipa::path(get, path = "/places/external/search", tag = "external", params(AreaQuery), responses((status = 200, body = ExternalHits)))]
pub async fn search(
    State(app): State<App>,
    ClientIp(ip): ClientIp,
    Query(query): Query<AreaQuery>,
) -> Result<Json<ExternalHits>> {
    limit_address(&app, &ip).await?;
    let (lat, lng) = (*query.lat, *query.lon);
    let radius = query.radius.map_or(5000.0, |r| *r);
    let text = query.query.as_deref().unwrap_or_default();
    let types = query.types.as_deref().unwrap_or_default();
    let search_key = format!("{lat:.4}:{lng:.4}:{radius:.0}:{text}:{types}");
    let found = match app
        .external
        .area(Area::Circle {
            lat,
            lng,
            radius_m: radius,
        })
        .await
    {
        Ok(venues) => venues,
        Err(error) => {
            tracing::warn!(cause = %error, "overpass gave nothing");
            Vec::new()
        }
    };
    let mut results: Vec<ExternalHit> = found
        .into_iter()
        .map(|v| hit(v, (lat, lng)))
        .filter(|h| wanted(h, &query, radius))
        .collect();
    results.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m));
    results.truncate(usize::try_from(query.limit.map_or(20, |l| *l)).unwrap_or(20));
    let fetched_at = Stamp::now();
    let snapshot_id = match results.is_empty() {
        true => None,
        false => {
            let sql = "insert into external_search_snapshots (search_key, latitude, longitude, radius_m, query, types, source, result_count, \
                       results, fetched_at) values ($1, $2, $3, $4, $5, $6, 'osm_overpass', $7, $8, $9) returning id";
            let id = sqlx::query_scalar(sql)
                .bind(&search_key)
                .bind(lat)
                .bind(lng)
                .bind(radius)
                .bind(query.query.as_deref())
                .bind(query.types.as_deref())
                .bind(i32::try_from(results.len()).unwrap_or(i32::MAX))
                .bind(json!(results))
                .bind(fetched_at)
                .fetch_one(&app.db)
                .await?;
            Some(id)
        }
    };
    Ok(Json(ExternalHits {
        source: "osm_overpass",
        count: results.len(),
        fetched_at,
        snapshot_id,
        search_key,
        results,
    }))
}

#[derive(Serialize, ToSchema)]
pub struct ExternalTest {
    status: &'static str,
    foursquare_configured: bool,
    openstreetmap_enabled: bool,
}

/// Which outside sources are on. Asks none of them, tells no key.
#[utoipa::path(get, path = "/places/external/test", tag = "external", responses((status = 200, body = ExternalTest)))]
pub async fn test(State(app): State<App>) -> Json<ExternalTest> {
    Json(ExternalTest {
        status: "ok",
        foursquare_configured: app.external.has_foursquare(),
        openstreetmap_enabled: app.config.external.use_osm,
    })
}

#[derive(Serialize)]
pub struct Ranked {
    #[serde(flatten)]
    place: Known,
    quality_score: f64,
    #[serde(skip)]
    rank: f64,
}

/// 45 % distance on a scale of 5 km, 25 % text, 15 % category, 15 % quality.
fn ranked(place: Known, text: &str, point: (f64, f64)) -> Ranked {
    let distance = place
        .latitude
        .zip(place.longitude)
        .map_or(f64::MAX, |(a, b)| haversine_m(point.0, point.1, a, b));
    let metadata = |key: &str| {
        let metadata = place.metadata.as_ref();
        metadata.is_some_and(|m| !Foreign::of(m).get(key).is_null())
    };
    let hours = metadata("hours") || metadata("opening_hours");
    let quality_score = quality(
        place.phone.is_some(),
        hours,
        place.photo_url.is_some(),
        place.last_enriched_at.map(|s| s.0),
    );
    let named = if text.is_empty() {
        0.0
    } else {
        name_similarity(&place.name, text)
    };
    let category = place
        .categories
        .as_ref()
        .is_some_and(|c| !text.is_empty() && c.to_lowercase().contains(&text.to_lowercase()));
    let near = (1.0 - distance / 5000.0).clamp(0.0, 1.0);
    let rank =
        0.45 * near + 0.25 * named + if category { 0.15 } else { 0.0 } + 0.15 * quality_score;
    Ranked {
        place,
        quality_score,
        rank,
    }
}

#[derive(Deserialize)]
pub struct EnhancedQuery {
    lat: Lat,
    lon: Lng,
    radius: Option<Num<100, 50_000>>,
    query: Option<Text<0, 200>>,
    limit: Option<Int<1, 100>>,
}

/// Stored places around a point, ranked by distance, text, category and quality.
pub async fn enhanced(
    State(app): State<App>,
    Query(query): Query<EnhancedQuery>,
) -> Result<Json<Vec<Ranked>>> {
    let point = (*query.lat, *query.lon);
    let text = query.query.as_deref().map(str::trim).unwrap_or_default();
    // More than asked for, so that the ranking has something to choose from.
    let found = known(
        &app,
        Some(text),
        point,
        query.radius.map_or(5000.0, |r| *r),
        300,
    )
    .await?;
    let mut all: Vec<Ranked> = found.into_iter().map(|p| ranked(p, text, point)).collect();
    all.sort_by(|a, b| b.rank.total_cmp(&a.rank));
    all.truncate(usize::try_from(query.limit.map_or(20, |l| *l)).unwrap_or(20));
    Ok(Json(all))
}
