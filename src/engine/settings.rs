use std::time::Duration;

/// What can be set about a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Steps at work at once.
    pub parallelism: usize,
    /// After a call whose outcome nobody knows: how long AWS may take to show what it made, before "not there" is believed.
    pub settle_window: Duration,
    /// The largest gap between two looks, over whatever a kind says; small where the cloud is a local one.
    pub longest_gap: Duration,
    /// A run does not wait for services to become steady (`--no-wait`).
    pub no_wait: bool,
    /// Least time between two writes of the state while a run goes on.
    pub save_every: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            parallelism: 32,
            settle_window: Duration::from_secs(60),
            longest_gap: Duration::from_secs(15),
            no_wait: false,
            save_every: Duration::from_secs(1),
        }
    }
}
