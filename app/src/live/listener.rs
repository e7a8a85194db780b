//! The ear of this task: hears of events by LISTEN, fetches them, hands them to the hub. After a break of the wire it catches up.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgNotification};
use tokio::sync::watch;

use crate::app::App;
use crate::db::{in_time, listener_pool};
use crate::event::CHANNEL;
use crate::hub::Topic;

/// The heartbeats of any task come more often than this; silence means the wire is dead.
const SILENCE: Duration = Duration::from_secs(20);
/// Ids remembered, so that a catch-up delivers nothing twice.
const REMEMBERED: usize = 8192;
/// How far back a catch-up looks, in seconds: longer than a break takes to be noticed.
const CATCH_UP_SECONDS: f64 = 60.0;

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    topic: String,
    only_user: Option<i64>,
    except_user: Option<i64>,
    except_users: Option<Vec<i64>>,
    payload: Value,
}

#[derive(Default)]
struct Ear {
    delivered: VecDeque<i64>,
    /// The first connection has missed nothing.
    connected_before: bool,
}

/// Listens until the task stops.
pub async fn run(app: App, stopping: watch::Receiver<bool>) {
    let mut ear = Ear::default();
    // Sockets are still told of their closing while the task stops, so the ear outlives the signal by the grace.
    let stop = async {
        crate::task::turned(stopping).await;
        tokio::time::sleep(app.config.stop_grace).await;
    };
    tokio::pin!(stop);
    loop {
        let broken = tokio::select! {
            () = &mut stop => return,
            error = ear.listen(&app) => error,
        };
        app.live.set_listening(false);
        if let Err(error) = broken {
            tracing::warn!(cause = %error, "live events are interrupted");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// A connection that hears of every event.
async fn ears(pool: &PgPool) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.ignore_pool_close_event(true);
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

impl Ear {
    /// Listens on one connection until it breaks.
    async fn listen(&mut self, app: &App) -> Result<(), sqlx::Error> {
        // A pool of its own each time: a connection nobody answers on any more keeps its place in the old one.
        let pool = listener_pool(&app.config.db).map_err(sqlx::Error::config)?;
        let mut listener = in_time(SILENCE, ears(&pool)).await?;
        if self.connected_before {
            in_time(SILENCE, self.catch_up(app)).await?;
        }
        self.connected_before = true;
        app.live.set_listening(true);
        loop {
            let Ok(heard) = tokio::time::timeout(SILENCE, listener.try_recv()).await else {
                return Ok(());
            };
            let Some(first) = heard? else { return Ok(()) };
            let mut ids = Vec::new();
            self.note(app, &first, &mut ids);
            while let Some(more) = listener.next_buffered() {
                self.note(app, &more, &mut ids);
            }
            if !ids.is_empty() {
                in_time(SILENCE, self.fetch(app, &ids)).await?;
            }
        }
    }

    /// Takes down the id of an event some socket of this task waits for.
    fn note(&self, app: &App, heard: &PgNotification, ids: &mut Vec<i64>) {
        let Some((id, topic)) = heard.payload().split_once(' ') else {
            return;
        };
        let (Ok(id), Some(topic)) = (id.parse(), Topic::parse(topic)) else {
            return;
        };
        if app.live.hub.has(topic) {
            ids.push(id);
        }
    }

    async fn fetch(&mut self, app: &App, ids: &[i64]) -> Result<(), sqlx::Error> {
        let sql = "select id, topic, only_user, except_user, except_users, payload from live_events where id = any($1) order by id";
        let rows: Vec<Row> = sqlx::query_as(sql).bind(ids).fetch_all(&app.db).await?;
        self.deliver(app, rows);
        Ok(())
    }

    async fn catch_up(&mut self, app: &App) -> Result<(), sqlx::Error> {
        let sql = "select id, topic, only_user, except_user, except_users, payload from live_events \
                   where created_at > now() - make_interval(secs => $1) order by id";
        let rows: Vec<Row> = sqlx::query_as(sql)
            .bind(CATCH_UP_SECONDS)
            .fetch_all(&app.db)
            .await?;
        let fresh = rows
            .into_iter()
            .filter(|r| !self.delivered.contains(&r.id))
            .collect();
        self.deliver(app, fresh);
        Ok(())
    }

    fn deliver(&mut self, app: &App, rows: Vec<Row>) {
        for row in rows {
            let Some(topic) = Topic::parse(&row.topic) else {
                continue;
            };
            let frame: Arc<str> = row.payload.to_string().into();
            let mut except = row.except_users.unwrap_or_default();
            except.extend(row.except_user);
            app.live.hub.deliver(topic, row.only_user, &except, &frame);
            if self.delivered.len() == REMEMBERED {
                self.delivered.pop_front();
            }
            self.delivered.push_back(row.id);
        }
    }
}
