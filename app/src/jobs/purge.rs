//! What is past its time goes.

use crate::activity;
use crate::app::App;
use crate::error::Result;
use crate::files;

/// Rows of one statement: no lock is held for long, and no statement runs into its limit.
const BATCH: i64 = 5000;

/// Deletes messages past their expiry, and puts their files into the outbox in the same transaction.
pub(super) async fn disappear_messages(app: &App) -> Result<()> {
    loop {
        let mut tx = app.db.begin().await?;
        let sql = "update dm_messages set deleted_at = now(), updated_at = now() where id in \
                   (select id from dm_messages where expires_at <= now() and deleted_at is null \
                    order by expires_at limit $1 for update skip locked) \
                   returning photo_urls || video_urls || voice_urls || file_urls";
        let gone: Vec<sqlx::types::Json<Vec<String>>> = sqlx::query_scalar(sql)
            .bind(BATCH)
            .fetch_all(&mut *tx)
            .await?;
        let count = gone.len();
        let stored: Vec<String> = gone.into_iter().flat_map(|urls| urls.0).collect();
        files::release(&mut tx, &stored).await?;
        tx.commit().await?;
        files::sweep(app, &stored).await;
        if i64::try_from(count).unwrap_or(0) < BATCH {
            return Ok(());
        }
    }
}

/// Deletes entries of feeds past the settings' age, and sees to those of the version before.
pub(super) async fn activities(app: &App) -> Result<()> {
    activity::link::link_causes(&app.db).await?;
    let sql = "delete from activities where id in (select id from activities \
               where created_at < now() - make_interval(days => $1::int) order by created_at limit $2)";
    loop {
        let done = sqlx::query(sql)
            .bind(app.config.activity_days)
            .bind(BATCH)
            .execute(&app.db)
            .await?;
        if done.rows_affected() < BATCH.unsigned_abs() {
            return Ok(());
        }
    }
}

pub(super) async fn place_chat(app: &App) -> Result<()> {
    let sql = "delete from place_chat_messages where created_at < now() - make_interval(hours => $1::int)";
    sqlx::query(sql)
        .bind(app.config.checkin.chat_window_hours)
        .execute(&app.db)
        .await?;
    Ok(())
}

pub(super) async fn codes(app: &App) -> Result<()> {
    let sql = "delete from otp_codes where expires_at < now() - interval '1 day'";
    sqlx::query(sql).execute(&app.db).await?;
    Ok(())
}

pub(super) async fn live(app: &App) -> Result<()> {
    let events = "delete from live_events where created_at < now() - interval '5 minutes'";
    sqlx::query(events).execute(&app.db).await?;
    // The longest window of any limit is an hour.
    let hits = "delete from rate_hits where at < now() - interval '1 hour'";
    sqlx::query(hits).execute(&app.db).await?;
    Ok(())
}
