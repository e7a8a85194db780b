//! Words to complete a search with, and the filters there are.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::filter::contains;
use crate::app::App;
use crate::bounds::{Int, Text};
use crate::error::Result;
use crate::extract::{Json, Query};

#[derive(Deserialize, IntoParams)]
pub struct SuggestQuery {
    #[param(inline)]
    query: Option<Text<0, 200>>,
    /// The same as `query`.
    #[param(inline)]
    q: Option<Text<0, 200>>,
    #[param(inline)]
    limit: Option<Int<1, 50>>,
}

#[derive(Serialize, ToSchema)]
pub struct Suggestion {
    r#type: &'static str,
    value: String,
    count: i64,
}

#[derive(Serialize, ToSchema)]
pub struct Suggestions {
    cities: Vec<Suggestion>,
    neighborhoods: Vec<Suggestion>,
    categories: Vec<Suggestion>,
}

const CITIES: &str = "select min(trim(city)) as value, count(*) from places where trim(city) <> '' and city ilike $1 \
    group by lower(trim(city)) order by 2 desc, 1 limit $2";
const NEIGHBORHOODS: &str = "select min(trim(neighborhood)), count(*) from places where trim(neighborhood) <> '' and neighborhood ilike $1 \
    group by lower(trim(neighborhood)) order by 2 desc, 1 limit $2";
const CATEGORIES: &str = "select min(trim(c)), count(*) from places, unnest(string_to_array(categories, ',')) as c \
    where categories ilike $1 and trim(c) <> '' and c ilike $1 group by lower(trim(c)) order by 2 desc, 1 limit $2";

async fn frequent(app: &App, sql: &str, pattern: &str, limit: i64) -> Result<Vec<(String, i64)>> {
    Ok(sqlx::query_as(sql)
        .bind(pattern)
        .bind(limit)
        .fetch_all(&app.db)
        .await?)
}

/// Cities, neighborhoods and categories that contain the text, most frequent first.
#[utoipa::path(get, path = "/places/search/suggestions", tag = "places", params(SuggestQuery), responses((status = 200, body = Suggestions)))]
pub async fn suggestions(
    State(app): State<App>,
    Query(query): Query<SuggestQuery>,
) -> Result<Json<Suggestions>> {
    let text = query
        .query
        .as_deref()
        .or(query.q.as_deref())
        .unwrap_or_default();
    let (pattern, limit) = (contains(text.trim()), query.limit.map_or(10, |l| *l));
    let typed = |kind: &'static str, rows: Vec<(String, i64)>| -> Vec<Suggestion> {
        rows.into_iter()
            .map(|(value, count)| Suggestion {
                r#type: kind,
                value,
                count,
            })
            .collect()
    };
    Ok(Json(Suggestions {
        cities: typed("city", frequent(&app, CITIES, &pattern, limit).await?),
        neighborhoods: typed(
            "neighborhood",
            frequent(&app, NEIGHBORHOODS, &pattern, limit).await?,
        ),
        categories: typed(
            "category",
            frequent(&app, CATEGORIES, &pattern, limit).await?,
        ),
    }))
}

#[derive(Serialize, ToSchema)]
pub struct Counted {
    name: String,
    count: i64,
}

#[derive(Serialize, ToSchema, sqlx::FromRow)]
pub struct RatingRange {
    min: Option<f64>,
    max: Option<f64>,
    average: Option<f64>,
}

#[derive(Serialize, ToSchema)]
pub struct FilterOptions {
    cities: Vec<Counted>,
    neighborhoods: Vec<Counted>,
    categories: Vec<Counted>,
    rating_range: RatingRange,
}

/// The values one can filter by.
#[utoipa::path(get, path = "/places/search/filter-options", tag = "places", responses((status = 200, body = FilterOptions)))]
pub async fn filter_options(State(app): State<App>) -> Result<Json<FilterOptions>> {
    let counted = |rows: Vec<(String, i64)>| {
        rows.into_iter()
            .map(|(name, count)| Counted { name, count })
            .collect()
    };
    let range = "select min(rating), max(rating), avg(rating) as average from places";
    Ok(Json(FilterOptions {
        cities: counted(frequent(&app, CITIES, "%", 50).await?),
        neighborhoods: counted(frequent(&app, NEIGHBORHOODS, "%", 50).await?),
        categories: counted(frequent(&app, CATEGORIES, "%", 50).await?),
        rating_range: sqlx::query_as(range).fetch_one(&app.db).await?,
    }))
}
