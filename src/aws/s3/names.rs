//! Whose a bucket name is: names are one space for all accounts.

use crate::aws::{Aws, aws_error};
use crate::kind::{Class, CloudError};

/// Whether the bucket of that name is in the list of this account's.
pub(super) async fn is_listed(aws: &Aws, name: &str) -> Result<bool, CloudError> {
    let mut token = None::<String>;
    loop {
        let page = aws
            .read("s3:ListAllMyBuckets", || async {
                aws.s3
                    .list_buckets()
                    .prefix(name)
                    .max_buckets(1000)
                    .set_continuation_token(token.clone())
                    .send()
                    .await
                    .map_err(|e| aws_error("s3:ListAllMyBuckets", e))
            })
            .await?;
        if page
            .buckets()
            .iter()
            .any(|bucket| bucket.name() == Some(name))
        {
            return Ok(true);
        }
        token = page.continuation_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(false);
        }
    }
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
