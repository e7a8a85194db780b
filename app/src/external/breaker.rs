//! A circuit breaker: after five failures in a row a service is left alone for half a minute.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::ExternalError;

const FAILURES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(30);

#[derive(Default)]
struct State {
    failures: u32,
    paused_until: Option<Instant>,
}

#[derive(Default)]
pub struct Breaker(Mutex<State>);

impl Breaker {
    /// Makes the call, unless the service is paused. What the service refused by our fault (4xx) does not count as its failure.
    ///
    /// # Errors
    /// The call's, or [`ExternalError::Paused`].
    pub async fn call<T>(
        &self,
        call: impl Future<Output = Result<T, ExternalError>>,
    ) -> Result<T, ExternalError> {
        if self
            .lock()
            .paused_until
            .is_some_and(|until| Instant::now() < until)
        {
            return Err(ExternalError::Paused);
        }
        let result = call.await;
        let mut state = self.lock();
        match &result {
            Err(ExternalError::Off | ExternalError::Busy) => {}
            Err(ExternalError::Status { status, .. })
                if (400..500).contains(status) && *status != 429 => {}
            Ok(_) => *state = State::default(),
            Err(_) => {
                state.failures += 1;
                if state.failures >= FAILURES {
                    *state = State {
                        failures: 0,
                        paused_until: Some(Instant::now() + PAUSE),
                    };
                }
            }
        }
        result
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn failures_in_a_row_pause_and_a_refusal_does_not() {
        let breaker = Breaker::default();
        let down = || async { Err::<(), _>(ExternalError::Http("down".into())) };
        for _ in 0..FAILURES - 1 {
            let _ = breaker.call(down()).await;
        }
        assert!(
            breaker.call(async { Ok(()) }).await.is_ok(),
            "a success starts the count anew"
        );
        for _ in 0..FAILURES * 2 {
            let _ = breaker
                .call(async {
                    Err::<(), _>(ExternalError::Status {
                        status: 404,
                        text: String::new(),
                    })
                })
                .await;
        }
        assert!(breaker.call(async { Ok(()) }).await.is_ok());
        for _ in 0..FAILURES {
            let _ = breaker.call(down()).await;
        }
        assert!(matches!(
            breaker.call(async { Ok(()) }).await,
            Err(ExternalError::Paused)
        ));
    }
}
