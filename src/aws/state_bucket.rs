//! The bucket that a state is kept in, as `state/` asks for it: whole objects, written only over what was read. S3's conditional writes
//! (user guide, "Conditional writes"): `If-Match` with an ETag and `If-None-Match: *`; 412 says that the condition does not hold, 409
//! that another conditional write is under way, 404 that there is nothing to match.

use std::sync::Arc;

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketVersioningStatus, Delete, ObjectIdentifier, ServerSideEncryption};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures::future::BoxFuture;
use tokio::sync::OnceCell;

use super::read::OUTAGE_PATIENCE;
use super::s3::roots::error_inside;
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
    /// The account that has to own it; none other is read or written.
    owner: Option<String>,
    /// It was looked at, and may keep a state.
    checked: OnceCell<()>,
}

impl StateBucket {
    /// The IAM actions that reading a state takes, and those that writing one takes besides.
    pub const READ: &[&str] = &[GET, LIST];
    pub const WRITE: &[&str] = &[PUT, DELETE, VERSIONING];

    /// `aws`: of the bucket's region. `kms_key`: what objects are encrypted with; without one, S3's
    /// own keys. `owner`: the account that the bucket belongs to; without one, the run's own. A
    /// bucket that was deleted, and whose name somebody else took, is refused by S3.
    pub fn new(aws: Arc<Aws>, bucket: &str, kms_key: Option<&str>, owner: Option<&str>) -> Self {
        let own = Some(aws.account.as_str()).filter(|account| !account.is_empty());
        Self {
            owner: owner.or(own).map(str::to_owned),
            aws,
            bucket: bucket.to_owned(),
            kms_key: kms_key.map(str::to_owned),
            checked: OnceCell::new(),
        }
    }

    async fn versioned(&self) -> Result<(), StoreError> {
        let answer = self
            .aws
            .read_until(VERSIONING, OUTAGE_PATIENCE, || async {
                self.aws
                    .s3
                    .get_bucket_versioning()
                    .bucket(&self.bucket)
                    .set_expected_bucket_owner(self.owner.clone())
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
            .set_expected_bucket_owner(self.owner.clone())
            .key(name)
            .send()
            .await
            .map_err(|e| told(GET, e));
        let answer = match answer {
            Err(error) if error.code == "NoSuchKey" => return Ok(None),
            answer => answer?,
        };
        let tag = answer.e_tag.map(Tag);
        let text = answer
            .body
            .collect()
            .await
            // The connection broke in the middle of the body: reads may be repeated.
            .map_err(|e| CloudError::new(GET, Class::Unknown, "NoAnswer", e.to_string()))?;
        let text = text.to_vec();
        // What is kept here is JSON; an answer that says `Error` with a status of 200 is none of
        // it.
        if let Some(error) = error_inside(&text) {
            return Err(unreadable(GET, error.to_string()));
        }
        // Without it nothing could be written over what was read.
        let tag = tag.ok_or_else(|| unreadable(GET, "the answer has no ETag".into()))?;
        Ok(Some((text, tag)))
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
            .set_expected_bucket_owner(self.owner.clone())
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
            Ok(answer) => answer.e_tag.map(Tag).ok_or_else(|| {
                let error = unreadable(PUT, "the answer has no ETag".into());
                PutError::Again(self.error(name, error))
            }),
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

    /// All names, page by page. What ends a listing is that S3 says so: a page may have fewer keys
    /// than fit, or none, as where many deleted objects lie between two that are there.
    async fn names(&self, prefix: &str, after: Option<&str>) -> Result<Vec<String>, StoreError> {
        let mut names = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let page = self
                .aws
                .read_until(LIST, OUTAGE_PATIENCE, || {
                    self.page(prefix, after, token.as_deref())
                })
                .await
                .map_err(|error| self.error(prefix, error))?;
            let more = page.is_truncated() == Some(true);
            names.extend(
                page.contents
                    .into_iter()
                    .flatten()
                    .filter_map(|object| object.key),
            );
            if !more {
                return Ok(names);
            }
            token = page.next_continuation_token;
        }
    }

    /// One page; one that says that there are more and not how to get them cannot be understood.
    async fn page(
        &self,
        prefix: &str,
        after: Option<&str>,
        token: Option<&str>,
    ) -> Result<ListObjectsV2Output, CloudError> {
        let page = self
            .aws
            .s3
            .list_objects_v2()
            .bucket(&self.bucket)
            .set_expected_bucket_owner(self.owner.clone())
            .prefix(prefix)
            .set_start_after(after.map(str::to_owned))
            .set_continuation_token(token.map(str::to_owned))
            .send()
            .await
            .map_err(|e| told(LIST, e))?;
        let next = page.next_continuation_token();
        if page.is_truncated() == Some(true) && (next.is_none() || next == token) {
            let what = "the list goes on, and the answer does not say where";
            return Err(unreadable(LIST, what.into()));
        }
        Ok(page)
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
            .read_until(DELETE, OUTAGE_PATIENCE, || async {
                self.aws
                    .s3
                    .delete_objects()
                    .bucket(&self.bucket)
                    .set_expected_bucket_owner(self.owner.clone())
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
                "{} may not {}: {}. `circles-infra permissions` prints what a run takes. The bucket has to belong to account {}; if it belongs to another, write that into the stack file (`state: {{ backend: s3, bucket: {bucket}, account: \"…\" }}`)",
                self.aws.caller_arn,
                error.action,
                error.message,
                self.owner.as_deref().unwrap_or("of the run")
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

/// An answer that says that all is well and cannot be understood: nobody knows what it stands for.
fn unreadable(action: &str, what: String) -> CloudError {
    CloudError::new(action, Class::Unknown, "UnreadableAnswer", what)
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
                .read_until(GET, OUTAGE_PATIENCE, || self.read(name))
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
