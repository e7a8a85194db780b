//! Search with everything.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::filter::Filter;
use super::model::{self, Place, View};
use super::search;
use crate::app::App;
use crate::auth::{MaybeUser, User};
use crate::bounds::{Bool, Int, Lat, Lng, Num, Rating, Text};
use crate::error::Result;
use crate::extract::Json;
use crate::page::Page;
use crate::rankings::Window;
use crate::visible;

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SortBy {
    Name,
    Rating,
    CreatedAt,
    Checkins,
    RecentCheckins,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SortOrder {
    Asc,
    Desc,
}

/// Kilometres, 0.1 to 100.
#[derive(Debug, Clone, Copy)]
struct RadiusKm(f64);

impl<'de> Deserialize<'de> for RadiusKm {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<RadiusKm, D::Error> {
        let km = *Num::<0, 100>::deserialize(d)?;
        if km < 0.1 {
            return Err(D::Error::custom(
                "Input should be greater than or equal to 0.1",
            ));
        }
        Ok(RadiusKm(km))
    }
}

#[derive(Deserialize, ToSchema)]
pub struct AdvancedBody {
    query: Option<Text<0, 200>>,
    country: Option<Text<0, 200>>,
    city: Option<Text<0, 200>>,
    neighborhood: Option<Text<0, 200>>,
    categories: Option<Vec<Text<0, 200>>>,
    rating_min: Option<Rating>,
    rating_max: Option<Rating>,
    has_recent_checkins: Option<Bool>,
    has_reviews: Option<Bool>,
    has_photos: Option<Bool>,
    latitude: Option<Lat>,
    longitude: Option<Lng>,
    #[schema(value_type = Option<f64>, minimum = 0.1, maximum = 100)]
    radius_km: Option<RadiusKm>,
    sort_by: Option<SortBy>,
    sort_order: Option<SortOrder>,
    limit: Option<Int<1, 100>>,
    offset: Option<Int<0, { i64::MAX }>>,
}

const REVIEWED: &str = "exists (select 1 from reviews xr where xr.place_id = p.id)";

/// SQL: led by the photos, which are fewer than the check-ins.
fn photographed() -> String {
    format!(
        "(p.photo_url is not null or p.id in (select xp.place_id from photos xp) or p.id in (select c.place_id from check_in_photos xf \
         join check_ins c on c.id = xf.check_in_id where {}))",
        visible::check_in("c", "null::bigint")
    )
}

/// What places are ordered by.
enum Order {
    /// An expression over the place `p`.
    Sql(&'static str),
    /// How many check-ins or people each place has; none where it is missing.
    Counts(Arc<HashMap<i64, i64>>),
}

/// People at each place within a day.
async fn recent(app: &App) -> Result<HashMap<i64, i64>> {
    let ranking = app.rankings.of(&app.db, Window::Day).await?;
    let busy = ranking.places.iter().filter(|place| place.people > 0);
    Ok(busy.map(|place| (place.id, place.people)).collect())
}

async fn order(app: &App, by: SortBy, order: Option<SortOrder>) -> Result<(Order, SortOrder)> {
    let (what, usual) = match by {
        SortBy::Name => (Order::Sql("lower(p.name)"), SortOrder::Asc),
        SortBy::Rating => (Order::Sql("p.rating"), SortOrder::Desc),
        SortBy::CreatedAt => (Order::Sql("p.created_at"), SortOrder::Desc),
        SortBy::Checkins => {
            let visits = app.rankings.visits(&app.db).await?;
            (Order::Counts(visits), SortOrder::Desc)
        }
        SortBy::RecentCheckins => (Order::Counts(Arc::new(recent(app).await?)), SortOrder::Desc),
    };
    Ok((what, order.unwrap_or(usual)))
}

/// The form that an index serves: only the rating can be missing.
fn sql_order(expression: &str, order: SortOrder) -> String {
    match (expression, order) {
        (_, SortOrder::Asc) => format!("{expression}, p.id"),
        ("p.rating", SortOrder::Desc) => "p.rating desc nulls last, p.id".to_owned(),
        (_, SortOrder::Desc) => format!("{expression} desc, p.id"),
    }
}

/// A page of the ids by their counts, ties by id.
fn page_of(
    ids: &[i64],
    counts: &HashMap<i64, i64>,
    order: SortOrder,
    limit: i64,
    offset: i64,
) -> Vec<i64> {
    let sign = if order == SortOrder::Asc { 1 } else { -1 };
    let key = |id: &i64| (sign * counts.get(id).copied().unwrap_or(0), *id);
    let mut keys: Vec<(i64, i64)> = ids.iter().map(key).collect();
    let skip = usize::try_from(offset).unwrap_or(usize::MAX);
    let take = usize::try_from(limit).unwrap_or(0);
    // Only what the page reaches is put in order.
    let reach = skip.saturating_add(take);
    if reach < keys.len() {
        keys.select_nth_unstable(reach);
        keys.truncate(reach);
    }
    keys.sort_unstable();
    keys.into_iter().skip(skip).map(|(_, id)| id).collect()
}

/// The conditions of the body, but for the area.
async fn conditions(app: &App, body: &AdvancedBody) -> Result<Filter> {
    let mut filter = Filter::default();
    filter.contains(
        &[
            "p.name",
            "p.categories",
            "p.address",
            "p.city",
            "p.description",
        ],
        body.query.as_deref(),
    );
    filter.equals("p.country", body.country.as_deref());
    filter.equals("p.city", body.city.as_deref());
    filter.equals("p.neighborhood", body.neighborhood.as_deref());
    let wanted: Vec<String> = body
        .categories
        .iter()
        .flatten()
        .filter(|c| !c.trim().is_empty())
        .map(|c| super::filter::contains(c.trim()))
        .collect();
    if !wanted.is_empty() {
        let any = filter.bind(wanted);
        filter.and(format!("p.categories ilike any({any})"));
    }
    for (bound, comparison) in [(body.rating_min, ">="), (body.rating_max, "<=")] {
        if let Some(rating) = bound {
            let rating = filter.bind(*rating);
            filter.and(format!("p.rating {comparison} {rating}"));
        }
    }
    if let Some(is_recent) = body.has_recent_checkins.as_deref() {
        let busy: Vec<i64> = recent(app).await?.into_keys().collect();
        let busy = filter.bind(busy);
        // Looked up in a set made once: joined, the ids would be sorted for a page of places.
        filter.and(if *is_recent {
            format!("(p.id in (select unnest({busy}::bigint[]))) is true")
        } else {
            format!("p.id not in (select unnest({busy}::bigint[]))")
        });
    }
    let photographed = photographed();
    for (wish, condition) in [
        (body.has_reviews.as_deref(), REVIEWED),
        (body.has_photos.as_deref(), photographed.as_str()),
    ] {
        match wish {
            Some(true) => filter.and(condition),
            Some(false) => filter.and(format!("not {condition}")),
            None => {}
        }
    }
    Ok(filter)
}

async fn run(app: &App, body: AdvancedBody) -> Result<Page<Place>> {
    let mut filter = conditions(app, &body).await?;
    let point = body.latitude.map(|v| *v).zip(body.longitude.map(|v| *v));
    let nearest = search::near(
        app,
        &mut filter,
        point,
        body.radius_km.map_or(10.0, |km| km.0) * 1000.0,
    );
    let (limit, offset) = (body.limit.map_or(20, |l| *l), body.offset.map_or(0, |o| *o));
    let sorted = match body.sort_by {
        Some(by) => Some(order(app, by, body.sort_order).await?),
        None => None,
    };
    let (total, ids) = match sorted {
        Some((Order::Counts(counts), order)) => {
            let passing = filter.ids(&app.db).await?;
            let total = i64::try_from(passing.len()).unwrap_or(i64::MAX);
            (total, page_of(&passing, &counts, order, limit, offset))
        }
        other => {
            let order = match other {
                Some((Order::Sql(expression), order)) => sql_order(expression, order),
                _ => nearest.unwrap_or_else(|| "p.created_at desc, p.id desc".to_owned()),
            };
            let page = filter.page(&app.db, "p.id", "places p", &order, limit, offset);
            page.await?
        }
    };
    let items = model::by_ids(app, &ids, View::day(point)).await?;
    Ok(Page::new(items, total, limit, offset))
}

/// Places by many conditions at once.
#[utoipa::path(post, path = "/places/search/advanced", tag = "places", responses((status = 200, body = Page<Place>)))]
pub async fn advanced(
    State(app): State<App>,
    _: MaybeUser,
    Json(body): Json<AdvancedBody>,
) -> Result<Json<Page<Place>>> {
    Ok(Json(run(&app, body).await?))
}

/// The same, for signed-in users.
#[utoipa::path(post, path = "/places/search/advanced/flexible", tag = "places", responses((status = 200, body = Page<Place>)))]
pub async fn flexible(
    State(app): State<App>,
    _: User,
    Json(body): Json<AdvancedBody>,
) -> Result<Json<Page<Place>>> {
    Ok(Json(run(&app, body).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_by_counts_are_those_of_the_whole_order() {
        let ids: Vec<i64> = (1..=50).collect();
        let counts: HashMap<i64, i64> = ids.iter().map(|id| (*id, id * 7 % 5)).collect();
        for order in [SortOrder::Asc, SortOrder::Desc] {
            let all = page_of(&ids, &counts, order, 100, 0);
            assert_eq!(all.len(), 50);
            let sorted = all.is_sorted_by_key(|id| {
                let count = counts[id];
                (
                    if order == SortOrder::Asc {
                        count
                    } else {
                        -count
                    },
                    *id,
                )
            });
            assert!(sorted);
            for (limit, offset) in [(10, 0), (10, 7), (20, 45), (1, 49), (5, 50), (5, i64::MAX)] {
                let from = usize::try_from(offset).unwrap().min(50);
                let to = from.saturating_add(usize::try_from(limit).unwrap()).min(50);
                assert_eq!(page_of(&ids, &counts, order, limit, offset), all[from..to]);
            }
        }
    }
}
