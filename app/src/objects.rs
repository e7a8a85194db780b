//! Stored media: S3, a local folder, or memory (tests).
//!
//! What the database keeps is the *stored* value: `/media/<kind>/<id>/<file>` for a folder, `<kind>/<id>/<file>` for S3. Clients see
//! its *address*: the base URL and the stored value, or a signed S3 address that is good for one hour.

mod exists;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use base64::Engine;
use bytes::Bytes;

use crate::config::{S3Config, StorageConfig};
use crate::error::{ApiError, Result};
use crate::spool::SpooledFile;

const SIGNED_FOR: Duration = Duration::from_secs(3600);
const LOCAL_PREFIX: &str = "/media/";

pub enum Objects {
    S3 {
        client: Box<Client>,
        bucket: String,
        public_base_url: Option<String>,
    },
    Local {
        folder: PathBuf,
        base_url: String,
    },
    Memory {
        files: Mutex<HashMap<String, (Bytes, String)>>,
    },
}

impl Objects {
    pub async fn new(config: &StorageConfig) -> Objects {
        match config {
            StorageConfig::Local { folder, base_url } => Objects::Local {
                folder: folder.clone(),
                base_url: base_url.clone(),
            },
            StorageConfig::Memory => Objects::Memory {
                files: Mutex::default(),
            },
            StorageConfig::S3(s3) => Objects::S3 {
                client: Box::new(s3_client(s3).await),
                bucket: s3.bucket.clone(),
                public_base_url: s3.public_base_url.clone(),
            },
        }
    }

    /// Keeps a file under `key` (`<kind>/<id>/<file>`); clients are told of it by its [`Objects::stored`] value.
    ///
    /// # Errors
    /// 503 when the storage does not take it.
    pub async fn put(&self, key: &str, file: &SpooledFile, content_type: &str) -> Result<()> {
        match self {
            Objects::S3 { client, bucket, .. } => {
                put_s3(client, bucket, key, file, content_type).await
            }
            Objects::Local { folder, .. } => move_local(file.path(), &folder.join(key))
                .await
                .map_err(|e| unavailable(&e)),
            Objects::Memory { files } => {
                let bytes = tokio::fs::read(file.path())
                    .await
                    .map_err(|e| unavailable(&e))?;
                lock(files).insert(key.to_owned(), (bytes.into(), content_type.to_owned()));
                Ok(())
            }
        }
    }

    /// The stored value of a key.
    #[must_use]
    pub fn stored(&self, key: &str) -> String {
        match self {
            Objects::S3 { .. } => key.to_owned(),
            Objects::Local { .. } | Objects::Memory { .. } => format!("{LOCAL_PREFIX}{key}"),
        }
    }

    /// Deletes a stored object. One that is not there counts as deleted.
    ///
    /// # Errors
    /// 503 when the storage does not do it.
    pub async fn delete(&self, stored: &str) -> Result<()> {
        let key = stored.strip_prefix(LOCAL_PREFIX).unwrap_or(stored);
        let failed = match self {
            Objects::S3 { client, bucket, .. } => client
                .delete_object()
                .bucket(bucket)
                .key(key)
                .send()
                .await
                .err()
                .map(|e| e.to_string()),
            Objects::Local { folder, .. } if is_plain(key) => {
                let removed = tokio::fs::remove_file(folder.join(key)).await.err();
                removed
                    .filter(|e| e.kind() != std::io::ErrorKind::NotFound)
                    .map(|e| e.to_string())
            }
            Objects::Local { .. } => None,
            Objects::Memory { files } => {
                lock(files).remove(key);
                None
            }
        };
        match failed {
            None => Ok(()),
            Some(cause) => {
                tracing::warn!(cause, key, "a stored file could not be deleted");
                Err(ApiError::Unavailable)
            }
        }
    }

    /// The address clients read a stored value at. Absolute addresses pass through.
    pub async fn address(&self, stored: &str) -> String {
        if stored.starts_with("http://") || stored.starts_with("https://") {
            return stored.to_owned();
        }
        match self {
            Objects::Local { base_url, .. } => {
                format!("{base_url}/{}", stored.trim_start_matches('/'))
            }
            Objects::Memory { .. } => {
                format!("http://localhost:8000/{}", stored.trim_start_matches('/'))
            }
            Objects::S3 {
                public_base_url: Some(base),
                ..
            } => format!("{base}/{}", stored.trim_start_matches('/')),
            Objects::S3 { client, bucket, .. } => {
                sign(client, bucket, stored).await.unwrap_or_default()
            }
        }
    }

    pub async fn address_opt(&self, stored: Option<&str>) -> Option<String> {
        match stored {
            Some(stored) => Some(self.address(stored).await),
            None => None,
        }
    }

    pub async fn addresses(&self, stored: &[String]) -> Vec<String> {
        futures::future::join_all(stored.iter().map(|s| self.address(s))).await
    }

    /// The stored value behind an address this service gave out; `None` for any other.
    #[must_use]
    pub fn stored_of(&self, address: &str) -> Option<String> {
        let path = address.split(['?', '#']).next()?;
        let stored = match self {
            Objects::Local { base_url, .. } => path
                .strip_prefix(base_url.as_str())
                .unwrap_or(path)
                .to_owned(),
            Objects::Memory { .. } => path
                .strip_prefix("http://localhost:8000")
                .unwrap_or(path)
                .to_owned(),
            Objects::S3 {
                public_base_url: Some(base),
                ..
            } => path
                .strip_prefix(base.as_str())
                .unwrap_or(path)
                .trim_start_matches('/')
                .to_owned(),
            Objects::S3 { bucket, .. } => s3_key(path, bucket)?,
        };
        let key = stored.strip_prefix(LOCAL_PREFIX).unwrap_or(&stored);
        is_plain(key).then_some(stored)
    }

