//! What happens now: sockets, and events that reach every task.
//!
//! ```text
//!   handler ── event::emit (row + NOTIFY, in the handler's transaction) ──► PostgreSQL
//!   every task: listener ── row of the id ──► hub ── bounded queue ──► socket task ──► client
//! ```
//!
//! There is one path: the sender's own task hears of an event like all the others.

mod beat;
mod frame_limits;
mod listener;
mod place;
mod socket;
mod thread;
mod user;

use axum::routing::get;
use tokio::sync::watch;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// Starts this task's listener and heartbeat.
pub fn start(app: &App, stopping: watch::Receiver<bool>) {
    app.live.stop_with(stopping.clone());
    tokio::spawn(listener::run(app.clone(), stopping.clone()));
    tokio::spawn(beat::run(app.clone(), stopping));
}

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .route("/ws/dms/{thread_id}", get(thread::connect))
        .route("/ws/user/{user_id}", get(user::connect))
        .route("/ws/places/{place_id}/chat", get(place::connect))
}
