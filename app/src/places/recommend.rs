//! Places for one person: what the people they follow do, and what they like.

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::model::{self, Place, View};
use super::search;
use super::trending::nearest_first;
use crate::app::App;
use crate::auth::User;
use crate::bounds::{Lat, Lng};
use crate::error::Result;
use crate::extract::{Json, Query};
use crate::page::{Page, Paging, count_of};
use crate::visible;

#[derive(Deserialize, IntoParams)]
pub struct NearQuery {
    #[param(inline)]
    lat: Option<Lat>,
    #[param(inline)]
    lng: Option<Lng>,
}

/// SQL for the user `$1`. Points: 5 a check-in of somebody followed in the last week, 3 a review of theirs in the last month, 1 an
/// interest found in the categories.
///
/// The places those people were at are few. Of the others the best are found by their categories, of which there are few different
/// ones: the newest of each, as many as the page reaches (`$2`). Nor are all visited places looked at, but those that interests can
/// lift into its reach.
const RECOMMENDED: &str = "with recursive f as materialized (select w.followee_id as id from follows w where w.follower_id = $1 and {unblocked}), \
     visited as materialized (select s.place_id, sum(s.points) as points from ( \
        select c.place_id, 5 as points from f join check_ins c on c.user_id = f.id and c.created_at > now() - interval '7 days' \
            and c.visibility <> 'private' \
        union all select r.place_id, 3 from f join reviews r on r.user_id = f.id where r.created_at > now() - interval '30 days') s \
        group by s.place_id), \
     kinds as ((select p.categories, md5(p.categories) as hash from places p where p.categories is not null order by md5(p.categories) limit 1) \
        union all select n.* from kinds k cross join lateral (select p.categories, md5(p.categories) as hash from places p \
            where md5(p.categories) > k.hash order by md5(p.categories) limit 1) n), \
     liked as materialized (select k.categories, k.hash, count(*) as points from kinds k join user_interests i on i.user_id = $1 \
        and k.categories ilike '%' || replace(replace(replace(i.name, '\\', '\\\\'), '%', '\\%'), '_', '\\_') || '%' group by 1, 2), \
     reach as materialized (select coalesce((select points from visited order by points desc limit 1 offset $2 - 1), 0) \
        - coalesce((select max(points) from liked), 0) as points), \
     best as ( \
        select p.id, v.points + coalesce(l.points, 0) as points, p.created_at from visited v join places p on p.id = v.place_id \
            left join liked l on l.hash = md5(p.categories) and l.categories = p.categories \
            where v.points >= (select points from reach) \
        union all select p.id, l.points, p.created_at from liked l cross join lateral (select p.id, p.created_at from places p \
            where md5(p.categories) = l.hash and p.categories = l.categories and p.id not in (select place_id from visited) \
            order by p.created_at desc, p.id limit $2) p \
        union all select p.id, 0, p.created_at from (select p.id, p.created_at from places p \
            where (p.categories is null or p.categories not in (select categories from liked)) \
            and p.id not in (select place_id from visited) order by p.created_at desc, p.id limit $2) p) \
     select {count}, array(select id from best order by points desc, created_at desc, id limit $3 offset $4)";

/// Recommended places, best first; by distance when a point is given.
#[utoipa::path(get, path = "/places/recommendations", tag = "places", params(NearQuery, Paging), responses((status = 200, body = Page<Place>)))]
pub async fn recommendations(
    State(app): State<App>,
    user: User,
    Query(near): Query<NearQuery>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Place>>> {
    let point = search::point(near.lat, near.lng)?;
    let sql = RECOMMENDED
        .replace(
            "{unblocked}",
            &format!("not {}", visible::blocks("w.followee_id", "$1::bigint")),
        )
        .replace("{count}", &count_of("from places"));
    let (total, ids): (i64, Vec<i64>) = sqlx::query_as(&sql)
        .bind(user.id)
        .bind(paging.limit().saturating_add(paging.offset()))
        .bind(paging.limit())
        .bind(paging.offset())
        .persistent(false)
        .fetch_one(&app.db)
        .await?;
    let mut items = model::by_ids(&app, &ids, View::day(point)).await?;
    if point.is_some() {
        nearest_first(&mut items);
    }
    Ok(Json(paging.page(items, total)))
}
