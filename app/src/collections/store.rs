//! Collections as they are kept, and as clients read them.

use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::{ApiError, Result};
use crate::stamp::Stamp;
use crate::visible::{self, Level};

/// The collection everybody has.
pub const FAVORITES: &str = "Favorites";

#[derive(Debug, Serialize, ToSchema, sqlx::FromRow)]
pub struct Collection {
    pub id: i64,
    pub user_id: i64,
    pub name: String,
    pub description: Option<String>,
    pub is_public: bool,
    pub visibility: Level,
    pub photo_urls: Vec<String>,
    pub place_count: i64,
    pub created_at: Stamp,
    pub updated_at: Option<Stamp>,
}

/// Pictures of a collection.
const PICTURES: usize = 3;
/// And of one in short, as many as are read.
const PICTURES_IN_SHORT: usize = 4;

/// SQL of [`Collection`]s aliased `k` as the user `$1` sees them; pictures are of the latest places.
fn collections_sql() -> String {
    format!(
        "select k.id, k.user_id, k.name, k.description, k.is_public, k.visibility, \
         array(select x.url from (select m.place_id, m.added_at, m.id from user_collection_places m where m.collection_id = k.id \
                order by m.added_at desc, m.id desc) m \
            cross join lateral (select coalesce(p.photo_url, (select f.url from check_in_photos f join check_ins c on c.id = f.check_in_id \
                where c.place_id = p.id and {} order by f.id desc limit 1)) as url from places p where p.id = m.place_id) x \
            where x.url is not null order by m.added_at desc, m.id desc limit 4) as photo_urls, \
         (select count(*) from user_collection_places m where m.collection_id = k.id) as place_count, k.created_at, k.updated_at \
         from user_collections k",
        visible::picture("c", "$1::bigint")
    )
}

async fn finished(app: &App, mut all: Vec<Collection>, pictures: usize) -> Vec<Collection> {
    for collection in &mut all {
        collection.photo_urls.truncate(pictures);
        collection.photo_urls = app.objects.addresses(&collection.photo_urls).await;
    }
    all
}

/// The user's collection of that name (ignoring case), made private when there is none: its id and its name as it is kept.
///
/// # Errors
/// The database's failure.
pub async fn ensure(tx: &mut PgConnection, user: i64, name: &str) -> Result<(i64, String)> {
    let sql =
        "select id, name from user_collections where user_id = $1 and lower(name) = lower($2)";
    let find = || {
        sqlx::query_as::<_, (i64, String)>(sql)
            .bind(user)
            .bind(name)
    };
    if let Some(found) = find().fetch_optional(&mut *tx).await? {
        return Ok(found);
    }
    let insert = "insert into user_collections (user_id, name, is_public, visibility) values ($1, $2, false, 'private') on conflict do nothing";
    sqlx::query(insert)
        .bind(user)
        .bind(name)
        .execute(&mut *tx)
        .await?;
    Ok(find().fetch_one(tx).await?)
}

/// Makes sure the default collection is there.
///
/// # Errors
/// The database's failure.
pub async fn ensure_favorites(app: &App, user: i64) -> Result<()> {
    let sql = "insert into user_collections (user_id, name, is_public, visibility) select $1, $2, false, 'private' \
               where not exists (select 1 from user_collections where user_id = $1 and lower(name) = lower($2)) on conflict do nothing";
    sqlx::query(sql)
        .bind(user)
        .bind(FAVORITES)
        .execute(&app.db)
        .await?;
    Ok(())
}

/// All collections of `owner` that `viewer` may see, by name.
///
/// # Errors
/// The database's failure.
pub async fn visible_to(
    app: &App,
    viewer: i64,
    owner: i64,
    limit: i64,
    offset: i64,
) -> Result<Vec<Collection>> {
    let rows = rows(app, viewer, owner, limit, offset).await?;
    Ok(finished(app, rows, PICTURES).await)
}

/// All collections of `owner` with a picture more, for their summary.
///
/// # Errors
/// The database's failure.
pub async fn in_short(app: &App, owner: i64) -> Result<Vec<Collection>> {
    let rows = rows(app, owner, owner, i64::MAX, 0).await?;
    Ok(finished(app, rows, PICTURES_IN_SHORT).await)
}

async fn rows(
    app: &App,
    viewer: i64,
    owner: i64,
    limit: i64,
    offset: i64,
) -> Result<Vec<Collection>> {
    let sql = format!(
        "{} where k.user_id = $2 and {} order by lower(k.name), k.id limit $3 offset $4",
        collections_sql(),
        visible::can_view("k.user_id", "$1::bigint", "k.visibility")
    );
    let rows = sqlx::query_as(&sql)
        .bind(viewer)
        .bind(owner)
        .bind(limit)
        .bind(offset);
    Ok(rows.fetch_all(&app.db).await?)
}

/// One collection the viewer may see.
///
/// # Errors
/// 404 unknown, 403 hidden.
pub async fn seen(app: &App, viewer: i64, id: i64) -> Result<Collection> {
    let sql = format!(
        "select {} and not {} from user_collections k where k.id = $2",
        visible::can_view("k.user_id", "$1::bigint", "k.visibility"),
        visible::blocks("k.user_id", "$1::bigint")
    );
    let allowed: Option<bool> = sqlx::query_scalar(&sql)
        .bind(viewer)
        .bind(id)
        .fetch_optional(&app.db)
        .await?;
    match allowed {
        None => Err(ApiError::NotFound("Collection")),
        Some(false) => Err(ApiError::forbidden("This collection is private")),
        Some(true) => load(app, viewer, id).await,
    }
}

/// One collection as `viewer` sees it. Access is the caller's to check.
///
/// # Errors
/// 404, or the database's failure.
pub async fn load(app: &App, viewer: i64, id: i64) -> Result<Collection> {
    let sql = format!("{} where k.id = $2", collections_sql());
    let row: Option<Collection> = sqlx::query_as(&sql)
        .bind(viewer)
        .bind(id)
        .fetch_optional(&app.db)
        .await?;
    let row = row.ok_or(ApiError::NotFound("Collection"))?;
    finished(app, vec![row], PICTURES)
        .await
        .pop()
        .ok_or(ApiError::NotFound("Collection"))
}

/// Refuses unless the collection is the user's.
///
/// # Errors
/// 404 unknown, 403 somebody else's.
pub async fn owned(app: &App, user: i64, id: i64) -> Result<()> {
    let sql = "select user_id from user_collections where id = $1";
    let owner: Option<i64> = sqlx::query_scalar(sql)
        .bind(id)
        .fetch_optional(&app.db)
        .await?;
    match owner {
        None => Err(ApiError::NotFound("Collection")),
        Some(owner) if owner == user => Ok(()),
        Some(_) => Err(ApiError::forbidden("This collection is not yours")),
    }
}
