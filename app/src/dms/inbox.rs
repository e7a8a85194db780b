//! The list of threads, and what is unread in them.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::thread::{self, THREADS, THREADS_FROM, Thread};
use crate::app::App;
use crate::auth::User;
use crate::bounds::Bool;
use crate::error::Result;
use crate::extract::{Json, Path, Query};
use crate::page::{Page, Paging, count_of};
use crate::visible;

#[derive(Deserialize, IntoParams)]
pub struct InboxQuery {
    /// Matches the last message, the other's name or username.
    q: Option<String>,
    #[serde(default)]
    #[param(inline)]
    include_archived: Bool,
    #[serde(default)]
    #[param(inline)]
    only_pinned: Bool,
}

/// Accepted threads: pinned first, then the newest.
#[utoipa::path(get, path = "/dms/inbox", tag = "dms", params(Paging, InboxQuery), responses((status = 200, body = Page<Thread>)))]
pub async fn inbox(
    State(app): State<App>,
    user: User,
    Query(paging): Query<Paging>,
    Query(filter): Query<InboxQuery>,
) -> Result<Json<Page<Thread>>> {
    let conditions = format!(
        "where (t.user_a_id = $1 or t.user_b_id = $1) and t.status = 'accepted' and {} and {} \
         and ($2 or not coalesce(s.archived, false)) and (not $3 or coalesce(s.pinned, false)) \
         and ($4::text is null or lm.line ilike $4 or o.name ilike $4 or o.username ilike $4) ",
        visible::unblocked("t.user_a_id", "t.user_b_id"),
        thread::HAS_MESSAGES
    );
    let pattern = filter
        .q
        .as_deref()
        .filter(|q| !q.is_empty())
        .map(crate::places::filter::contains);
    let count = format!(
        "select {}",
        count_of(&format!("{THREADS_FROM}{conditions}"))
    );
    let total = sqlx::query_scalar(&count)
        .bind(user.id)
        .bind(*filter.include_archived)
        .bind(*filter.only_pinned)
        .bind(&pattern)
        .fetch_one(&app.db)
        .await?;
    let sql = format!(
        "{THREADS}{THREADS_FROM}{conditions} order by coalesce(s.pinned, false) desc, t.updated_at desc, t.id desc limit $5 offset $6"
    );
    let rows = sqlx::query_as(&sql)
        .bind(user.id)
        .bind(*filter.include_archived)
        .bind(*filter.only_pinned)
        .bind(&pattern)
        .bind(paging.limit())
        .bind(paging.offset())
        .fetch_all(&app.db)
        .await?;
    Ok(Json(
        paging.page(thread::with_addresses(&app, rows).await, total),
    ))
}

/// SQL: messages of others the user `$1` has not read, in accepted threads without a block.
fn unread(thread_condition: &str) -> String {
    format!(
        "select count(*) from dm_messages m join dm_threads t on t.id = m.thread_id \
         left join dm_participant_states s on s.thread_id = t.id and s.user_id = $1 \
         where (t.user_a_id = $1 or t.user_b_id = $1) and t.status = 'accepted' and {} {thread_condition} \
         and m.sender_id <> $1 and m.deleted_at is null and (m.expires_at is null or m.expires_at > now()) \
         and (s.last_read_at is null or m.created_at > s.last_read_at)",
        visible::unblocked("t.user_a_id", "t.user_b_id")
    )
}

#[derive(Serialize, ToSchema)]
pub struct Unread {
    unread: i64,
    unread_count: i64,
}

/// Unread messages of all threads.
#[utoipa::path(get, path = "/dms/unread-count", tag = "dms", responses((status = 200, body = Unread)))]
pub async fn unread_everywhere(State(app): State<App>, user: User) -> Result<Json<Unread>> {
    let count: i64 = sqlx::query_scalar(&unread(""))
        .bind(user.id)
        .fetch_one(&app.db)
        .await?;
    Ok(Json(Unread {
        unread: count,
        unread_count: count,
    }))
}

/// Unread messages of one thread.
#[utoipa::path(get, path = "/dms/threads/{thread_id}/unread-count", tag = "dms", responses((status = 200, body = Unread)))]
pub async fn unread_in_thread(
    State(app): State<App>,
    user: User,
    Path(thread_id): Path<i64>,
) -> Result<Json<Unread>> {
    thread::access(&app.db, thread_id, user.id).await?;
    let sql = unread("and t.id = $2");
    let count: i64 = sqlx::query_scalar(&sql)
        .bind(user.id)
        .bind(thread_id)
        .fetch_one(&app.db)
        .await?;
    Ok(Json(Unread {
        unread: count,
        unread_count: count,
    }))
}
