//! Whether a stored object is there.

use super::{LOCAL_PREFIX, Objects, is_plain, lock, unavailable};
use crate::error::Result;

impl Objects {
    /// Whether the object behind a stored value is there.
    ///
    /// # Errors
    /// 503 when the storage does not say.
    pub async fn exists(&self, stored: &str) -> Result<bool> {
        let key = stored.strip_prefix(LOCAL_PREFIX).unwrap_or(stored);
        match self {
            Objects::S3 { client, bucket, .. } => {
                match client.head_object().bucket(bucket).key(key).send().await {
                    Ok(_) => Ok(true),
                    // Without the right to list the bucket, an object that is not there is answered with 403.
                    Err(error) => match error.raw_response().map(|r| r.status().as_u16()) {
                        Some(403 | 404) => Ok(false),
                        _ => Err(unavailable(&error.into_service_error())),
                    },
                }
            }
            Objects::Local { folder, .. } if is_plain(key) => {
                let found = tokio::fs::try_exists(folder.join(key)).await;
                found.map_err(|error| unavailable(&error))
            }
            Objects::Local { .. } => Ok(false),
            Objects::Memory { files } => Ok(lock(files).contains_key(key)),
        }
    }
}