    /// The bytes and content type of a key, for the backends this service serves itself.
    pub async fn read(&self, key: &str) -> Option<(Bytes, String)> {
        match self {
            Objects::Local { folder, .. } if is_plain(key) => {
                let bytes = tokio::fs::read(folder.join(key)).await.ok()?;
                let kind = crate::sniff::content_type_of_name(key);
                Some((bytes.into(), kind.to_owned()))
            }
            Objects::Memory { files } => lock(files).get(key).cloned(),
            _ => None,
        }
    }

    /// Whether the storage answers.
    pub async fn check(&self) -> bool {
        match self {
            Objects::S3 { client, bucket, .. } => {
                client.head_bucket().bucket(bucket).send().await.is_ok()
            }
            Objects::Local { folder, .. } => tokio::fs::create_dir_all(folder).await.is_ok(),
            Objects::Memory { .. } => true,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn unavailable(cause: &dyn std::fmt::Display) -> ApiError {
    tracing::error!(cause = %cause, request_id = %crate::trace::request_id(), "storage unavailable");
    ApiError::Unavailable
}

/// `<part>/<part>/…` of letters, digits, `-`, `_` and inner dots: nothing that climbs out of the folder.
fn is_plain(key: &str) -> bool {
    let good = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    !key.is_empty() && key.split('/').all(good)
}

/// The key in an S3 address of either style.
fn s3_key(path: &str, bucket: &str) -> Option<String> {
    if !path.contains("://") {
        return Some(path.trim_start_matches('/').to_owned());
    }
    let after_scheme = path.split_once("://")?.1;
    let (host, key) = after_scheme.split_once('/')?;
    if host.starts_with(&format!("{bucket}.")) {
        return Some(key.to_owned());
    }
    key.strip_prefix(&format!("{bucket}/")).map(str::to_owned)
}

/// The spool is in the same folder, so the file appears whole or not at all.
async fn move_local(from: &Path, to: &Path) -> std::io::Result<()> {
    if let Some(folder) = to.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    tokio::fs::rename(from, to).await
}

/// Bytes read from the disk at a time.
const READ: usize = 64 * 1024;

async fn put_s3(
    client: &Client,
    bucket: &str,
    key: &str,
    file: &SpooledFile,
    content_type: &str,
) -> Result<()> {
    let body = ByteStream::read_from()
        .path(file.path())
        .buffer_size(READ)
        .build();
    let body = body.await.map_err(|e| unavailable(&e))?;
    let checksum = base64::engine::general_purpose::STANDARD.encode(file.sha256());
    let limits = aws_sdk_s3::config::Config::builder().timeout_config(put_limits(file.size()));
    let put = client
        .put_object()
        .bucket(bucket)
        .key(key)
        .content_type(content_type)
        // Taken while the file came in, so S3 checks what the client sent.
        .checksum_sha256(checksum)
        .body(body)
        .customize()
        .config_override(limits);
    let done = put.send().await;
    done.map(drop)
        .map_err(|e| unavailable(&e.into_service_error()))
}

/// A second more for every megabyte.
fn put_limits(size: usize) -> TimeoutConfig {
    let more = u64::try_from(size / (1024 * 1024)).unwrap_or(0);
    TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(20 + more))
        .operation_timeout(Duration::from_secs(45 + 2 * more))
        .build()
}

async fn sign(client: &Client, bucket: &str, key: &str) -> Option<String> {
    let config = PresigningConfig::expires_in(SIGNED_FOR).ok()?;
    match client
        .get_object()
        .bucket(bucket)
        .key(key)
        .presigned(config)
        .await
    {
        Ok(request) => Some(request.uri().to_owned()),
        Err(error) => {
            tracing::error!(cause = %error, "an object's address could not be signed");
            None
        }
    }
}

async fn s3_client(config: &S3Config) -> Client {
    let limits = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(20))
        .operation_timeout(Duration::from_secs(45))
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).timeout_config(limits);
    if let Some(region) = &config.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some((id, secret)) = &config.keys {
        loader = loader.credentials_provider(Credentials::new(
            id,
            secret.expose(),
            None,
            None,
            "settings",
        ));
    }
    let shared = loader.load().await;
    let mut s3 = aws_sdk_s3::config::Builder::from(&shared).force_path_style(config.path_style);
    if let Some(endpoint) = &config.endpoint_url {
        s3 = s3.endpoint_url(endpoint);
    }
    Client::from_conf(s3.build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_climb_are_not_plain() {
        assert!(is_plain("avatars/7/a1b2.png"));
        for key in ["", "../x", "a/../b", "a//b", "a/.hidden", "a/b%2e", "/abs"] {
            assert!(!is_plain(key), "{key}");
        }
    }

    #[test]
    fn the_key_is_found_in_both_styles_of_s3_address() {
        assert_eq!(
            s3_key("https://media.s3.amazonaws.com/a/b.png", "media").as_deref(),
            Some("a/b.png")
        );
        assert_eq!(
            s3_key("http://localhost:9000/media/a/b.png", "media").as_deref(),
            Some("a/b.png")
        );
        assert_eq!(s3_key("https://elsewhere.example/a/b.png", "media"), None);
    }
}
