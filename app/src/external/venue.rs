//! A place as a third party knows it, and its way into the table.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::error::Result;

/// A place found outside. Its pair of source and external id is its identity.
#[derive(Debug, Clone, Default)]
pub struct Venue {
    pub source: &'static str,
    pub external_id: String,
    pub name: String,
    pub latitude: f64,
    pub longitude: f64,
    pub address: Option<String>,
    pub country: Option<String>,
    pub city: Option<String>,
    pub neighborhood: Option<String>,
    pub categories: Option<String>,
    /// 0 to 5.
    pub rating: Option<f64>,
    pub price_tier: Option<String>,
    pub phone: Option<String>,
    pub website: Option<String>,
    pub photos: Vec<String>,
    pub metadata: Value,
}

/// Characters of a name. An index of the database holds no longer ones.
const MAX_NAME: usize = 200;

fn is_short(text: &str) -> bool {
    text.chars().count() <= MAX_NAME
}

impl Venue {
    /// 1 to 4.
    #[must_use]
    pub fn price(&self) -> Option<usize> {
        self.price_tier.as_ref().map(String::len)
    }

    /// Whether it can be stored: a name of sensible length, an identity, coordinates on the globe.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let name = self.name.trim().chars().count();
        let named = [&self.country, &self.city, &self.neighborhood];
        (1..=MAX_NAME).contains(&name)
            && !self.external_id.is_empty()
            && is_short(&self.external_id)
            && named.into_iter().flatten().all(|text| is_short(text))
            && (-90.0..=90.0).contains(&self.latitude)
            && (-180.0..=180.0).contains(&self.longitude)
            && !self.name.contains('\0')
    }
}

/// Stores venues not yet known and fills gaps of known ones; returns the places' ids in the venues' order.
///
/// # Errors
/// The database's failure.
pub async fn store(db: &PgPool, venues: &[Venue]) -> Result<Vec<i64>> {
    let mut ids = Vec::with_capacity(venues.len());
    let sql = "insert into places as p (name, address, country, city, neighborhood, latitude, longitude, categories, rating, price_tier, \
        external_id, data_source, seed_source, phone, website, photo_url, additional_photos, place_metadata) \
        select v.name, v.address, v.country, v.city, v.neighborhood, v.latitude, v.longitude, v.categories, v.rating, v.price_tier, \
        v.external_id, v.data_source, v.data_source, v.phone, v.website, v.photo_url, v.additional_photos, v.place_metadata \
        from jsonb_to_recordset($1) as v (name text, address text, country text, city text, neighborhood text, latitude float8, \
        longitude float8, categories text, rating float8, price_tier text, external_id text, data_source text, phone text, website text, \
        photo_url text, additional_photos jsonb, place_metadata jsonb) \
        on conflict on constraint places_external_key do update set address = coalesce(p.address, excluded.address), \
        country = coalesce(p.country, excluded.country), city = coalesce(p.city, excluded.city), \
        neighborhood = coalesce(p.neighborhood, excluded.neighborhood), photo_url = coalesce(p.photo_url, excluded.photo_url), \
        phone = coalesce(p.phone, excluded.phone), website = coalesce(p.website, excluded.website) returning id, external_id";
    for chunk in venues.chunks(500) {
        let mut seen = std::collections::HashSet::new();
        let good: Vec<&Venue> = chunk
            .iter()
            .filter(|v| v.is_valid() && seen.insert(&v.external_id))
            .collect();
        let rows: Value = good.iter().map(|v| row(v)).collect();
        let stored: Vec<(i64, String)> = sqlx::query_as(sql).bind(rows).fetch_all(db).await?;
        for venue in good {
            ids.extend(
                stored
                    .iter()
                    .find(|(_, external)| *external == venue.external_id)
                    .map(|(id, _)| *id),
            );
        }
    }
    Ok(ids)
}

fn row(v: &Venue) -> Value {
    json!({
        "name": v.name.trim(), "address": v.address, "country": v.country, "city": v.city, "neighborhood": v.neighborhood,
        "latitude": v.latitude, "longitude": v.longitude, "categories": v.categories, "rating": v.rating,
        "price_tier": v.price_tier, "external_id": v.external_id, "data_source": v.source, "phone": v.phone,
        "website": v.website, "photo_url": v.photos.first(), "additional_photos": v.photos.get(1..).unwrap_or_default(),
        "place_metadata": v.metadata,
    })
}
