//! The places in a collection.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::store;
use crate::app::App;
use crate::auth::User;
use crate::checkins;
use crate::error::{ApiError, OnConstraint, Result};
use crate::extract::{Json, Path, Query};
use crate::page::{Page, Paging};
use crate::stamp::Stamp;
use crate::visible;

fn already() -> ApiError {
    ApiError::bad("This place is already in the collection")
}

/// Adds a place, in the collection's memberships and, when it is the caller's first list for it, in the saved places.
async fn add(app: &App, user: i64, collection: i64, place: i64) -> Result<(i64, Stamp)> {
    let mut tx = app.db.begin().await?;
    let sql = "insert into user_collection_places (collection_id, place_id) values ($1, $2) returning id, added_at";
    let done = sqlx::query_as(sql)
        .bind(collection)
        .bind(place)
        .fetch_one(&mut *tx)
        .await;
    let added = done.on_constraint("user_collection_places_pair_key", already)?;
    let sql = "insert into saved_places (user_id, place_id, collection_id, list_name) \
               select $1, $2, k.id, k.name from user_collections k where k.id = $3 on conflict do nothing";
    sqlx::query(sql)
        .bind(user)
        .bind(place)
        .bind(collection)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(added)
}

#[derive(Serialize, ToSchema)]
pub struct AddedCheckIn {
    id: i64,
    collection_id: i64,
    check_in_id: i64,
    place_id: i64,
    created_at: Stamp,
}

/// Adds the place of one's own check-in.
#[utoipa::path(post, path = "/collections/{collection_id}/items/{check_in_id}", tag = "collections", responses((status = 200, body = AddedCheckIn)))]
pub async fn add_check_in(
    State(app): State<App>,
    user: User,
    Path((collection_id, check_in_id)): Path<(i64, i64)>,
) -> Result<Json<AddedCheckIn>> {
    store::owned(&app, user.id, collection_id).await?;
    checkins::model::owned(&app, user.id, check_in_id).await?;
    let sql = "select place_id from check_ins where id = $1";
    let place_id: i64 = sqlx::query_scalar(sql)
        .bind(check_in_id)
        .fetch_one(&app.db)
        .await?;
    let (id, created_at) = add(&app, user.id, collection_id, place_id).await?;
    Ok(Json(AddedCheckIn {
        id,
        collection_id,
        check_in_id,
        place_id,
        created_at,
    }))
}

#[derive(Serialize, ToSchema)]
pub struct AddedPlace {
    message: &'static str,
    id: i64,
}

/// Adds a place.
#[utoipa::path(post, path = "/collections/{collection_id}/places/{place_id}", tag = "collections", responses((status = 200, body = AddedPlace)))]
pub async fn add_place(
    State(app): State<App>,
    user: User,
    Path((collection_id, place_id)): Path<(i64, i64)>,
) -> Result<Json<AddedPlace>> {
    store::owned(&app, user.id, collection_id).await?;
    let sql = "select exists (select 1 from places where id = $1)";
    let known: bool = sqlx::query_scalar(sql)
        .bind(place_id)
        .fetch_one(&app.db)
        .await?;
    if !known {
        return Err(ApiError::NotFound("Place"));
    }
    let (id, _) = add(&app, user.id, collection_id, place_id).await?;
    Ok(Json(AddedPlace {
        message: "Place added to collection",
        id,
    }))
}

