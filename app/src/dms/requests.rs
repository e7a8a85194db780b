//! Opening a thread: requests, their answers, and the direct way.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{PgConnection, PgExecutor};
use utoipa::ToSchema;

use super::send::{self, NewMessage};
use super::thread::{self, THREADS, THREADS_FROM, Thread, ThreadRow};
use crate::app::App;
use crate::auth::User;
use crate::bounds::{Id, Text};
use crate::error::{ApiError, Result};
use crate::event::{self, About};
use crate::extract::{Json, Path, Query};
use crate::limits;
use crate::page::{Page, Paging, count_of};
use crate::visible;

#[derive(Deserialize, ToSchema)]
pub struct RequestBody {
    recipient_id: Id,
    text: Text<1, 2000>,
}

/// Whether `sender` may write to `recipient`, by the recipient's setting, blocks, and existence. Neither can block the other until
/// the transaction ends.
///
/// # Errors
/// 400 self, 404 unknown, 403 privacy or block. Returns whether the sender follows the recipient.
pub async fn may_write(db: &mut PgConnection, sender: i64, recipient: i64) -> Result<bool> {
    if sender == recipient {
        return Err(ApiError::bad("Cannot message yourself"));
    }
    visible::lock_pair(&mut *db, sender, recipient).await?;
    let sql = "select u.dm_privacy, exists (select 1 from follows f where f.follower_id = $2 and f.followee_id = u.id) \
               from users u where u.id = $1";
    let found: Option<(String, bool)> = sqlx::query_as(sql)
        .bind(recipient)
        .bind(sender)
        .fetch_optional(&mut *db)
        .await?;
    let (privacy, follows) = found.ok_or(ApiError::NotFound("User"))?;
    match privacy.as_str() {
        "no_one" => return Err(ApiError::forbidden("This user does not accept messages")),
        "followers" if !follows => {
            return Err(ApiError::forbidden(
                "This user accepts messages from followers only",
            ));
        }
        _ => {}
    }
    if visible::any_block(&mut *db, sender, recipient).await? {
        return Err(ApiError::forbidden("This conversation is blocked"));
    }
    Ok(follows)
}

/// Counts a request of `user` to somebody, in whichever way it is made.
///
/// # Errors
/// 429 beyond the cap, or the database's failure.
pub async fn take_request(app: &App, db: impl PgExecutor<'_>, user: i64) -> Result<()> {
    let cap = app.config.dm.requests_per_min;
    limits::take(db, &format!("dm-request:{user}"), 60, cap).await
}

/// The status of a new thread: with direct messages off, those who do not follow the recipient have to ask.
#[must_use]
pub fn fresh_status(app: &App, follows: bool) -> &'static str {
    if app.config.dm.allow_direct || follows {
        "accepted"
    } else {
        "pending"
    }
}

/// Asks to open a thread, with a first message.
#[utoipa::path(post, path = "/dms/requests", tag = "dms", responses((status = 200, body = Thread)))]
pub async fn request(
    State(app): State<App>,
    user: User,
    Json(body): Json<RequestBody>,
) -> Result<Json<Thread>> {
    take_request(&app, &app.db, user.id).await?;
    if body.text.trim().is_empty() {
        return Err(ApiError::bad("A message needs text"));
    }
    let recipient = *body.recipient_id;
    let mut tx = app.db.begin().await?;
    let follows = may_write(&mut tx, user.id, recipient).await?;
    let fresh = fresh_status(&app, follows);
    let (thread, store) = ready_thread(&mut tx, &user, recipient, fresh).await?;
    if store {
        let note = NewMessage {
            text: body.text.into_inner(),
            ..NewMessage::default()
        };
        let message = send::store(&mut tx, &user, &thread, &note).await?;
        send::announce(&app, &mut tx, &user, &thread, message, &note).await?;
    }
    if thread.status == "pending" && store {
        let data = json!({ "thread_id": thread.id, "sender_id": user.id, "sender_name": user.display_name(), "sender_username": user.username });
        event::notify(&mut tx, recipient, user.id, About::DmRequest, data).await?;
    }
    tx.commit().await?;
    Ok(Json(thread::shown(&app, user.id, thread.id).await?))
}

/// The pair's thread as a first message leaves it, and whether that message is to be stored.
///
/// # Errors
/// 403 when the other person declined before, or the database's failure.
pub async fn ready_thread(
    tx: &mut PgConnection,
    user: &User,
    recipient: i64,
    fresh: &str,
) -> Result<(ThreadRow, bool)> {
    let Some(mut thread) = thread::of_pair(&mut *tx, user.id, recipient).await? else {
        return Ok((thread::create(tx, user.id, recipient, fresh).await?, true));
    };
    let own = thread.initiator_id == user.id;
    match thread.status.as_str() {
        "accepted" => Ok((thread, true)),
        // One note is enough; the answer is the other side's. A thread that was only opened has none yet.
        "pending" if own => {
            let sql = "select not exists (select 1 from dm_messages where thread_id = $1)";
            let first = sqlx::query_scalar(sql)
                .bind(thread.id)
                .fetch_one(tx)
                .await?;
            Ok((thread, first))
        }
        "rejected" if own => Err(ApiError::forbidden("Your message request was declined")),
        // Writing to somebody whose request one holds, or once declined, opens the thread.
        "pending" | "rejected" => {
            thread::set_status(tx, &mut thread, "accepted", user.id).await?;
            Ok((thread, true))
        }
        _ => {
            thread::create(tx, user.id, recipient, fresh).await?;
            thread::set_status(tx, &mut thread, fresh, user.id).await?;
            Ok((thread, true))
        }
    }
}

