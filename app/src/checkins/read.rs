//! Reading, changing and removing check-ins.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::Utc;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{self, CHECK_INS, CheckIn};
use super::{comments, likes};
use crate::activity;
use crate::app::App;
use crate::auth::User;
use crate::bounds::Text;
use crate::error::{ApiError, Result};
use crate::extract::{Json, Path, Query};
use crate::files;
use crate::page::{Page, Paging, count_of};
use crate::stamp::Stamp;
use crate::visible::Level;

/// The caller's check-ins, newest first.
#[utoipa::path(get, path = "/places/me/check-ins", tag = "check-ins", params(Paging), responses((status = 200, body = Page<CheckIn>)))]
pub async fn mine(
    State(app): State<App>,
    user: User,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<CheckIn>>> {
    let count = format!("select {}", count_of("from check_ins where user_id = $1"));
    let total = sqlx::query_scalar(&count)
        .bind(user.id)
        .fetch_one(&app.db)
        .await?;
    let sql = format!(
        "{CHECK_INS} where c.user_id = $1 order by c.created_at desc, c.id desc limit $2 offset $3"
    );
    let rows = sqlx::query_as(&sql)
        .bind(user.id)
        .bind(paging.limit())
        .bind(paging.offset());
    let items = model::finished(&app, rows.fetch_all(&app.db).await?).await;
    Ok(Json(paging.page(items, total)))
}

#[derive(Deserialize, ToSchema)]
pub struct CheckInChange {
    note: Option<Text<0, 500>>,
    visibility: Option<Level>,
}

/// Changes the note or the visibility.
#[utoipa::path(put, path = "/places/check-ins/{check_in_id}", tag = "check-ins", responses((status = 200, body = CheckIn)))]
pub async fn change(
    State(app): State<App>,
    user: User,
    Path(check_in_id): Path<i64>,
    Json(body): Json<CheckInChange>,
) -> Result<Json<CheckIn>> {
    model::owned(&app, user.id, check_in_id).await?;
    let mut tx = app.db.begin().await?;
    let sql = "update check_ins set note = coalesce($2, note), visibility = coalesce($3, visibility) where id = $1";
    sqlx::query(sql)
        .bind(check_in_id)
        .bind(body.note.as_deref())
        .bind(body.visibility)
        .execute(&mut *tx)
        .await?;
    activity::follow_visibility(&mut tx, check_in_id).await?;
    tx.commit().await?;
    Ok(Json(model::own(&app, user.id, check_in_id).await?))
}

/// Removes a check-in with its photos, comments and likes.
#[utoipa::path(delete, path = "/places/check-ins/{check_in_id}", tag = "check-ins", responses((status = 204, description = "Removed")))]
pub async fn remove(
    State(app): State<App>,
    user: User,
    Path(check_in_id): Path<i64>,
) -> Result<StatusCode> {
    model::owned(&app, user.id, check_in_id).await?;
    let mut tx = app.db.begin().await?;
    let sql = "delete from check_in_photos where check_in_id = $1 returning url";
    let removed: Vec<String> = sqlx::query_scalar(sql)
        .bind(check_in_id)
        .fetch_all(&mut *tx)
        .await?;
    activity::forget_check_in(&mut tx, check_in_id).await?;
    sqlx::query("delete from check_ins where id = $1")
        .bind(check_in_id)
        .execute(&mut *tx)
        .await?;
    files::release(&mut tx, &removed).await?;
    tx.commit().await?;
    files::sweep(&app, &removed).await;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, ToSchema, sqlx::FromRow)]
pub struct CheckInDetail {
    id: i64,
    user_id: i64,
    user_name: String,
    user_avatar_url: Option<String>,
    place_id: i64,
    place_name: String,
    note: Option<String>,
    visibility: String,
    created_at: Stamp,
    expires_at: Stamp,
    photo_url: Option<String>,
    photo_urls: Vec<String>,
    likes_count: i64,
    comments_count: i64,
    is_liked_by_user: bool,
    #[sqlx(skip)]
    allowed_to_chat: bool,
}

/// One check-in.
#[utoipa::path(get, path = "/check-ins/{check_in_id}", tag = "check-ins", responses((status = 200, body = CheckInDetail)))]
pub async fn detail(
    State(app): State<App>,
    user: User,
    Path(check_in_id): Path<i64>,
) -> Result<Json<CheckInDetail>> {
    model::seen(&app.db, user.id, check_in_id).await?;
    let sql = format!(
        "select c.id, c.user_id, coalesce(u.name, 'User ' || u.id) as user_name, u.avatar_url as user_avatar_url, c.place_id, \
        p.name as place_name, c.note, c.visibility, c.created_at, c.expires_at, c.photo_url, \
        coalesce((select array_agg(f.url order by f.id) from check_in_photos f where f.check_in_id = c.id), '{{}}') as photo_urls, \
        {} as likes_count, {} as comments_count, \
        exists (select 1 from check_in_likes l where l.check_in_id = c.id and l.user_id = $1) as is_liked_by_user \
        from check_ins c join users u on u.id = c.user_id join places p on p.id = c.place_id where c.id = $2",
        likes::counted("c.id", "$1::bigint"),
        comments::counted("c.id", "$1::bigint"),
    );
    let found: Option<CheckInDetail> = sqlx::query_as(&sql)
        .bind(user.id)
        .bind(check_in_id)
        .fetch_optional(&app.db)
        .await?;
    let mut found = found.ok_or(ApiError::NotFound("Check-in"))?;
    found.user_avatar_url = app
        .objects
        .address_opt(found.user_avatar_url.as_deref())
        .await;
    found.photo_url = app.objects.address_opt(found.photo_url.as_deref()).await;
    found.photo_urls = app.objects.addresses(&found.photo_urls).await;
    let window = chrono::Duration::hours(app.config.checkin.chat_window_hours);
    found.allowed_to_chat = Utc::now() - found.created_at.0 < window;
    Ok(Json(found))
}

#[derive(Serialize, ToSchema, sqlx::FromRow)]
pub struct CheckInStats {
    likes_count: i64,
    comments_count: i64,
    is_liked_by_user: bool,
}

/// A check-in's numbers.
#[utoipa::path(get, path = "/check-ins/{check_in_id}/stats", tag = "check-ins", responses((status = 200, body = CheckInStats)))]
pub async fn stats(
    State(app): State<App>,
    user: User,
    Path(check_in_id): Path<i64>,
) -> Result<Json<CheckInStats>> {
    model::seen(&app.db, user.id, check_in_id).await?;
    let sql = format!(
        "select {} as likes_count, {} as comments_count, \
         exists (select 1 from check_in_likes where check_in_id = $1 and user_id = $2) as is_liked_by_user",
        likes::counted("$1", "$2::bigint"),
        comments::counted("$1", "$2::bigint"),
    );
    Ok(Json(
        sqlx::query_as(&sql)
            .bind(check_in_id)
            .bind(user.id)
            .fetch_one(&app.db)
            .await?,
    ))
}
