//! The bucket that a state is kept in, as `state/` asks for it: whole objects, written only over what was read. S3's conditional writes
//! (user guide, "Conditional writes"): `If-Match` with an ETag and `If-None-Match: *`; 412 says that the condition does not hold, 409
//! that another conditional write is under way, 404 that there is nothing to match.

use std::sync::Arc;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketVersioningStatus, Delete, ObjectIdentifier, ServerSideEncryption};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures::future::BoxFuture;
use tokio::sync::OnceCell;

use super::{Aws, aws_error};
use crate::kind::{Class, CloudError};
use crate::state::{Objects, PutError, StoreError, Tag, Writing};

const GET: &str = "s3:GetObject";
const PUT: &str = "s3:PutObject";
const LIST: &str = "s3:ListBucket";
const DELETE: &str = "s3:DeleteObject";
const VERSIONING: &str = "s3:GetBucketVersioning";

pub struct StateBucket {
    aws: Arc<Aws>,
    bucket: String,
    kms_key: Option<String>,
    /// It was looked at, and may keep a state.
    checked: OnceCell<()>,
}

impl StateBucket {
    /// The IAM actions that reading a state takes, and those that writing one takes besides.
    pub const READ: &[&str] = &[GET, LIST];
    pub const WRITE: &[&str] = &[PUT, DELETE, VERSIONING];

    /// `aws`: of the bucket's region. `kms_key`: what objects are encrypted with; without one, S3's own keys.
    pub fn new(aws: Arc<Aws>, bucket: &str, kms_key: Option<&str>) -> Self {
        Self {
            aws,
            bucket: bucket.to_owned(),
            kms_key: kms_key.map(str::to_owned),
            checked: OnceCell::new(),
        }
    }

    async fn versioned(&self) -> Result<(), StoreError> {
        let answer = self
            .aws
            .read(VERSIONING, || async {
                self.aws
                    .s3
                    .get_bucket_versioning()
                    .bucket(&self.bucket)
                    .send()
                    .await
                    .map_err(|e| told(VERSIONING, e))
            })
            .await
            .map_err(|error| self.error("", error))?;
        if answer.status() == Some(&BucketVersioningStatus::Enabled) {
            return Ok(());
        }
        Err(StoreError::Unfit {
            place: self.place(""),
            what: "the bucket keeps no versions, so nothing could bring back a state that was written in error or deleted. \
                   `circles-infra state bootstrap` switches them on"
                .into(),
        })
    }

    async fn read(&self, name: &str) -> Result<Option<Writing>, CloudError> {
        let answer = self
            .aws
            .s3
            .get_object()
            .bucket(&self.bucket)
            .key(name)
            .send()
            .await
            .map_err(|e| told(GET, e));
        let answer = match answer {
            Err(error) if error.code == "NoSuchKey" => return Ok(None),
            answer => answer?,
        };
        let tag = Tag(answer.e_tag.unwrap_or_default());
        let text = answer
            .body
            .collect()
            .await
            // The connection broke in the middle of the body: reads may be repeated.
            .map_err(|e| CloudError::new(GET, Class::Unknown, "NoAnswer", e.to_string()))?;
        Ok(Some((text.to_vec(), tag)))
    }

    async fn write(&self, name: &str, text: &[u8], over: Option<&Tag>) -> Result<Tag, PutError> {
        let encryption = match self.kms_key {
            Some(_) => ServerSideEncryption::AwsKms,
            None => ServerSideEncryption::Aes256,
        };
        let answer = self
            .aws
            .s3
            .put_object()
            .bucket(&self.bucket)
            .key(name)
            .body(ByteStream::from(text.to_vec()))
            .content_type("application/json")
            .server_side_encryption(encryption)
            .set_ssekms_key_id(self.kms_key.clone())
            .set_if_match(over.map(|tag| tag.0.clone()))
            .set_if_none_match(over.is_none().then(|| "*".to_owned()))
            .send()
            .await
            .map_err(|e| told(PUT, e));
        match answer {
            Ok(answer) => Ok(Tag(answer.e_tag.unwrap_or_default())),
            Err(error) if error.code == "PreconditionFailed" => Err(PutError::Lost),
            Err(error) if error.code == "NoSuchKey" && over.is_some() => Err(PutError::Lost),
            Err(error) => {
                let again = error.code == "ConditionalRequestConflict"
                    || matches!(
                        error.class,
                        Class::Unknown | Class::Throttled | Class::Unreachable | Class::NotYet
                    );
                let error = self.error(name, error);
                Err(if again {
                    PutError::Again(error)
                } else {
                    PutError::Failed(error)
                })
            }
        }
    }

