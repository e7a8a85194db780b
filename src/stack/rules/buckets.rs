//! Buckets: pairs of fields that S3 refuses (API reference: PutBucketLifecycleConfiguration, PutBucketEncryption).

use std::collections::BTreeSet;

use super::Seen;
use crate::diagnostic::code;
use crate::model::Value;
use crate::stack::check::join;
use crate::stack::desk::Desk;

/// Parts of a lifecycle rule that say which objects it is about; every other part is an action.
const FILTERS: [&str; 2] = ["id", "prefix"];

pub fn check(desk: &mut Desk<'_>, seen: &Seen<'_>) {
    for bucket in seen.of_kind("s3.bucket") {
        let encryption = bucket.attributes.text("encryption").unwrap_or("AES256");
        if !bucket.attributes.get("kms_key").is_null() && encryption != "aws:kms" {
            desk.error(
                code::CONTRADICTION,
                seen.span(bucket, "kms_key"),
                format!("a `kms_key` needs `encryption: aws:kms`; this bucket has `{encryption}`"),
            )
            .help("add `encryption: aws:kms`");
        }
        let rules = bucket
            .attributes
            .get("lifecycle")
            .as_list()
            .unwrap_or_default();
        let mut ids = BTreeSet::new();
        for (i, rule) in rules.iter().enumerate() {
            let Some(map) = rule.as_map() else {
                continue;
            };
            let path = join("lifecycle", &i.to_string());
            let id = map.get("id").and_then(Value::as_text).unwrap_or_default();
            if !ids.insert(id) {
                desk.error(
                    code::NAME_TAKEN,
                    seen.span(bucket, &join(&path, "id")),
                    format!(
                        "two lifecycle rules of `{}` have the id `{id}`",
                        bucket.address
                    ),
                )
                .help("give each its own");
            }
            let acts = map.iter().any(|(name, value)| {
                !FILTERS.contains(&name.as_str())
                    && !matches!(value, Value::Null | Value::Bool(false))
            });
            if !acts {
                desk.error(
                    code::MISSING,
                    seen.span(bucket, &path),
                    format!("the lifecycle rule `{id}` does nothing"),
                )
                .help("add `expiration_days`, `noncurrent_days` or `abort_multipart_days`");
            }
        }
    }
}
