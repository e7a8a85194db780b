//! Adding a place by hand.

use axum::extract::State;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::choices::PriceTier;
use super::model::{self, Place, View};
use crate::app::App;
use crate::auth::User;
use crate::bounds::{Lat, Lng, Text, not_blank};
use crate::error::{ApiError, Result};
use crate::extract::Json;
use crate::limits;

/// A comma list, or a list; kept as a comma list.
struct Categories(String);

/// The forms a client may send.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
enum Listed {
    Text(String),
    List(Vec<String>),
}

impl<'de> Deserialize<'de> for Categories {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Categories, D::Error> {
        let text = match Listed::deserialize(d) {
            Ok(Listed::Text(text)) => text,
            Ok(Listed::List(list)) => list.join(","),
            Err(_) => return Err(D::Error::custom("Input should be a valid string or list")),
        };
        if text.chars().count() > 500 || text.contains('\0') {
            return Err(D::Error::custom(
                "String should have at most 500 characters and no null characters",
            ));
        }
        Ok(Categories(text))
    }
}

fn tier<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Text<0, 4>>, D::Error> {
    let tier = Option::<Text<0, 4>>::deserialize(d)?;
    if tier.iter().any(|t| t.bytes().any(|b| b != b'$')) {
        return Err(D::Error::custom("Input should be $, $$, $$$ or $$$$"));
    }
    Ok(tier)
}

#[derive(Deserialize, ToSchema)]
pub struct PlaceBody {
    #[serde(deserialize_with = "not_blank")]
    name: Text<1, 200>,
    address: Option<Text<0, 500>>,
    country: Option<Text<0, 100>>,
    city: Option<Text<0, 100>>,
    neighborhood: Option<Text<0, 100>>,
    latitude: Option<Lat>,
    longitude: Option<Lng>,
    description: Option<Text<0, 2000>>,
    #[schema(value_type = Option<Listed>)]
    categories: Option<Categories>,
    #[serde(default, deserialize_with = "tier")]
    #[schema(value_type = Option<PriceTier>)]
    price_tier: Option<Text<0, 4>>,
}

/// Adds a place. Its rating comes from reviews, not from here.
#[utoipa::path(post, path = "/places/", tag = "places", responses((status = 200, body = Place)))]
pub async fn create(
    State(app): State<App>,
    user: User,
    Json(body): Json<PlaceBody>,
) -> Result<Json<Place>> {
    let tier = body.price_tier.as_deref().filter(|t| !t.is_empty());
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
        .bind(body.categories.as_ref().map(|c| &c.0))
        .bind(tier)
        .fetch_one(&app.db)
        .await?;
    let place = model::by_ids(&app, &[id], View::day(None)).await?.pop();
    Ok(Json(place.ok_or(ApiError::NotFound("Place"))?))
}