    async fn names(&self, prefix: &str, after: Option<&str>) -> Result<Vec<String>, StoreError> {
        let answer = self
            .aws
            .read(LIST, || async {
                self.aws
                    .s3
                    .list_objects_v2()
                    .bucket(&self.bucket)
                    .prefix(prefix)
                    .set_start_after(after.map(str::to_owned))
                    .send()
                    .await
                    .map_err(|e| told(LIST, e))
            })
            .await
            .map_err(|error| self.error(prefix, error))?;
        Ok(answer
            .contents()
            .iter()
            .filter_map(|object| object.key().map(str::to_owned))
            .collect())
    }

    async fn remove(&self, names: &[String]) -> Result<(), StoreError> {
        let failed = |error| self.error(names.first().map_or("", String::as_str), error);
        let unbuilt = |e: aws_sdk_s3::error::BuildError| {
            failed(CloudError::new(
                DELETE,
                Class::Other,
                "Malformed",
                e.to_string(),
            ))
        };
        let objects = names
            .iter()
            .map(|name| ObjectIdentifier::builder().key(name).build())
            .collect::<Result<Vec<_>, _>>()
            .map_err(unbuilt)?;
        let delete = Delete::builder()
            .set_objects(Some(objects))
            .quiet(true)
            .build()
            .map_err(unbuilt)?;
        // Deleting again what is deleted does no harm, so this is repeated as a read is.
        let answer = self
            .aws
            .read(DELETE, || async {
                self.aws
                    .s3
                    .delete_objects()
                    .bucket(&self.bucket)
                    .delete(delete.clone())
                    .send()
                    .await
                    .map_err(|e| told(DELETE, e))
            })
            .await
            .map_err(failed)?;
        match answer.errors().first() {
            None => Ok(()),
            Some(error) => Err(failed(CloudError::new(
                DELETE,
                Class::Other,
                error.code().unwrap_or_default(),
                error.message().unwrap_or_default(),
            ))),
        }
    }

    /// What AWS said, and what to do where that is known.
    fn error(&self, name: &str, error: CloudError) -> StoreError {
        let place = self.place(name);
        let bucket = &self.bucket;
        let what = match (error.code.as_str(), error.class) {
            ("NoSuchBucket" | "NotFound", _) => format!(
                "there is no bucket {bucket} in {}. `circles-infra state bootstrap` makes it; or correct `state` in the stack file",
                self.aws.region
            ),
            (
                "PermanentRedirect"
                | "AuthorizationHeaderMalformed"
                | "IllegalLocationConstraintException",
                _,
            ) => {
                let region = error
                    .message
                    .rsplit_once(REGION_IS)
                    .map_or("another region", |(_, region)| region);
                format!(
                    "the bucket is in {region}, not in {}: say so in the stack file (`state: {{ backend: s3, bucket: {bucket}, region: … }}`)",
                    self.aws.region
                )
            }
            (_, Class::Denied) => format!(
                "{} may not {}: {}. `circles-infra permissions` prints what a run takes; whose bucket is it?",
                self.aws.caller_arn, error.action, error.message
            ),
            _ => {
                return StoreError::Cloud {
                    place,
                    error: Box::new(error),
                };
            }
        };
        StoreError::Unfit { place, what }
    }
}

/// Before the region in the message of an error that says where a bucket is.
const REGION_IS: &str = "; its region is ";

/// With the region that S3 says the bucket is in: that stands in a header alone.
fn told<E>(action: &str, error: SdkError<E, Response>) -> CloudError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let region = error
        .raw_response()
        .and_then(|raw| raw.headers().get("x-amz-bucket-region"))
        .map(str::to_owned);
    let status = error.raw_response().map(|raw| raw.status().as_u16());
    let mut ours = aws_error(action, error);
    if status == Some(301) {
        // An answer without a body has no code of its own.
        ours.code = "PermanentRedirect".into();
        ours.class = Class::Other;
    }
    if status == Some(412) {
        ours.code = "PreconditionFailed".into();
    }
    if let Some(region) = region {
        ours.message.push_str(REGION_IS);
        ours.message.push_str(&region);
    }
    ours
}

impl Objects for StateBucket {
    fn place(&self, name: &str) -> String {
        format!("s3://{}/{name}", self.bucket)
    }

    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async {
            self.checked
                .get_or_try_init(|| self.versioned())
                .await
                .copied()
        })
    }

    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Writing>, StoreError>> {
        Box::pin(async move {
            self.aws
                .read(GET, || self.read(name))
                .await
                .map_err(|error| self.error(name, error))
        })
    }

    fn put<'a>(
        &'a self,
        name: &'a str,
        text: &'a [u8],
        over: Option<&'a Tag>,
    ) -> BoxFuture<'a, Result<Tag, PutError>> {
        Box::pin(self.write(name, text, over))
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        Box::pin(self.names(prefix, after))
    }

    fn delete<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.remove(names))
    }
}
