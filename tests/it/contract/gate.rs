//! The gate of the contract tests: records what passes, and can stop the run at a call.

use std::sync::Mutex;

use circles_infra::kind::CloudError;
use circles_infra::kind::{
    CallFailure, CallGate, Class, Intent, Refusal, SecretSource, SecretText,
};
use circles_infra::model::{Address, PhysicalId, SecretRef};
use futures::future::BoxFuture;

#[derive(Default)]
pub struct Gate {
    seen: Mutex<Seen>,
    /// Lets so many calls through and refuses the rest; `None`: lets all through.
    pub limit: Option<usize>,
}

#[derive(Default)]
struct Seen {
    intents: Vec<Intent>,
    learned: Vec<PhysicalId>,
    finished: usize,
}

impl Gate {
    pub fn stopping_after(calls: usize) -> Self {
        Self {
            limit: Some(calls),
            ..Self::default()
        }
    }

    /// The actions that were let through, in order.
    pub fn actions(&self) -> Vec<String> {
        let seen = self.lock();
        seen.intents.iter().map(|i| i.action.clone()).collect()
    }

    /// The ids that were made durable, in order.
    pub fn learned(&self) -> Vec<PhysicalId> {
        self.lock().learned.clone()
    }

    /// Whether every call that was let through was also reported back.
    pub fn all_finished(&self) -> bool {
        let seen = self.lock();
        seen.finished == seen.intents.len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl CallGate for Gate {
    fn before(&self, intent: Intent) -> BoxFuture<'_, Result<u64, Refusal>> {
        Box::pin(async move {
            let mut seen = self.lock();
            if self.limit.is_some_and(|limit| seen.intents.len() >= limit) {
                return Err(Refusal::Stopping);
            }
            seen.intents.push(intent);
            Ok(seen.intents.len() as u64)
        })
    }

    fn learned(&self, _intent: u64, id: PhysicalId) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async move {
            self.lock().learned.push(id);
            Ok(())
        })
    }

    fn after(&self, _intent: u64, _outcome: Result<(), (CallFailure, Class)>) -> BoxFuture<'_, ()> {
        Box::pin(async move { self.lock().finished += 1 })
    }

    fn note(&self, _address: &Address, _text: String) {}
}

/// Secrets of other resources: each has a value that names it.
pub struct MadeUp;

pub fn made_up(secret: &SecretRef) -> SecretText {
    SecretText::new(format!("{}-{}-made-up", secret.address, secret.key))
}

impl SecretSource for MadeUp {
    fn read(&self, secret: SecretRef) -> BoxFuture<'_, Result<SecretText, CloudError>> {
        Box::pin(async move { Ok(made_up(&secret)) })
    }
}
