//! The gate of calls before there is a journal.

use futures::future::BoxFuture;

use super::BUCKET;
use crate::kind::{
    CallFailure, CallGate, Class, CloudError, Intent, Refusal, SecretSource, SecretText,
};
use crate::model::{Address, PhysicalId, SecretRef};

/// There is no journal yet: this makes the place for it. Every call can be repeated.
pub(super) struct NoJournal;

impl CallGate for NoJournal {
    fn before(&self, _: Intent) -> BoxFuture<'_, Result<u64, Refusal>> {
        Box::pin(async { Ok(0) })
    }

    fn learned(&self, _: u64, _: PhysicalId) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async { Ok(()) })
    }

    fn after(&self, _: u64, _: Result<(), (CallFailure, Class)>) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    fn note(&self, _: &Address, _: String) {}
}

impl SecretSource for NoJournal {
    fn read(&self, secret: SecretRef) -> BoxFuture<'_, Result<SecretText, CloudError>> {
        Box::pin(async move {
            Err(CloudError::malformed(
                &BUCKET,
                format!("a bucket has no secret {}", secret.key),
            ))
        })
    }
}
