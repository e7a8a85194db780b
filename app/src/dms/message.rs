//! Messages as clients read them, and their removal.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{frames, thread};
use crate::app::App;
use crate::auth::User;
use crate::error::{ApiError, Result};
use crate::event;
use crate::extract::{Json, Path, Query};
use crate::files;
use crate::page::{Page, Paging, count_of};
use crate::stamp::Stamp;

const PLACEHOLDER: &str = "This message was deleted";

#[derive(Debug, Serialize, ToSchema, sqlx::FromRow)]
pub struct Message {
    id: i64,
    thread_id: i64,
    sender_id: i64,
    text: String,
    message_type: String,
    created_at: Stamp,
    delivery_status: String,
    delivered_at: Option<Stamp>,
    failed_at: Option<Stamp>,
    failure_reason: Option<String>,
    seen: Option<bool>,
    heart_count: i64,
    liked_by_me: bool,
    reply_to_id: Option<i64>,
    reply_to_text: Option<String>,
    reply_to_sender_name: Option<String>,
    #[sqlx(json)]
    photo_urls: Vec<String>,
    #[sqlx(json)]
    video_urls: Vec<String>,
    #[sqlx(json)]
    voice_urls: Vec<String>,
    voice_duration: Option<i32>,
    #[sqlx(json)]
    file_urls: Vec<String>,
    #[sqlx(json)]
    file_names: Vec<String>,
    #[sqlx(json)]
    file_sizes: Vec<i64>,
    caption: Option<String>,
    location_latitude: Option<f64>,
    location_longitude: Option<f64>,
    location_name: Option<String>,
    location_address: Option<String>,
    expires_at: Option<Stamp>,
    auto_delete_duration: Option<i32>,
    forwarded_from_message_id: Option<i64>,
    forwarded_from_user_id: Option<i64>,
    forwarded_from_user_name: Option<String>,
    is_forwarded: bool,
    deleted_at: Option<Stamp>,
    deleted_by_user_id: Option<i64>,
    is_deleted_placeholder: bool,
}

/// SQL of [`Message`] as the user `$1` sees it. A message past its expiry is deleted, whether the purge came by or not.
const MESSAGES: &str = "select m.id, m.thread_id, m.sender_id, m.text, m.message_type, m.created_at, m.delivery_status, m.delivered_at, \
     m.failed_at, m.failure_reason, case when m.sender_id = $1 then coalesce(m.created_at <= os.last_read_at, false) end as seen, \
     (select count(*) from dm_message_likes l where l.message_id = m.id) as heart_count, \
     exists (select 1 from dm_message_likes l where l.message_id = m.id and l.user_id = $1) as liked_by_me, \
     m.reply_to_id, m.reply_to_text, ru.name as reply_to_sender_name, m.photo_urls, m.video_urls, m.voice_urls, m.voice_duration, \
     m.file_urls, m.file_names, m.file_sizes, m.caption, m.location_latitude, m.location_longitude, m.location_name, m.location_address, \
     m.expires_at, m.auto_delete_duration, m.forwarded_from_message_id, fu.id as forwarded_from_user_id, fu.name as forwarded_from_user_name, \
     m.is_forwarded, m.deleted_at, m.deleted_by_user_id, \
     (m.deleted_at is not null or coalesce(m.expires_at <= now(), false)) as is_deleted_placeholder \
     from dm_messages m \
     left join dm_participant_states os on os.thread_id = m.thread_id and os.user_id <> $1 \
     left join dm_messages r on r.id = m.reply_to_id left join users ru on ru.id = r.sender_id \
     left join users fu on fu.id = m.forwarded_from_user_id and not exists \
     (select 1 from dm_participant_states vb where vb.blocked and vb.user_id = fu.id and vb.peer_id = $1) ";

impl Message {
    /// Takes everything out of a deleted message but that it was there.
    fn blank(&mut self) {
        PLACEHOLDER.clone_into(&mut self.text);
        self.heart_count = 0;
        self.liked_by_me = false;
        for list in [
            &mut self.photo_urls,
            &mut self.video_urls,
            &mut self.voice_urls,
            &mut self.file_urls,
            &mut self.file_names,
        ] {
            list.clear();
        }
        self.file_sizes.clear();
        for text in [
            &mut self.reply_to_text,
            &mut self.caption,
            &mut self.location_name,
            &mut self.location_address,
        ] {
            *text = None;
        }
        (
            self.location_latitude,
            self.location_longitude,
            self.voice_duration,
        ) = (None, None, None);
    }
}

