//! One person's side of a thread: read, typing, muted, pinned, archived, blocked.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgExecutor;
use utoipa::ToSchema;

use super::thread;
use crate::activity;
use crate::app::App;
use crate::auth::User;
use crate::bounds::Bool;
use crate::error::{ApiError, Result};
use crate::event::{self, Event};
use crate::extract::{Json, Path};
use crate::hub::Topic;
use crate::presence;
use crate::stamp::{self, Stamp};
use crate::visible;

/// SQL: how long somebody who types is taken to go on.
const TYPING: &str = "interval '5 seconds'";

/// SQL of an upsert of `$2`'s state in thread `$1` (peer `$3`) that sets `assignment`.
fn upsert(columns: &str, values: &str) -> String {
    format!(
        "insert into dm_participant_states (thread_id, user_id, peer_id, {columns}) values ($1, $2, $3, {values}) \
         on conflict on constraint dm_participant_states_key do update set {columns} = {values}, updated_at = now()"
    )
}

/// Marks everything in the thread read by `user` and returns the moment.
///
/// # Errors
/// The database's failure.
pub async fn read_now(
    db: impl PgExecutor<'_>,
    thread: i64,
    user: i64,
    peer: i64,
) -> Result<DateTime<Utc>> {
    let sql = format!(
        "{} returning last_read_at",
        upsert("last_read_at", "clock_timestamp()")
    );
    Ok(sqlx::query_scalar(&sql)
        .bind(thread)
        .bind(user)
        .bind(peer)
        .fetch_one(db)
        .await?)
}

/// Tells the other side how far `user` has read.
#[must_use]
pub fn receipt(thread: i64, user: i64, at: DateTime<Utc>) -> Event {
    let payload = json!({
        "type": "read_receipt", "user_id": user, "last_read_at": stamp::frame(at), "timestamp": stamp::frame_now(),
    });
    Event::to(Topic::Thread(thread), payload).except(user)
}

