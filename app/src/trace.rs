//! The request being served: its id and its user, for answers and the log.

use std::cell::Cell;

struct Context {
    id: String,
    user: Cell<Option<i64>>,
}

tokio::task_local! {
    static CONTEXT: Context;
}

/// The id of the request being served; empty outside one.
#[must_use]
pub fn request_id() -> String {
    CONTEXT.try_with(|c| c.id.clone()).unwrap_or_default()
}

/// Notes whose request this is, for the log.
pub fn set_user(id: i64) {
    // Outside a request (a socket's own task) there is nothing to note it in.
    let _ = CONTEXT.try_with(|c| c.user.set(Some(id)));
}

/// Runs `work` as the request `id`, and tells whose it turned out to be.
pub async fn follow<T>(id: String, work: impl Future<Output = T>) -> (T, Option<i64>) {
    let context = Context {
        id,
        user: Cell::new(None),
    };
    CONTEXT
        .scope(context, async {
            let done = work.await;
            (done, CONTEXT.with(|c| c.user.get()))
        })
        .await
}

/// JSON lines on standard error. `RUST_LOG` overrides the level.
pub fn start_logging(debug: bool) {
    use tracing_subscriber::EnvFilter;
    let default = if debug {
        "info,circles_app=debug,sqlx::query=debug"
    } else {
        "info,sqlx::query=warn"
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let logs = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter);
    // A second start in one process (tests) keeps the first.
    let _ = logs.with_writer(std::io::stderr).try_init();
}
