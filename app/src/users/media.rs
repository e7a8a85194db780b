//! A person's check-ins and pictures, as far as the viewer may see them.

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::profile::visible_profile;
use crate::app::App;
use crate::auth::User;
use crate::bounds::Int;
use crate::checkins::model::{self, CHECK_INS, CheckIn};
use crate::error::{ApiError, Result};
use crate::extract::{Json, Path, Query};
use crate::page::{Page, Paging, count_of};
use crate::visible;

/// A user's check-ins, newest first, the expired ones among them.
#[utoipa::path(get, path = "/users/{user_id}/check-ins", tag = "users", params(Paging), responses((status = 200, body = Page<CheckIn>)))]
pub async fn check_ins(
    State(app): State<App>,
    user: User,
    Path(user_id): Path<i64>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<CheckIn>>> {
    visible_profile(&app, user.id, user_id).await?;
    let seen = visible::check_in("c", "$1::bigint");
    let from = format!("from check_ins c where c.user_id = $2 and {seen}");
    let count = format!("select {}", count_of(&from));
    let total = sqlx::query_scalar(&count)
        .bind(user.id)
        .bind(user_id)
        .fetch_one(&app.db)
        .await?;
    let sql = format!(
        "{CHECK_INS} where c.user_id = $2 and {seen} order by c.created_at desc, c.id desc limit $3 offset $4"
    );
    let rows = sqlx::query_as(&sql)
        .bind(user.id)
        .bind(user_id)
        .bind(paging.limit())
        .bind(paging.offset());
    let items = model::finished(&app, rows.fetch_all(&app.db).await?).await;
    Ok(Json(paging.page(items, total)))
}

/// SQL: pictures of the user `$2` the user `$1` may see, as `m (url, created_at, place_id)`.
fn pictures() -> String {
    format!(
        "(select f.url, f.created_at, f.id, c.place_id from check_in_photos f join check_ins c on c.id = f.check_in_id where c.user_id = $2 and {} \
         union all select f.url, f.created_at, f.id, f.place_id from photos f where f.user_id = $2) m",
        visible::check_in("c", "$1::bigint")
    )
}

/// Refuses unless the viewer may see the user's media.
async fn visible_media(app: &App, viewer: i64, user: i64) -> Result<()> {
    visible_profile(app, viewer, user).await?;
    let sql = format!(
        "select {} from users u where u.id = $2",
        visible::can_view("u.id", "$1::bigint", "u.media_default_visibility")
    );
    let allowed: Option<bool> = sqlx::query_scalar(&sql)
        .bind(viewer)
        .bind(user)
        .fetch_optional(&app.db)
        .await?;
    if allowed == Some(true) {
        Ok(())
    } else {
        Err(ApiError::forbidden("This user's media is private"))
    }
}

/// The addresses of a user's pictures, newest first.
#[utoipa::path(get, path = "/users/{user_id}/media", tag = "users", params(Paging), responses((status = 200, body = Page<String>)))]
pub async fn media(
    State(app): State<App>,
    user: User,
    Path(user_id): Path<i64>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<String>>> {
    visible_media(&app, user.id, user_id).await?;
    let pictures = pictures();
    let count = format!("select {}", count_of(&format!("from {pictures}")));
    let total = sqlx::query_scalar(&count)
        .bind(user.id)
        .bind(user_id)
        .fetch_one(&app.db)
        .await?;
    let sql = format!(
        "select m.url from {pictures} order by m.created_at desc, m.id desc limit $3 offset $4"
    );
    let rows = sqlx::query_scalar(&sql)
        .bind(user.id)
        .bind(user_id)
        .bind(paging.limit())
        .bind(paging.offset());
    let stored: Vec<String> = rows.fetch_all(&app.db).await?;
    Ok(Json(
        paging.page(app.objects.addresses(&stored).await, total),
    ))
}

#[derive(Deserialize, IntoParams)]
pub struct RandomQuery {
    #[param(inline)]
    limit: Option<Int<1, 4>>,
    /// Only of places in the user's collection of this name.
    collection: Option<String>,
}

/// A few of a user's pictures, at random.
#[utoipa::path(get, path = "/users/{user_id}/random-place-photos", tag = "users", params(RandomQuery), responses((status = 200, body = Vec<String>)))]
pub async fn random_photos(
    State(app): State<App>,
    user: User,
    Path(user_id): Path<i64>,
    Query(query): Query<RandomQuery>,
) -> Result<Json<Vec<String>>> {
    visible_media(&app, user.id, user_id).await?;
    let sql = format!(
        "select m.url from {} where $4::text is null or m.place_id in (select x.place_id from user_collection_places x \
         join user_collections k on k.id = x.collection_id where k.user_id = $2 and lower(k.name) = lower(trim($4)) and {}) \
         order by random() limit $3",
        pictures(),
        visible::can_view("k.user_id", "$1::bigint", "k.visibility")
    );
    let limit = query.limit.map_or(4, |l| *l);
    let rows = sqlx::query_scalar(&sql)
        .bind(user.id)
        .bind(user_id)
        .bind(limit)
        .bind(query.collection);
    let stored: Vec<String> = rows.fetch_all(&app.db).await?;
    Ok(Json(app.objects.addresses(&stored).await))
}