/// Marks the thread read.
#[utoipa::path(post, path = "/dms/threads/{thread_id}/mark-read", tag = "dms", responses((status = 204, description = "Marked")))]
pub async fn mark_read(
    State(app): State<App>,
    user: User,
    Path(thread_id): Path<i64>,
) -> Result<StatusCode> {
    let thread = thread::access(&app.db, thread_id, user.id).await?;
    let mut tx = app.db.begin().await?;
    let at = read_now(&mut *tx, thread_id, user.id, thread.other(user.id)).await?;
    event::emit(&mut *tx, &receipt(thread_id, user.id, at)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
pub struct TypingBody {
    typing: Bool,
}

/// Notes and tells that `user` types or stopped; valid for five seconds.
///
/// # Errors
/// The database's failure.
pub async fn type_now(app: &App, thread: i64, user: i64, peer: i64, typing: bool) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let until = if typing {
        format!("now() + {TYPING}")
    } else {
        "null::timestamptz".to_owned()
    };
    sqlx::query(&upsert("typing_until", &until))
        .bind(thread)
        .bind(user)
        .bind(peer)
        .execute(&mut *tx)
        .await?;
    let payload = json!({ "type": "typing", "user_id": user, "typing": typing, "timestamp": stamp::frame_now() });
    event::emit(
        &mut *tx,
        &Event::to(Topic::Thread(thread), payload).except(user),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Says that the caller types.
#[utoipa::path(post, path = "/dms/threads/{thread_id}/typing", tag = "dms", responses((status = 204, description = "Noted")))]
pub async fn set_typing(
    State(app): State<App>,
    user: User,
    Path(thread_id): Path<i64>,
    Json(body): Json<TypingBody>,
) -> Result<StatusCode> {
    let thread = thread::access(&app.db, thread_id, user.id).await?;
    type_now(
        &app,
        thread_id,
        user.id,
        thread.other(user.id),
        *body.typing,
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, ToSchema)]
pub struct Typing {
    typing: bool,
    until: Option<Stamp>,
}

/// Whether the other person types.
#[utoipa::path(get, path = "/dms/threads/{thread_id}/typing", tag = "dms", responses((status = 200, body = Typing)))]
pub async fn typing(
    State(app): State<App>,
    user: User,
    Path(thread_id): Path<i64>,
) -> Result<Json<Typing>> {
    thread::access(&app.db, thread_id, user.id).await?;
    let sql = "select typing_until from dm_participant_states where thread_id = $1 and user_id <> $2 and typing_until > now()";
    let until: Option<Stamp> = sqlx::query_scalar(sql)
        .bind(thread_id)
        .bind(user.id)
        .fetch_optional(&app.db)
        .await?;
    Ok(Json(Typing {
        typing: until.is_some(),
        until,
    }))
}

#[derive(Serialize, ToSchema)]
pub struct Presence {
    user_id: i64,
    online: bool,
    last_active_at: Option<Stamp>,
}

/// Whether the other person is there: a socket open, or typing or reading within five minutes.
#[utoipa::path(get, path = "/dms/threads/{thread_id}/presence", tag = "dms", responses((status = 200, body = Presence)))]
pub async fn presence(
    State(app): State<App>,
    user: User,
    Path(thread_id): Path<i64>,
) -> Result<Json<Presence>> {
    let thread = thread::access(&app.db, thread_id, user.id).await?;
    let other = thread.other(user.id);
    let sql = format!(
        "select {}, (select greatest(s.last_read_at, s.typing_until - {TYPING}) from dm_participant_states s \
         where s.thread_id = $2 and s.user_id = $1)",
        presence::online("$1::bigint")
    );
    let (socket, active): (bool, Option<Stamp>) = sqlx::query_as(&sql)
        .bind(other)
        .bind(thread_id)
        .fetch_one(&app.db)
        .await?;
    let recent = active.is_some_and(|at| Utc::now() - at.0 < chrono::Duration::minutes(5));
    Ok(Json(Presence {
        user_id: other,
        online: socket || recent,
        last_active_at: active,
    }))
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct Muted {
    muted: Bool,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct Pinned {
    pinned: Bool,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct Archived {
    archived: Bool,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct Blocked {
    blocked: Bool,
}

async fn set_flag(
    app: &App,
    thread_id: i64,
    user: &User,
    column: &'static str,
    on: bool,
) -> Result<()> {
    let thread = thread::access(&app.db, thread_id, user.id).await?;
    let sql = upsert(column, "$4");
    sqlx::query(&sql)
        .bind(thread_id)
        .bind(user.id)
        .bind(thread.other(user.id))
        .bind(on)
        .execute(&app.db)
        .await?;
    Ok(())
}

/// Mutes or unmutes the thread.
#[utoipa::path(put, path = "/dms/threads/{thread_id}/mute", tag = "dms", responses((status = 200, body = Muted)))]
pub async fn mute(
    State(app): State<App>,
    user: User,
    Path(thread_id): Path<i64>,
    Json(body): Json<Muted>,
) -> Result<Json<Muted>> {
    set_flag(&app, thread_id, &user, "muted", *body.muted).await?;
    Ok(Json(body))
}

/// Pins or unpins the thread.
#[utoipa::path(put, path = "/dms/threads/{thread_id}/pin", tag = "dms", responses((status = 200, body = Pinned)))]
pub async fn pin(
    State(app): State<App>,
    user: User,
    Path(thread_id): Path<i64>,
    Json(body): Json<Pinned>,
) -> Result<Json<Pinned>> {
    set_flag(&app, thread_id, &user, "pinned", *body.pinned).await?;
    Ok(Json(body))
}

/// Archives the thread, or takes it back.
#[utoipa::path(put, path = "/dms/threads/{thread_id}/archive", tag = "dms", responses((status = 200, body = Archived)))]
pub async fn archive(
    State(app): State<App>,
    user: User,
    Path(thread_id): Path<i64>,
    Json(body): Json<Archived>,
) -> Result<Json<Archived>> {
    set_flag(&app, thread_id, &user, "archived", *body.archived).await?;
    Ok(Json(body))
}

/// Blocks a user, or lifts the block. Follows between the two end with a block.
#[utoipa::path(put, path = "/dms/threads/{user_id}/block", tag = "dms", responses((status = 200, body = Blocked)))]
pub async fn block(
    State(app): State<App>,
    user: User,
    Path(user_id): Path<i64>,
    Json(body): Json<Blocked>,
) -> Result<Json<Blocked>> {
    let other = user_id;
    if other == user.id {
        return Err(ApiError::bad("Cannot block yourself"));
    }
    let mut tx = app.db.begin().await?;
    visible::lock_pair(&mut *tx, user.id, other).await?;
    let known: bool = sqlx::query_scalar("select exists (select 1 from users where id = $1)")
        .bind(other)
        .fetch_one(&mut *tx)
        .await?;
    if !known {
        return Err(ApiError::NotFound("User"));
    }
    // A thread made only to hold the block is not an open one.
    let thread = thread::create(&mut tx, user.id, other, "blocked").await?;
    let sql = upsert("blocked", "$4");
    sqlx::query(&sql)
        .bind(thread.id)
        .bind(user.id)
        .bind(other)
        .bind(*body.blocked)
        .execute(&mut *tx)
        .await?;
    if *body.blocked {
        let sql = "delete from follows where (follower_id = $1 and followee_id = $2) or (follower_id = $2 and followee_id = $1) returning id";
        let gone: Vec<i64> = sqlx::query_scalar(sql)
            .bind(user.id)
            .bind(other)
            .fetch_all(&mut *tx)
            .await?;
        for follow in gone {
            activity::forget_follow(&mut tx, follow).await?;
        }
    }
    tx.commit().await?;
    Ok(Json(body))
}
