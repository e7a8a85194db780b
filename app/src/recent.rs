//! A value that costs something to find out, kept for a moment: callers that come at once share one look.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

pub struct Recent<T>(Mutex<Option<(Instant, T)>>);

impl<T> Default for Recent<T> {
    fn default() -> Recent<T> {
        Recent(Mutex::default())
    }
}

impl<T: Clone> Recent<T> {
    /// The value, found out anew when the last one is older than `age`.
    pub async fn get(&self, age: Duration, find: impl Future<Output = T>) -> T {
        let mut kept = self.0.lock().await;
        if let Some((at, value)) = &*kept
            && at.elapsed() < age
        {
            return value.clone();
        }
        let value = find.await;
        *kept = Some((Instant::now(), value.clone()));
        value
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn callers_at_once_share_one_look_and_an_old_value_is_dropped() {
        let looks = AtomicU32::new(0);
        let find = async || looks.fetch_add(1, Ordering::Relaxed);
        let recent = Recent::default();
        let hour = Duration::from_secs(3600);
        let (one, two) = tokio::join!(recent.get(hour, find()), recent.get(hour, find()));
        assert_eq!((one, two), (0, 0));
        assert_eq!(recent.get(Duration::ZERO, find()).await, 1);
    }
}
