//! The photos of a place: of check-ins the caller may see, and of reviews.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::User;
use crate::error::{ApiError, Result};
use crate::extract::{Json, Path, Query};
use crate::page::{Page, Paging, count_of};
use crate::stamp::Stamp;
use crate::visible;

#[derive(Debug, Serialize, ToSchema, sqlx::FromRow)]
pub struct Photo {
    pub id: i64,
    pub user_id: i64,
    pub place_id: i64,
    pub review_id: Option<i64>,
    pub url: String,
    pub caption: Option<String>,
    pub created_at: Stamp,
}

/// A place's photos, newest first; its own pictures, with negative ids, when people have taken none.
#[utoipa::path(get, path = "/places/{place_id}/photos", tag = "places", params(Paging), responses((status = 200, body = Page<Photo>)))]
pub async fn photos(
    State(app): State<App>,
    user: User,
    Path(place_id): Path<i64>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Photo>>> {
    let all = format!(
        "(select f.id, c.user_id, c.place_id, null::bigint as review_id, f.url, c.note as caption, f.created_at from check_in_photos f \
         join check_ins c on c.id = f.check_in_id where c.place_id = $1 and {} \
         union all select f.id, f.user_id, f.place_id, f.review_id, f.url, f.caption, f.created_at from photos f \
         where f.place_id = $1 and not {}) a",
        visible::check_in("c", "$2::bigint"),
        visible::blocks("f.user_id", "$2::bigint"),
    );
    let sql = format!(
        "select {}, p.photo_url, p.additional_photos, p.created_at from places p where p.id = $1",
        count_of(&format!("from {all}")),
    );
    type Own = (
        i64,
        Option<String>,
        Option<sqlx::types::Json<Vec<String>>>,
        Stamp,
    );
    let found: Option<Own> = sqlx::query_as(&sql)
        .bind(place_id)
        .bind(user.id)
        .fetch_optional(&app.db)
        .await?;
    let (total, own, more, since) = found.ok_or(ApiError::NotFound("Place"))?;
    if total == 0 {
        let urls: Vec<String> = own
            .into_iter()
            .chain(more.map(|m| m.0).unwrap_or_default())
            .collect();
        return Ok(Json(
            own_photos(&app, place_id, &urls, since, &paging).await,
        ));
    }
    let sql = format!("select * from {all} order by created_at desc, id desc limit $3 offset $4");
    let rows = sqlx::query_as(&sql)
        .bind(place_id)
        .bind(user.id)
        .bind(paging.limit())
        .bind(paging.offset());
    let mut items: Vec<Photo> = rows.fetch_all(&app.db).await?;
    for photo in &mut items {
        photo.url = app.objects.address(&photo.url).await;
    }
    Ok(Json(paging.page(items, total)))
}

async fn own_photos(
    app: &App,
    place: i64,
    urls: &[String],
    since: Stamp,
    paging: &Paging,
) -> Page<Photo> {
    let total = i64::try_from(urls.len()).unwrap_or(i64::MAX);
    let skip = usize::try_from(paging.offset()).unwrap_or(usize::MAX);
    let take = usize::try_from(paging.limit()).unwrap_or(0);
    let mut items = Vec::new();
    for (index, url) in (1_i64..).zip(urls).skip(skip).take(take) {
        let url = app.objects.address(url).await;
        items.push(Photo {
            id: -index,
            user_id: 0,
            place_id: place,
            review_id: None,
            url,
            caption: None,
            created_at: since,
        });
    }
    paging.page(items, total)
}
