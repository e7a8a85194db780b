//! Hearts and emoji on messages.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{frames, thread};
use crate::app::App;
use crate::auth::User;
use crate::bounds::Text;
use crate::error::{ApiError, OnConstraint, Result};
use crate::event;
use crate::extract::{Json, Path};
use crate::stamp::Stamp;

#[derive(Serialize, ToSchema)]
pub struct Told {
    pub message: &'static str,
}

/// The thread of the message, unless the user may not read it; `thread` narrows to that thread.
///
/// # Errors
/// 404, or 403 as for its thread.
pub async fn readable(app: &App, user: &User, message: i64, thread: Option<i64>) -> Result<i64> {
    if let Some(thread) = thread {
        thread::access(&app.db, thread, user.id).await?;
    }
    let sql = "select thread_id from dm_messages where id = $1 and deleted_at is null and ($2::bigint is null or thread_id = $2) \
               and (expires_at is null or expires_at > now())";
    let found: Option<i64> = sqlx::query_scalar(sql)
        .bind(message)
        .bind(thread)
        .fetch_optional(&app.db)
        .await?;
    let found = found.ok_or(ApiError::NotFound("Message"))?;
    if thread.is_none() {
        thread::access(&app.db, found, user.id).await?;
    }
    Ok(found)
}

/// Gives a message a heart.
#[utoipa::path(post, path = "/dms/messages/{message_id}/like", tag = "dms", responses((status = 201, body = Told), (status = 409, description = "Already liked")))]
pub async fn like(
    State(app): State<App>,
    user: User,
    Path(message_id): Path<i64>,
) -> Result<(StatusCode, Json<Told>)> {
    let thread = readable(&app, &user, message_id, None).await?;
    let mut tx = app.db.begin().await?;
    let sql = "insert into dm_message_likes (message_id, user_id) values ($1, $2)";
    let done = sqlx::query(sql)
        .bind(message_id)
        .bind(user.id)
        .execute(&mut *tx)
        .await;
    done.on_constraint("dm_message_likes_pair_key", || {
        ApiError::Conflict("Already liked".to_owned())
    })?;
    let added = frames::reaction_added(thread, message_id, user.id, frames::HEART);
    event::emit(&mut *tx, &added).await?;
    tx.commit().await?;
    Ok((
        StatusCode::CREATED,
        Json(Told {
            message: "Message liked",
        }),
    ))
}

/// Takes the heart back.
#[utoipa::path(delete, path = "/dms/messages/{message_id}/like", tag = "dms", responses((status = 204, description = "Taken back")))]
pub async fn unlike(
    State(app): State<App>,
    user: User,
    Path(message_id): Path<i64>,
) -> Result<StatusCode> {
    let thread = readable(&app, &user, message_id, None).await?;
    let mut tx = app.db.begin().await?;
    let sql = "delete from dm_message_likes where message_id = $1 and user_id = $2";
    let done = sqlx::query(sql)
        .bind(message_id)
        .bind(user.id)
        .execute(&mut *tx)
        .await?;
    if done.rows_affected() == 0 {
        return Err(ApiError::NotFound("Like"));
    }
    let removed = frames::reaction_removed(thread, message_id, user.id, frames::HEART);
    event::emit(&mut *tx, &removed).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, ToSchema)]
pub struct Heart {
    liked: bool,
    heart_count: i64,
}

