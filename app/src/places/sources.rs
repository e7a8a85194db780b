//! Where the stored places came from, and how much of them is enriched.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::Admin;
use crate::error::Result;
use crate::extract::Json;

#[derive(Serialize, ToSchema, sqlx::FromRow)]
pub struct SourceShare {
    source: String,
    count: i64,
}

async fn sources(app: &App, column: &'static str) -> Result<Vec<SourceShare>> {
    let sql = format!(
        "select coalesce({column}, 'unknown') as source, count(*) from places group by 1 order by 2 desc, 1"
    );
    Ok(sqlx::query_as(&sql).fetch_all(&app.db).await?)
}

#[derive(Serialize, ToSchema)]
pub struct EnrichmentStats {
    total_places: i64,
    enriched_places: i64,
    enrichment_rate: f64,
    average_quality_score: f64,
    source_distribution: Vec<SourceShare>,
}

#[allow(clippy::cast_precision_loss)] // a share needs no more than 53 bits
fn share(part: i64, whole: i64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// How much of the places is enriched.
#[utoipa::path(get, path = "/places/stats/enrichment", tag = "external", responses((status = 200, body = EnrichmentStats)))]
pub async fn enrichment_stats(State(app): State<App>, _: Admin) -> Result<Json<EnrichmentStats>> {
    let sql = "select count(*), count(last_enriched_at), coalesce(avg(case when phone is not null then 0.3 else 0 end \
        + case when place_metadata ->> 'hours' is not null or place_metadata ->> 'opening_hours' is not null then 0.3 else 0 end \
        + case when photo_url is not null then 0.2 else 0 end \
        + case when last_enriched_at > now() - interval '14 days' then 0.2 else 0 end), 0)::float8 from places";
    let (total, enriched, average): (i64, i64, f64) =
        sqlx::query_as(sql).fetch_one(&app.db).await?;
    Ok(Json(EnrichmentStats {
        total_places: total,
        enriched_places: enriched,
        enrichment_rate: share(enriched, total),
        average_quality_score: average,
        source_distribution: sources(&app, "data_source").await?,
    }))
}

#[derive(Serialize, ToSchema)]
pub struct SeedingStats {
    total_places: i64,
    osm_places: i64,
    osm_rate: f64,
    autoseed_enabled: bool,
    autoseed_min_osm_count: i64,
    source_distribution: Vec<SourceShare>,
}

/// Where the places came from.
#[utoipa::path(get, path = "/places/stats/seeding", tag = "external", responses((status = 200, body = SeedingStats)))]
pub async fn seeding_stats(State(app): State<App>, _: Admin) -> Result<Json<SeedingStats>> {
    let sql = "select count(*), count(*) filter (where data_source = 'osm_overpass') from places";
    let (total, osm): (i64, i64) = sqlx::query_as(sql).fetch_one(&app.db).await?;
    Ok(Json(SeedingStats {
        total_places: total,
        osm_places: osm,
        osm_rate: share(osm, total),
        autoseed_enabled: app.config.external.autoseed,
        autoseed_min_osm_count: app.config.external.autoseed_min_osm_count,
        source_distribution: sources(&app, "seed_source").await?,
    }))
}
