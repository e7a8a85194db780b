//! Tags on RDS objects: atomic on create, changed by `AddTagsToResource`/`RemoveTagsFromResource`. Only instances carry them in their
//! describe; for subnet and parameter groups they cost a call each, so [`candidates`] decides whose are read.

use std::collections::BTreeSet;

use aws_sdk_rds::types::Tag;

use crate::aws::tag_change::TagChange;
use crate::aws::{Aws, aws_error, scan, tagged};
use crate::kind::{Asked, Class, CloudError, Cx};
use crate::model::Tags;

/// With more unnamed groups than this, the tagging API (one call for all) says which are ours; it lags by minutes, so not before.
const FEW: usize = 20;

pub fn list(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

/// As read: without AWS's own.
pub fn read(tags: &[Tag]) -> Tags {
    tags.iter()
        .filter_map(|tag| {
            Some((
                tag.key()?.to_owned(),
                tag.value().unwrap_or_default().to_owned(),
            ))
        })
        .filter(|(key, _)| !key.starts_with("aws:"))
        .collect()
}

/// The tags of one object (`ListTagsForResource`); `None` when it is gone since it was listed.
pub async fn of(aws: &Aws, arn: &str) -> Result<Option<Tags>, CloudError> {
    let answer = aws
        .read("rds:ListTagsForResource", || async {
            aws.rds
                .list_tags_for_resource()
                .resource_name(arn)
                .send()
                .await
                .map_err(|e| aws_error("rds:ListTagsForResource", e))
        })
        .await;
    match answer {
        Ok(answer) => Ok(Some(read(answer.tag_list()))),
        Err(error) if error.is(Class::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Which of an account's groups, given as (name, ARN), have to be looked at: those asked for by name or id, and where tags decide
/// whatever else may carry this stack's. AWS's own (`default…`) never do.
pub async fn candidates(
    aws: &Aws,
    asked: &Asked,
    resource_type: &str,
    all: impl Iterator<Item = (String, String)>,
) -> Result<BTreeSet<String>, CloudError> {
    let named = asked.texts("name");
    let (mut wanted, others): (Vec<_>, Vec<_>) =
        all.partition(|(name, _)| asked.has_id(name) || named.contains(name));
    if scan::needs_scan(asked, "name") {
        let mut others: Vec<_> = others
            .into_iter()
            .filter(|(name, _)| !name.starts_with("default"))
            .collect();
        if others.len() > FEW {
            let ours = tagged::arns(aws, asked, resource_type).await?;
            others.retain(|(_, arn)| ours.as_ref().is_none_or(|ours| ours.contains(arn)));
        }
        wanted.extend(others);
    }
    Ok(wanted.into_iter().map(|(name, _)| name).collect())
}

/// Makes the tags of `arn` those of `cx`: at most two calls, none when they are equal.
pub async fn change(aws: &Aws, cx: &Cx, arn: &str, live: &Tags) -> Result<(), CloudError> {
    let TagChange { set, gone } = TagChange::between(live, &cx.tags);
    if !set.is_empty() {
        cx.call("rds:AddTagsToResource", async {
            aws.rds
                .add_tags_to_resource()
                .resource_name(arn)
                .set_tags(Some(list(&set)))
                .send()
                .await
                .map_err(|e| aws_error("rds:AddTagsToResource", e))
        })
        .await?;
    }
    if !gone.is_empty() {
        cx.call("rds:RemoveTagsFromResource", async {
            aws.rds
                .remove_tags_from_resource()
                .resource_name(arn)
                .set_tag_keys(Some(gone))
                .send()
                .await
                .map_err(|e| aws_error("rds:RemoveTagsFromResource", e))
        })
        .await?;
    }
    Ok(())
}
