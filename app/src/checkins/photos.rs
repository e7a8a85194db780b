//! Photos of a check-in.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::create::PHOTOS;
use super::model::{self, CheckIn};
use crate::app::App;
use crate::auth::User;
use crate::dms::uploads::FileForm;
use crate::error::{ApiError, Result};
use crate::extract::{Json, Path};
use crate::files::{self, Awaits};
use crate::stamp::Stamp;
use crate::upload::{Allowed, Form, Pending};

/// Adds a photo.
#[utoipa::path(post, path = "/places/check-ins/{check_in_id}/photo", tag = "check-ins",
    request_body(content = FileForm, content_type = "multipart/form-data"), responses((status = 200, body = CheckIn), (status = 413, description = "Too large")))]
pub async fn add(
    State(app): State<App>,
    user: User,
    Path(check_in_id): Path<i64>,
    form: Form,
) -> Result<Json<CheckIn>> {
    model::owned(&app, user.id, check_in_id).await?;
    let slot = form.admit(&app, user.id)?;
    let allowed = Allowed::up_to(app.config.limits.photo_bytes, &PHOTOS);
    let upload = form.file(&app, &slot, allowed, |_, _| {}).await?;
    let mut file = Pending::new(&app, Awaits::Row);
    let folder = format!("checkins/{check_in_id}");
    let stored = file.store(&upload, &folder).await?;
    let mut tx = app.db.begin().await?;
    let sql = "update check_ins set photo_url = $2 where id = $1";
    sqlx::query(sql)
        .bind(check_in_id)
        .bind(&stored)
        .execute(&mut *tx)
        .await?;
    let sql =
        "insert into check_in_photos (check_in_id, url) select id, $2 from check_ins where id = $1";
    let done = sqlx::query(sql)
        .bind(check_in_id)
        .bind(&stored)
        .execute(&mut *tx)
        .await?;
    if done.rows_affected() == 0 {
        return Err(ApiError::NotFound("Check-in"));
    }
    file.keep();
    tx.commit().await?;
    Ok(Json(model::own(&app, user.id, check_in_id).await?))
}

/// Removes all photos.
#[utoipa::path(delete, path = "/places/check-ins/{check_in_id}/photo", tag = "check-ins", responses((status = 204, description = "Removed")))]
pub async fn remove_all(
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
    sqlx::query("update check_ins set photo_url = null where id = $1")
        .bind(check_in_id)
        .execute(&mut *tx)
        .await?;
    files::release(&mut tx, &removed).await?;
    tx.commit().await?;
    files::sweep(&app, &removed).await;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, ToSchema, sqlx::FromRow)]
pub struct CheckInPhoto {
    id: i64,
    check_in_id: i64,
    url: String,
    created_at: Stamp,
}

/// The photos of one's own check-in, oldest first.
#[utoipa::path(get, path = "/places/check-ins/{check_in_id}/photos", tag = "check-ins", responses((status = 200, body = Vec<CheckInPhoto>)))]
pub async fn list(
    State(app): State<App>,
    user: User,
    Path(check_in_id): Path<i64>,
) -> Result<Json<Vec<CheckInPhoto>>> {
    model::owned(&app, user.id, check_in_id).await?;
    let sql = "select id, check_in_id, url, created_at from check_in_photos where check_in_id = $1 order by id";
    let mut photos: Vec<CheckInPhoto> = sqlx::query_as(sql)
        .bind(check_in_id)
        .fetch_all(&app.db)
        .await?;
    for photo in &mut photos {
        photo.url = app.objects.address(&photo.url).await;
    }
    Ok(Json(photos))
}

/// Removes one photo.
#[utoipa::path(delete, path = "/places/check-ins/{check_in_id}/photos/{photo_id}", tag = "check-ins", responses((status = 204, description = "Removed")))]
pub async fn remove(
    State(app): State<App>,
    user: User,
    Path((check_in_id, photo_id)): Path<(i64, i64)>,
) -> Result<StatusCode> {
    model::owned(&app, user.id, check_in_id).await?;
    let mut tx = app.db.begin().await?;
    let sql = "delete from check_in_photos where id = $1 and check_in_id = $2 returning url";
    let file: Option<String> = sqlx::query_scalar(sql)
        .bind(photo_id)
        .bind(check_in_id)
        .fetch_optional(&mut *tx)
        .await?;
    let removed = [file.ok_or(ApiError::NotFound("Photo"))?];
    let sql = "update check_ins set photo_url = (select url from check_in_photos where check_in_id = $1 order by id desc limit 1) where id = $1";
    sqlx::query(sql).bind(check_in_id).execute(&mut *tx).await?;
    files::release(&mut tx, &removed).await?;
    tx.commit().await?;
    files::sweep(&app, &removed).await;
    Ok(StatusCode::NO_CONTENT)
}
