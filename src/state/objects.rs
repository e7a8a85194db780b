//! The door between this room and AWS: objects with compare-and-swap. `aws/state_bucket.rs` and `aws/lock_table.rs` stand behind it;
//! in the tests a map does.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::Instant;

use super::StoreError;

#[cfg(test)]
pub mod memory;

/// Which writing of an object was read (in S3 its ETag). Says nothing but "the same" and "another".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag(pub String);

/// A text, and which writing of it this is.
pub type Writing = (Vec<u8>, Tag);

/// Why a conditional write was not confirmed.
#[derive(Debug)]
pub enum PutError {
    /// Somebody else wrote meanwhile; nothing was written.
    Lost,
    /// Nobody knows whether it was written, or it passes by itself: to be sent again, exactly the same.
    Again(StoreError),
    Failed(StoreError),
}

/// Objects by name.
pub trait Objects: Send + Sync {
    /// For messages.
    fn place(&self, name: &str) -> String;
    /// Whether a state may be kept here. Asked before anything is written.
    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>>;
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Writing>, StoreError>>;
    /// Writes over exactly that writing; `None`: only where there is nothing.
    fn put<'a>(
        &'a self,
        name: &'a str,
        text: &'a [u8],
        over: Option<&'a Tag>,
    ) -> BoxFuture<'a, Result<Tag, PutError>>;
    /// One page of the names that begin with `prefix` and come after `after`, in byte order; an empty page is the end.
    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>>;
    /// Up to 1000; those that are not there are none the less.
    fn delete<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// One text with compare-and-swap: what a lease is kept in.
pub trait Register: Send + Sync {
    fn place(&self) -> String;
    fn get(&self) -> BoxFuture<'_, Result<Option<Writing>, StoreError>>;
    fn put<'a>(
        &'a self,
        text: &'a [u8],
        over: Option<&'a Tag>,
    ) -> BoxFuture<'a, Result<Tag, PutError>>;
}

/// An object as a register.
pub struct ObjectRegister {
    pub objects: Arc<dyn Objects>,
    pub name: String,
}

impl Register for ObjectRegister {
    fn place(&self) -> String {
        self.objects.place(&self.name)
    }

    fn get(&self) -> BoxFuture<'_, Result<Option<Writing>, StoreError>> {
        self.objects.get(&self.name)
    }

    fn put<'a>(
        &'a self,
        text: &'a [u8],
        over: Option<&'a Tag>,
    ) -> BoxFuture<'a, Result<Tag, PutError>> {
        self.objects.put(&self.name, text, over)
    }
}

/// Writes, again while it is unsure. A write that is refused after an attempt of unknown outcome
/// may have been refused because of that attempt: then what is there says whose it is, so `text`
/// must be one that nobody else would write. Repeated for `patience`: by time, since an endpoint
/// that refuses connections fails in no time, and one that hangs takes half a minute.
pub async fn put_surely(
    register: &dyn Register,
    text: &[u8],
    over: Option<&Tag>,
    patience: Duration,
) -> Result<Tag, PutError> {
    let since = Instant::now();
    let mut unsure = false;
    let mut attempt = 0;
    loop {
        let error = match register.put(text, over).await {
            Ok(tag) => return Ok(tag),
            Err(PutError::Lost) if unsure => {
                return match register.get().await.map_err(PutError::Failed)? {
                    Some((there, tag)) if there == text => Ok(tag),
                    _ => Err(PutError::Lost),
                };
            }
            Err(PutError::Again(error)) => error,
            Err(error) => return Err(error),
        };
        unsure = true;
        attempt += 1;
        let gap = gap(attempt);
        if since.elapsed() + gap > patience {
            return Err(PutError::Failed(error));
        }
        tokio::time::sleep(gap).await;
    }
}

/// 100 ms, doubled each time up to 3.2 s, and up to half of it more so that callers spread out.
fn gap(attempt: u32) -> Duration {
    let base = Duration::from_millis(50 << attempt.min(6));
    base + base.mul_f64(rand::random::<f64>() / 2.0)
}
