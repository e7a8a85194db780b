//! Keeping the stored places good: enrichment, seeding, promotion, and their numbers.

use std::time::{Duration, Instant};

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::auth::Admin;
use crate::bounds::{Bool, Lat, Lng, Text};
use crate::error::{ApiError, Result};
use crate::external::foreign::Foreign;
use crate::external::foursquare::{Around, Wanted};
use crate::external::matching::{match_score, name_similarity, quality};
use crate::external::overpass::Area;
use crate::external::venue::{self, Venue};
use crate::extract::{Json, Path, Query};
use crate::geo::haversine_m;
use crate::stamp::Stamp;

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    name: String,
    latitude: Option<f64>,
    longitude: Option<f64>,
    rating: Option<f64>,
    categories: Option<String>,
    website: Option<String>,
    phone: Option<String>,
    place_metadata: Option<Value>,
    data_source: Option<String>,
    photo_url: Option<String>,
    last_enriched_at: Option<Stamp>,
}

impl Row {
    async fn load(app: &App, id: i64) -> Result<Row> {
        let sql = "select id, name, latitude, longitude, rating, categories, website, phone, place_metadata, data_source, photo_url, \
                   last_enriched_at from places where id = $1";
        sqlx::query_as(sql)
            .bind(id)
            .fetch_optional(&app.db)
            .await?
            .ok_or(ApiError::NotFound("Place"))
    }

    fn quality(&self) -> f64 {
        let known = |key| {
            let metadata = self.place_metadata.as_ref();
            metadata.is_some_and(|m| !Foreign::of(m).get(key).is_null())
        };
        let hours = known("hours") || known("opening_hours");
        quality(
            self.phone.is_some(),
            hours,
            self.photo_url.is_some(),
            self.last_enriched_at.map(|s| s.0),
        )
    }

    /// Well rated places go stale sooner.
    fn is_stale(&self, app: &App) -> bool {
        let external = &app.config.external;
        let hot = self.rating.is_some_and(|r| r >= 4.0);
        let days = if hot {
            external.enrich_ttl_hot_days
        } else {
            external.enrich_ttl_cold_days
        };
        self.last_enriched_at
            .is_none_or(|at| chrono::Utc::now() - at.0 > chrono::Duration::days(days))
    }
}

#[derive(Serialize, ToSchema)]
pub struct Current {
    id: i64,
    name: String,
    rating: Option<f64>,
    categories: Option<String>,
    website: Option<String>,
    phone: Option<String>,
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
    data_source: Option<String>,
    enriched: bool,
}

fn current_of(row: Row) -> Current {
    Current {
        enriched: row.last_enriched_at.is_some(),
        id: row.id,
        name: row.name,
        rating: row.rating,
        categories: row.categories,
        website: row.website,
        phone: row.phone,
        metadata: row.place_metadata,
        data_source: row.data_source,
    }
}

/// What is known of a place. Reads only.
#[utoipa::path(get, path = "/places/{place_id}/enrich", tag = "external", responses((status = 200, body = Current)))]
pub async fn current(State(app): State<App>, Path(place_id): Path<i64>) -> Result<Json<Current>> {
    Ok(Json(current_of(Row::load(&app, place_id).await?)))
}

#[derive(Deserialize, IntoParams)]
pub struct ForceQuery {
    #[serde(default)]
    #[param(inline)]
    force: Bool,
}

#[derive(Serialize, ToSchema)]
pub struct Enriched {
    enriched: bool,
    message: &'static str,
    quality_score: f64,
    last_enriched_at: Option<Stamp>,
    place_data: Option<Current>,
}

/// The venue that matches the place well enough, asked for up to three times.
async fn best_match(app: &App, row: &Row, point: (f64, f64)) -> Option<Venue> {
    let limit_m = app.config.external.enrich_max_distance_m;
    let around = Around::Point {
        lat: point.0,
        lng: point.1,
        radius_m: limit_m,
    };
    let wanted = Wanted {
        text: Some(&row.name),
        limit: 20,
        ..Wanted::default()
    };
    let mut found = Vec::new();
    for attempt in 0..3_u32 {
        found = app.external.trending(around, &wanted).await;
        if !found.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200 << attempt)).await;
    }
    let score = |v: &Venue| {
        let same = row
            .categories
            .as_deref()
            .zip(v.categories.as_deref())
            .is_some_and(|(a, b)| name_similarity(a, b) > 0.3);
        let distance = haversine_m(point.0, point.1, v.latitude, v.longitude);
        match_score(name_similarity(&row.name, &v.name), distance, limit_m, same)
    };
    let scored = found
        .into_iter()
        .map(|v| (score(&v), v))
        .filter(|(s, _)| *s >= app.config.external.enrich_min_name_sim);
    scored
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, venue)| venue)
}

