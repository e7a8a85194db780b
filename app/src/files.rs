//! The outbox of stored files. A row says that a file goes once it is due, unless something shows it by then.
//!
//! Every upload has its row before the storage has its bytes, and what stops showing a file writes the row in the same transaction. So
//! a task that is killed in between leaves nothing behind that a later sweep does not find.

use std::time::Duration;

use futures::StreamExt;
use sqlx::{PgConnection, PgExecutor};

use crate::app::App;
use crate::error::{ApiError, Result};

/// Longer than any request: by then an upload is shown by its row, or never will be.
const REQUEST: Duration = Duration::from_secs(3600);
/// After an answer of the storage was lost: by then it has either taken the file or not.
const IN_DOUBT: Duration = Duration::from_secs(120);
/// How long the storage may take to delete a file.
const DELETE_LIMIT: Duration = Duration::from_secs(10);
/// Files swept in one turn, and at a time.
const BATCH: i64 = 500;
const AT_A_TIME: usize = 4;

/// What an upload waits for.
#[derive(Debug, Clone, Copy)]
pub enum Awaits {
    /// The row of the same request.
    Row,
    /// A message that names it, in a later request.
    Message,
}

/// Writes the row of a file that is about to be stored.
///
/// # Errors
/// The database's failure.
pub async fn register(app: &App, stored: &str, awaits: Awaits) -> Result<()> {
    let wait = match awaits {
        Awaits::Row => REQUEST,
        Awaits::Message => app.config.uploads.unsent,
    };
    let sql = "insert into file_deletions (stored, due_at) values ($1, now() + make_interval(secs => $2)) \
               on conflict (stored) do nothing";
    sqlx::query(sql)
        .bind(stored)
        .bind(wait.as_secs_f64())
        .execute(&app.db)
        .await?;
    Ok(())
}

/// Notes, in the transaction that stops showing them, that files may go.
///
/// # Errors
/// The database's failure.
pub async fn release(tx: &mut PgConnection, stored: &[String]) -> Result<()> {
    due_in(tx, stored, Duration::ZERO).await
}

/// Lets go of files whose upload did not come to its end.
pub async fn discard(app: &App, stored: &[String], in_doubt: &[String]) {
    let done = async {
        let mut connection = app.db.acquire().await?;
        due_in(&mut connection, stored, Duration::ZERO).await?;
        due_in(&mut connection, in_doubt, IN_DOUBT).await
    };
    match done.await {
        Ok(()) => sweep(app, stored).await,
        // Their rows are there, and due later.
        Err(error) => tracing::debug!(cause = ?error, "files are left for a later sweep"),
    }
}

async fn due_in(tx: &mut PgConnection, stored: &[String], wait: Duration) -> Result<()> {
    // Addresses of others are not ours to delete.
    let mut own: Vec<&String> = stored.iter().filter(|s| !s.contains("://")).collect();
    if own.is_empty() {
        return Ok(());
    }
    // Rows are locked in one order.
    own.sort_unstable();
    own.dedup();
    let sql = "insert into file_deletions as d (stored, due_at) \
               select s.stored, now() + make_interval(secs => $2) \
               from unnest($1::text[]) with ordinality as s (stored, n) order by n \
               on conflict (stored) do update \
               set due_at = least(d.due_at, excluded.due_at), attempts = 0, deleted_at = null";
    sqlx::query(sql)
        .bind(own)
        .bind(wait.as_secs_f64())
        .execute(tx)
        .await?;
    Ok(())
}

/// Refuses files that are gone, and keeps the others from being swept until the transaction ends.
///
/// # Errors
/// 400 when one is gone.
pub async fn hold(tx: &mut PgConnection, stored: &[&String]) -> Result<()> {
    let mut stored: Vec<&str> = stored.iter().map(|s| s.as_str()).collect();
    if stored.is_empty() {
        return Ok(());
    }
    stored.sort_unstable();
    for one in &stored {
        lock(&mut *tx, one).await?;
    }
    let sql = "select exists (select 1 from file_deletions where stored = any($1) and deleted_at is not null)";
    let gone: bool = sqlx::query_scalar(sql).bind(&stored).fetch_one(tx).await?;
    if gone {
        return Err(ApiError::bad("Attachments must be uploaded first"));
    }
    Ok(())
}

