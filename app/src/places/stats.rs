//! Numbers about a place. Private presence is not counted.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::User;
use crate::error::{ApiError, Result};
use crate::extract::{Json, Path};

#[derive(Debug, Serialize, ToSchema, sqlx::FromRow)]
pub struct Stats {
    pub place_id: i64,
    pub average_rating: Option<f64>,
    pub reviews_count: i64,
    pub active_checkins: i64,
}

/// # Errors
/// 404, or the database's failure.
pub async fn of(app: &App, place: i64) -> Result<Stats> {
    let sql = "select p.id as place_id, (select avg(rating) from reviews r where r.place_id = p.id) as average_rating, \
        (select count(*) from reviews r where r.place_id = p.id) as reviews_count, \
        (select count(*) from check_ins c where c.place_id = p.id and c.visibility <> 'private' and c.expires_at > now() \
            and c.created_at > now() - interval '24 hours') as active_checkins from places p where p.id = $1";
    let found = sqlx::query_as(sql)
        .bind(place)
        .fetch_optional(&app.db)
        .await?;
    found.ok_or(ApiError::NotFound("Place"))
}

/// A place's numbers.
#[utoipa::path(get, path = "/places/{place_id}/stats", tag = "places", responses((status = 200, body = Stats)))]
pub async fn stats(State(app): State<App>, Path(place_id): Path<i64>) -> Result<Json<Stats>> {
    Ok(Json(of(&app, place_id).await?))
}

#[derive(Serialize, sqlx::FromRow)]
struct PopularHour {
    hour: i32,
    checkins_count: i64,
    unique_users: i64,
}

#[derive(Serialize)]
struct Crowd {
    current_checkins: i64,
    average_checkins: f64,
    crowd_level: &'static str,
}

#[derive(Serialize)]
struct RecentActivity {
    #[serde(rename = "24h")]
    day: i64,
    #[serde(rename = "7d")]
    week: i64,
    #[serde(rename = "30d")]
    month: i64,
}

#[derive(Serialize)]
pub struct Enhanced {
    total_checkins: i64,
    total_reviews: i64,
    total_photos: i64,
    unique_visitors: i64,
    average_rating: Option<f64>,
    popular_hours: Vec<PopularHour>,
    crowd_level: Crowd,
    recent_activity: RecentActivity,
}

#[derive(sqlx::FromRow)]
struct Totals {
    checkins: i64,
    visitors: i64,
    hour: i64,
    day: i64,
    week: i64,
    month: i64,
    photos: i64,
}

#[allow(clippy::cast_precision_loss)] // a place's week holds far fewer than 2^53 check-ins
fn crowd(current: i64, week: i64) -> Crowd {
    let average = week as f64 / (7.0 * 24.0);
    let level = match current as f64 {
        now if now >= 2.5 * average && current > 0 => "very_high",
        now if now >= 1.5 * average && current > 0 => "high",
        now if now >= 0.5 * average && current > 0 => "medium",
        _ => "low",
    };
    Crowd {
        current_checkins: current,
        average_checkins: average,
        crowd_level: level,
    }
}

/// More of a place's numbers.
pub async fn enhanced(
    State(app): State<App>,
    _: User,
    Path(place_id): Path<i64>,
) -> Result<Json<Enhanced>> {
    let basic = of(&app, place_id).await?;
    let totals = "select count(*) as checkins, count(distinct user_id) as visitors, \
        count(*) filter (where created_at > now() - interval '1 hour') as hour, \
        count(*) filter (where created_at > now() - interval '24 hours') as day, \
        count(*) filter (where created_at > now() - interval '7 days') as week, \
        count(*) filter (where created_at > now() - interval '30 days') as month, \
        (select count(*) from photos f where f.place_id = $1) as photos \
        from check_ins where place_id = $1 and visibility <> 'private'";
    let totals: Totals = sqlx::query_as(totals)
        .bind(place_id)
        .fetch_one(&app.db)
        .await?;
    let hours = "select extract(hour from created_at at time zone 'utc')::int as hour, count(*) as checkins_count, \
        count(distinct user_id) as unique_users from check_ins where place_id = $1 and visibility <> 'private' \
        and created_at > now() - interval '30 days' group by 1 order by 2 desc, 1 limit 6";
    let popular_hours = sqlx::query_as(hours)
        .bind(place_id)
        .fetch_all(&app.db)
        .await?;
    Ok(Json(Enhanced {
        total_checkins: totals.checkins,
        total_reviews: basic.reviews_count,
        total_photos: totals.photos,
        unique_visitors: totals.visitors,
        average_rating: basic.average_rating,
        popular_hours,
        crowd_level: crowd(totals.hour, totals.week),
        recent_activity: RecentActivity {
            day: totals.day,
            week: totals.week,
            month: totals.month,
        },
    }))
}
