use std::collections::VecDeque;

use super::*;

/// Gives one answer after the other; afterwards the last.
#[derive(Debug)]
struct Scripted(Mutex<VecDeque<Answer>>, LastExchange, Mutex<u32>);

#[derive(Clone, Copy, Debug)]
enum Answer {
    /// Valid for so many seconds.
    Valid(u64),
    Unavailable,
    Away,
    Refused,
}

impl ProvideCredentials for Scripted {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        *self.2.lock().unwrap() += 1;
        let mut answers = self.0.lock().unwrap();
        let answer = match answers.len() {
            1 => answers[0],
            _ => answers.pop_front().expect("an answer"),
        };
        let (exchange, result) = match answer {
            Answer::Valid(seconds) => {
                let end = SystemTime::now() + Duration::from_secs(seconds);
                let made = Credentials::new("AKIDEXAMPLE", "x", None, Some(end), "test");
                (Exchange::Answered(200), Ok(made))
            }
            Answer::Unavailable => (
                Exchange::Answered(503),
                Err(CredentialsError::provider_error("ServiceUnavailable")),
            ),
            Answer::Away => (
                Exchange::Failed,
                Err(CredentialsError::provider_error("Connection refused")),
            ),
            Answer::Refused => (
                Exchange::Answered(403),
                Err(CredentialsError::provider_error("ExpiredToken")),
            ),
        };
        self.1.note(exchange);
        future::ProvideCredentials::ready(result)
    }
}

fn provider(answers: &[Answer]) -> (std::sync::Arc<RefreshingProvider>, std::sync::Arc<Scripted>) {
    let last = LastExchange::default();
    let script = std::sync::Arc::new(Scripted(
        Mutex::new(answers.iter().copied().collect()),
        last.clone(),
        Mutex::new(0),
    ));
    let provider = RefreshingProvider::new(Shared(script.clone()), last);
    (std::sync::Arc::new(provider), script)
}

#[derive(Debug)]
struct Shared(std::sync::Arc<Scripted>);

impl ProvideCredentials for Shared {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        self.0.provide_credentials()
    }
}

fn loads(script: &Scripted) -> u32 {
    *script.2.lock().unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_credentials_is_loaded_once() {
    let (provider, script) = provider(&[Answer::Valid(3600)]);
    for _ in 0..10 {
        provider.credentials().await.unwrap();
    }
    assert_eq!(loads(&script), 1);
}

#[tokio::test(start_paused = true)]
async fn an_outage_while_the_last_credentials_are_valid_costs_nothing() {
    // A lifetime of 40 s is due for renewal at once here: the paused clock does not move the wall
    // clock.
    let (provider, script) = provider(&[Answer::Valid(40), Answer::Unavailable]);
    provider.credentials().await.unwrap();
    let current = provider.current().unwrap();
    provider.set(Current {
        refresh_at: SystemTime::now(),
        ..current
    });
    let asked = Instant::now();
    for _ in 0..5 {
        provider.credentials().await.unwrap();
    }
    assert_eq!(asked.elapsed(), Duration::ZERO);
    assert_eq!(loads(&script), 2, "one attempt, then none for a while");
    tokio::time::sleep(POSTPONED).await;
    provider.credentials().await.unwrap();
    assert_eq!(loads(&script), 3);
}

#[tokio::test(start_paused = true)]
async fn an_outage_after_the_end_is_waited_for_and_then_named() {
    let (provider, _) = provider(&[
        Answer::Valid(0),
        Answer::Away,
        Answer::Unavailable,
        Answer::Valid(3600),
    ]);
    provider.credentials().await.unwrap();
    // Two failures, and the third attempt succeeds within the same call.
    provider.credentials().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_lasts_is_an_outage_and_no_missing_login() {
    let (provider, _) = provider(&[Answer::Valid(0), Answer::Away]);
    provider.credentials().await.unwrap();
    let asked = Instant::now();
    let (one, other) = tokio::join!(provider.credentials(), provider.credentials());
    for error in [one.unwrap_err(), other.unwrap_err()] {
        assert!(
            super::super::outage::find_outage(&error).is_some(),
            "{error:?}"
        );
    }
    assert!(asked.elapsed() <= PATIENCE, "nobody waits twice");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_final_at_once() {
    let (provider, script) = provider(&[Answer::Valid(0), Answer::Refused]);
    provider.credentials().await.unwrap();
    let error = provider.credentials().await.unwrap_err();
    assert!(super::super::outage::find_outage(&error).is_none());
    assert_eq!(loads(&script), 2);
}

#[tokio::test(start_paused = true)]
async fn the_first_credentials_survive_a_busy_endpoint_and_not_an_absent_one() {
    let (busy, _) = provider(&[
        Answer::Unavailable,
        Answer::Unavailable,
        Answer::Unavailable,
        Answer::Valid(60),
    ]);
    busy.credentials().await.unwrap();
    let (absent, script) = provider(&[Answer::Away]);
    absent.credentials().await.unwrap_err();
    assert_eq!(loads(&script), 1);
}
