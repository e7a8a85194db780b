//! Where files are kept.

use std::path::PathBuf;

use super::source::{Source, is_true};
use crate::secret::Secret;

#[derive(Debug, Clone)]
pub enum StorageConfig {
    Local { folder: PathBuf, base_url: String },
    S3(S3Config),
    Memory,
}

#[derive(Debug, Clone)]
pub struct S3Config {
    pub bucket: String,
    pub region: Option<String>,
    pub endpoint_url: Option<String>,
    /// Key id and secret; without them the task's role is used.
    pub keys: Option<(String, Secret)>,
    pub public_base_url: Option<String>,
    pub path_style: bool,
}

/// In debug without a bucket, and without a word on where files go, they go to the disk: a first try needs no bucket.
pub(super) fn read(s: &mut Source, debug: bool) -> StorageConfig {
    let bucket = s.plain_or_prefixed("S3_BUCKET");
    let backend = match s.text_opt("STORAGE_BACKEND") {
        Some(backend) => backend,
        None if debug && bucket.is_none() => {
            s.warn("S3_BUCKET", "is not set: in debug, files are kept on this machine's disk; two tasks must share the folder");
            "local".to_owned()
        }
        None => "s3".to_owned(),
    };
    match backend.as_str() {
        "local" => StorageConfig::Local {
            folder: PathBuf::from(s.text("LOCAL_FOLDER", "media")),
            base_url: s
                .text("LOCAL_BASE_URL", "http://localhost:8000")
                .trim_end_matches('/')
                .to_owned(),
        },
        "memory" => StorageConfig::Memory,
        "s3" => StorageConfig::S3(read_s3(s, bucket)),
        _ => {
            s.problem("STORAGE_BACKEND", "must be `s3`, `local` or `memory`");
            StorageConfig::Memory
        }
    }
}

/// Uploads come in beside the files of a local folder, so that they are moved there in one step; else in the system's folder for
/// temporary files.
pub(super) fn spool(s: &mut Source, storage: &StorageConfig) -> PathBuf {
    let folder = s.text_opt("UPLOAD_FOLDER").map(PathBuf::from);
    match storage {
        StorageConfig::Local { folder, .. } => folder.join(".uploads"),
        _ => folder.unwrap_or_else(|| std::env::temp_dir().join("circles-uploads")),
    }
}

fn read_s3(s: &mut Source, bucket: Option<String>) -> S3Config {
    let key_id = s.plain_or_prefixed("S3_ACCESS_KEY_ID");
    let key_secret = s.plain_or_prefixed("S3_SECRET_ACCESS_KEY");
    if bucket.is_none() {
        s.problem("S3_BUCKET", "is not set, and STORAGE_BACKEND is `s3` (for local files set STORAGE_BACKEND to `local`)");
    }
    S3Config {
        bucket: bucket.unwrap_or_default(),
        region: s.plain_or_prefixed("S3_REGION"),
        endpoint_url: s.plain_or_prefixed("S3_ENDPOINT_URL"),
        keys: key_id.zip(key_secret.map(Secret::new)),
        public_base_url: s
            .plain_or_prefixed("S3_PUBLIC_BASE_URL")
            .map(|u| u.trim_end_matches('/').to_owned()),
        path_style: s
            .plain_or_prefixed("S3_USE_PATH_STYLE")
            .is_some_and(|v| is_true(&v)),
    }
}
