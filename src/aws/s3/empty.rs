//! Emptying a bucket: unfinished uploads first (so that none completes meanwhile), then every version, then the delete markers. A page
//! of 1000 at a time; what S3 could not delete it says key by key inside a reply that is itself a success.

use std::collections::BTreeMap;

use aws_sdk_s3::types::{Delete, EncodingType, ObjectIdentifier};
use percent_encoding::percent_decode_str;

use super::bucket_spec::NAME;
use crate::aws::{Aws, aws_error};
use crate::kind::{Class, CloudError, Cx};

/// A version of a key, or a delete marker on it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Version {
    key: String,
    id: String,
}

/// Deletes whatever is in the bucket. Errors: what S3 says of the first key it refuses (`AccessDenied`: a lock or a policy).
pub async fn empty(aws: &Aws, cx: &Cx, bucket: &str) -> Result<(), CloudError> {
    abort_uploads(aws, cx, bucket).await?;
    let mut count = 0;
    for markers in [false, true] {
        // Again until there was nothing more to find: what is written meanwhile may lie behind.
        while pass(aws, cx, bucket, markers, &mut count).await? {}
    }
    Ok(())
}

/// One walk over all versions, or over all delete markers. Whether another may find more: the walk had several pages and found some.
async fn pass(
    aws: &Aws,
    cx: &Cx,
    bucket: &str,
    markers: bool,
    count: &mut usize,
) -> Result<bool, CloudError> {
    let before = *count;
    let mut pages = 0;
    let mut at = Some((None, None));
    while let Some((key, version)) = at {
        let (page, next) = list(aws, bucket, markers, key, version).await?;
        if !page.is_empty() {
            delete(aws, cx, bucket, &page).await?;
            *count += page.len();
            cx.note(format!(
                "emptying {bucket}: {count} object versions deleted"
            ));
        }
        pages += 1;
        at = next;
    }
    Ok(pages > 1 && *count > before)
}

type Marker = (Option<String>, Option<String>);

/// One page of versions or of delete markers, and where the next begins. Keys come percent-encoded, since XML cannot hold them all.
async fn list(
    aws: &Aws,
    bucket: &str,
    markers: bool,
    key: Option<String>,
    version: Option<String>,
) -> Result<(Vec<Version>, Option<Marker>), CloudError> {
    let page = aws
        .read("s3:ListBucketVersions", || async {
            aws.s3
                .list_object_versions()
                .bucket(bucket)
                .expected_bucket_owner(&aws.account)
                .encoding_type(EncodingType::Url)
                .max_keys(1000)
                .set_key_marker(key.clone())
                .set_version_id_marker(version.clone())
                .send()
                .await
                .map_err(|e| aws_error("s3:ListBucketVersions", e))
        })
        .await?;
    let encoded = page.encoding_type() == Some(&EncodingType::Url);
    let entry = |key: Option<&str>, id: Option<&str>| {
        Some(Version {
            key: decoded(key?, encoded),
            id: id.unwrap_or("null").to_owned(),
        })
    };
    let found = if markers {
        page.delete_markers()
            .iter()
            .filter_map(|marker| entry(marker.key(), marker.version_id()))
            .collect()
    } else {
        page.versions()
            .iter()
            .filter_map(|version| entry(version.key(), version.version_id()))
            .collect()
    };
    let next = (page.is_truncated() == Some(true)).then(|| {
        (
            page.next_key_marker().map(|key| decoded(key, encoded)),
            page.next_version_id_marker().map(str::to_owned),
        )
    });
    Ok((found, next.filter(|(key, _)| key.is_some())))
}

/// S3 encodes as forms do: a blank is a plus.
fn decoded(key: &str, encoded: bool) -> String {
    if !encoded {
        return key.to_owned();
    }
    percent_decode_str(&key.replace('+', "%20"))
        .decode_utf8_lossy()
        .into_owned()
}

/// Whether a key can stand in the XML of `DeleteObjects`; the others go one by one.
fn fits_xml(key: &str) -> bool {
    key.chars()
        .all(|c| matches!(c, '\t' | '\n' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..))
}

async fn delete(aws: &Aws, cx: &Cx, bucket: &str, page: &[Version]) -> Result<(), CloudError> {
    let (together, alone): (Vec<_>, Vec<_>) =
        page.iter().partition(|version| fits_xml(&version.key));
    if !together.is_empty() {
        delete_together(aws, cx, bucket, &together).await?;
    }
    for version in alone {
        cx.call("s3:DeleteObjectVersion", async {
            aws.s3
                .delete_object()
                .bucket(bucket)
                .expected_bucket_owner(&aws.account)
                .key(&version.key)
                .version_id(&version.id)
                .send()
                .await
                .map_err(|e| aws_error("s3:DeleteObjectVersion", e))
        })
        .await?;
    }
    Ok(())
}