/// Removes a membership, by its place or its own id, and the saved row that goes with it.
async fn drop_member(
    app: &App,
    collection: i64,
    column: &'static str,
    value: i64,
) -> Result<StatusCode> {
    let mut tx = app.db.begin().await?;
    let sql = format!(
        "delete from user_collection_places where collection_id = $1 and {column} = $2 returning place_id"
    );
    let place: Option<i64> = sqlx::query_scalar(&sql)
        .bind(collection)
        .bind(value)
        .fetch_optional(&mut *tx)
        .await?;
    let place = place.ok_or(ApiError::NotFound("Collection item"))?;
    let sql = "delete from saved_places where collection_id = $1 and place_id = $2";
    sqlx::query(sql)
        .bind(collection)
        .bind(place)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a place.
#[utoipa::path(delete, path = "/collections/{collection_id}/places/{place_id}", tag = "collections", responses((status = 204, description = "Removed")))]
pub async fn remove_place(
    State(app): State<App>,
    user: User,
    Path((collection_id, place_id)): Path<(i64, i64)>,
) -> Result<StatusCode> {
    store::owned(&app, user.id, collection_id).await?;
    drop_member(&app, collection_id, "place_id", place_id).await
}

/// Removes an item. The last part of the path is the item's id: it shares its place with the check-in's id of the POST.
#[utoipa::path(delete, path = "/collections/{collection_id}/items/{check_in_id}", tag = "collections", responses((status = 204, description = "Removed")))]
pub async fn remove(
    State(app): State<App>,
    user: User,
    Path((collection_id, check_in_id)): Path<(i64, i64)>,
) -> Result<StatusCode> {
    store::owned(&app, user.id, collection_id).await?;
    drop_member(&app, collection_id, "id", check_in_id).await
}

#[derive(Serialize, ToSchema, sqlx::FromRow)]
pub struct Item {
    id: i64,
    collection_id: i64,
    place_id: i64,
    place_name: String,
    place_address: Option<String>,
    place_city: Option<String>,
    place_latitude: Option<f64>,
    place_longitude: Option<f64>,
    place_rating: Option<f64>,
    place_photo_url: Option<String>,
    photo_url: Option<String>,
    photo_urls: Vec<String>,
    checkin_count: i64,
    user_checkin_photos: Vec<String>,
    added_at: Stamp,
}

/// SQL of a collection's items as the user `$1` sees them; `$2` is the collection.
fn items_sql() -> String {
    format!(
        "select m.id, m.collection_id, p.id as place_id, p.name as place_name, p.address as place_address, p.city as place_city, \
         p.latitude as place_latitude, p.longitude as place_longitude, p.rating as place_rating, p.photo_url as place_photo_url, \
         p.photo_url, array(select f.url from check_in_photos f join check_ins c on c.id = f.check_in_id \
            where c.place_id = p.id and {picture} order by f.id desc limit 10) as photo_urls, \
         (select count(*) from check_ins c where c.place_id = p.id and {seen}) as checkin_count, \
         array(select f.url from check_in_photos f join check_ins c on c.id = f.check_in_id \
            where c.place_id = p.id and c.user_id = k.user_id and {picture} order by f.id desc limit 10) as user_checkin_photos, m.added_at \
         from user_collection_places m join user_collections k on k.id = m.collection_id join places p on p.id = m.place_id \
         where m.collection_id = $2 order by m.added_at desc, m.id desc limit $3 offset $4",
        picture = visible::picture("c", "$1::bigint"),
        seen = visible::check_in("c", "$1::bigint")
    )
}

async fn page_of(app: &App, viewer: i64, collection: i64, paging: &Paging) -> Result<Page<Item>> {
    store::seen(app, viewer, collection).await?;
    let sql = "select count(*) from user_collection_places where collection_id = $1";
    let total = sqlx::query_scalar(sql)
        .bind(collection)
        .fetch_one(&app.db)
        .await?;
    let sql = items_sql();
    let rows = sqlx::query_as(&sql)
        .bind(viewer)
        .bind(collection)
        .bind(paging.limit())
        .bind(paging.offset());
    let mut items: Vec<Item> = rows.fetch_all(&app.db).await?;
    for item in &mut items {
        item.place_photo_url = app
            .objects
            .address_opt(item.place_photo_url.as_deref())
            .await;
        item.user_checkin_photos = app.objects.addresses(&item.user_checkin_photos).await;
        let mut all: Vec<String> = item.place_photo_url.iter().cloned().collect();
        all.extend(app.objects.addresses(&item.photo_urls).await);
        item.photo_url = all.first().cloned();
        item.photo_urls = all;
    }
    Ok(paging.page(items, total))
}

/// The places of a collection, newest first.
#[utoipa::path(get, path = "/collections/{collection_id}/items", tag = "collections", params(Paging), responses((status = 200, body = Page<Item>)))]
pub async fn items(
    State(app): State<App>,
    user: User,
    Path(collection_id): Path<i64>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Item>>> {
    Ok(Json(page_of(&app, user.id, collection_id, &paging).await?))
}

/// The same under its other name.
#[utoipa::path(get, path = "/collections/{collection_id}/places", tag = "collections", params(Paging), responses((status = 200, body = Page<Item>)))]
pub async fn places(
    State(app): State<App>,
    user: User,
    Path(collection_id): Path<i64>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Item>>> {
    Ok(Json(page_of(&app, user.id, collection_id, &paging).await?))
}

/// An item in the flat list.
#[derive(Serialize, ToSchema, sqlx::FromRow)]
pub struct FlatItem {
    pub collection_place_id: i64,
    pub place_id: i64,
    pub place_name: String,
    pub address: Option<String>,
    pub city: Option<String>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub rating: Option<f64>,
    pub description: Option<String>,
    pub categories: Option<String>,
    pub photos: Vec<String>,
    pub added_at: Stamp,
}

/// All places of a collection as a plain list. Access is the caller's to check.
///
/// # Errors
/// The database's failure.
pub async fn flat(app: &App, viewer: i64, collection: i64) -> Result<Vec<FlatItem>> {
    let sql = format!(
        "select m.id as collection_place_id, p.id as place_id, p.name as place_name, p.address, p.city, p.latitude, p.longitude, p.rating, \
         p.description, p.categories, array(select x.url from (select p.photo_url as url, 0 as n, 0::bigint as i where p.photo_url is not null \
            union all select f.url, 1, -f.id from check_in_photos f join check_ins c on c.id = f.check_in_id where c.place_id = p.id and {} \
            order by 2, 3 limit 10) x) as photos, m.added_at \
         from user_collection_places m join places p on p.id = m.place_id where m.collection_id = $2 order by m.added_at desc, m.id desc",
        visible::picture("c", "$1::bigint")
    );
    let mut items: Vec<FlatItem> = sqlx::query_as(&sql)
        .bind(viewer)
        .bind(collection)
        .fetch_all(&app.db)
        .await?;
    for item in &mut items {
        item.photos = app.objects.addresses(&item.photos).await;
    }
    Ok(items)
}

/// The places of a collection as a plain list.
#[utoipa::path(get, path = "/collections/{collection_id}/items/list", tag = "collections", responses((status = 200, body = Vec<FlatItem>)))]
pub async fn list(
    State(app): State<App>,
    user: User,
    Path(collection_id): Path<i64>,
) -> Result<Json<Vec<FlatItem>>> {
    store::seen(&app, user.id, collection_id).await?;
    Ok(Json(flat(&app, user.id, collection_id).await?))
}
