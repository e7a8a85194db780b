//! Threads: the row, who may touch it, and the form clients read.

use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::{ApiError, Result};
use crate::stamp::Stamp;
use crate::visible;

#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ThreadRow {
    pub id: i64,
    pub user_a_id: i64,
    pub user_b_id: i64,
    pub initiator_id: i64,
    pub status: String,
}

impl ThreadRow {
    #[must_use]
    pub fn has(&self, user: i64) -> bool {
        self.user_a_id == user || self.user_b_id == user
    }

    #[must_use]
    pub fn other(&self, user: i64) -> i64 {
        if self.user_a_id == user {
            self.user_b_id
        } else {
            self.user_a_id
        }
    }

    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.status == "accepted"
    }
}

#[derive(Debug, Serialize, ToSchema, sqlx::FromRow)]
pub struct Thread {
    id: i64,
    user_a_id: i64,
    user_b_id: i64,
    initiator_id: i64,
    status: String,
    created_at: Stamp,
    updated_at: Stamp,
    other_user_name: Option<String>,
    other_user_username: Option<String>,
    other_user_avatar: Option<String>,
    is_muted: Option<bool>,
    is_blocked: Option<bool>,
    last_message: Option<String>,
    last_message_time: Option<Stamp>,
    sender_photo_url: Option<String>,
}

/// SQL of [`Thread`] as the user `$1` sees it; `t` is the thread, `o` the other user, `s` the viewer's state, `lm` the last message.
pub const THREADS: &str = "select t.id, t.user_a_id, t.user_b_id, t.initiator_id, t.status, t.created_at, t.updated_at, \
     o.name as other_user_name, o.username as other_user_username, o.avatar_url as other_user_avatar, \
     coalesce(s.muted, false) as is_muted, coalesce(s.blocked, false) as is_blocked, \
     lm.line as last_message, lm.created_at as last_message_time, lm.avatar_url as sender_photo_url ";

pub const THREADS_FROM: &str = "from dm_threads t \
     join users o on o.id = case when t.user_a_id = $1 then t.user_b_id else t.user_a_id end \
     left join dm_participant_states s on s.thread_id = t.id and s.user_id = $1 \
     left join lateral (select coalesce(nullif(m.text, ''), m.caption, '[' || m.message_type || ']') as line, m.created_at, u.avatar_url \
        from dm_messages m join users u on u.id = m.sender_id \
        where m.thread_id = t.id and m.deleted_at is null and (m.expires_at is null or m.expires_at > now()) \
        order by m.created_at desc, m.id desc limit 1) lm on true ";

/// SQL: the thread `t` is one that the user `$1` opened, or something was written in it. Nobody finds in an inbox what others opened
/// without a word.
pub const HAS_MESSAGES: &str =
    "(t.initiator_id = $1 or exists (select 1 from dm_messages hm where hm.thread_id = t.id))";

/// Makes the stored pictures readable.
pub async fn with_addresses(app: &App, mut threads: Vec<Thread>) -> Vec<Thread> {
    for thread in &mut threads {
        thread.other_user_avatar = app
            .objects
            .address_opt(thread.other_user_avatar.as_deref())
            .await;
        thread.sender_photo_url = app
            .objects
            .address_opt(thread.sender_photo_url.as_deref())
            .await;
    }
    threads
}

/// One thread as `viewer` sees it.
///
/// # Errors
/// 404, or the database's failure.
pub async fn shown(app: &App, viewer: i64, thread: i64) -> Result<Thread> {
    let sql = format!("{THREADS}{THREADS_FROM} where t.id = $2");
    let found = sqlx::query_as(&sql)
        .bind(viewer)
        .bind(thread)
        .fetch_optional(&app.db)
        .await?;
    let found: Thread = found.ok_or(ApiError::NotFound("Thread"))?;
    with_addresses(app, vec![found])
        .await
        .pop()
        .ok_or(ApiError::NotFound("Thread"))
}

