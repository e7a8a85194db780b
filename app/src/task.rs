//! This task among the others: its name, its sockets, its ear, and whether it stops.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;

use crate::hub::Hub;

/// This task's part in the live side.
pub struct Live {
    /// New with every start.
    pub task_id: Uuid,
    pub hub: Hub,
    /// Held by each socket until its end is noted.
    open: Arc<()>,
    listening: AtomicBool,
    stopping: OnceLock<watch::Receiver<bool>>,
}

impl Default for Live {
    fn default() -> Live {
        Live {
            task_id: Uuid::new_v4(),
            hub: Hub::default(),
            open: Arc::default(),
            listening: AtomicBool::new(false),
            stopping: OnceLock::new(),
        }
    }
}

impl Live {
    /// Whether events of other tasks arrive.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.listening.load(Ordering::Relaxed)
    }

    pub fn set_listening(&self, listening: bool) {
        self.listening.store(listening, Ordering::Relaxed);
    }

    /// Takes the signal to stop. A second one is passed over: the sockets wait for the first.
    pub fn stop_with(&self, stopping: watch::Receiver<bool>) {
        let _ = self.stopping.set(stopping);
    }

    /// Returns when the task stops; sockets then close with 1001.
    pub async fn stopped(&self) {
        match self.stopping.get().cloned() {
            Some(flag) => turned(flag).await,
            None => std::future::pending().await,
        }
    }

    /// What a socket holds as long as something is to be done for it, its row in the database last.
    #[must_use]
    pub fn hold(&self) -> Arc<()> {
        self.open.clone()
    }

    /// Waits until every socket has closed and its end is noted, at most `limit`.
    pub async fn drained(&self, limit: Duration) {
        let deadline = tokio::time::Instant::now() + limit;
        while Arc::strong_count(&self.open) > 1 && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Returns once `flag` is true, or nobody can set it any more.
pub async fn turned(mut flag: watch::Receiver<bool>) {
    let _ = flag.wait_for(|on| *on).await;
}
