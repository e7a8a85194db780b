//! Which store a state is kept in: what the stack file says, or what `state migrate` is told.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use super::apply::time;
use super::{Request, SessionError};
use crate::aws::{Aws, LockTable, StateBucket};
use crate::stack::StateSettings;
use crate::state::{BucketStore, LEASE, LocalStore, Register, StateKey, Store, folder};

/// A place for states, as `state migrate --to` takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A folder; `None`: the one where states are kept when nothing is said.
    Local(Option<PathBuf>),
    /// The bucket that the stack file names.
    StackS3,
    S3 {
        bucket: String,
        key: String,
    },
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "local" => return Ok(Self::Local(None)),
            "s3" => return Ok(Self::StackS3),
            _ => {}
        }
        if let Some(path) = text.strip_prefix("local:").filter(|path| !path.is_empty()) {
            return Ok(Self::Local(Some(path.into())));
        }
        match text.strip_prefix("s3://").map(|rest| rest.trim_end_matches('/')) {
            Some(rest) if !rest.is_empty() && !rest.starts_with('/') => {
                let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
                Ok(Self::S3 {
                    bucket: bucket.to_owned(),
                    key: key.to_owned(),
                })
            }
            _ => Err("a place is written local, local:FOLDER, s3 (the stack file's bucket) or s3://BUCKET/KEY".into()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(None) => f.write_str("local"),
            Self::Local(Some(path)) => write!(f, "local:{}", path.display()),
            Self::StackS3 => f.write_str("s3"),
            Self::S3 { bucket, key } => write!(f, "s3://{bucket}/{key}"),
        }
    }
}

/// A store of which it is known what it is.
#[derive(Clone)]
pub enum Home {
    Folder(Arc<LocalStore>),
    Bucket(Arc<BucketStore>),
}

impl Home {
    pub fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Folder(store) => store.clone(),
            Self::Bucket(store) => store.clone(),
        }
    }

    /// Puts what is there aside, after it was moved. Says where it is now; `None`: nothing was there.
    pub async fn put_aside(&self) -> Result<Option<String>, SessionError> {
        Ok(match self {
            Self::Folder(store) => store.put_aside()?,
            Self::Bucket(store) => store.put_aside().await?,
        })
    }
}

/// All that finding a store takes.
pub struct Finder<'a> {
    pub request: &'a Request,
    pub settings: &'a StateSettings,
    pub aws: &'a Arc<Aws>,
    pub key: &'a StateKey,
}

impl Finder<'_> {
    /// The stack's own.
    pub fn of_stack(&self) -> Result<Home, SessionError> {
        match self.settings {
            StateSettings::Local { path } => Ok(self.folder(path.as_deref())),
            StateSettings::S3 { bucket, key, .. } => self.bucket(bucket, key),
        }
    }

    pub fn at(&self, place: &Place) -> Result<Home, SessionError> {
        match (place, self.settings) {
            (Place::Local(Some(path)), _) => Ok(folder_at(path, self.key)),
            (Place::Local(None), _) => Ok(self.folder(None)),
            (Place::S3 { bucket, key }, _) => self.bucket(bucket, key),
            (Place::StackS3, StateSettings::S3 { .. }) => self.of_stack(),
            (Place::StackS3, StateSettings::Local { .. }) => Err(SessionError::Guard(
                "the stack file names no bucket: write `state: { backend: s3, bucket: NAME }` into it, or say s3://BUCKET/KEY"
                    .into(),
            )),
        }
    }

    fn folder(&self, path: Option<&str>) -> Home {
        folder_at(&state_folder(self.request, path), self.key)
    }

    fn bucket(&self, bucket: &str, key: &str) -> Result<Home, SessionError> {
        // What the stack says of its bucket goes for that one alone.
        let (region, account, kms_key, table) = match self.settings {
            StateSettings::S3 {
                bucket: named,
                region,
                account,
                kms_key_id,
                lock_table,
                ..
            } if named == bucket => (
                region.as_deref(),
                account.as_deref(),
                kms_key_id.as_deref(),
                lock_table.as_deref(),
            ),
            _ => (None, None, None, None),
        };
        let aws = in_region(self.aws, region);
        let register = table.map(|table| {
            let item = format!("{bucket}/{}", folder(key, self.key));
            Arc::new(LockTable::new(aws.clone(), table, item)) as Arc<dyn Register>
        });
        let objects = Arc::new(StateBucket::new(aws, bucket, kms_key, account));
        let lease = lease_length(self.request)?;
        let store = BucketStore::new(objects, key, self.key.clone(), register, lease);
        Ok(Home::Bucket(Arc::new(store)))
    }
}

fn folder_at(root: &Path, key: &StateKey) -> Home {
    Home::Folder(Arc::new(LocalStore::new(root, key.clone())))
}

/// Clients for the state's region.
pub fn in_region(aws: &Arc<Aws>, region: Option<&str>) -> Arc<Aws> {
    match region {
        Some(region) if region != aws.region => Arc::new(aws.in_region(region)),
        _ => aws.clone(),
    }
}

/// `CIRCLES_LEASE`, or a minute.
pub(super) fn lease_length(request: &Request) -> Result<Duration, SessionError> {
    let Some(text) = request.process.get("CIRCLES_LEASE") else {
        return Ok(LEASE);
    };
    time(text)
        .filter(|length| (Duration::from_secs(1)..=Duration::from_secs(600)).contains(length))
        .ok_or_else(|| {
            SessionError::Usage(format!(
                "CIRCLES_LEASE={text}: a lease lasts from 1s to 10m, written like 60s"
            ))
        })
}

/// `state/` beside the folder that the stack file stands in when that is `stacks/`, else beside the stack file; a path in the stack or
/// `CIRCLES_STATE_DIR` say otherwise.
fn state_folder(request: &Request, path: Option<&str>) -> PathBuf {
    let beside = request.stack_file.parent().unwrap_or(Path::new(""));
    let project = if beside.file_name().is_some_and(|name| name == "stacks") {
        beside.parent().unwrap_or(Path::new(""))
    } else {
        beside
    };
    match request.process.get("CIRCLES_STATE_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => project.join(path.unwrap_or("state")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_written() {
        for text in [
            "local",
            "local:state/old",
            "s3",
            "s3://bucket/team/key",
            "s3://bucket/",
        ] {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
        for text in ["", "S3", "local:", "s3:bucket", "s3://", "s3:///key"] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
