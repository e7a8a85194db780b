//! Making a bucket's sub-resources as wished: only those that differ, one after the other (parallel writes to one bucket are refused as
//! `OperationAborted`), each with the owner that the bucket must have.

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{
    BucketVersioningStatus, ObjectOwnership, OwnershipControls, OwnershipControlsRule,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging,
    VersioningConfiguration,
};

use super::bucket_spec::{NAME, Spec};
use super::facets::{Encryption, Facets};
use super::{cors, facets, lifecycle};
use crate::aws::{Aws, aws_error};
use crate::kind::{CloudError, Cx, Step, TAGS};
use crate::model::{Tags, Value};

/// One bucket, on its way to what is wished. `live` follows every call that succeeds.
pub struct Writes<'a> {
    pub aws: &'a Aws,
    pub cx: &'a Cx,
    pub bucket: &'a str,
    pub live: &'a mut Facets,
}

/// One `Put*` or `Delete*` on the bucket.
macro_rules! put {
    ($self:ident, $action:literal, $call:ident $(, $set:ident($value:expr))*) => {{
        let call = $self
            .aws
            .s3
            .$call()
            .bucket($self.bucket)
            .expected_bucket_owner(&$self.aws.account)
            $(.$set($value))*;
        $self
            .cx
            .call($action, async {
                call.send().await.map_err(|e| aws_error($action, e))
            })
            .await?;
    }};
}

