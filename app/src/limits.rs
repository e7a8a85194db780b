//! Sliding-window rate limits, kept in the database so that all tasks share them.

use sqlx::PgExecutor;

use crate::error::{ApiError, Result};

/// Counts one hit of `key`; at most `cap` in any `seconds` are let through.
///
/// # Errors
/// 429 with the time that is left when it is one too many, or the database's failure.
pub async fn take(db: impl PgExecutor<'_>, key: &str, seconds: i32, cap: i32) -> Result<()> {
    let left = wait_for(db, key, seconds, cap).await?;
    if left > 0.0 {
        Err(too_many(left))
    } else {
        Ok(())
    }
}

/// Counts one hit of `key` when it fits, and returns the seconds until it would when it does not.
///
/// # Errors
/// The database's failure.
pub async fn wait_for(db: impl PgExecutor<'_>, key: &str, seconds: i32, cap: i32) -> Result<f64> {
    Ok(
        sqlx::query_scalar("select rate_wait($1, make_interval(secs => $2), $3)")
            .bind(key)
            .bind(f64::from(seconds))
            .bind(cap)
            .fetch_one(db)
            .await?,
    )
}

/// The refusal of every limit, with the `seconds` that are left.
#[must_use]
pub fn too_many(seconds: f64) -> ApiError {
    // At least one: a client told 0 would come back at once.
    let whole = seconds.ceil().clamp(1.0, f64::from(u32::MAX));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped above
    ApiError::too_many("Too many requests, try again later", whole as u32)
}
