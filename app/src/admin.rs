//! `circles-app admin grant|revoke PHONE`: who has administrator rights.

use crate::config::DbConfig;
use crate::db::{self, DbError};
use crate::phone;

/// What to do with the rights of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Grant,
    Revoke,
}

#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error("{}", phone::EXPECTED)]
    Phone,
    #[error("no account has the phone {0}: its owner must sign in once before")]
    Unknown(String),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("the database refused: {0}")]
    Refused(#[from] sqlx::Error),
}

/// Gives the account of a phone administrator rights, or takes them away, and says what was done. Doing it again changes nothing.
///
/// # Errors
/// When the phone is none or has no account, or the database's failure.
pub async fn set_rights(
    config: &DbConfig,
    phone: &str,
    change: Change,
) -> Result<String, AdminError> {
    let phone = phone::normalise(phone).ok_or(AdminError::Phone)?;
    let pool = db::pool(config)?;
    let sql = "update users u set is_admin = $2 from (select id, is_admin from users where phone = $1 for update) o \
               where u.id = o.id returning u.id, o.is_admin";
    let found: Option<(i64, bool)> = sqlx::query_as(sql)
        .bind(&phone)
        .bind(change == Change::Grant)
        .fetch_optional(&pool)
        .await?;
    pool.close().await;
    let (id, before) = found.ok_or_else(|| AdminError::Unknown(phone.clone()))?;
    Ok(match (change, before) {
        (Change::Grant, false) => format!("user {id} ({phone}) is now an administrator"),
        (Change::Grant, true) => format!("user {id} ({phone}) already was an administrator"),
        (Change::Revoke, true) => format!("user {id} ({phone}) is no longer an administrator"),
        (Change::Revoke, false) => format!("user {id} ({phone}) was no administrator"),
    })
}
