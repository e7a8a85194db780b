//! A costly answer of the database, used again for a while.
//!
//! It is fresh for twenty times as long as it took, five seconds at most, but never for less than ten times: no count takes more than a
//! tenth of the time. It may be shown for as long again while one task computes the next, and for a minute when it was really dear:
//! nobody waits for a count that somebody else is making already. What took little is never kept.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::db::in_time;
use crate::error::Result;

/// What took less is cheap enough to ask for every time.
const QUICK: Duration = Duration::from_millis(8);
const REUSE: u32 = 20;
const LONGEST: Duration = Duration::from_secs(5);
const LEAST_REUSE: u32 = 10;
/// What took longer is rather shown old than waited for.
const DEAR: Duration = Duration::from_millis(250);
const SHOWN: Duration = Duration::from_secs(60);
/// Of a large database: nobody waits for what was made within this time.
const SHOWN_LARGE: Duration = Duration::from_secs(15 * 60);
/// Longer than a statement may take. Others wait for this one.
const LIMIT: Duration = Duration::from_secs(30);

struct Value<T> {
    value: T,
    fresh_until: Instant,
    shown_until: Instant,
}

/// One answer. Clones share it.
pub struct Kept<T> {
    value: Arc<Mutex<Option<Value<T>>>>,
    turn: Arc<tokio::sync::Mutex<()>>,
    large: Arc<AtomicBool>,
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Kept<T> {
        Kept {
            value: self.value.clone(),
            turn: self.turn.clone(),
            large: self.large.clone(),
        }
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Kept<T> {
        Kept {
            value: Arc::default(),
            turn: Arc::default(),
            large: Arc::default(),
        }
    }
}

impl<T: Clone + Send + 'static> Kept<T> {
    /// The kept answer, or that of `ask`. A burst of callers asks once.
    ///
    /// # Errors
    /// That of `ask`, when there is nothing to show.
    pub async fn get<F>(&self, ask: impl FnOnce() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        if let Some((value, fresh)) = self.shown() {
            if let (false, Ok(turn)) = (fresh, self.turn.clone().try_lock_owned()) {
                let (kept, asked) = (self.clone(), ask());
                tokio::spawn(async move {
                    // A failure is told by the next caller that has nothing to show.
                    let _ = kept.renew(asked).await;
                    drop(turn);
                });
            }
            return Ok(value);
        }
        let _turn = self.turn.lock().await;
        match self.shown() {
            Some((value, _)) => Ok(value),
            None => self.renew(ask()).await,
        }
    }

    /// The answer of `ask`, kept in a large database only: a small one is asked each time, however slow the machine.
    ///
    /// # Errors
    /// As [`Kept::get`].
    pub async fn get_if_large<F>(&self, ask: impl FnOnce() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        if self.large.load(Ordering::Relaxed) {
            self.get(ask).await
        } else {
            ask().await
        }
    }

    /// Of a large database: answers are kept however quick they were, and shown while they are renewed.
    pub fn set_large(&self, large: bool) {
        self.large.store(large, Ordering::Relaxed);
    }

    fn shown(&self) -> Option<(T, bool)> {
        let kept = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let kept = kept.as_ref().filter(|k| now < k.shown_until)?;
        Some((kept.value.clone(), now < kept.fresh_until))
    }

    async fn renew(&self, asked: impl Future<Output = Result<T>>) -> Result<T> {
        let started = Instant::now();
        let value = in_time(LIMIT, asked).await?;
        let took = started.elapsed();
        let (fresh, mut shown) = spans(took);
        let large = self.large.load(Ordering::Relaxed);
        if large {
            shown = SHOWN_LARGE;
        }
        let now = Instant::now();
        let kept = (large || took > QUICK).then(|| Value {
            value: value.clone(),
            fresh_until: now + fresh,
            shown_until: now + fresh + shown,
        });
        *self.value.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        Ok(value)
    }
}

/// How long what took so long is fresh, and how long it is shown after that.
fn spans(took: Duration) -> (Duration, Duration) {
    let fresh = (took * REUSE).min(LONGEST).max(took * LEAST_REUSE);
    let shown = if took > DEAR { SHOWN } else { fresh };
    (fresh, shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    /// Counts how often it is asked, and takes so long to answer.
    async fn ask(kept: &Kept<u32>, asked: &Arc<AtomicU32>, takes: Duration) -> u32 {
        let asked = asked.clone();
        let answer = kept.get(|| async move {
            tokio::time::sleep(takes).await;
            Ok(asked.fetch_add(1, Ordering::SeqCst) + 1)
        });
        answer.await.unwrap_or(0)
    }

    #[test]
    fn the_dearer_the_longer() {
        for (took, fresh, shown) in [
            (10, 200, 200),
            (200, 4000, 4000),
            (400, 5000, 60_000),
            (2000, 20_000, 60_000),
        ] {
            let spans = spans(Duration::from_millis(took));
            let expected = (Duration::from_millis(fresh), Duration::from_millis(shown));
            assert_eq!(spans, expected, "{took} ms");
        }
    }

    #[tokio::test]
    async fn a_slow_answer_is_kept_and_a_burst_asks_once() {
        let (kept, asked) = (Kept::default(), Arc::default());
        let slow = Duration::from_millis(300);
        let both = tokio::join!(ask(&kept, &asked, slow), ask(&kept, &asked, slow));
        assert_eq!(both, (1, 1));
        assert_eq!(ask(&kept, &asked, slow).await, 1);
    }

    #[tokio::test]
    async fn what_is_no_longer_fresh_is_shown_while_the_next_is_made() {
        let (kept, asked) = (Kept::default(), Arc::default());
        let slow = Duration::from_millis(300);
        assert_eq!(ask(&kept, &asked, slow).await, 1);
        if let Some(value) = kept.value.lock().unwrap().as_mut() {
            value.fresh_until = Instant::now();
        }
        assert_eq!(ask(&kept, &asked, slow).await, 1);
        assert_eq!(asked.load(Ordering::SeqCst), 1, "the next is under way");
        // Waits for the one that makes it.
        drop(kept.turn.lock().await);
        while asked.load(Ordering::SeqCst) == 1 {
            tokio::task::yield_now().await;
        }
        drop(kept.turn.lock().await);
        assert_eq!(ask(&kept, &asked, slow).await, 2);
        if let Some(value) = kept.value.lock().unwrap().as_mut() {
            value.shown_until = Instant::now();
        }
        assert_eq!(ask(&kept, &asked, slow).await, 3, "too old to be shown");
    }
}