async fn delete_together(
    aws: &Aws,
    cx: &Cx,
    bucket: &str,
    versions: &[&Version],
) -> Result<(), CloudError> {
    let objects = versions
        .iter()
        .map(|version| {
            ObjectIdentifier::builder()
                .key(&version.key)
                .version_id(&version.id)
                .build()
        })
        .collect::<Result<_, _>>()
        .map_err(|e| CloudError::malformed(&NAME, e))?;
    let delete = Delete::builder()
        .set_objects(Some(objects))
        .quiet(true)
        .build()
        .map_err(|e| CloudError::malformed(&NAME, e))?;
    let answer = cx
        .call("s3:DeleteObjectVersion", async {
            aws.s3
                .delete_objects()
                .bucket(bucket)
                .expected_bucket_owner(&aws.account)
                .delete(delete)
                .send()
                .await
                .map_err(|e| aws_error("s3:DeleteObjectVersion", e))
        })
        .await?;
    let refused = answer.errors().iter().map(|error| {
        (
            error.key().unwrap_or_default(),
            error.code().unwrap_or_default(),
        )
    });
    refusal(refused).map_or(Ok(()), Err)
}

/// One error for all the keys that S3 would not delete; gone already is no refusal, and a failure inside S3 passes by itself.
fn refusal<'a>(refused: impl Iterator<Item = (&'a str, &'a str)>) -> Option<CloudError> {
    let mut by_code: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (key, code) in refused {
        if !matches!(code, "NoSuchKey" | "NoSuchVersion") {
            by_code.entry(code).or_default().push(key);
        }
    }
    let (code, keys) = by_code
        .iter()
        .find(|(code, _)| **code == "AccessDenied")
        .or(by_code.iter().next())?;
    let (class, why) = match *code {
        "AccessDenied" => (
            Class::Denied,
            "an object lock, a legal hold or a policy forbids it",
        ),
        "InternalError" | "SlowDown" | "ServiceUnavailable" => (Class::NotYet, "S3 will try again"),
        _ => (Class::Other, "S3 refuses it"),
    };
    let first = keys.first()?;
    let more = match keys.len() {
        1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    Some(CloudError::new(
        "s3:DeleteObjectVersion",
        class,
        code,
        format!("{first}{more} cannot be deleted: {why}"),
    ))
}

async fn abort_uploads(aws: &Aws, cx: &Cx, bucket: &str) -> Result<(), CloudError> {
    let mut at: Marker = (None, None);
    loop {
        let page = aws
            .read("s3:ListBucketMultipartUploads", || async {
                aws.s3
                    .list_multipart_uploads()
                    .bucket(bucket)
                    .expected_bucket_owner(&aws.account)
                    .encoding_type(EncodingType::Url)
                    .set_key_marker(at.0.clone())
                    .set_upload_id_marker(at.1.clone())
                    .send()
                    .await
                    .map_err(|e| aws_error("s3:ListBucketMultipartUploads", e))
            })
            .await?;
        let encoded = page.encoding_type() == Some(&EncodingType::Url);
        for upload in page.uploads() {
            let (Some(key), Some(id)) = (upload.key(), upload.upload_id()) else {
                continue;
            };
            let aborted = cx
                .call("s3:AbortMultipartUpload", async {
                    aws.s3
                        .abort_multipart_upload()
                        .bucket(bucket)
                        .expected_bucket_owner(&aws.account)
                        .key(decoded(key, encoded))
                        .upload_id(id)
                        .send()
                        .await
                        .map_err(|e| aws_error("s3:AbortMultipartUpload", e))
                })
                .await;
            match aborted {
                // Finished or aborted since it was listed.
                Err(error) if error.code == "NoSuchUpload" => {}
                other => drop(other?),
            }
        }
        let next = page.next_key_marker().map(|key| decoded(key, encoded));
        if page.is_truncated() != Some(true) || next.is_none() {
            return Ok(());
        }
        at = (next, page.next_upload_id_marker().map(str::to_owned));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_went_already_are_no_refusal() {
        assert!(refusal([("a", "NoSuchKey")].into_iter()).is_none());
        assert!(refusal([].into_iter()).is_none());
    }

    #[test]
    fn a_lock_is_named_before_anything_that_passes() -> Result<(), String> {
        let error = refusal(
            [
                ("a", "InternalError"),
                ("b", "AccessDenied"),
                ("c", "AccessDenied"),
                ("d", "NoSuchKey"),
            ]
            .into_iter(),
        )
        .ok_or("no error")?;
        assert_eq!(error.class, Class::Denied);
        assert!(
            error.message.starts_with("b and 1 more cannot"),
            "{}",
            error.message
        );
        Ok(())
    }

    #[test]
    fn keys_are_decoded_as_s3_encodes_them() {
        assert_eq!(decoded("a+b%2Fc%2B%01", true), "a b/c+\u{1}");
        assert_eq!(decoded("a+b", false), "a+b");
        assert!(fits_xml("a b/ü\t"));
        assert!(!fits_xml("a\u{1}"));
    }
}
