//! Lifecycle rules between S3's terms and the stack's. AWS keeps the rules in an order of its own, fills in ids, and reads a rule back
//! with `Filter` or with the older `Prefix`; all of that means the same here.

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus,
    LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration,
};
use serde::Deserialize;

use crate::aws::s3::text_rules;
use crate::kind::{Field, Literal, Type};
use crate::model::Value;

/// A rule's fields in the stack.
pub const RULE: &[Field] = &[
    Field::new("id", Type::Text, "The rule's name.")
        .rule(&text_rules::LIFECYCLE_ID)
        .required(),
    Field::new("prefix", Type::Text, "Keys it is about; empty: all.")
        .rule(&text_rules::KEY_PREFIX)
        .default(Literal::Text("")),
    Field::new(
        "expiration_days",
        Type::Int {
            min: 1,
            max: 36_500,
        },
        "Days after which objects are deleted.",
    )
    .default(Literal::Unset),
    Field::new(
        "noncurrent_days",
        Type::Int {
            min: 1,
            max: 36_500,
        },
        "Days after which replaced versions are deleted.",
    )
    .default(Literal::Unset),
    Field::new(
        "abort_multipart_days",
        Type::Int {
            min: 1,
            max: 36_500,
        },
        "Days after which unfinished uploads are given up.",
    )
    .default(Literal::Unset),
    Field::new(
        "expired_delete_markers",
        Type::Bool,
        "Removes the delete markers of objects that have no version left. Not together with `expiration_days`, which does so too.",
    )
    .default(Literal::Bool(false)),
];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Rule {
    pub id: String,
    #[serde(default)]
    pub prefix: String,
    pub expiration_days: Option<i32>,
    pub noncurrent_days: Option<i32>,
    pub abort_multipart_days: Option<i32>,
    #[serde(default)]
    pub expired_delete_markers: bool,
}

/// As read, in the order of ids. A rule that does more than the stack can say (transitions, tag filters, sizes), or that is switched
/// off, gets an id that says so and so is a difference.
pub fn read(rules: &[LifecycleRule]) -> Vec<Rule> {
    let mut all: Vec<Rule> = rules.iter().map(rule).collect();
    all.sort();
    all
}

fn rule(rule: &LifecycleRule) -> Rule {
    let mut id = rule.id().unwrap_or_default().to_owned();
    if says_more(rule) {
        id.push_str(" (does more than this program knows)");
    }
    if rule.status() != &ExpirationStatus::Enabled {
        id.push_str(" (disabled)");
    }
    #[allow(deprecated)] // Old rules still come back with it.
    let older = rule.prefix();
    Rule {
        id,
        prefix: rule
            .filter()
            .and_then(|filter| filter.prefix())
            .or(older)
            .unwrap_or_default()
            .to_owned(),
        expiration_days: rule.expiration().and_then(|expiration| expiration.days()),
        noncurrent_days: rule
            .noncurrent_version_expiration()
            .and_then(|expiration| expiration.noncurrent_days()),
        abort_multipart_days: rule
            .abort_incomplete_multipart_upload()
            .and_then(|abort| abort.days_after_initiation()),
        expired_delete_markers: rule
            .expiration()
            .is_some_and(|expiration| expiration.expired_object_delete_marker() == Some(true)),
    }
}

fn says_more(rule: &LifecycleRule) -> bool {
    let filter = rule.filter().is_some_and(|filter| {
        filter.tag().is_some()
            || filter.and().is_some()
            || filter.object_size_greater_than().is_some()
            || filter.object_size_less_than().is_some()
    });
    let expiration = rule
        .expiration()
        .is_some_and(|expiration| expiration.date().is_some());
    let noncurrent = rule
        .noncurrent_version_expiration()
        .is_some_and(|expiration| expiration.newer_noncurrent_versions().is_some());
    filter
        || expiration
        || noncurrent
        || !rule.transitions().is_empty()
        || !rule.noncurrent_version_transitions().is_empty()
}

