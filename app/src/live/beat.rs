//! The heartbeat of this task.

use std::time::Duration;

use tokio::sync::watch;

use crate::app::App;
use crate::db::in_time;
use crate::{presence, task};

const BEAT: Duration = Duration::from_secs(5);

/// Says every few seconds that this task lives; its notification also tells every listener that its wire is good.
pub(super) async fn run(app: App, stopping: watch::Receiver<bool>) {
    let stop = task::turned(stopping);
    tokio::pin!(stop);
    let mut ticks = tokio::time::interval(BEAT);
    loop {
        tokio::select! {
            () = &mut stop => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = in_time(BEAT, presence::mark_alive(&app.db, &app.live)).await {
            tracing::debug!(cause = %error, "heartbeat missed");
        }
    }
}
