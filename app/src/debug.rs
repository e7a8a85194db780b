//! What debug makes up is shared: tokens and one-time codes of one task are good at the others, and after a restart.

use sqlx::PgPool;

use crate::config::Config;
use crate::db::DbError;
use crate::secret::Secret;

/// The settings, with what was made up for this run replaced by what the first task of this database made up. Outside debug there
/// is never anything made up, so the table is not touched.
///
/// # Errors
/// When the database does not answer.
pub async fn with_shared_secrets(mut config: Config, db: &PgPool) -> Result<Config, DbError> {
    let made_up = config.made_up;
    if made_up.jwt {
        config.jwt.secret = shared(db, "jwt", &config.jwt.secret).await?;
    }
    if made_up.otp {
        config.otp.secret = shared(db, "otp", &config.otp.secret).await?;
    }
    Ok(config)
}

/// The stored secret of that name; ours, when there was none.
async fn shared(db: &PgPool, name: &str, own: &Secret) -> Result<Secret, DbError> {
    let sql = "insert into debug_secrets as d (name, value) values ($1, $2) \
               on conflict (name) do update set value = d.value returning value";
    let value: String = sqlx::query_scalar(sql)
        .bind(name)
        .bind(own.expose())
        .fetch_one(db)
        .await
        .map_err(DbError::Away)?;
    Ok(Secret::new(value))
}
