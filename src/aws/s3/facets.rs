//! A bucket's sub-resources as read: one call each, side by side. What was never set is an error on S3's side (`NoSuchBucketPolicy`, …)
//! and `None` here. Every call names the owner that the bucket must have, so that nobody else's bucket is ever taken for ours.

use aws_sdk_s3::types::BucketVersioningStatus;

use super::{cors, lifecycle};
use crate::aws::{Aws, aws_error};
use crate::kind::{Class, CloudError};
use crate::model::{Tags, Value};

/// What new objects are encrypted with. S3 says it of every bucket (user guide, "Default encryption FAQ"); where it is not said, it is
/// not known to be so, and is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encryption {
    pub algorithm: Option<String>,
    pub key: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub struct Facets {
    /// Never switched on is not the same as suspended, but both keep no versions.
    pub versioning: bool,
    /// `Some` when all four switches agree.
    pub public_access_block: Option<bool>,
    pub encryption: Encryption,
    pub ownership: Option<String>,
    pub policy: Option<Value>,
    pub lifecycle: Vec<lifecycle::Rule>,
    pub cors: Vec<cors::Rule>,
    pub tags: Tags,
}

/// All facets of a bucket, `Class::NotFound` when there is no such bucket. Also those that the stack leaves unset: what somebody put
/// there by hand is not as the stack says.
pub async fn read(aws: &Aws, bucket: &str) -> Result<Facets, CloudError> {
    let (given, policy, lifecycle, cors) = tokio::try_join!(
        read_given(aws, bucket),
        policy(aws, bucket),
        lifecycle_rules(aws, bucket),
        cors_rules(aws, bucket),
    )?;
    Ok(Facets {
        policy,
        lifecycle,
        cors,
        ..given
    })
}

/// Those that a bucket may come with: all that there is to know of a new one.
pub async fn read_given(aws: &Aws, bucket: &str) -> Result<Facets, CloudError> {
    let (versioning, public_access_block, encryption, ownership, tags) = tokio::try_join!(
        versioning(aws, bucket),
        public_access_block(aws, bucket),
        encryption(aws, bucket),
        ownership(aws, bucket),
        tags(aws, bucket),
    )?;
    Ok(Facets {
        versioning,
        public_access_block,
        encryption,
        ownership,
        tags,
        ..Facets::default()
    })
}

/// One `Get*`: sent as a read, and `None` where S3 has an error code for "not set".
macro_rules! get {
    ($aws:ident, $bucket:ident, $action:literal, $call:ident, $unset:literal) => {{
        let answer = $aws
            .read($action, || async {
                $aws.s3
                    .$call()
                    .bucket($bucket)
                    .expected_bucket_owner(&$aws.account)
                    .send()
                    .await
                    .map_err(|e| aws_error($action, e))
            })
            .await;
        match answer {
            Ok(answer) => Some(answer),
            Err(error) if error.code == $unset => None,
            Err(error) => return Err(elsewhere(error, $bucket, &$aws.region)),
        }
    }};
}

/// A redirect means that the name is a bucket's in another region.
fn elsewhere(mut error: CloudError, bucket: &str, region: &str) -> CloudError {
    if matches!(
        error.code.as_str(),
        "PermanentRedirect" | "IllegalLocationConstraintException"
    ) {
        error.class = Class::Exists;
        error.message = format!("the bucket {bucket} stands in another region than {region}");
    }
    error
}

async fn versioning(aws: &Aws, bucket: &str) -> Result<bool, CloudError> {
    let answer = get!(
        aws,
        bucket,
        "s3:GetBucketVersioning",
        get_bucket_versioning,
        "NoSuchVersioningConfiguration"
    );
    Ok(answer.is_some_and(|answer| answer.status() == Some(&BucketVersioningStatus::Enabled)))
}

async fn public_access_block(aws: &Aws, bucket: &str) -> Result<Option<bool>, CloudError> {
    let answer = get!(
        aws,
        bucket,
        "s3:GetBucketPublicAccessBlock",
        get_public_access_block,
        "NoSuchPublicAccessBlockConfiguration"
    );
    let Some(block) = answer.and_then(|answer| answer.public_access_block_configuration) else {
        return Ok(Some(false));
    };
    let switches = [
        block.block_public_acls(),
        block.ignore_public_acls(),
        block.block_public_policy(),
        block.restrict_public_buckets(),
    ]
    .map(|switch| switch.unwrap_or(false));
    Ok(match switches {
        [true, true, true, true] => Some(true),
        [false, false, false, false] => Some(false),
        _ => None,
    })
}

async fn encryption(aws: &Aws, bucket: &str) -> Result<Encryption, CloudError> {
    let answer = get!(
        aws,
        bucket,
        "s3:GetEncryptionConfiguration",
        get_bucket_encryption,
        "ServerSideEncryptionConfigurationNotFoundError"
    );
    let rule = answer
        .and_then(|answer| answer.server_side_encryption_configuration)
        .and_then(|configuration| configuration.rules.into_iter().next())
        .and_then(|rule| rule.apply_server_side_encryption_by_default);
    Ok(rule.map_or_else(Encryption::default, |rule| Encryption {
        algorithm: Some(rule.sse_algorithm.as_str().to_owned()),
        key: rule.kms_master_key_id,
    }))
}

async fn ownership(aws: &Aws, bucket: &str) -> Result<Option<String>, CloudError> {
    let answer = get!(
        aws,
        bucket,
        "s3:GetBucketOwnershipControls",
        get_bucket_ownership_controls,
        "OwnershipControlsNotFoundError"
    );
    Ok(answer
        .and_then(|answer| answer.ownership_controls)
        .and_then(|controls| controls.rules.into_iter().next())
        .map(|rule| rule.object_ownership.as_str().to_owned()))
}

/// The policy as a document; one that is not JSON stays text.
pub async fn policy(aws: &Aws, bucket: &str) -> Result<Option<Value>, CloudError> {
    let answer = get!(
        aws,
        bucket,
        "s3:GetBucketPolicy",
        get_bucket_policy,
        "NoSuchBucketPolicy"
    );
    Ok(answer
        .and_then(|answer| answer.policy)
        .filter(|policy| !policy.is_empty())
        .map(|policy| serde_json::from_str(&policy).unwrap_or(Value::Text(policy))))
}

async fn lifecycle_rules(aws: &Aws, bucket: &str) -> Result<Vec<lifecycle::Rule>, CloudError> {
    let answer = get!(
        aws,
        bucket,
        "s3:GetLifecycleConfiguration",
        get_bucket_lifecycle_configuration,
        "NoSuchLifecycleConfiguration"
    );
    Ok(answer.map_or_else(Vec::new, |answer| lifecycle::read(answer.rules())))
}

async fn cors_rules(aws: &Aws, bucket: &str) -> Result<Vec<cors::Rule>, CloudError> {
    let answer = get!(
        aws,
        bucket,
        "s3:GetBucketCORS",
        get_bucket_cors,
        "NoSuchCORSConfiguration"
    );
    Ok(answer.map_or_else(Vec::new, |answer| cors::read(answer.cors_rules())))
}

/// Without AWS's own.
pub async fn tags(aws: &Aws, bucket: &str) -> Result<Tags, CloudError> {
    let answer = get!(
        aws,
        bucket,
        "s3:GetBucketTagging",
        get_bucket_tagging,
        "NoSuchTagSet"
    );
    Ok(answer
        .map(|answer| answer.tag_set)
        .unwrap_or_default()
        .into_iter()
        .map(|tag| (tag.key, tag.value))
        .filter(|(key, _)| !key.starts_with("aws:"))
        .collect())
}
