//! Answers that a large database takes its time for are made ahead, by each task for itself.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::watch;

use crate::app::App;
use crate::error::Result;
use crate::rankings::Window;

/// Between two rounds.
const EVERY: Duration = Duration::from_secs(60);
/// Every so many rounds the windows are ranked that are rarely asked for.
const RARELY: u32 = 10;
const LIMIT: Duration = Duration::from_secs(50);
const OFTEN: [Window; 2] = [Window::Day, Window::Week];
const ALL: [Window; 5] = [
    Window::Day,
    Window::Week,
    Window::Hour,
    Window::SixHours,
    Window::Month,
];

/// Makes answers ahead until the task stops.
pub fn start(app: &App, stopping: watch::Receiver<bool>) {
    let app = app.clone();
    tokio::spawn(async move {
        let stop = crate::task::turned(stopping);
        tokio::pin!(stop);
        let mut ticks = tokio::time::interval(EVERY);
        for round in 0_u32.. {
            tokio::select! {
                () = &mut stop => return,
                _ = ticks.tick() => {}
            }
            let windows = if round.is_multiple_of(RARELY) {
                &ALL[..]
            } else {
                &OFTEN[..]
            };
            let work = AssertUnwindSafe(make_ahead(&app, windows)).catch_unwind();
            match tokio::time::timeout(LIMIT, work).await {
                Ok(Ok(Ok(()))) => {}
                other => tracing::debug!(outcome = ?other, "answers were not made ahead"),
            }
        }
    });
}

/// A small database answers at once, and is left alone.
async fn make_ahead(app: &App, windows: &[Window]) -> Result<()> {
    let large = app.rankings.look_at_size(&app.db).await?;
    app.vocabulary.set_large(large);
    if large {
        app.vocabulary.warm(&app.db).await?;
        app.rankings.warm(&app.db, windows).await?;
    }
    Ok(())
}