/// As `PutBucketLifecycleConfiguration` takes them.
pub fn write(rules: &[Rule]) -> Result<BucketLifecycleConfiguration, BuildError> {
    let rules = rules.iter().map(|rule| {
        LifecycleRule::builder()
            .id(&rule.id)
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix(&rule.prefix).build())
            .set_expiration(expiration(rule))
            .set_noncurrent_version_expiration(rule.noncurrent_days.map(|days| {
                NoncurrentVersionExpiration::builder()
                    .noncurrent_days(days)
                    .build()
            }))
            .set_abort_incomplete_multipart_upload(rule.abort_multipart_days.map(|days| {
                AbortIncompleteMultipartUpload::builder()
                    .days_after_initiation(days)
                    .build()
            }))
            .build()
    });
    BucketLifecycleConfiguration::builder()
        .set_rules(Some(rules.collect::<Result<_, _>>()?))
        .build()
}

/// S3 takes days or the flag, not both: days remove the markers as well (user guide, "Removing
/// expired object delete markers").
fn expiration(rule: &Rule) -> Option<LifecycleExpiration> {
    let builder = LifecycleExpiration::builder();
    match (rule.expiration_days, rule.expired_delete_markers) {
        (Some(days), _) => Some(builder.days(days).build()),
        (None, true) => Some(builder.expired_object_delete_marker(true).build()),
        (None, false) => None,
    }
}

/// In the field table's terms.
pub fn observed(rules: &[Rule]) -> Value {
    rules
        .iter()
        .map(|rule| {
            Value::map([
                ("id", Value::text(&rule.id)),
                ("prefix", Value::text(&rule.prefix)),
                ("expiration_days", rule.expiration_days.into()),
                ("noncurrent_days", rule.noncurrent_days.into()),
                ("abort_multipart_days", rule.abort_multipart_days.into()),
                ("expired_delete_markers", rule.expired_delete_markers.into()),
            ])
        })
        .collect::<Vec<_>>()
        .into()
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::types::{Transition, TransitionStorageClass};

    use super::*;

    fn expire(id: &str, days: i32) -> Rule {
        Rule {
            id: id.into(),
            prefix: "logs/".into(),
            expiration_days: Some(days),
            noncurrent_days: Some(7),
            abort_multipart_days: None,
            expired_delete_markers: false,
        }
    }

    #[test]
    fn delete_markers_are_written_and_read_back() -> Result<(), BuildError> {
        let markers = Rule {
            expiration_days: None,
            expired_delete_markers: true,
            ..expire("a", 1)
        };
        let written = write(std::slice::from_ref(&markers))?;
        let expiration = written.rules()[0].expiration().expect("an expiration");
        assert_eq!(expiration.expired_object_delete_marker(), Some(true));
        assert_eq!(expiration.days(), None);
        assert_eq!(read(written.rules()), [markers]);
        Ok(())
    }

    #[test]
    fn what_is_written_reads_back_in_any_order() -> Result<(), BuildError> {
        let rules = [expire("b", 30), expire("a", 60)];
        let written = write(&rules)?;
        assert_eq!(read(written.rules()), [expire("a", 60), expire("b", 30)]);
        Ok(())
    }

    #[test]
    fn the_older_prefix_means_the_filter() -> Result<(), BuildError> {
        #[allow(deprecated)]
        let old = LifecycleRule::builder()
            .id("a")
            .prefix("logs/")
            .status(ExpirationStatus::Enabled)
            .expiration(LifecycleExpiration::builder().days(60).build())
            .noncurrent_version_expiration(
                NoncurrentVersionExpiration::builder()
                    .noncurrent_days(7)
                    .build(),
            )
            .build()?;
        assert_eq!(read(&[old]), [expire("a", 60)]);
        Ok(())
    }

    #[test]
    fn a_rule_that_says_more_or_nothing_is_another_rule() -> Result<(), BuildError> {
        let moved = LifecycleRule::builder()
            .id("a")
            .status(ExpirationStatus::Enabled)
            .transitions(
                Transition::builder()
                    .days(30)
                    .storage_class(TransitionStorageClass::Glacier)
                    .build(),
            )
            .build()?;
        let off = LifecycleRule::builder()
            .id("a")
            .status(ExpirationStatus::Disabled)
            .build()?;
        for rule in [moved, off] {
            let read = read(&[rule]);
            assert!(read[0].id.starts_with("a ("), "{}", read[0].id);
        }
        Ok(())
    }
}