/// Requests waiting for the caller's answer, newest first.
#[utoipa::path(get, path = "/dms/requests", tag = "dms", params(Paging), responses((status = 200, body = Page<Thread>)))]
pub async fn list(
    State(app): State<App>,
    user: User,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Thread>>> {
    let conditions = format!(
        "where (t.user_a_id = $1 or t.user_b_id = $1) and t.status = 'pending' and t.initiator_id <> $1 and {}",
        visible::unblocked("t.user_a_id", "t.user_b_id")
    );
    let count = format!(
        "select {}",
        count_of(&format!("from dm_threads t {conditions}"))
    );
    let total = sqlx::query_scalar(&count)
        .bind(user.id)
        .fetch_one(&app.db)
        .await?;
    let sql = format!(
        "{THREADS}{THREADS_FROM}{conditions} order by t.updated_at desc, t.id desc limit $2 offset $3"
    );
    let rows = sqlx::query_as(&sql)
        .bind(user.id)
        .bind(paging.limit())
        .bind(paging.offset());
    let threads = thread::with_addresses(&app, rows.fetch_all(&app.db).await?).await;
    Ok(Json(paging.page(threads, total)))
}

/// Documents [`AnswerBody`]; another word is no input error but a request that cannot be done.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code)]
enum AnswerStatus {
    Accepted,
    Rejected,
}

#[derive(Deserialize, ToSchema)]
pub struct AnswerBody {
    #[schema(value_type = AnswerStatus)]
    status: String,
}

/// Accepts or rejects a request.
#[utoipa::path(put, path = "/dms/requests/{thread_id}", tag = "dms", responses((status = 200, body = Thread)))]
pub async fn answer(
    State(app): State<App>,
    user: User,
    Path(thread_id): Path<i64>,
    Json(body): Json<AnswerBody>,
) -> Result<Json<Thread>> {
    let thread = thread::access(&app.db, thread_id, user.id).await?;
    if !matches!(body.status.as_str(), "accepted" | "rejected") {
        return Err(ApiError::bad("Status must be accepted or rejected"));
    }
    settle(&app, &thread, &user, &body.status).await?;
    Ok(Json(thread::shown(&app, user.id, thread_id).await?))
}

/// Moves a pending thread on; only the person who was asked may.
async fn settle(app: &App, thread: &ThreadRow, user: &User, status: &str) -> Result<()> {
    if thread.initiator_id == user.id {
        return Err(ApiError::bad("You cannot answer your own request"));
    }
    let sql = "update dm_threads set status = $2, updated_at = now() where id = $1 and status = 'pending'";
    let done = sqlx::query(sql)
        .bind(thread.id)
        .bind(status)
        .execute(&app.db)
        .await?;
    if done.rows_affected() == 0 {
        return Err(ApiError::bad("This request is not pending"));
    }
    Ok(())
}

#[derive(Serialize, ToSchema)]
pub struct Accepted {
    message: &'static str,
    status: &'static str,
}

/// Accepts a request.
#[utoipa::path(post, path = "/dms/threads/{thread_id}/accept", tag = "dms", responses((status = 200, body = Accepted)))]
pub async fn accept(
    State(app): State<App>,
    user: User,
    Path(thread_id): Path<i64>,
) -> Result<Json<Accepted>> {
    let thread = thread::access(&app.db, thread_id, user.id).await?;
    settle(&app, &thread, &user, "accepted").await?;
    Ok(Json(Accepted {
        message: "Thread accepted",
        status: "accepted",
    }))
}

#[derive(Deserialize, ToSchema)]
pub struct OpenBody {
    other_user_id: Id,
}

/// The thread with another user. A new one is accepted where a request would be, and counts as a request.
#[utoipa::path(post, path = "/dms/open", tag = "dms", responses((status = 200, body = Thread)))]
pub async fn open(
    State(app): State<App>,
    user: User,
    Json(body): Json<OpenBody>,
) -> Result<Json<Thread>> {
    let other = *body.other_user_id;
    let mut tx = app.db.begin().await?;
    let follows = may_write(&mut tx, user.id, other).await?;
    let fresh = fresh_status(&app, follows);
    let thread = match thread::of_pair(&mut *tx, user.id, other).await? {
        Some(thread) if thread.status != "blocked" => thread,
        found => {
            take_request(&app, &mut *tx, user.id).await?;
            // One that only held a block starts anew.
            let mut thread = match found {
                Some(thread) => thread,
                None => thread::create(&mut tx, user.id, other, fresh).await?,
            };
            thread::set_status(&mut tx, &mut thread, fresh, user.id).await?;
            thread
        }
    };
    tx.commit().await?;
    Ok(Json(thread::shown(&app, user.id, thread.id).await?))
}
