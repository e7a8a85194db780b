//! `rotate-login`: gives a database user its password, so that two users who take turns change the service's password without an outage.
//!
//! ```text
//!   owner (no login) ◀─member─ login a   tasks of today
//!                    ◀─member─ login b   gets the new password; tasks of tomorrow
//! ```
//!
//! Everything belongs to the owner, and both logins act as it, so either takes up what the other made. Each step looks at what is there,
//! so it can be run again from anywhere. The password goes to the server as what it checks it against (RFC 5803), never in clear.

mod owner;
mod verifier;

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

use crate::config::login::LoginConfig;
use crate::db::{self, DbError};

/// How long sessions of the login may linger: a check of an earlier run, a task that is just ending.
const SESSIONS_END: Duration = Duration::from_secs(15);

/// Why a login did not get its password. Never shows one.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error(transparent)]
    Config(#[from] DbError),
    #[error("{0}")]
    Refused(String),
    #[error("the database does not let the administrator {user} in: {error}")]
    Admin { user: String, error: sqlx::Error },
    #[error("{what}: {error}")]
    Database {
        what: &'static str,
        error: sqlx::Error,
    },
    #[error("{login} has its password, but cannot log in with it: {error}")]
    Unusable { login: String, error: sqlx::Error },
}

fn failed(what: &'static str) -> impl Fn(sqlx::Error) -> LoginError {
    move |error| LoginError::Database { what, error }
}

/// Makes owner and login where they are missing, gives the login the password of the URL, and logs in with it.
///
/// # Errors
/// [`LoginError`]; a login that somebody is logged in with is refused before anything is changed of it.
pub async fn rotate(config: &LoginConfig) -> Result<String, LoginError> {
    let as_login = db::options(&config.db)?;
    let login = plain_name(as_login.get_username())?.to_owned();
    let owner = plain_name(&config.role)?;
    let admin = plain_name(&config.admin_user)?;
    if [owner, admin].contains(&login.as_str()) {
        return Err(LoginError::Refused(format!(
            "{login} is the owner or the administrator, not one of the two logins"
        )));
    }
    let as_admin = as_login
        .clone()
        .username(admin)
        .password(config.admin_password.expose());
    let mut connection = PgConnection::connect_with(&as_admin)
        .await
        .map_err(|error| LoginError::Admin {
            user: admin.to_owned(),
            error,
        })?;
    let done = prepare(&mut connection, admin, owner, &login, config).await;
    let _ = connection.close().await;
    done?;
    check(&as_login, owner, &login).await?;
    Ok(format!(
        "{login} has a new password, and acts as {owner} beside the other login"
    ))
}

async fn prepare(
    connection: &mut PgConnection,
    admin: &str,
    owner: &str,
    login: &str,
    config: &LoginConfig,
) -> Result<(), LoginError> {
    owner::make(connection, admin, owner).await?;
    make(connection, owner, login).await?;
    unused(connection, login).await?;
    // Before somebody may log in who has to find everything his.
    owner::take_all(connection, admin, owner).await?;
    let password = password(config)?;
    let verifier = verifier::of(&password, &rand::random::<[u8; 16]>());
    // A verifier has letters, digits and `$:+/=` alone.
    run(
        connection,
        &format!("alter role {login} login password '{verifier}'"),
    )
    .await
    .map_err(failed("the login cannot be given a password"))
}

/// The login, as yet without a password, which takes on the owner's role in each of its sessions.
async fn make(connection: &mut PgConnection, owner: &str, login: &str) -> Result<(), LoginError> {
    let failed = failed("the login cannot be made");
    if !is_role(connection, login).await.map_err(&failed)? {
        run(connection, &format!("create role {login} nologin"))
            .await
            .map_err(&failed)?;
    }
    run(connection, &format!("grant {owner} to {login}"))
        .await
        .map_err(&failed)?;
    run(
        connection,
        &format!("alter role {login} set role = '{owner}'"),
    )
    .await
    .map_err(&failed)
}

/// Whoever is logged in as it would lose the next connection it needs.
async fn unused(connection: &mut PgConnection, login: &str) -> Result<(), LoginError> {
    let until = tokio::time::Instant::now() + SESSIONS_END;
    loop {
        let sessions: i64 =
            sqlx::query_scalar("select count(*) from pg_stat_activity where usename = $1")
                .bind(login)
                .fetch_one(&mut *connection)
                .await
                .map_err(failed("the sessions cannot be counted"))?;
        if sessions == 0 {
            return Ok(());
        }
        if tokio::time::Instant::now() > until {
            return Err(LoginError::Refused(format!(
                "{login} is still in use ({sessions} sessions): tasks run that started before the last rotation. \
                 Replace them first: circles-infra redeploy"
            )));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn check(options: &PgConnectOptions, owner: &str, login: &str) -> Result<(), LoginError> {
    let unusable = |error| LoginError::Unusable {
        login: login.to_owned(),
        error,
    };
    let mut connection = PgConnection::connect_with(options)
        .await
        .map_err(unusable)?;
    let acts_as: String = sqlx::query_scalar("select current_user::text")
        .fetch_one(&mut connection)
        .await
        .map_err(unusable)?;
    let _ = connection.close().await;
    if acts_as == owner {
        return Ok(());
    }
    Err(LoginError::Refused(format!(
        "{login} acts as {acts_as}, not as {owner}"
    )))
}

async fn is_role(connection: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select exists (select from pg_roles where rolname = $1)")
        .bind(name)
        .fetch_one(connection)
        .await
}

/// A statement that takes no parameters, which those about roles do not.
async fn run(connection: &mut PgConnection, text: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(text).execute(connection).await.map(drop)
}

/// Names stand in statements as they are, so they are to be plain ones.
fn plain_name(name: &str) -> Result<&str, LoginError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.is_empty() && name.len() <= 63 && name.chars().all(plain) {
        return Ok(name);
    }
    Err(LoginError::Refused(format!(
        "{name:?} is no name of small letters, digits and `_`, as the roles of a rotation have"
    )))
}

/// The password in the URL. What has to be escaped there is not what `circles-infra` makes.
fn password(config: &LoginConfig) -> Result<String, LoginError> {
    let url = config.db.url.expose();
    let user_info = url
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('@'))
        .map_or("", |(user_info, _)| user_info);
    match user_info.split_once(':') {
        Some((_, password))
            if !password.is_empty() && password.bytes().all(|b| b.is_ascii_alphanumeric()) =>
        {
            Ok(password.to_owned())
        }
        _ => Err(LoginError::Refused(
            "the password in APP_DATABASE_URL is not of letters and digits alone".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_come_into_statements() {
        for name in ["circles_a", "c1"] {
            assert_eq!(plain_name(name).unwrap(), name);
        }
        for name in ["", "a b", "a\"; drop", "Ä", "A"] {
            assert!(plain_name(name).is_err(), "{name}");
        }
    }
}