impl Writes<'_> {
    /// Every facet that `which` names and that differs. The policy comes last: whether S3 takes it hangs on the public access block.
    pub async fn make(
        &mut self,
        spec: &Spec,
        which: impl Fn(&str) -> bool + Send,
    ) -> Result<(), CloudError> {
        if which("ownership") {
            self.ownership(&spec.ownership).await?;
        }
        if which("public_access_block") {
            self.public_access_block(spec.public_access_block).await?;
        }
        if which("encryption") || which("kms_key") {
            self.encryption(spec).await?;
        }
        if which("versioning") {
            self.versioning(spec.versioning).await?;
        }
        if which("lifecycle") {
            self.lifecycle(&spec.lifecycle).await?;
        }
        if which("cors") {
            self.cors(&spec.cors).await?;
        }
        if which(TAGS) {
            self.tags().await?;
        }
        if which("policy") {
            self.policy(spec.policy.as_ref()).await?;
        }
        Ok(())
    }

    async fn ownership(&mut self, wished: &str) -> Result<(), CloudError> {
        if self.live.ownership.as_deref() == Some(wished) {
            return Ok(());
        }
        let rule = OwnershipControlsRule::builder()
            .object_ownership(ObjectOwnership::from(wished))
            .build()
            .map_err(unbuilt)?;
        let controls = OwnershipControls::builder()
            .rules(rule)
            .build()
            .map_err(unbuilt)?;
        put!(
            self,
            "s3:PutBucketOwnershipControls",
            put_bucket_ownership_controls,
            ownership_controls(controls)
        );
        self.live.ownership = Some(wished.to_owned());
        Ok(())
    }

    async fn public_access_block(&mut self, wished: bool) -> Result<(), CloudError> {
        if self.live.public_access_block == Some(wished) {
            return Ok(());
        }
        let block = PublicAccessBlockConfiguration::builder()
            .block_public_acls(wished)
            .ignore_public_acls(wished)
            .block_public_policy(wished)
            .restrict_public_buckets(wished)
            .build();
        put!(
            self,
            "s3:PutBucketPublicAccessBlock",
            put_public_access_block,
            public_access_block_configuration(block)
        );
        self.live.public_access_block = Some(wished);
        Ok(())
    }

    async fn encryption(&mut self, spec: &Spec) -> Result<(), CloudError> {
        let wished = Encryption {
            algorithm: Some(spec.encryption.clone()),
            key: spec.kms_key.clone(),
        };
        // A key that the stack does not name is AWS's to choose.
        let same = self.live.encryption.algorithm == wished.algorithm
            && (wished.key.is_none() || self.live.encryption.key == wished.key);
        if same {
            return Ok(());
        }
        let by_default = ServerSideEncryptionByDefault::builder()
            .sse_algorithm(ServerSideEncryption::from(spec.encryption.as_str()))
            .set_kms_master_key_id(wished.key.clone())
            .build()
            .map_err(unbuilt)?;
        let rule = ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(by_default)
            // One data key per bucket and hour instead of one per object.
            .set_bucket_key_enabled((spec.encryption == "aws:kms").then_some(true))
            .build();
        let configuration = ServerSideEncryptionConfiguration::builder()
            .rules(rule)
            .build()
            .map_err(unbuilt)?;
        put!(
            self,
            "s3:PutEncryptionConfiguration",
            put_bucket_encryption,
            server_side_encryption_configuration(configuration)
        );
        self.live.encryption = wished;
        Ok(())
    }

    /// Versioning can be suspended but never taken back.
    async fn versioning(&mut self, wished: bool) -> Result<(), CloudError> {
        if self.live.versioning == wished {
            return Ok(());
        }
        let status = match wished {
            true => BucketVersioningStatus::Enabled,
            false => BucketVersioningStatus::Suspended,
        };
        let configuration = VersioningConfiguration::builder().status(status).build();
        put!(
            self,
            "s3:PutBucketVersioning",
            put_bucket_versioning,
            versioning_configuration(configuration)
        );
        self.live.versioning = wished;
        Ok(())
    }

    async fn lifecycle(&mut self, wished: &[lifecycle::Rule]) -> Result<(), CloudError> {
        let mut wished = wished.to_vec();
        wished.sort();
        if self.live.lifecycle == wished {
            return Ok(());
        }
        if wished.is_empty() {
            put!(
                self,
                "s3:PutLifecycleConfiguration",
                delete_bucket_lifecycle
            );
        } else {
            let configuration = lifecycle::write(&wished).map_err(unbuilt)?;
            put!(
                self,
                "s3:PutLifecycleConfiguration",
                put_bucket_lifecycle_configuration,
                lifecycle_configuration(configuration)
            );
        }
        self.live.lifecycle = wished;
        Ok(())
    }

    async fn cors(&mut self, wished: &[cors::Rule]) -> Result<(), CloudError> {
        if self.live.cors == wished {
            return Ok(());
        }
        if wished.is_empty() {
            put!(self, "s3:PutBucketCORS", delete_bucket_cors);
        } else {
            let configuration = cors::write(wished).map_err(unbuilt)?;
            put!(
                self,
                "s3:PutBucketCORS",
                put_bucket_cors,
                cors_configuration(configuration)
            );
        }
        self.live.cors = wished.to_vec();
        Ok(())
    }

    /// `PutBucketTagging` replaces them all.
    async fn tags(&mut self) -> Result<(), CloudError> {
        if self.live.tags == self.cx.tags {
            return Ok(());
        }
        let tagging = Tagging::builder()
            .set_tag_set(Some(tag_set(&self.cx.tags)?))
            .build()
            .map_err(unbuilt)?;
        put!(
            self,
            "s3:PutBucketTagging",
            put_bucket_tagging,
            tagging(tagging)
        );
        self.live.tags = self.cx.tags.clone();
        Ok(())
    }

    pub async fn policy(&mut self, wished: Option<&Value>) -> Result<(), CloudError> {
        if self.live.policy.as_ref() == wished {
            return Ok(());
        }
        match wished {
            None => put!(self, "s3:DeleteBucketPolicy", delete_bucket_policy),
            Some(policy) => {
                let document = match policy {
                    Value::Text(document) => document.clone(),
                    document => serde_json::to_string(document)
                        .map_err(|e| CloudError::malformed(&NAME, e))?,
                };
                put!(
                    self,
                    "s3:PutBucketPolicy",
                    put_bucket_policy,
                    policy(document)
                );
            }
        }
        self.live.policy = wished.cloned();
        Ok(())
    }
}

pub fn tag_set(tags: &Tags) -> Result<Vec<Tag>, CloudError> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<_, _>>()
        .map_err(unbuilt)
}

fn unbuilt(error: BuildError) -> CloudError {
    CloudError::malformed(&NAME, error)
}

/// The bucket's own policy may be what forbids emptying or deleting it.
pub async fn lift_policy(
    aws: &Aws,
    cx: &Cx,
    bucket: &str,
    live: &Facets,
    refused: CloudError,
) -> Result<Step<()>, CloudError> {
    let mut facets = live.clone();
    // The first refusal says more than one of this read would.
    facets.policy = facets::policy(aws, bucket).await.unwrap_or_default();
    if facets.policy.is_none() {
        return Err(refused);
    }
    Writes {
        aws,
        cx,
        bucket,
        live: &mut facets,
    }
    .policy(None)
    .await?;
    Ok(Step::Again(
        "its policy, which forbade the deletion, is removed".into(),
    ))
}
