//! One place in full, as one user sees it.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::search;
use super::stats::{self, Stats};
use crate::app::App;
use crate::auth::User;
use crate::bounds::{Lat, Lng};
use crate::error::{ApiError, Result};
use crate::extract::{Json, Path, Query};
use crate::geo::haversine_m;
use crate::stamp::Stamp;
use crate::visible;

#[derive(Deserialize, IntoParams)]
pub struct FromQuery {
    #[param(inline)]
    lat: Option<Lat>,
    #[param(inline)]
    lng: Option<Lng>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    name: String,
    address: Option<String>,
    country: Option<String>,
    city: Option<String>,
    neighborhood: Option<String>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    categories: Option<String>,
    rating: Option<f64>,
    description: Option<String>,
    price_tier: Option<String>,
    photo_url: Option<String>,
    #[sqlx(json(nullable))]
    additional_photos: Option<Vec<String>>,
    place_metadata: Option<Value>,
    created_at: Stamp,
    total_checkins: i64,
    recent_reviews: i64,
    photos_count: i64,
    is_checked_in: bool,
    is_saved: bool,
    cooling: bool,
}

#[derive(Serialize, ToSchema)]
pub struct PlaceDetail {
    id: i64,
    name: String,
    address: Option<String>,
    country: Option<String>,
    city: Option<String>,
    neighborhood: Option<String>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    categories: Option<String>,
    rating: Option<f64>,
    description: Option<String>,
    price_tier: Option<String>,
    photo_url: Option<String>,
    photos: Vec<String>,
    #[schema(value_type = Option<Object>)]
    opening_hours: Option<Value>,
    google_maps_url: Option<String>,
    created_at: Stamp,
    stats: Stats,
    current_checkins: i64,
    total_checkins: i64,
    recent_reviews: i64,
    photos_count: i64,
    is_checked_in: bool,
    is_saved: bool,
    can_check_in: Option<bool>,
    check_in_block_reason: Option<&'static str>,
    #[schema(value_type = Option<Object>)]
    amenities: Option<Value>,
}

const ROW: &str = "select p.id, p.name, p.address, p.country, p.city, p.neighborhood, p.latitude, p.longitude, p.categories, p.rating, \
    p.description, p.price_tier, p.photo_url, p.additional_photos, p.place_metadata, p.created_at, \
    (select count(*) from check_ins c where c.place_id = p.id and c.visibility <> 'private') as total_checkins, \
    (select count(*) from reviews r where r.place_id = p.id and r.created_at > now() - interval '30 days') as recent_reviews, \
    (select count(*) from photos f where f.place_id = p.id) + (select count(*) from check_in_photos f join check_ins c on c.id = f.check_in_id \
        where c.place_id = p.id and {seen}) as photos_count, \
    exists (select 1 from check_ins c where c.place_id = p.id and c.user_id = $2 and c.expires_at > now()) as is_checked_in, \
    exists (select 1 from saved_places s where s.place_id = p.id and s.user_id = $2) as is_saved, \
    exists (select 1 from check_ins c where c.place_id = p.id and c.user_id = $2 and c.created_at > now() - interval '5 minutes') as cooling \
    from places p where p.id = $1";

/// Why a check-in here and now would be refused.
fn block_reason(app: &App, row: &Row, point: Option<(f64, f64)>) -> Option<&'static str> {
    if row.cooling {
        return Some("cooldown");
    }
    if !app.config.checkin.enforce_proximity {
        return None;
    }
    let Some((lat, lng)) = row.latitude.zip(row.longitude) else {
        return Some("place_no_coords");
    };
    let Some(point) = point else {
        return Some("missing_location");
    };
    (haversine_m(lat, lng, point.0, point.1) > app.config.checkin.max_distance_m)
        .then_some("too_far")
}

/// One place.
#[utoipa::path(get, path = "/places/{place_id}", tag = "places", params(FromQuery), responses((status = 200, body = PlaceDetail)))]
pub async fn place(
    State(app): State<App>,
    user: User,
    Path(place_id): Path<i64>,
    Query(from): Query<FromQuery>,
) -> Result<Json<PlaceDetail>> {
    if place_id <= 0 {
        return Err(ApiError::bad("Place id must be positive"));
    }
    let point = search::point(from.lat, from.lng)?;
    let sql = ROW.replace("{seen}", &visible::check_in("c", "$2::bigint"));
    let row: Option<Row> = sqlx::query_as(&sql)
        .bind(place_id)
        .bind(user.id)
        .fetch_optional(&app.db)
        .await?;
    let row = row.ok_or(ApiError::NotFound("Place"))?;
    let stats = stats::of(&app, place_id).await?;
    let reason = block_reason(&app, &row, point);
    let photo_url = app.objects.address_opt(row.photo_url.as_deref()).await;
    let more = app
        .objects
        .addresses(&row.additional_photos.unwrap_or_default())
        .await;
    let photos = photo_url.iter().cloned().chain(more).collect();
    let metadata = |key: &str| {
        row.place_metadata
            .as_ref()
            .and_then(|m| m.get(key))
            .filter(|v| !v.is_null())
            .cloned()
    };
    let coordinates = row.latitude.zip(row.longitude);
    Ok(Json(PlaceDetail {
        opening_hours: metadata("opening_hours").or_else(|| metadata("hours")),
        amenities: metadata("amenities"),
        google_maps_url: coordinates.map(|(lat, lng)| {
            format!("https://www.google.com/maps/search/?api=1&query={lat},{lng}")
        }),
        current_checkins: stats.active_checkins,
        id: row.id,
        name: row.name,
        address: row.address,
        country: row.country,
        city: row.city,
        neighborhood: row.neighborhood,
        latitude: row.latitude,
        longitude: row.longitude,
        categories: row.categories,
        rating: row.rating,
        description: row.description,
        price_tier: row.price_tier,
        photo_url,
        photos,
        created_at: row.created_at,
        stats,
        total_checkins: row.total_checkins,
        recent_reviews: row.recent_reviews,
        photos_count: row.photos_count,
        is_checked_in: row.is_checked_in,
        is_saved: row.is_saved,
        can_check_in: Some(reason.is_none()),
        check_in_block_reason: reason,
    }))
}