/// One at a time decides about a file, until its transaction ends.
async fn lock(db: impl PgExecutor<'_>, stored: &str) -> Result<()> {
    let sql = "select pg_advisory_xact_lock(hashtextextended('file:' || $1, 23))";
    sqlx::query(sql).bind(stored).execute(db).await?;
    Ok(())
}

/// Deletes these files now, as far as they are due and nothing shows them. What fails is left for the job.
pub async fn sweep(app: &App, stored: &[String]) {
    for (stored, swept) in sweep_all(app, stored.to_vec()).await {
        if let Err(error) = swept {
            tracing::warn!(cause = ?error, stored, "a file is left for a later sweep");
        }
    }
}

/// A few at a time.
async fn sweep_all(app: &App, stored: Vec<String>) -> Vec<(String, Result<()>)> {
    let sweeps = stored.into_iter().map(|stored| {
        let app = app.clone();
        async move {
            let swept = sweep_one(&app, &stored).await;
            (stored, swept)
        }
    });
    let sweeps = futures::stream::iter(sweeps).buffer_unordered(AT_A_TIME);
    sweeps.collect().await
}

/// Deletes the files that are due.
///
/// # Errors
/// 503 when the storage failed for one of them; it is tried again later.
pub async fn sweep_due(app: &App) -> Result<()> {
    let sql = "select stored from file_deletions where due_at <= now() and deleted_at is null \
               order by due_at limit $1";
    let due: Vec<String> = sqlx::query_scalar(sql)
        .bind(BATCH)
        .fetch_all(&app.db)
        .await?;
    let swept = sweep_all(app, due).await.into_iter();
    let failed = swept.filter_map(|(_, swept)| swept.err()).next();
    // Their addresses are refused for so long.
    let sql = "delete from file_deletions where deleted_at < now() - interval '30 days'";
    sqlx::query(sql).execute(&app.db).await?;
    failed.map_or(Ok(()), Err)
}

async fn sweep_one(app: &App, stored: &str) -> Result<()> {
    let mut tx = app.db.begin().await?;
    lock(&mut *tx, stored).await?;
    let due = "select exists (select 1 from file_deletions where stored = $1 and due_at <= now() and deleted_at is null)";
    let due: bool = sqlx::query_scalar(due)
        .bind(stored)
        .fetch_one(&mut *tx)
        .await?;
    if !due {
        return Ok(());
    }
    if is_shown(&mut tx, stored).await? {
        sqlx::query("delete from file_deletions where stored = $1")
            .bind(stored)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        return Ok(());
    }
    let deleted = tokio::time::timeout(DELETE_LIMIT, app.objects.delete(stored)).await;
    let deleted = deleted.unwrap_or(Err(ApiError::Unavailable));
    let sql = if deleted.is_ok() {
        "update file_deletions set deleted_at = now() where stored = $1"
    } else {
        "update file_deletions set attempts = attempts + 1, \
         due_at = now() + least(interval '1 hour', interval '10 seconds' * power(2, least(attempts, 10))) where stored = $1"
    };
    sqlx::query(sql).bind(stored).execute(&mut *tx).await?;
    tx.commit().await?;
    deleted
}

/// Whether a row shows the file. Files of an unknown kind count as shown.
async fn is_shown(tx: &mut PgConnection, stored: &str) -> Result<bool> {
    let key = stored.strip_prefix("/media/").unwrap_or(stored);
    let mut parts = key.split('/');
    let (kind, owner) = (parts.next(), parts.next());
    let owner: Option<i64> = owner.and_then(|id| id.parse().ok());
    let sql = match (kind, owner) {
        (Some("checkins"), Some(_)) => {
            "select exists (select 1 from check_in_photos where check_in_id = $2 and url = $1)"
        }
        (Some("reviews"), Some(_)) => {
            "select exists (select 1 from photos where review_id = $2 and url = $1)"
        }
        (Some("avatars"), Some(_)) => {
            "select exists (select 1 from users where id = $2 and avatar_url = $1)"
        }
        // Forwarded messages show the files of the first.
        (Some("dm_media"), Some(_)) => {
            "select $2::bigint is not null and exists (select 1 from dm_messages \
             where (photo_urls || video_urls || voice_urls || file_urls) @> jsonb_build_array($1::text) \
             and deleted_at is null and (expires_at is null or expires_at > now()))"
        }
        _ => return Ok(true),
    };
    let shown = sqlx::query_scalar(sql).bind(stored).bind(owner);
    Ok(shown.fetch_one(tx).await?)
}
