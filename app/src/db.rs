//! The pool, the migrations, and the connection settings.

use std::future::Future;
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgPool};

use crate::config::{Config, DbConfig};
use crate::geo::Geo;

/// How long a connection that comes back may take to say that it is well.
const RELEASE: Duration = Duration::from_secs(5);
/// How long an idle connection is taken for good.
const TRUSTED: Duration = Duration::from_secs(1);
/// After which the server ends a connection whose transaction waits for us: what it has locked must not stay so when we hang.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(60);

static EMBEDDED: Migrator = sqlx::migrate!("./migrations");

/// Why the service could not take up its database. Never shows the connection's password.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    #[error("APP_DATABASE_URL cannot be read: {0}")]
    Url(String),
    #[error("the database does not answer: {0}")]
    Away(#[source] sqlx::Error),
    #[error("a migration failed: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error(
        "APP_USE_POSTGIS is true, but the places have no geography column: install PostGIS before the first migration, or set it to false"
    )]
    NoPostgis,
}

/// Reads a connection URL as deployments write it: a driver suffix (`postgresql+asyncpg://`) is dropped, `ssl=` means `sslmode=`.
///
/// # Errors
/// When it is no PostgreSQL URL; the message does not repeat it.
pub fn options(config: &DbConfig) -> Result<PgConnectOptions, DbError> {
    let url = plain_url(config.url.expose());
    let millis = |limit: Duration| limit.as_millis().to_string();
    let options = PgConnectOptions::from_str(&url).map_err(|_| {
        DbError::Url("expected postgresql://user:password@host:port/database?sslmode=…".to_owned())
    })?;
    // As of `set role`: tables made by one login then belong to the role, and every other login of the role may use them.
    let role = config.role.iter().map(|role| ("role", role.clone()));
    Ok(options
        .application_name("circles-app")
        .options([
            ("statement_timeout", millis(config.statement_timeout)),
            ("lock_timeout", millis(config.lock_timeout)),
            (
                "idle_in_transaction_session_timeout",
                millis(IDLE_IN_TRANSACTION),
            ),
            ("jit", "off".to_owned()),
        ])
        .options(role)
        .log_slow_statements(log::LevelFilter::Warn, Duration::from_secs(1)))
}

fn plain_url(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgresql", url));
    let scheme = scheme.split('+').next().unwrap_or(scheme);
    let rest = match rest.split_once('?') {
        None => rest.to_owned(),
        Some((before, query)) => {
            let parts: Vec<String> = query
                .split('&')
                .map(|part| {
                    part.strip_prefix("ssl=")
                        .map_or_else(|| part.to_owned(), |mode| format!("sslmode={mode}"))
                })
                .collect();
            format!("{before}?{}", parts.join("&"))
        }
    };
    format!("{scheme}://{rest}")
}

/// The pool of the requests. It connects when first used, so it outlives a database that is away.
///
/// # Errors
/// When the URL cannot be read.
pub fn pool(config: &DbConfig) -> Result<PgPool, DbError> {
    let options = options(config)?;
    Ok(PgPoolOptions::new()
        .max_connections(config.pool_size)
        .acquire_timeout(config.acquire_timeout)
        .max_lifetime(Duration::from_secs(30 * 60))
        .after_release(|connection, _| {
            // The pool tries it as well, but without a limit: a connection nobody answers on any more would keep its place until the
            // kernel gives it up, a quarter of an hour later. That is left to those whom the silence catches between the two.
            Box::pin(async move {
                in_time(RELEASE, connection.ping()).await?;
                Ok(true)
            })
        })
        // A connection is tried when it comes back, and again before it is used when that was a while ago: not twice for every statement.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > TRUSTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options))
}

/// The one connection of the listener, apart from the requests' pool: a busy pool must not make the task deaf.
///
/// # Errors
/// When the URL cannot be read.
pub fn listener_pool(config: &DbConfig) -> Result<PgPool, DbError> {
    Ok(PgPoolOptions::new()
        .max_connections(1)
        .connect_lazy_with(options(config)?))
}

/// The same database for work that may take longer than a request's statements, and waits for the locks of others of its kind.
#[must_use]
pub fn patient(config: &DbConfig, limit: Duration) -> DbConfig {
    DbConfig {
        statement_timeout: limit,
        lock_timeout: limit,
        ..config.clone()
    }
}

/// Brings the schema up to this version, one task at a time (advisory lock). Migrations only expand, so newer ones are tolerated:
/// an older version serves on a newer schema.
///
/// # Errors
/// The first migration that fails.
pub async fn migrate(config: &DbConfig) -> Result<(), DbError> {
    let patient = patient(config, Duration::from_secs(600));
    let one = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(60));
    let pool = one
        .connect_with(options(&patient)?)
        .await
        .map_err(DbError::Away)?;
    let migrator = Migrator {
        migrations: EMBEDDED.migrations.clone(),
        ignore_missing: true,
        ..Migrator::DEFAULT
    };
    let done = migrator.run(&pool).await;
    pool.close().await;
    Ok(done?)
}

/// For what asks the database and is no request (those have their own limit): an end, when nobody ever answers.
///
/// # Errors
/// That of `asked`, or the pool's timeout.
pub async fn in_time<T, E: From<sqlx::Error>>(
    limit: Duration,
    asked: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match tokio::time::timeout(limit, asked).await {
        Ok(answer) => answer,
        Err(_) => Err(E::from(sqlx::Error::PoolTimedOut)),
    }
}

/// Whether every migration of this version has been applied; for `/readyz`.
///
/// # Errors
/// The database's failure.
pub async fn is_migrated(db: &PgPool) -> Result<bool, sqlx::Error> {
    let newest = EMBEDDED
        .migrations
        .iter()
        .map(|m| m.version)
        .max()
        .unwrap_or(0);
    let applied: Option<i64> =
        sqlx::query_scalar("select max(version) from _sqlx_migrations where success")
            .fetch_one(db)
            .await?;
    Ok(applied.unwrap_or(0) >= newest)
}

/// Decides how distances are measured.
///
/// # Errors
/// When PostGIS is asked for and the places have no geography column.
pub async fn geo(config: &Config, db: &PgPool) -> Result<Geo, DbError> {
    if !config.use_postgis {
        return Ok(Geo::Haversine);
    }
    let column = "select exists (select 1 from information_schema.columns \
                  where table_name = 'places' and column_name = 'geog' and table_schema = current_schema())";
    let has_column: bool = sqlx::query_scalar(column)
        .fetch_one(db)
        .await
        .map_err(DbError::Away)?;
    if has_column {
        Ok(Geo::PostGis)
    } else {
        Err(DbError::NoPostgis)
    }
}

#[cfg(test)]
mod tests {
    use super::plain_url;

    #[test]
    fn a_driver_suffix_and_its_ssl_parameter_are_understood() {
        assert_eq!(
            plain_url("postgresql+asyncpg://u:p@h:5432/d?ssl=require"),
            "postgresql://u:p@h:5432/d?sslmode=require"
        );
        assert_eq!(plain_url("postgres://u@h/d"), "postgres://u@h/d");
    }
}
