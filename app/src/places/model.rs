//! A place in lists.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::Result;
use crate::stamp::Stamp;

#[derive(Debug, Clone, Serialize, ToSchema, sqlx::FromRow)]
pub struct Place {
    pub id: i64,
    pub name: String,
    pub address: Option<String>,
    pub country: Option<String>,
    pub city: Option<String>,
    pub neighborhood: Option<String>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub description: Option<String>,
    pub categories: Option<String>,
    pub rating: Option<f64>,
    pub price_tier: Option<String>,
    pub created_at: Stamp,
    pub photo_url: Option<String>,
    pub recent_checkins_count: i64,
    pub cross_street: Option<String>,
    pub formatted_address: Option<String>,
    pub distance_meters: Option<f64>,
    pub venue_created_at: Option<Stamp>,
    #[sqlx(skip)]
    pub primary_category: Option<String>,
    #[sqlx(skip)]
    pub category_icons: Option<Vec<String>>,
    #[sqlx(skip)]
    pub photo_urls: Vec<String>,
    #[sqlx(json(nullable))]
    pub additional_photos: Option<Vec<String>>,
}

/// What surrounds a list: the point it is measured from, and the hours its recent check-ins are counted over.
#[derive(Debug, Clone, Copy)]
pub struct View {
    pub point: Option<(f64, f64)>,
    pub hours: i32,
}

impl View {
    /// Counting nobody: the caller knows the numbers already.
    #[must_use]
    pub const fn uncounted(point: Option<(f64, f64)>) -> View {
        View { point, hours: 0 }
    }

    /// Counting over a day.
    #[must_use]
    pub const fn day(point: Option<(f64, f64)>) -> View {
        View { point, hours: 24 }
    }
}

/// SQL: distinct people with a check-in at `place` that is not private and not expired, within `hours`.
#[must_use]
pub fn recent(place: &str, hours: &str) -> String {
    format!(
        "(select count(distinct rc.user_id) from check_ins rc where rc.place_id = {place} and rc.visibility <> 'private' \
         and rc.expires_at > now() and rc.created_at > now() - make_interval(hours => {hours}::int))"
    )
}

/// The places of the ids, in their order. Ids without a place are left out.
///
/// # Errors
/// The database's failure.
pub async fn by_ids(app: &App, ids: &[i64], view: View) -> Result<Vec<Place>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "select p.id, p.name, p.address, p.country, p.city, p.neighborhood, p.latitude, p.longitude, p.description, p.categories, p.rating, \
         p.price_tier, p.created_at, p.photo_url, {} as recent_checkins_count, p.cross_street, p.formatted_address, \
         case when $3::float8 is not null and p.latitude is not null then {} end as distance_meters, p.venue_created_at, p.additional_photos \
         from places p where p.id = any($1)",
        match view.hours {
            // A look for every place less; the parameter still has its type.
            0 => "0 * $2::bigint".to_owned(),
            _ => recent("p.id", "$2"),
        },
        app.geo.distance("p", "$3", "$4"),
    );
    let rows: Vec<Place> = sqlx::query_as(&sql)
        .bind(ids)
        .bind(view.hours)
        .bind(view.point.map(|p| p.0))
        .bind(view.point.map(|p| p.1))
        .fetch_all(&app.db)
        .await?;
    let mut found: HashMap<i64, Place> = HashMap::with_capacity(rows.len());
    for mut place in rows {
        place.finish(app).await;
        found.insert(place.id, place);
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

impl Place {
    /// Fills what follows from the row.
    async fn finish(&mut self, app: &App) {
        self.primary_category = first_category(self.categories.as_deref());
        self.photo_url = app.objects.address_opt(self.photo_url.as_deref()).await;
        let additional = self.additional_photos.take().unwrap_or_default();
        let additional = app.objects.addresses(&additional).await;
        self.photo_urls = self.photo_url.iter().cloned().collect();
        for url in &additional {
            if !self.photo_urls.contains(url) {
                self.photo_urls.push(url.clone());
            }
        }
        self.additional_photos = Some(additional);
    }
}

fn first_category(categories: Option<&str>) -> Option<String> {
    let first = categories?.split(',').next()?.trim();
    (!first.is_empty()).then(|| first.to_owned())
}
