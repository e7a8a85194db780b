//! Places from OpenStreetMap, and the names of where places lie.

use std::time::{Duration, Instant};

use crate::app::App;
use crate::error::Result;
use crate::external::overpass::Area;
use crate::external::venue;

/// Stores what OpenStreetMap knows of the settings' area, while few of its places are stored.
pub(super) async fn seed(app: &App) -> Result<()> {
    let external = &app.config.external;
    let Some(area) = external
        .autoseed_bbox
        .filter(|_| external.autoseed && external.use_osm)
    else {
        return Ok(());
    };
    let sql = "select count(*) from places where data_source = 'osm_overpass'";
    let known: i64 = sqlx::query_scalar(sql).fetch_one(&app.db).await?;
    if known >= external.autoseed_min_osm_count {
        return Ok(());
    }
    match app.external.area(Area::Box(area)).await {
        Ok(venues) => {
            let stored = venue::store(&app.db, &venues).await?.len();
            tracing::info!(stored, "places seeded from OpenStreetMap");
        }
        Err(error) => tracing::warn!(cause = %error, "no places from OpenStreetMap this time"),
    }
    Ok(())
}

/// Places named in one turn, a second apart: the geocoder is a public one, and asks for no more.
const NAMED: i64 = 5;
const APART: Duration = Duration::from_secs(1);
/// When to stop asking: with one answer more a turn is still within the job's deadline.
const ENOUGH: Duration = Duration::from_secs(4);

/// Fills in where the provider's places lie, each asked for once. What cannot be asked now waits for a later turn.
pub(super) async fn name_places(app: &App) -> Result<()> {
    if !app.config.external.use_osm {
        return Ok(());
    }
    let sql = "select id, latitude, longitude from places where data_source = 'foursquare' \
               and latitude is not null and longitude is not null \
               and (country is null or city is null or neighborhood is null) \
               and not coalesce(place_metadata, '{}') ? 'geocoded_at' order by id desc limit $1";
    let unnamed: Vec<(i64, f64, f64)> = sqlx::query_as(sql).bind(NAMED).fetch_all(&app.db).await?;
    let started = Instant::now();
    for (n, (id, lat, lng)) in unnamed.into_iter().enumerate() {
        if started.elapsed() >= ENOUGH {
            break;
        }
        if n > 0 {
            tokio::time::sleep(APART).await;
        }
        let found = match app.external.whereabouts(lat, lng).await {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(cause = %error, "a place could not be named");
                return Ok(());
            }
        };
        let sql = "update places set country = coalesce(country, $2), city = coalesce(city, $3), \
                   neighborhood = coalesce(neighborhood, $4), \
                   place_metadata = coalesce(place_metadata, '{}') || jsonb_build_object('geocoded_at', now()) where id = $1";
        sqlx::query(sql)
            .bind(id)
            .bind(found.country)
            .bind(found.city)
            .bind(found.neighborhood)
            .execute(&app.db)
            .await?;
    }
    Ok(())
}
