//! Whose a bucket name is: names are one space for all accounts.

use std::collections::BTreeSet;

use crate::aws::{Aws, aws_error, pages};
use crate::kind::{Class, CloudError};

/// This account's buckets whose names begin so.
pub(super) async fn listed(aws: &Aws, prefix: &str) -> Result<BTreeSet<String>, CloudError> {
    const ACTION: &str = "s3:ListAllMyBuckets";
    let list = |token| async move {
        aws.s3
            .list_buckets()
            .prefix(prefix)
            .max_buckets(1000)
            .set_continuation_token(token)
            .send()
            .await
            .map_err(|e| aws_error(ACTION, e))
    };
    let pages = pages(aws, ACTION, list, |page| page.continuation_token()).await?;
    Ok(pages
        .iter()
        .flat_map(|page| page.buckets())
        .filter_map(|bucket| bucket.name().map(str::to_owned))
        .collect())
}

/// `HeadBucket` has no body: 404 is free, everything else is somebody's, perhaps our own.
pub(super) async fn refuse_taken(aws: &Aws, name: &str) -> Result<(), CloudError> {
    let head = aws
        .read("s3:ListBucket", || async {
            aws.s3
                .head_bucket()
                .bucket(name)
                .send()
                .await
                .map_err(|e| aws_error("s3:ListBucket", e))
        })
        .await;
    let whose = match head {
        Err(error) if error.is(Class::NotFound) => return Ok(()),
        Ok(_) => "this account has a bucket of that name already",
        // So says S3 of another account's bucket, and of any bucket to those who may not look.
        Err(mut error) if error.is(Class::Denied) => {
            error.message = format!(
                "whether the bucket name {name} is free cannot be seen: another account has it, or s3:ListBucket is not allowed"
            );
            return Err(error);
        }
        Err(error) if error.is(Class::Other) => {
            "another account has it, or it stands in another region"
        }
        Err(error) => return Err(error),
    };
    Err(CloudError::new(
        "s3:CreateBucket",
        Class::Exists,
        "BucketAlreadyExists",
        format!(
            "the bucket name {name} is taken: {whose}; names are one space for all of S3, choose another"
        ),
    ))
}