/// # Errors
/// 404, or the database's failure.
pub async fn load(db: impl PgExecutor<'_>, thread: i64) -> Result<ThreadRow> {
    let sql = "select id, user_a_id, user_b_id, initiator_id, status from dm_threads where id = $1";
    sqlx::query_as(sql)
        .bind(thread)
        .fetch_optional(db)
        .await?
        .ok_or(ApiError::NotFound("Thread"))
}

#[derive(sqlx::FromRow)]
struct Accessed {
    #[sqlx(flatten)]
    thread: ThreadRow,
    blocked: bool,
}

/// The thread, for one of its two people while no block stands.
///
/// # Errors
/// 404 unknown, 403 not a participant, 403 when blocked either way.
pub async fn access(db: impl PgExecutor<'_>, thread: i64, user: i64) -> Result<ThreadRow> {
    let sql = format!(
        "select t.id, t.user_a_id, t.user_b_id, t.initiator_id, t.status, not ({}) as blocked from dm_threads t where t.id = $1",
        visible::unblocked("t.user_a_id", "t.user_b_id")
    );
    let found: Option<Accessed> = sqlx::query_as(&sql).bind(thread).fetch_optional(db).await?;
    let found = found.ok_or(ApiError::NotFound("Thread"))?;
    if !found.thread.has(user) {
        return Err(ApiError::forbidden("Not a participant of this thread"));
    }
    if found.blocked {
        return Err(ApiError::forbidden("This conversation is blocked"));
    }
    Ok(found.thread)
}

/// The pair's thread, if there is one.
///
/// # Errors
/// The database's failure.
pub async fn of_pair(db: impl PgExecutor<'_>, one: i64, other: i64) -> Result<Option<ThreadRow>> {
    let sql = "select id, user_a_id, user_b_id, initiator_id, status from dm_threads \
               where user_a_id = least($1, $2) and user_b_id = greatest($1, $2)";
    Ok(sqlx::query_as(sql)
        .bind(one)
        .bind(other)
        .fetch_optional(db)
        .await?)
}

/// Makes the pair's thread and both people's states; an existing one only has its states completed.
///
/// # Errors
/// The database's failure.
pub async fn create(
    db: &mut PgConnection,
    initiator: i64,
    other: i64,
    status: &str,
) -> Result<ThreadRow> {
    let sql = "insert into dm_threads (user_a_id, user_b_id, initiator_id, status) \
               values (least($1, $2), greatest($1, $2), $1, $3) \
               on conflict on constraint dm_threads_pair_key do update set updated_at = dm_threads.updated_at \
               returning id, user_a_id, user_b_id, initiator_id, status";
    let thread: ThreadRow = sqlx::query_as(sql)
        .bind(initiator)
        .bind(other)
        .bind(status)
        .fetch_one(&mut *db)
        .await?;
    let states = "insert into dm_participant_states (thread_id, user_id, peer_id) values ($1, $2, $3), ($1, $3, $2) \
                  on conflict on constraint dm_participant_states_key do nothing";
    sqlx::query(states)
        .bind(thread.id)
        .bind(thread.user_a_id)
        .bind(thread.user_b_id)
        .execute(db)
        .await?;
    Ok(thread)
}

/// Changes the status; `initiator` becomes who opened it this time.
///
/// # Errors
/// The database's failure.
pub async fn set_status(
    db: &mut PgConnection,
    thread: &mut ThreadRow,
    status: &str,
    initiator: i64,
) -> Result<()> {
    let sql =
        "update dm_threads set status = $2, initiator_id = $3, updated_at = now() where id = $1";
    sqlx::query(sql)
        .bind(thread.id)
        .bind(status)
        .bind(initiator)
        .execute(db)
        .await?;
    status.clone_into(&mut thread.status);
    thread.initiator_id = initiator;
    Ok(())
}