/// Gives a heart, or takes it back.
#[utoipa::path(post, path = "/dms/threads/{thread_id}/messages/{message_id}/heart", tag = "dms", responses((status = 200, body = Heart)))]
pub async fn heart(
    State(app): State<App>,
    user: User,
    Path((thread_id, message_id)): Path<(i64, i64)>,
) -> Result<Json<Heart>> {
    readable(&app, &user, message_id, Some(thread_id)).await?;
    let mut tx = app.db.begin().await?;
    let taken = sqlx::query("delete from dm_message_likes where message_id = $1 and user_id = $2")
        .bind(message_id)
        .bind(user.id)
        .execute(&mut *tx)
        .await?;
    let liked = taken.rows_affected() == 0;
    if liked {
        let sql = "insert into dm_message_likes (message_id, user_id) values ($1, $2) on conflict do nothing";
        sqlx::query(sql)
            .bind(message_id)
            .bind(user.id)
            .execute(&mut *tx)
            .await?;
    }
    let change = if liked {
        frames::reaction_added(thread_id, message_id, user.id, frames::HEART)
    } else {
        frames::reaction_removed(thread_id, message_id, user.id, frames::HEART)
    };
    event::emit(&mut *tx, &change).await?;
    let sql = "select count(*) from dm_message_likes where message_id = $1";
    let heart_count = sqlx::query_scalar(sql)
        .bind(message_id)
        .fetch_one(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(Json(Heart { liked, heart_count }))
}

#[derive(Deserialize, ToSchema)]
pub struct ReactBody {
    emoji: Text<1, 10>,
}

#[derive(Serialize, ToSchema, sqlx::FromRow)]
pub struct Reaction {
    id: i64,
    message_id: i64,
    user_id: i64,
    emoji: String,
    created_at: Stamp,
}

#[derive(sqlx::FromRow)]
struct Stored {
    #[sqlx(flatten)]
    reaction: Reaction,
    /// It was not there before.
    added: bool,
}

/// Adds an emoji; adding it again answers the same.
#[utoipa::path(post, path = "/dms/threads/{thread_id}/messages/{message_id}/reactions", tag = "dms", responses((status = 200, body = Reaction)))]
pub async fn react(
    State(app): State<App>,
    user: User,
    Path((thread_id, message_id)): Path<(i64, i64)>,
    Json(body): Json<ReactBody>,
) -> Result<Json<Reaction>> {
    readable(&app, &user, message_id, Some(thread_id)).await?;
    let sql = "insert into dm_message_reactions (message_id, user_id, emoji) values ($1, $2, $3) \
               on conflict on constraint dm_message_reactions_key do update set emoji = excluded.emoji \
               returning id, message_id, user_id, emoji, created_at, (xmax = 0) as added";
    let mut tx = app.db.begin().await?;
    let Stored { reaction, added } = sqlx::query_as(sql)
        .bind(message_id)
        .bind(user.id)
        .bind(&*body.emoji)
        .fetch_one(&mut *tx)
        .await?;
    if added {
        let added = frames::reaction_added(thread_id, message_id, user.id, &body.emoji);
        event::emit(&mut *tx, &added).await?;
    }
    tx.commit().await?;
    Ok(Json(reaction))
}

#[derive(Serialize, ToSchema)]
pub struct Reactor {
    user_id: i64,
    user_name: String,
}

/// Who reacted with what.
#[utoipa::path(get, path = "/dms/threads/{thread_id}/messages/{message_id}/reactions", tag = "dms",
    responses((status = 200, body = BTreeMap<String, Vec<Reactor>>)))]
pub async fn reactions(
    State(app): State<App>,
    user: User,
    Path((thread_id, message_id)): Path<(i64, i64)>,
) -> Result<Json<BTreeMap<String, Vec<Reactor>>>> {
    readable(&app, &user, message_id, Some(thread_id)).await?;
    let sql = "select r.emoji, u.id, coalesce(u.name, 'User ' || u.id) from dm_message_reactions r join users u on u.id = r.user_id \
               where r.message_id = $1 order by r.created_at, r.id";
    let rows: Vec<(String, i64, String)> = sqlx::query_as(sql)
        .bind(message_id)
        .fetch_all(&app.db)
        .await?;
    let mut by_emoji: BTreeMap<String, Vec<Reactor>> = BTreeMap::new();
    for (emoji, user_id, user_name) in rows {
        by_emoji
            .entry(emoji)
            .or_default()
            .push(Reactor { user_id, user_name });
    }
    Ok(Json(by_emoji))
}

#[derive(Serialize, ToSchema)]
pub struct Success {
    success: bool,
}

/// Takes an emoji back.
#[utoipa::path(delete, path = "/dms/threads/{thread_id}/messages/{message_id}/reactions/{emoji}", tag = "dms", responses((status = 200, body = Success)))]
pub async fn unreact(
    State(app): State<App>,
    user: User,
    Path((thread_id, message_id, emoji)): Path<(i64, i64, String)>,
) -> Result<Json<Success>> {
    readable(&app, &user, message_id, Some(thread_id)).await?;
    let sql =
        "delete from dm_message_reactions where message_id = $1 and user_id = $2 and emoji = $3";
    let mut tx = app.db.begin().await?;
    let done = sqlx::query(sql)
        .bind(message_id)
        .bind(user.id)
        .bind(&emoji)
        .execute(&mut *tx)
        .await?;
    if done.rows_affected() == 0 {
        return Err(ApiError::NotFound("Reaction"));
    }
    let removed = frames::reaction_removed(thread_id, message_id, user.id, &emoji);
    event::emit(&mut *tx, &removed).await?;
    tx.commit().await?;
    Ok(Json(Success { success: true }))
}
