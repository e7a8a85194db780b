//! Who has a socket open, on any task. A task that stops beating takes its sockets with it.

use serde_json::json;
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

use crate::error::Result;
use crate::event::{self, CHANNEL, Event};
use crate::hub::Topic;
use crate::stamp;
use crate::task::Live;

/// SQL: the user `user` has a socket open on a task that lives.
#[must_use]
pub fn online(user: &str) -> String {
    format!(
        "exists (select 1 from live_sockets ls join live_tasks lt on lt.id = ls.task_id \
         where ls.user_id = {user} and lt.beat_at > now() - interval '20 seconds')"
    )
}

/// Whether the user has a socket open anywhere.
///
/// # Errors
/// The database's failure.
pub async fn is_online(db: impl PgExecutor<'_>, user: i64) -> Result<bool> {
    let sql = format!("select {}", online("$1::bigint"));
    Ok(sqlx::query_scalar(&sql).bind(user).fetch_one(db).await?)
}

/// Whether the user has a socket open in this room.
///
/// # Errors
/// The database's failure.
pub async fn is_in_room(db: impl PgExecutor<'_>, user: i64, topic: Topic) -> Result<bool> {
    let sql = "select exists (select 1 from live_sockets ls join live_tasks lt on lt.id = ls.task_id \
               where ls.user_id = $1 and ls.topic = $2 and lt.beat_at > now() - interval '20 seconds')";
    Ok(sqlx::query_scalar(sql)
        .bind(user)
        .bind(topic.to_string())
        .fetch_one(db)
        .await?)
}

/// Notes a socket of this task, unless its user has as many open as one person may have.
///
/// # Errors
/// The database's failure.
pub async fn opened(
    db: &PgPool,
    live: &Live,
    most: i64,
    (socket, user, topic): (Uuid, i64, Topic),
) -> Result<bool> {
    let open = || {
        let query = sqlx::query_scalar("select socket_admitted($1, $2, $3, $4, $5)");
        query
            .bind(socket)
            .bind(live.task_id)
            .bind(user)
            .bind(topic.to_string())
            .bind(most)
            .fetch_one(db)
    };
    let first = match open().await {
        Ok(admitted) => return Ok(admitted),
        Err(first) => first,
    };
    // The task's own row is missing right after a start, or after the database lost its unlogged tables.
    let foreign = first
        .as_database_error()
        .is_some_and(sqlx::error::DatabaseError::is_foreign_key_violation);
    if !foreign {
        return Err(first.into());
    }
    mark_alive(db, live).await?;
    Ok(open().await?)
}

/// Notes a socket's end. True when the user has no other socket in the room.
///
/// # Errors
/// The database's failure.
pub async fn closed(db: &PgPool, socket: Uuid, user: i64, topic: Topic) -> Result<bool> {
    left_room(db, socket, user, &topic.to_string()).await
}

/// The same by the name that the room has in the database.
async fn left_room(db: &PgPool, socket: Uuid, user: i64, room: &str) -> Result<bool> {
    let query = sqlx::query_scalar("select socket_closed($1, $2, $3)");
    Ok(query
        .bind(socket)
        .bind(user)
        .bind(room)
        .fetch_one(db)
        .await?)
}

/// Says that this task lives, and counts its sockets anew when the database has forgotten them.
///
/// # Errors
/// The database's failure.
pub async fn mark_alive(db: &PgPool, live: &Live) -> std::result::Result<(), sqlx::Error> {
    let sql = "insert into live_tasks (id) values ($1) on conflict (id) do update set beat_at = now() \
               returning (xmax = 0), pg_notify($2, '0 beat')::text";
    let (fresh, _): (bool, Option<String>) = sqlx::query_as(sql)
        .bind(live.task_id)
        .bind(CHANNEL)
        .fetch_one(db)
        .await?;
    if fresh {
        reregister(db, live).await?;
    }
    Ok(())
}

/// Puts this task's sockets back after the database forgot them.
async fn reregister(db: &PgPool, live: &Live) -> std::result::Result<(), sqlx::Error> {
    let (mut ids, mut users, mut topics) = (Vec::new(), Vec::new(), Vec::new());
    for (id, user, topic) in live.hub.sockets() {
        ids.push(id);
        users.push(user);
        topics.push(topic);
    }
    // In one order everywhere: each takes its person's lock.
    let sql = "select socket_opened(s.id, $1, s.user_id, s.topic) from ( \
               select * from unnest($2::uuid[], $3::bigint[], $4::text[]) as t (id, user_id, topic) \
               where not exists (select 1 from live_sockets ls where ls.id = t.id) order by user_id) as s";
    sqlx::query(sql)
        .bind(live.task_id)
        .bind(ids)
        .bind(users)
        .bind(topics)
        .execute(db)
        .await?;
    Ok(())
}

/// Removes the tasks that stopped beating, and tells the other side of their sockets' threads.
///
/// # Errors
/// The database's failure.
pub async fn reap(db: &PgPool) -> Result<()> {
    let dead = "select ls.id, ls.user_id, ls.topic from live_sockets ls join live_tasks lt on lt.id = ls.task_id \
                where lt.beat_at < now() - interval '25 seconds'";
    let gone: Vec<(Uuid, i64, String)> = sqlx::query_as(dead).fetch_all(db).await?;
    for (socket, user, name) in gone {
        let last = left_room(db, socket, user, &name).await?;
        if let Some(topic @ Topic::Thread(_)) = Topic::parse(&name).filter(|_| last) {
            event::emit(db, &left(topic, user)).await?;
        }
    }
    // One that fell silent since then still has its sockets: they are taken out one by one the next time, with what follows from that.
    sqlx::query(
        "delete from live_tasks lt where lt.beat_at < now() - interval '25 seconds' \
         and not exists (select 1 from live_sockets ls where ls.task_id = lt.id)",
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The event that says `user` left a thread.
#[must_use]
pub fn left(topic: Topic, user: i64) -> Event {
    let payload = json!({ "type": "presence", "user_id": user, "online": false, "timestamp": stamp::frame_now() });
    Event::to(topic, payload).except(user)
}
