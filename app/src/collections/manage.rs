//! Making, listing, changing and removing collections.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::store::{self, Collection};
use crate::activity::{self, Cause};
use crate::app::App;
use crate::auth::User;
use crate::bounds::{Bool, Text};
use crate::error::{ApiError, OnConstraint, Result};
use crate::extract::{Json, Path, Query};
use crate::page::{Page, Paging};
use crate::visible::Level;

const NAME_KEY: &str = "user_collections_name_key";

fn taken() -> ApiError {
    ApiError::bad("You already have a collection with this name")
}

/// The caller's collections, by name; "Favorites" is always among them.
#[utoipa::path(get, path = "/collections/", tag = "collections", responses((status = 200, body = Vec<Collection>)))]
pub async fn list(State(app): State<App>, user: User) -> Result<Json<Vec<Collection>>> {
    store::ensure_favorites(&app, user.id).await?;
    Ok(Json(
        store::visible_to(&app, user.id, user.id, i64::MAX, 0).await?,
    ))
}

/// The same as pages.
#[utoipa::path(get, path = "/collections/paginated", tag = "collections", params(Paging), responses((status = 200, body = Page<Collection>)))]
pub async fn paginated(
    State(app): State<App>,
    user: User,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Collection>>> {
    store::ensure_favorites(&app, user.id).await?;
    let sql = "select count(*) from user_collections where user_id = $1";
    let total = sqlx::query_scalar(sql)
        .bind(user.id)
        .fetch_one(&app.db)
        .await?;
    let items = store::visible_to(&app, user.id, user.id, paging.limit(), paging.offset()).await?;
    Ok(Json(paging.page(items, total)))
}

#[derive(Serialize, ToSchema)]
pub struct Summary {
    id: i64,
    name: String,
    count: i64,
    photos: Vec<String>,
}

/// The caller's collections in short.
#[utoipa::path(get, path = "/collections/summary", tag = "collections", responses((status = 200, body = Vec<Summary>)))]
pub async fn summary(State(app): State<App>, user: User) -> Result<Json<Vec<Summary>>> {
    store::ensure_favorites(&app, user.id).await?;
    let all = store::in_short(&app, user.id).await?;
    let short = |c: Collection| Summary {
        id: c.id,
        name: c.name,
        count: c.place_count,
        photos: c.photo_urls,
    };
    Ok(Json(all.into_iter().map(short).collect()))
}

#[derive(Deserialize, ToSchema)]
pub struct CreateBody {
    name: Text<1, 100>,
    description: Option<Text<0, 500>>,
    is_public: Option<Bool>,
    /// Wins over `is_public`.
    visibility: Option<Level>,
}

fn level(visibility: Option<Level>, is_public: Option<bool>) -> Option<Level> {
    visibility.or(is_public.map(|public| {
        if public {
            Level::Public
        } else {
            Level::Private
        }
    }))
}

/// Makes a collection.
#[utoipa::path(post, path = "/collections/", tag = "collections", responses((status = 200, body = Collection)))]
pub async fn create(
    State(app): State<App>,
    user: User,
    Json(body): Json<CreateBody>,
) -> Result<Json<Collection>> {
    let name = body.name.trim();
    if name.is_empty() {
        return Err(ApiError::bad("Collection name cannot be blank"));
    }
    let mut tx = app.db.begin().await?;
    let sql = "insert into user_collections (user_id, name, description, visibility, is_public) \
        select $1, $2, $3, v.level, v.level = 'public' \
        from (select coalesce($4, collections_default_visibility) as level from users where id = $1) v returning id";
    let id: i64 = sqlx::query_scalar(sql)
        .bind(user.id)
        .bind(name)
        .bind(body.description.as_deref())
        .bind(level(body.visibility, body.is_public.map(|public| *public)))
        .fetch_one(&mut *tx)
        .await
        .on_constraint(NAME_KEY, taken)?;
    activity::record(&mut tx, user.id, Cause::Collection(id)).await?;
    tx.commit().await?;
    Ok(Json(store::load(&app, user.id, id).await?))
}

/// One collection.
#[utoipa::path(get, path = "/collections/{collection_id}", tag = "collections", responses((status = 200, body = Collection)))]
pub async fn one(
    State(app): State<App>,
    user: User,
    Path(collection_id): Path<i64>,
) -> Result<Json<Collection>> {
    Ok(Json(store::seen(&app, user.id, collection_id).await?))
}

#[derive(Deserialize, ToSchema)]
pub struct PutBody {
    name: Text<1, 100>,
    description: Option<Text<0, 500>>,
    is_public: Bool,
    /// Wins over `is_public`.
    visibility: Option<Level>,
}

#[derive(Deserialize, ToSchema)]
pub struct PatchBody {
    name: Text<1, 100>,
    visibility: Option<Level>,
}

/// What becomes of a collection; what is left out stays.
struct Change {
    name: Text<1, 100>,
    description: Option<Text<0, 500>>,
    level: Option<Level>,
}

async fn change(app: &App, user: &User, id: i64, body: Change) -> Result<Collection> {
    store::owned(app, user.id, id).await?;
    let name = body.name.trim();
    if name.is_empty() {
        return Err(ApiError::bad("Collection name cannot be blank"));
    }
    let mut tx = app.db.begin().await?;
    let sql = "update user_collections set name = $2, description = coalesce($3, description), \
        visibility = coalesce($4, visibility), is_public = coalesce($4, visibility) = 'public', updated_at = now() where id = $1";
    let done = sqlx::query(sql)
        .bind(id)
        .bind(name)
        .bind(body.description.as_deref())
        .bind(body.level)
        .execute(&mut *tx)
        .await;
    done.on_constraint(NAME_KEY, taken)?;
    let sql = "update saved_places set list_name = $2 where collection_id = $1";
    sqlx::query(sql)
        .bind(id)
        .bind(name)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    store::load(app, user.id, id).await
}

/// Changes a collection.
#[utoipa::path(put, path = "/collections/{collection_id}", tag = "collections", responses((status = 200, body = Collection)))]
pub async fn replace(
    State(app): State<App>,
    user: User,
    Path(collection_id): Path<i64>,
    Json(body): Json<PutBody>,
) -> Result<Json<Collection>> {
    let body = Change {
        level: level(body.visibility, Some(*body.is_public)),
        name: body.name,
        description: body.description,
    };
    Ok(Json(change(&app, &user, collection_id, body).await?))
}

/// Changes a collection; the older form.
#[utoipa::path(patch, path = "/collections/{collection_id}", tag = "collections", responses((status = 200, body = Collection)))]
pub async fn patch(
    State(app): State<App>,
    user: User,
    Path(collection_id): Path<i64>,
    Json(body): Json<PatchBody>,
) -> Result<Json<Collection>> {
    let body = Change {
        name: body.name,
        description: None,
        level: body.visibility,
    };
    Ok(Json(change(&app, &user, collection_id, body).await?))
}

/// Removes a collection with what is saved in it.
#[utoipa::path(delete, path = "/collections/{collection_id}", tag = "collections", responses((status = 204, description = "Removed")))]
pub async fn remove(
    State(app): State<App>,
    user: User,
    Path(collection_id): Path<i64>,
) -> Result<StatusCode> {
    store::owned(&app, user.id, collection_id).await?;
    // Memberships and saved rows go with it.
    let mut tx = app.db.begin().await?;
    sqlx::query("delete from user_collections where id = $1")
        .bind(collection_id)
        .execute(&mut *tx)
        .await?;
    activity::forget_collection(&mut tx, collection_id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
