//! Saved places: one list a place, kept in step with the collection of that name.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::auth::User;
use crate::bounds::{Id, Text};
use crate::collections::store::{self, FAVORITES};
use crate::error::{ApiError, Result};
use crate::extract::{Json, Path, Query};
use crate::page::{Page, Paging, count_of};
use crate::places::model::{self, Place, View};
use crate::routes;
use crate::stamp::Stamp;
use crate::visible;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(save))
        .routes(routes!(unsave))
        .routes(routes!(mine))
        .routes(routes!(names))
        .routes(routes!(one))
        .routes(routes!(items))
}

#[derive(Deserialize, ToSchema)]
struct SaveBody {
    place_id: Id,
    list_name: Option<Text<0, 100>>,
}

#[derive(Serialize, ToSchema)]
pub struct Saved {
    id: i64,
    user_id: i64,
    place_id: i64,
    collection_id: i64,
    list_name: String,
    created_at: Stamp,
    place: Option<Place>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    user_id: i64,
    place_id: i64,
    collection_id: i64,
    list_name: String,
    created_at: Stamp,
}

impl Row {
    fn with(self, place: Option<Place>) -> Saved {
        let Row {
            id,
            user_id,
            place_id,
            collection_id,
            list_name,
            created_at,
        } = self;
        Saved {
            id,
            user_id,
            place_id,
            collection_id,
            list_name,
            created_at,
            place,
        }
    }
}

/// Saves a place to a list; saving again moves it.
#[utoipa::path(post, path = "/places/saved", tag = "saved", responses((status = 200, body = Saved)))]
async fn save(
    State(app): State<App>,
    user: User,
    Json(body): Json<SaveBody>,
) -> Result<Json<Saved>> {
    let place_id = *body.place_id;
    let list = body
        .list_name
        .as_deref()
        .map(str::trim)
        .filter(|n| !n.is_empty())
        .unwrap_or(FAVORITES);
    let mut tx = app.db.begin().await?;
    let known: bool = sqlx::query_scalar("select exists (select 1 from places where id = $1)")
        .bind(place_id)
        .fetch_one(&mut *tx)
        .await?;
    if !known {
        return Err(ApiError::NotFound("Place"));
    }
    let (collection, name) = store::ensure(&mut tx, user.id, list).await?;
    let sql =
        "select collection_id from saved_places where user_id = $1 and place_id = $2 for update";
    let before: Option<i64> = sqlx::query_scalar(sql)
        .bind(user.id)
        .bind(place_id)
        .fetch_optional(&mut *tx)
        .await?;
    if let Some(before) = before.filter(|b| *b != collection) {
        let sql = "delete from user_collection_places where collection_id = $1 and place_id = $2";
        sqlx::query(sql)
            .bind(before)
            .bind(place_id)
            .execute(&mut *tx)
            .await?;
    }
    let sql = "insert into saved_places (user_id, place_id, collection_id, list_name) values ($1, $2, $3, $4) \
               on conflict on constraint saved_places_pair_key do update set collection_id = excluded.collection_id, list_name = excluded.list_name \
               returning id, user_id, place_id, collection_id, list_name, created_at";
    let row: Row = sqlx::query_as(sql)
        .bind(user.id)
        .bind(place_id)
        .bind(collection)
        .bind(&name)
        .fetch_one(&mut *tx)
        .await?;
    let sql = "insert into user_collection_places (collection_id, place_id) values ($1, $2) on conflict do nothing";
    sqlx::query(sql)
        .bind(collection)
        .bind(place_id)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    let place = model::by_ids(&app, &[place_id], View::day(None))
        .await?
        .pop();
    Ok(Json(row.with(place)))
}

#[derive(Deserialize, IntoParams)]
struct UnsaveQuery {
    collection_name: Option<String>,
}

/// Removes a saved place, from one list when named.
#[utoipa::path(delete, path = "/places/saved/{place_id}", tag = "saved", params(UnsaveQuery), responses((status = 204, description = "Removed")))]
async fn unsave(
    State(app): State<App>,
    user: User,
    Path(place_id): Path<i64>,
    Query(query): Query<UnsaveQuery>,
) -> Result<StatusCode> {
    let list = query
        .collection_name
        .as_deref()
        .map(str::trim)
        .filter(|n| !n.is_empty());
    let mut tx = app.db.begin().await?;
    let sql = "delete from saved_places where user_id = $1 and place_id = $2 and ($3::text is null or lower(list_name) = lower($3)) \
               returning collection_id";
    let gone: Option<i64> = sqlx::query_scalar(sql)
        .bind(user.id)
        .bind(place_id)
        .bind(list)
        .fetch_optional(&mut *tx)
        .await?;
    let collection = gone.ok_or(ApiError::NotFound("Saved place"))?;
    let sql = "delete from user_collection_places where collection_id = $1 and place_id = $2";
    sqlx::query(sql)
        .bind(collection)
        .bind(place_id)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, IntoParams)]
struct MineQuery {
    collection: Option<String>,
}

