//! Words to complete a search with, and the filters there are.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::bounds::{Int, Text};
use crate::error::Result;
use crate::extract::{Json, Query};
use crate::vocabulary::{self, Term};

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
    let limit = usize::try_from(query.limit.map_or(10, |l| *l)).unwrap_or(10);
    let areas = app.vocabulary.areas(&app.db).await?;
    let categories = app.vocabulary.categories(&app.db).await?;
    let typed = |kind: &'static str, terms: &[Term]| -> Vec<Suggestion> {
        let found = vocabulary::containing(terms, text, limit);
        found
            .into_iter()
            .map(|term| Suggestion {
                r#type: kind,
                value: term.name.clone(),
                count: term.places,
            })
            .collect()
    };
    Ok(Json(Suggestions {
        cities: typed("city", areas.cities()),
        neighborhoods: typed("neighborhood", areas.neighborhoods()),
        categories: typed("category", &categories),
    }))
}

#[derive(Serialize, ToSchema)]
pub struct Counted {
    name: String,
    count: i64,
}

#[derive(Serialize, ToSchema)]
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

/// Values of each kind in [`FilterOptions`].
const OPTIONS: usize = 50;

/// The values one can filter by.
#[utoipa::path(get, path = "/places/search/filter-options", tag = "places", responses((status = 200, body = FilterOptions)))]
pub async fn filter_options(State(app): State<App>) -> Result<Json<FilterOptions>> {
    let counted = |terms: &[Term]| {
        let first = terms.iter().take(OPTIONS);
        first
            .map(|term| Counted {
                name: term.name.clone(),
                count: term.places,
            })
            .collect()
    };
    let areas = app.vocabulary.areas(&app.db).await?;
    let categories = app.vocabulary.categories(&app.db).await?;
    let ratings = app.vocabulary.ratings(&app.db).await?;
    Ok(Json(FilterOptions {
        cities: counted(areas.cities()),
        neighborhoods: counted(areas.neighborhoods()),
        categories: counted(&categories),
        rating_range: RatingRange {
            min: ratings.min,
            max: ratings.max,
            average: ratings.average,
        },
    }))
}
