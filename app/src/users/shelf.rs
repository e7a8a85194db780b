//! A person's collections.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::profile::visible_profile;
use crate::app::App;
use crate::auth::User;
use crate::collections::items::{self as collection_items, FlatItem};
use crate::collections::store::{self, Collection};
use crate::error::{ApiError, Result};
use crate::extract::{Json, Path, Query};
use crate::page::Paging;
use crate::visible::Level;

#[derive(Serialize, ToSchema)]
pub struct ShelfEntry {
    id: i64,
    user_id: i64,
    name: String,
    description: Option<String>,
    is_public: bool,
    visibility: Level,
    photos: Vec<String>,
    photo_urls: Vec<String>,
    place_count: i64,
}

fn entry(c: Collection) -> ShelfEntry {
    ShelfEntry {
        id: c.id,
        user_id: c.user_id,
        name: c.name,
        description: c.description,
        is_public: c.is_public,
        visibility: c.visibility,
        photos: c.photo_urls.clone(),
        photo_urls: c.photo_urls,
        place_count: c.place_count,
    }
}

/// A user's collections the caller may see, by name.
#[utoipa::path(get, path = "/users/{user_id}/collections", tag = "users", params(Paging<100, 100>), responses((status = 200, body = Vec<ShelfEntry>)))]
pub async fn collections(
    State(app): State<App>,
    user: User,
    Path(user_id): Path<i64>,
    Query(paging): Query<Paging<100, 100>>,
) -> Result<Json<Vec<ShelfEntry>>> {
    if user.id == user_id {
        store::ensure_favorites(&app, user.id).await?;
    } else {
        visible_profile(&app, user.id, user_id).await?;
    }
    let all = store::visible_to(&app, user.id, user_id, paging.limit(), paging.offset()).await?;
    Ok(Json(all.into_iter().map(entry).collect()))
}

/// The places of the caller's collection of that name.
#[utoipa::path(get, path = "/users/collections/{collection_name}/items", tag = "users", responses((status = 200, body = Vec<FlatItem>)))]
pub async fn items(
    State(app): State<App>,
    user: User,
    Path(collection_name): Path<String>,
) -> Result<Json<Vec<FlatItem>>> {
    let sql =
        "select id from user_collections where user_id = $1 and lower(name) = lower(trim($2))";
    let id: Option<i64> = sqlx::query_scalar(sql)
        .bind(user.id)
        .bind(collection_name)
        .fetch_optional(&app.db)
        .await?;
    let id = id.ok_or(ApiError::NotFound("Collection"))?;
    Ok(Json(collection_items::flat(&app, user.id, id).await?))
}