/// Looks a place up outside and keeps what is new; what is there stays.
#[utoipa::path(post, path = "/places/enrich/{place_id}", tag = "external", params(ForceQuery), responses((status = 200, body = Enriched)))]
pub async fn enrich(
    State(app): State<App>,
    _: Admin,
    Path(place_id): Path<i64>,
    Query(query): Query<ForceQuery>,
) -> Result<Json<Enriched>> {
    let row = Row::load(&app, place_id).await?;
    let unchanged = |row: Row, message: &'static str| {
        Json(Enriched {
            enriched: false,
            message,
            quality_score: row.quality(),
            last_enriched_at: row.last_enriched_at,
            place_data: None,
        })
    };
    if !*query.force && !row.is_stale(&app) {
        return Ok(unchanged(row, "The place's data is still fresh"));
    }
    if !app.external.has_foursquare() {
        return Ok(unchanged(row, "No source of place data is configured"));
    }
    let Some(point) = row.latitude.zip(row.longitude) else {
        return Ok(unchanged(row, "The place has no coordinates"));
    };
    let Some(found) = best_match(&app, &row, point).await else {
        return Ok(unchanged(row, "No matching place was found"));
    };
    let sql = "update places set phone = coalesce(phone, $2), website = coalesce(website, $3), rating = coalesce(rating, $4), \
        photo_url = coalesce(photo_url, $5), additional_photos = coalesce(additional_photos, $6), \
        place_metadata = coalesce(place_metadata, '{}') || jsonb_strip_nulls($7), last_enriched_at = now() where id = $1";
    sqlx::query(sql)
        .bind(place_id)
        .bind(&found.phone)
        .bind(&found.website)
        .bind(found.rating)
        .bind(found.photos.first())
        .bind(
            found
                .photos
                .get(1..)
                .filter(|more| !more.is_empty())
                .map(|more| json!(more)),
        )
        .bind(&found.metadata)
        .execute(&app.db)
        .await?;
    let row = Row::load(&app, place_id).await?;
    Ok(Json(Enriched {
        enriched: true,
        message: "Place enriched",
        quality_score: row.quality(),
        last_enriched_at: row.last_enriched_at,
        place_data: Some(current_of(row)),
    }))
}

#[derive(Deserialize, IntoParams)]
pub struct BoxQuery {
    #[param(inline)]
    min_lat: Lat,
    #[param(inline)]
    min_lon: Lng,
    #[param(inline)]
    max_lat: Lat,
    #[param(inline)]
    max_lon: Lng,
}

#[derive(Serialize, ToSchema)]
pub struct Seeded {
    success: bool,
    seeded_count: usize,
    processing_time_seconds: f64,
    bbox: [f64; 4],
    message: String,
}

/// Stores what OpenStreetMap knows of an area.
#[utoipa::path(post, path = "/places/seed/from-osm", tag = "external", params(BoxQuery), responses((status = 200, body = Seeded)))]
pub async fn seed_from_osm(
    State(app): State<App>,
    _: Admin,
    Query(query): Query<BoxQuery>,
) -> Result<Json<Seeded>> {
    let bbox = [
        *query.min_lat,
        *query.min_lon,
        *query.max_lat,
        *query.max_lon,
    ];
    if bbox[0] >= bbox[2] || bbox[1] >= bbox[3] {
        return Err(ApiError::bad(
            "The area's minimum must lie below its maximum",
        ));
    }
    let started = Instant::now();
    let (success, count, message) = match app.external.area(Area::Box(bbox)).await {
        Ok(venues) => {
            let stored = venue::store(&app.db, &venues).await?.len();
            (true, stored, format!("Stored {stored} places"))
        }
        Err(_) => (
            false,
            0,
            "OpenStreetMap is off or does not answer".to_owned(),
        ),
    };
    let processing_time_seconds = started.elapsed().as_secs_f64();
    Ok(Json(Seeded {
        success,
        seeded_count: count,
        processing_time_seconds,
        bbox,
        message,
    }))
}

#[derive(Deserialize, IntoParams)]
pub struct PromoteQuery {
    #[param(inline)]
    fsq_id: Text<1, 100>,
}

#[derive(Serialize, ToSchema)]
pub struct Promoted {
    status: &'static str,
    place_id: i64,
    name: String,
    fsq_id: String,
    quality_score: f64,
    photos_count: usize,
    promoted_at: Stamp,
}

/// Stores one Foursquare venue.
#[utoipa::path(post, path = "/places/promote/foursquare", tag = "external", params(PromoteQuery), responses((status = 200, body = Promoted), (status = 409, description = "Already stored")))]
pub async fn promote(
    State(app): State<App>,
    _: Admin,
    Query(query): Query<PromoteQuery>,
) -> Result<Json<Promoted>> {
    let fsq_id = query.fsq_id.into_inner();
    let sql = "select exists (select 1 from places where fsq_id = $1 or (data_source = 'foursquare' and external_id = $1))";
    if sqlx::query_scalar(sql)
        .bind(&fsq_id)
        .fetch_one(&app.db)
        .await?
    {
        return Err(ApiError::Conflict(
            "This venue is already stored".to_owned(),
        ));
    }
    let venue = app
        .external
        .venue(&fsq_id)
        .await
        .ok_or(ApiError::NotFound("Venue"))?;
    let photos_count = venue.photos.len();
    let id = venue::store(&app.db, &[venue])
        .await?
        .pop()
        .ok_or(ApiError::NotFound("Venue"))?;
    let sql = "update places set fsq_id = $2, last_enriched_at = now() where id = $1";
    sqlx::query(sql)
        .bind(id)
        .bind(&fsq_id)
        .execute(&app.db)
        .await?;
    let row = Row::load(&app, id).await?;
    let quality_score = row.quality();
    Ok(Json(Promoted {
        status: "promoted",
        place_id: id,
        name: row.name,
        fsq_id,
        quality_score,
        photos_count,
        promoted_at: Stamp::now(),
    }))
}