async fn finished(app: &App, mut messages: Vec<Message>) -> Vec<Message> {
    for m in &mut messages {
        if m.is_deleted_placeholder {
            m.blank();
            continue;
        }
        for list in [
            &mut m.photo_urls,
            &mut m.video_urls,
            &mut m.voice_urls,
            &mut m.file_urls,
        ] {
            *list = app.objects.addresses(list).await;
        }
    }
    messages
}

/// One message as `viewer` sees it.
///
/// # Errors
/// 404, or the database's failure.
pub async fn shown(app: &App, viewer: i64, message: i64) -> Result<Message> {
    let sql = format!("{MESSAGES} where m.id = $2");
    let found: Option<Message> = sqlx::query_as(&sql)
        .bind(viewer)
        .bind(message)
        .fetch_optional(&app.db)
        .await?;
    let found = found.ok_or(ApiError::NotFound("Message"))?;
    finished(app, vec![found])
        .await
        .pop()
        .ok_or(ApiError::NotFound("Message"))
}

/// The thread's messages, newest first.
#[utoipa::path(get, path = "/dms/threads/{thread_id}/messages", tag = "dms", params(Paging<200, 50>),
    responses((status = 200, body = Page<Message>)))]
pub async fn list(
    State(app): State<App>,
    user: User,
    Path(thread_id): Path<i64>,
    Query(paging): Query<Paging<200, 50>>,
) -> Result<Json<Page<Message>>> {
    thread::access(&app.db, thread_id, user.id).await?;
    let count = count_of("from dm_messages where thread_id = $1");
    let total = sqlx::query_scalar(&format!("select {count}"))
        .bind(thread_id)
        .fetch_one(&app.db)
        .await?;
    let sql = format!(
        "{MESSAGES} where m.thread_id = $2 order by m.created_at desc, m.id desc limit $3 offset $4"
    );
    let rows = sqlx::query_as(&sql)
        .bind(user.id)
        .bind(thread_id)
        .bind(paging.limit())
        .bind(paging.offset());
    let messages = finished(&app, rows.fetch_all(&app.db).await?).await;
    Ok(Json(paging.page(messages, total)))
}

/// Deletes one's own message; a placeholder stays.
#[utoipa::path(delete, path = "/dms/threads/{thread_id}/messages/{message_id}", tag = "dms", responses((status = 204, description = "Deleted")))]
pub async fn delete(
    State(app): State<App>,
    user: User,
    Path((thread_id, message_id)): Path<(i64, i64)>,
) -> Result<StatusCode> {
    thread::access(&app.db, thread_id, user.id).await?;
    let sql =
        "select sender_id from dm_messages where id = $1 and thread_id = $2 and deleted_at is null";
    let sender: Option<i64> = sqlx::query_scalar(sql)
        .bind(message_id)
        .bind(thread_id)
        .fetch_optional(&app.db)
        .await?;
    if sender.ok_or(ApiError::NotFound("Message"))? != user.id {
        return Err(ApiError::forbidden("Only the sender may delete a message"));
    }
    let mut tx = app.db.begin().await?;
    let sql = "update dm_messages set deleted_at = now(), deleted_by_user_id = $2, updated_at = now() \
               where id = $1 and deleted_at is null returning photo_urls || video_urls || voice_urls || file_urls";
    let removed: Option<sqlx::types::Json<Vec<String>>> = sqlx::query_scalar(sql)
        .bind(message_id)
        .bind(user.id)
        .fetch_optional(&mut *tx)
        .await?;
    let Some(sqlx::types::Json(removed)) = removed else {
        // Another request has deleted it meanwhile, and told.
        return Ok(StatusCode::NO_CONTENT);
    };
    files::release(&mut tx, &removed).await?;
    let deleted = frames::message_deleted(thread_id, message_id, user.id);
    event::emit(&mut *tx, &deleted).await?;
    tx.commit().await?;
    files::sweep(&app, &removed).await;
    Ok(StatusCode::NO_CONTENT)
}
