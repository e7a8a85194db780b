//! Who is at a place: the latest check-in of each person inside the chat window, as far as the viewer may see it.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::User;
use crate::error::{ApiError, Result};
use crate::extract::{Json, Path, Query};
use crate::page::{Page, Paging};
use crate::stamp::Stamp;
use crate::visible;

#[derive(Serialize, ToSchema, sqlx::FromRow)]
pub struct Present {
    check_in_id: i64,
    user_id: i64,
    user_name: String,
    username: Option<String>,
    user_avatar_url: Option<String>,
    created_at: Stamp,
    photo_urls: Vec<String>,
}

/// SQL: the people at place `$1` as the user `$2` sees them, within `$3` hours.
fn present() -> String {
    format!(
        "(select distinct on (c.user_id) c.id, c.user_id, c.created_at from check_ins c where c.place_id = $1 \
         and c.created_at > now() - make_interval(hours => $3::int) and c.expires_at > now() and {} and {} \
         order by c.user_id, c.created_at desc, c.id desc) h",
        visible::check_in("c", "$2::bigint"),
        visible::unblocked("c.user_id", "$2::bigint"),
    )
}

async fn total(app: &App, viewer: i64, place: i64) -> Result<i64> {
    let sql = format!(
        "select (select count(*) from {}) from places p where p.id = $1",
        present()
    );
    let query = sqlx::query_scalar(&sql)
        .bind(place)
        .bind(viewer)
        .bind(app.config.checkin.chat_window_hours);
    query
        .fetch_optional(&app.db)
        .await?
        .ok_or(ApiError::NotFound("Place"))
}

/// The people at a place, latest first.
#[utoipa::path(get, path = "/places/{place_id}/whos-here", tag = "check-ins", params(Paging), responses((status = 200, body = Page<Present>)))]
pub async fn whos_here(
    State(app): State<App>,
    user: User,
    Path(place_id): Path<i64>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Present>>> {
    let total = total(&app, user.id, place_id).await?;
    let sql = format!(
        "select h.id as check_in_id, h.user_id, coalesce(u.name, 'User ' || u.id) as user_name, u.username, u.avatar_url as user_avatar_url, \
         h.created_at, coalesce((select array_agg(f.url order by f.id) from check_in_photos f where f.check_in_id = h.id), '{{}}') as photo_urls \
         from {} join users u on u.id = h.user_id order by h.created_at desc, h.id desc limit $4 offset $5",
        present()
    );
    let mut people: Vec<Present> = sqlx::query_as(&sql)
        .bind(place_id)
        .bind(user.id)
        .bind(app.config.checkin.chat_window_hours)
        .bind(paging.limit())
        .bind(paging.offset())
        .fetch_all(&app.db)
        .await?;
    for person in &mut people {
        person.user_avatar_url = app
            .objects
            .address_opt(person.user_avatar_url.as_deref())
            .await;
        person.photo_urls = app.objects.addresses(&person.photo_urls).await;
    }
    Ok(Json(paging.page(people, total)))
}

#[derive(Serialize, ToSchema)]
pub struct PlaceCount {
    count: i64,
    place_id: i64,
}

/// How many people are at a place.
#[utoipa::path(get, path = "/places/{place_id}/whos-here-count", tag = "check-ins", responses((status = 200, body = PlaceCount)))]
pub async fn count(
    State(app): State<App>,
    user: User,
    Path(place_id): Path<i64>,
) -> Result<Json<PlaceCount>> {
    Ok(Json(PlaceCount {
        count: total(&app, user.id, place_id).await?,
        place_id,
    }))
}

#[derive(Serialize, ToSchema)]
pub struct PlainCount {
    count: i64,
}

/// How many people are at a place; the number alone.
#[utoipa::path(get, path = "/places/{place_id}/whos-here/count", tag = "check-ins", responses((status = 200, body = PlainCount)))]
pub async fn plain_count(
    State(app): State<App>,
    user: User,
    Path(place_id): Path<i64>,
) -> Result<Json<PlainCount>> {
    Ok(Json(PlainCount {
        count: total(&app, user.id, place_id).await?,
    }))
}
