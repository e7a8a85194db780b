//! What happens now: sockets, presence, and events that reach every task.
//!
//! ```text
//!   handler ── event::emit (row + NOTIFY, in the handler's transaction) ──► PostgreSQL
//!   every task: listener ── row of the id ──► hub ── bounded queue ──► socket task ──► client
//! ```
//!
//! There is one path: the sender's own task hears of an event like all the others.

pub mod event;
pub mod hub;
mod listener;
pub mod place;
pub mod presence;
pub mod socket;
mod thread;
mod user;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::routing::any;
use sqlx::PgPool;
use tokio::sync::watch;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::app::App;
use hub::Hub;

/// This task's part in the live side.
pub struct Live {
    /// This task among the others, new with every start.
    pub task_id: Uuid,
    pub hub: Hub,
    listener: PgPool,
    listening: AtomicBool,
    stopping: std::sync::OnceLock<watch::Receiver<bool>>,
}

impl Live {
    #[must_use]
    pub fn new(listener: PgPool) -> Live {
        Live {
            task_id: Uuid::new_v4(),
            hub: Hub::default(),
            listener,
            listening: AtomicBool::new(false),
            stopping: std::sync::OnceLock::new(),
        }
    }

    /// Whether events of other tasks arrive.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.listening.load(Ordering::Relaxed)
    }

    /// Turns true when the task stops; sockets then close with 1001.
    fn stopping(&self) -> Option<watch::Receiver<bool>> {
        self.stopping.get().cloned()
    }

    /// Waits until every socket has closed, at most `limit`.
    pub async fn drained(&self, limit: Duration) {
        let deadline = tokio::time::Instant::now() + limit;
        while !self.hub.is_empty() && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Starts this task's listener and heartbeat.
pub fn start(app: &App, stopping: watch::Receiver<bool>) {
    // A second start of the same parts keeps the first signal.
    let _ = app.live.stopping.set(stopping.clone());
    tokio::spawn(listener::run(app.clone(), stopping.clone()));
    tokio::spawn(presence::beat(app.clone(), stopping));
}

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .route("/ws/dms/{thread_id}", any(thread::connect))
        .route("/ws/user/{user_id}", any(user::connect))
        .route("/ws/places/{place_id}/chat", any(place::connect))
}
