//! Search with everything.

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

const RECENT: &str = "exists (select 1 from check_ins xc where xc.place_id = p.id and xc.visibility <> 'private' \
    and xc.expires_at > now() and xc.created_at > now() - interval '24 hours')";
const REVIEWED: &str = "exists (select 1 from reviews xr where xr.place_id = p.id)";

fn photographed() -> String {
    format!(
        "(p.photo_url is not null or exists (select 1 from photos xp where xp.place_id = p.id) or exists (select 1 from check_in_photos xf \
         join check_ins c on c.id = xf.check_in_id where c.place_id = p.id and {}))",
        visible::check_in("c", "null::bigint")
    )
}

fn order(by: Option<SortBy>, order: Option<SortOrder>) -> Option<String> {
    let (column, usual) = match by? {
        SortBy::Name => ("lower(p.name)", SortOrder::Asc),
        SortBy::Rating => ("p.rating", SortOrder::Desc),
        SortBy::CreatedAt => ("p.created_at", SortOrder::Desc),
        SortBy::Checkins => (
            "(select count(*) from check_ins oc where oc.place_id = p.id and oc.visibility <> 'private')",
            SortOrder::Desc,
        ),
        SortBy::RecentCheckins => (
            "(select count(distinct oc.user_id) from check_ins oc where oc.place_id = p.id and oc.visibility <> 'private' \
             and oc.expires_at > now() and oc.created_at > now() - interval '24 hours')",
            SortOrder::Desc,
        ),
    };
    let direction = if order.unwrap_or(usual) == SortOrder::Asc {
        "asc"
    } else {
        "desc"
    };
    Some(format!("{column} {direction} nulls last, p.id"))
}

async fn run(app: &App, body: AdvancedBody) -> Result<Page<Place>> {
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
    let wanted = body.categories.unwrap_or_default();
    let wanted: Vec<String> = wanted
        .iter()
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
    let photographed = photographed();
    for (wish, condition) in [
        (body.has_recent_checkins.as_deref(), RECENT),
        (body.has_reviews.as_deref(), REVIEWED),
        (body.has_photos.as_deref(), photographed.as_str()),
    ] {
        match wish {
            Some(true) => filter.and(condition),
            Some(false) => filter.and(format!("not {condition}")),
            None => {}
        }
    }
    let point = body.latitude.map(|v| *v).zip(body.longitude.map(|v| *v));
    let nearest = search::near(
        app,
        &mut filter,
        point,
        body.radius_km.map_or(10.0, |km| km.0) * 1000.0,
    );
    let order = order(body.sort_by, body.sort_order)
        .or(nearest)
        .unwrap_or_else(|| "p.created_at desc, p.id desc".to_owned());
    let (limit, offset) = (body.limit.map_or(20, |l| *l), body.offset.map_or(0, |o| *o));
    let (total, ids) = filter
        .page(&app.db, "p.id", "places p", &order, limit, offset)
        .await?;
    let items = model::by_ids(app, &ids, View::day(point)).await?;
    Ok(Page {
        items,
        total,
        limit,
        offset,
    })
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
