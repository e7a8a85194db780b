//! Adding a place by hand.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::model::{self, Place, View};
use crate::app::App;
use crate::auth::User;
use crate::bounds::{Lat, Lng, Text};
use crate::error::{ApiError, Result};
use crate::extract::Json;
use crate::limits;

/// A comma list, or a list.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
enum Categories {
    Text(String),
    List(Vec<String>),
}

#[derive(Deserialize, ToSchema)]
pub struct PlaceBody {
    name: Text<1, 200>,
    address: Option<Text<0, 500>>,
    country: Option<Text<0, 100>>,
    city: Option<Text<0, 100>>,
    neighborhood: Option<Text<0, 100>>,
    latitude: Option<Lat>,
    longitude: Option<Lng>,
    description: Option<Text<0, 2000>>,
    categories: Option<Categories>,
    price_tier: Option<Text<0, 4>>,
}

/// Adds a place. Its rating comes from reviews, not from here.
#[utoipa::path(post, path = "/places/", tag = "places", responses((status = 200, body = Place)))]
pub async fn create(
    State(app): State<App>,
    user: User,
    Json(body): Json<PlaceBody>,
) -> Result<Json<Place>> {
    if body.name.trim().is_empty() {
        return Err(ApiError::invalid(
            "body",
            "name",
            "String should not be blank",
            (*body.name).into(),
        ));
    }
    let tier = body.price_tier.as_deref().filter(|t| !t.is_empty());
    if tier.is_some_and(|t| !t.bytes().all(|b| b == b'$')) {
        return Err(ApiError::invalid(
            "body",
            "price_tier",
            "Input should be $, $$, $$$ or $$$$",
            tier.into(),
        ));
    }
    let categories = match body.categories {
        None => None,
        Some(Categories::Text(text)) => Some(text),
        Some(Categories::List(list)) => Some(list.join(",")),
    };
    if categories
        .as_ref()
        .is_some_and(|c| c.len() > 500 || c.contains('\0'))
    {
        return Err(ApiError::invalid(
            "body",
            "categories",
            "String should have at most 500 characters",
            serde_json::Value::Null,
        ));
    }
    if !user.is_admin {
        limits::take(
            &app.db,
            &format!("place-create:{}", user.id),
            3600,
            app.config.limits.places_per_hour,
        )
        .await?;
    }
    let sql = "insert into places (name, address, country, city, neighborhood, latitude, longitude, description, categories, price_tier, \
               data_source, seed_source) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'user', 'user') returning id";
    let id: i64 = sqlx::query_scalar(sql)
        .bind(body.name.trim())
        .bind(body.address.as_deref())
        .bind(body.country.as_deref())
        .bind(body.city.as_deref())
        .bind(body.neighborhood.as_deref())
        .bind(body.latitude.map(|v| *v))
        .bind(body.longitude.map(|v| *v))
        .bind(body.description.as_deref())
        .bind(categories)
        .bind(tier)
        .fetch_one(&app.db)
        .await?;
    let place = model::by_ids(&app, &[id], View::day(None)).await?.pop();
    Ok(Json(place.ok_or(ApiError::NotFound("Place"))?))
}
