//! One blob upload: progress that is watched instead of a timeout on the request, which would cut a large layer on a slow link.

use std::time::Duration;

use oci_client::errors::Result as InnerResult;
use tokio::sync::watch;
use tokio::time::sleep;

/// How long an upload may stand still.
#[derive(Clone, Copy, Debug)]
pub struct UploadLimits {
    /// While bytes are left to be sent: without any progress for this long, the upload is given up and sent again.
    pub stalled: Duration,
    /// After the last byte was handed over: what the network still holds arrives, and the registry checks and stores the blob.
    pub closing: Duration,
}

impl UploadLimits {
    pub const DEFAULT: Self = Self {
        stalled: Duration::from_secs(60),
        closing: Duration::from_secs(600),
    };
}

/// How many bytes of an upload were handed to the connection; its body stream writes it.
#[derive(Clone, Debug)]
pub struct UploadProgress(watch::Sender<u64>);

impl UploadProgress {
    pub fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    pub fn set(&self, sent: u64) {
        self.0.send_replace(sent);
    }

    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

/// Runs an upload of `size` bytes to its end, as long as it makes progress.
///
/// # Errors
/// The upload's own, or [`std::io::ErrorKind::TimedOut`] when it stood still for longer than its limit.
pub async fn while_progressing<T>(
    upload: impl Future<Output = InnerResult<T>>,
    progress: &UploadProgress,
    size: u64,
    limits: &UploadLimits,
) -> InnerResult<T> {
    let mut changes = progress.subscribe();
    tokio::pin!(upload);
    loop {
        let all_sent = *changes.borrow_and_update() >= size;
        let limit = if all_sent {
            limits.closing
        } else {
            limits.stalled
        };
        tokio::select! {
            biased;
            done = &mut upload => return done,
            // `progress` holds a sender, so the channel is never closed here.
            _ = changes.changed() => {}
            () = sleep(limit) => {
                let kind = std::io::ErrorKind::TimedOut;
                let what = if all_sent { "the registry did not confirm the layer" } else { "no byte moved" };
                let error = std::io::Error::new(kind, format!("{what} for {} s", limit.as_secs()));
                return Err(error.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use oci_client::errors::OciDistributionError as Inner;
    use tokio::time::Instant;

    use super::*;

    const MEGABYTE: u64 = 1_000_000;

    /// An upload that sends one part every `gap`, and is confirmed `confirm` after the last.
    async fn upload(size: u64, part: u64, gap: Duration, confirm: Duration) -> InnerResult<()> {
        let progress = UploadProgress::new();
        let sending = progress.clone();
        let upload = async move {
            let mut sent = 0;
            while sent < size {
                sleep(gap).await;
                sent = (sent + part).min(size);
                sending.set(sent);
            }
            sleep(confirm).await;
            Ok(())
        };
        while_progressing(upload, &progress, size, &UploadLimits::DEFAULT).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_upload_that_moves_is_not_cut() {
        let since = Instant::now();
        let second = Duration::from_secs(1);
        upload(200 * MEGABYTE, MEGABYTE, second, second)
            .await
            .expect("200 MB at 1 MB/s");
        assert!(since.elapsed() >= Duration::from_secs(201));
        // One part in 59 s is progress, and a registry may take minutes to store the blob.
        let (slow, minutes) = (Duration::from_secs(59), Duration::from_secs(540));
        upload(10, 1, slow, minutes).await.expect("ten slow bytes");
    }

    #[tokio::test(start_paused = true)]
    async fn an_upload_that_stands_still_is_given_up() {
        let timed_out = |result: InnerResult<()>| match result {
            Err(Inner::IoError(error)) => error.kind() == std::io::ErrorKind::TimedOut,
            _ => false,
        };
        let since = Instant::now();
        let second = Duration::from_secs(1);
        let never = Duration::from_secs(100_000);
        assert!(timed_out(upload(10, 1, never, second).await));
        assert_eq!(since.elapsed(), Duration::from_secs(60));
        let since = Instant::now();
        assert!(timed_out(upload(10, 10, second, never).await));
        assert_eq!(since.elapsed(), Duration::from_secs(601));
    }
}
