//! The Ctrl-C ladder: once, nothing new starts and what is in flight ends; twice, waits are given up; a third time, the process leaves
//! (the journal is right already).

use tokio::sync::watch;

/// What workers and the conductor look at.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<u8>);

/// What a signal handler pulls.
#[derive(Clone, Debug)]
pub struct StopHandle(std::sync::Arc<watch::Sender<u8>>);

impl StopHandle {
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(0);
        (Self(std::sync::Arc::new(sender)), Stop(receiver))
    }

    /// One step up the ladder; says which one.
    pub fn pull(&self) -> u8 {
        self.0.send_modify(|level| *level = level.saturating_add(1));
        *self.0.borrow()
    }

    /// At least this far up.
    pub fn raise(&self, to: u8) {
        self.0.send_modify(|level| *level = (*level).max(to));
    }
}

impl Stop {
    pub fn level(&self) -> u8 {
        *self.0.borrow()
    }

    /// Returns once the ladder is at `level` or above; never, if nobody can pull it any more.
    pub async fn reached(&mut self, level: u8) {
        if self.0.wait_for(|now| *now >= level).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