/// The caller's saved places, newest first.
#[utoipa::path(get, path = "/places/saved/me", tag = "saved", params(MineQuery, Paging), responses((status = 200, body = Page<Saved>)))]
async fn mine(
    State(app): State<App>,
    user: User,
    Query(query): Query<MineQuery>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Saved>>> {
    let list = query
        .collection
        .as_deref()
        .map(str::trim)
        .filter(|n| !n.is_empty());
    let from = "from saved_places where user_id = $1 and ($2::text is null or lower(trim(list_name)) = lower($2))";
    let total = sqlx::query_scalar(&format!("select {}", count_of(from)))
        .bind(user.id)
        .bind(list)
        .fetch_one(&app.db)
        .await?;
    let sql = format!(
        "select id, user_id, place_id, collection_id, coalesce(list_name, '') as list_name, created_at {from} \
         order by created_at desc, id desc limit $3 offset $4"
    );
    let rows = sqlx::query_as(&sql)
        .bind(user.id)
        .bind(list)
        .bind(paging.limit())
        .bind(paging.offset());
    let rows: Vec<Row> = rows.fetch_all(&app.db).await?;
    let ids: Vec<i64> = rows.iter().map(|r| r.place_id).collect();
    let mut places = model::by_ids(&app, &ids, View::day(None))
        .await?
        .into_iter()
        .peekable();
    // Both are in the same order; a place removed in between leaves a gap.
    let items = rows
        .into_iter()
        .map(|row| {
            let place = places.next_if(|p| p.id == row.place_id);
            row.with(place)
        })
        .collect();
    Ok(Json(paging.page(items, total)))
}

/// The names of the caller's lists.
#[utoipa::path(get, path = "/places/saved/collections", tag = "saved", responses((status = 200, body = Vec<String>)))]
async fn names(State(app): State<App>, user: User) -> Result<Json<Vec<String>>> {
    let sql = "select min(trim(list_name)) from saved_places where user_id = $1 and trim(list_name) <> '' group by lower(trim(list_name)) order by 1";
    let mut names: Vec<String> = sqlx::query_scalar(sql)
        .bind(user.id)
        .fetch_all(&app.db)
        .await?;
    if names.is_empty() {
        names.push(FAVORITES.to_owned());
    }
    Ok(Json(names))
}

#[derive(Serialize, ToSchema)]
struct SavedList {
    name: String,
    count: i64,
    photos: Vec<String>,
}

/// SQL: pictures of a place, its own and of check-ins that may stand for it to the user `$1`, at most `$3`.
fn pictures() -> String {
    format!(
        "array(select x.url from (select p.photo_url as url, 0 as n where p.photo_url is not null \
         union all select f.url, 1 from check_in_photos f join check_ins c on c.id = f.check_in_id \
         where c.place_id = p.id and {} order by 2 limit $3) x)",
        visible::picture("c", "$1::bigint")
    )
}

/// One list.
#[utoipa::path(get, path = "/places/saved/collections/{collection_name}", tag = "saved", responses((status = 200, body = SavedList)))]
async fn one(
    State(app): State<App>,
    user: User,
    Path(collection_name): Path<String>,
) -> Result<Json<SavedList>> {
    let items = listed(&app, user.id, &collection_name, 4).await?;
    let photos: Vec<String> = items
        .iter()
        .flat_map(|i| i.photos.iter().cloned())
        .take(4)
        .collect();
    let name = collection_name.trim().to_owned();
    Ok(Json(SavedList {
        name,
        count: i64::try_from(items.len()).unwrap_or(i64::MAX),
        photos,
    }))
}

#[derive(Serialize, ToSchema, sqlx::FromRow)]
struct SavedItem {
    saved_place_id: i64,
    place_id: i64,
    place_name: String,
    address: Option<String>,
    city: Option<String>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    rating: Option<f64>,
    description: Option<String>,
    categories: Option<String>,
    photos: Vec<String>,
    saved_at: Stamp,
}

async fn listed(app: &App, user: i64, name: &str, photos: i64) -> Result<Vec<SavedItem>> {
    let pictures = pictures();
    let sql = format!(
        "select s.id as saved_place_id, p.id as place_id, p.name as place_name, p.address, p.city, p.latitude, p.longitude, p.rating, \
         p.description, p.categories, {pictures} as photos, s.created_at as saved_at from saved_places s join places p on p.id = s.place_id \
         where s.user_id = $1 and lower(trim(s.list_name)) = lower(trim($2)) order by s.created_at desc, s.id desc"
    );
    let rows = sqlx::query_as(&sql).bind(user).bind(name).bind(photos);
    let mut items: Vec<SavedItem> = rows.fetch_all(&app.db).await?;
    if items.is_empty() {
        return Err(ApiError::NotFound("Collection"));
    }
    for item in &mut items {
        item.photos = app.objects.addresses(&item.photos).await;
    }
    Ok(items)
}

/// The places of one list.
#[utoipa::path(get, path = "/places/saved/collections/{collection_name}/items", tag = "saved", responses((status = 200, body = Vec<SavedItem>)))]
async fn items(
    State(app): State<App>,
    user: User,
    Path(collection_name): Path<String>,
) -> Result<Json<Vec<SavedItem>>> {
    Ok(Json(listed(&app, user.id, &collection_name, 10).await?))
}
