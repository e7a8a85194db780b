//! One task of the service, from its first connection to its graceful stop.

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::app::App;
use crate::config::Config;
use crate::connection::{Peer, TimedListener};
use crate::db::{self, DbError};
use crate::task::turned;
use crate::{jobs, live, router};

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("cannot listen: {0}")]
    Listen(#[from] std::io::Error),
}

/// Migrates, then serves on the settings' port until SIGTERM or Ctrl-C.
///
/// # Errors
/// When the database cannot be taken up, or the port is taken.
pub async fn run(config: Config) -> Result<(), ServeError> {
    db::migrate(&config.db).await?;
    let listener = TcpListener::bind(("0.0.0.0", config.port)).await?;
    let (stop, stopping) = watch::channel(false);
    tokio::spawn(async move {
        stop_signal().await;
        tracing::info!("stopping");
        let _ = stop.send(true);
    });
    on(listener, config, stopping).await
}

/// Serves on `listener` until `stopping` turns true; the database must be migrated. Sockets are closed with 1001, requests under
/// way are finished, and the whole is cut off after the settings' grace.
///
/// # Errors
/// As [`run`].
pub async fn on(
    listener: TcpListener,
    config: Config,
    stopping: watch::Receiver<bool>,
) -> Result<(), ServeError> {
    let grace = config.stop_grace;
    if config.debug || config.otp.echo {
        tracing::warn!(
            "one-time codes are shown in answers: this service must not be reachable by others"
        );
    }
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let app = App::new(config).await?;
    live::start(&app, stopping.clone());
    jobs::start(&app, stopping.clone());
    app.spool.remove_left_over().await;
    jobs::warm::start(&app, stopping.clone());
    tracing::info!(address = ?listener.local_addr().ok(), "serving");

    let service = router::router(app.clone()).into_make_service_with_connect_info::<Peer>();
    let listener = TimedListener::new(listener, app.config.header_timeout);
    let server = axum::serve(listener, service).with_graceful_shutdown(turned(stopping.clone()));
    let own = app.clone();
    // Requests first, then the sockets, which are no requests any more; both within the grace.
    let ended = async {
        server.into_future().await?;
        own.live.drained(grace).await;
        Ok::<(), std::io::Error>(())
    };
    let forced = async {
        turned(stopping).await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        done = ended => done?,
        () = forced => tracing::warn!("stopped with requests or sockets still under way"),
    }
    app.db.close().await;
    Ok(())
}

async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminate => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
