//! The role that everything belongs to, and how it comes to own what the administrator made before there was one.

use std::time::Duration;

use sqlx::PgConnection;

use super::{LoginError, failed, is_role, run};

/// Requests of running tasks wait behind a statement that waits for its lock: not longer than this, in milliseconds. Below
/// PostgreSQL's `deadlock_timeout` of a second, so it gives up before any of them is ended.
const LOCK_WAIT: u32 = 300;
const PATIENCE: Duration = Duration::from_secs(120);
/// SQLSTATE lock_not_available.
const BUSY: &str = "55P03";

/// Makes the role, the administrator its member, who goes on having what he had.
pub async fn make(
    connection: &mut PgConnection,
    admin: &str,
    owner: &str,
) -> Result<(), LoginError> {
    let failed = failed("the owning role cannot be made");
    if !is_role(connection, owner).await.map_err(&failed)? {
        run(connection, &format!("create role {owner} nologin"))
            .await
            .map_err(&failed)?;
    }
    run(connection, &format!("grant {owner} to {admin}"))
        .await
        .map_err(&failed)
}

/// Gives the owner all that the administrator owns in this database, the database itself included. Tasks may be at work: one object
/// after the other, and none is waited for long.
pub async fn take_all(
    connection: &mut PgConnection,
    admin: &str,
    owner: &str,
) -> Result<(), LoginError> {
    let failed = failed("what the administrator owns cannot be handed over");
    run(
        connection,
        &format!("set lock_timeout = {LOCK_WAIT}; set statement_timeout = 0"),
    )
    .await
    .map_err(&failed)?;
    // Whoever is to own something in a schema has to be allowed to make it there.
    let schemas: Vec<String> = sqlx::query_scalar(
        "select distinct format('%I', n.nspname) from pg_class c join pg_namespace n on n.oid = c.relnamespace \
         where c.relowner = $1::regrole and n.nspname !~ '^pg_'",
    )
    .bind(admin)
    .fetch_all(&mut *connection)
    .await
    .map_err(&failed)?;
    for schema in schemas.iter().map(String::as_str).chain(["public"]) {
        run(
            connection,
            &format!("grant usage, create on schema {schema} to {owner}"),
        )
        .await
        .map_err(&failed)?;
    }
    // Sequences, views and indexes follow their tables or are in nobody's way.
    let tables: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace \
         where c.relkind in ('r', 'p') and c.relowner = $1::regrole and c.relpersistence <> 't' order by 1",
    )
    .bind(admin)
    .fetch_all(&mut *connection)
    .await
    .map_err(&failed)?;
    for table in tables {
        patiently(connection, &format!("alter table {table} owner to {owner}"))
            .await
            .map_err(&failed)?;
    }
    patiently(connection, &format!("reassign owned by {admin} to {owner}"))
        .await
        .map_err(&failed)
}

async fn patiently(connection: &mut PgConnection, text: &str) -> Result<(), sqlx::Error> {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        match run(connection, text).await {
            Err(error) if is_busy(&error) && tokio::time::Instant::now() < until => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            done => return done,
        }
    }
}

fn is_busy(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(|error| error.code())
        .is_some_and(|code| code == BUSY)
}
