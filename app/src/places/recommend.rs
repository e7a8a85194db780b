//! Places for one person: what the people they follow do, and what they like.

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::filter::Filter;
use super::model::{self, Place, View};
use super::search;
use super::trending::nearest_first;
use crate::app::App;
use crate::auth::User;
use crate::bounds::{Lat, Lng};
use crate::error::Result;
use crate::extract::{Json, Query};
use crate::page::{Page, Paging};
use crate::visible;

#[derive(Deserialize, IntoParams)]
pub struct NearQuery {
    #[param(inline)]
    lat: Option<Lat>,
    #[param(inline)]
    lng: Option<Lng>,
}

/// Recommended places, best first; by distance when a point is given.
#[utoipa::path(get, path = "/places/recommendations", tag = "places", params(NearQuery, Paging), responses((status = 200, body = Page<Place>)))]
pub async fn recommendations(
    State(app): State<App>,
    user: User,
    Query(near): Query<NearQuery>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Place>>> {
    let point = search::point(near.lat, near.lng)?;
    let mut filter = Filter::default();
    let viewer = filter.bind(user.id);
    // Only places with a signal need their score computed; the others follow, newest first.
    let scored = format!(
        "places p left join (select s.place_id, sum(s.points) as points from ( \
           select c.place_id, 5 as points from check_ins c join follows f on f.followee_id = c.user_id and f.follower_id = {viewer} \
             where c.created_at > now() - interval '7 days' and {} \
           union all select r.place_id, 3 from reviews r join follows f on f.followee_id = r.user_id and f.follower_id = {viewer} \
             where r.created_at > now() - interval '30 days' \
           union all select q.id, 1 from user_interests i join places q \
             on q.categories ilike '%' || replace(replace(replace(i.name, '\\', '\\\\'), '%', '\\%'), '_', '\\_') || '%' where i.user_id = {viewer} \
         ) s group by s.place_id) best on best.place_id = p.id",
        visible::check_in("c", &format!("{viewer}::bigint"))
    );
    let order = "best.points desc nulls last, p.created_at desc, p.id";
    let (total, ids) = filter
        .page(
            &app.db,
            "p.id",
            &scored,
            order,
            paging.limit(),
            paging.offset(),
        )
        .await?;
    let mut items = model::by_ids(&app, &ids, View::day(point)).await?;
    if point.is_some() {
        nearest_first(&mut items);
    }
    Ok(Json(paging.page(items, total)))
}
