//! Sliding-window rate limits, kept in the database so that all tasks share them.

use sqlx::PgExecutor;

use crate::error::{ApiError, Result};

/// Counts one hit of `key`; at most `cap` in any `seconds` are let through.
///
/// # Errors
/// 429 when it is one too many, or the database's failure.
pub async fn take(db: impl PgExecutor<'_>, key: &str, seconds: i32, cap: i32) -> Result<()> {
    let fits: bool = sqlx::query_scalar("select take_rate($1, make_interval(secs => $2), $3)")
        .bind(key)
        .bind(f64::from(seconds))
        .bind(cap)
        .fetch_one(db)
        .await?;
    if fits {
        Ok(())
    } else {
        Err(ApiError::too_many(
            "Too many requests, try again later",
            u32::try_from(seconds).unwrap_or(60),
        ))
    }
}
