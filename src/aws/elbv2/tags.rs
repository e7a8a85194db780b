//! Tags on load balancers, target groups, listeners and rules: atomic on create, read by `DescribeTags` for 20 ARNs a call.

use std::collections::HashMap;

use aws_sdk_elasticloadbalancingv2::types::Tag;
use futures::TryFutureExt;
use futures::future::try_join_all;

use crate::aws::tag_change::{TagChange, is_made_here};
use crate::aws::{Aws, aws_error};
use crate::kind::{Class, CloudError, Cx};
use crate::model::Tags;

const DESCRIBE: &str = "elasticloadbalancing:DescribeTags";
/// The most ARNs one `DescribeTags` takes (API reference).
const PER_CALL: usize = 20;

/// The tags as a create call takes them.
pub fn list(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

fn read(tags: &[Tag]) -> Tags {
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

/// The tags of each ARN, without AWS's own. An ARN that is gone by now has none.
pub async fn describe(aws: &Aws, arns: &[String]) -> Result<HashMap<String, Tags>, CloudError> {
    let chunks = try_join_all(arns.chunks(PER_CALL).map(|chunk| async move {
        match describe_chunk(aws, chunk).await {
            // One that went away fails the call for all of them.
            Err(error) if error.is(Class::NotFound) && chunk.len() > 1 => {
                let each = try_join_all(chunk.iter().map(|arn| one(aws, arn))).await?;
                Ok(each.into_iter().flatten().collect())
            }
            Err(error) if error.is(Class::NotFound) => Ok(Vec::new()),
            other => other,
        }
    }))
    .await?;
    Ok(chunks.into_iter().flatten().collect())
}

async fn one(aws: &Aws, arn: &String) -> Result<Vec<(String, Tags)>, CloudError> {
    match describe_chunk(aws, std::slice::from_ref(arn)).await {
        Err(error) if error.is(Class::NotFound) => Ok(Vec::new()),
        other => other,
    }
}

async fn describe_chunk(aws: &Aws, arns: &[String]) -> Result<Vec<(String, Tags)>, CloudError> {
    let request = aws
        .elb
        .describe_tags()
        .set_resource_arns(Some(arns.to_vec()));
    let answer = aws
        .read(DESCRIBE, || {
            request.clone().send().map_err(|e| aws_error(DESCRIBE, e))
        })
        .await?;
    Ok(answer
        .tag_descriptions()
        .iter()
        .filter_map(|of| Some((of.resource_arn()?.to_owned(), read(of.tags()))))
        .collect())
}

/// `CreateTargetGroup`, `CreateListener` and `CreateLoadBalancer` succeed on an existing one with the same settings, whoever made it:
/// fails with [`Class::Exists`] when the tags say that it is not the one this step asked for.
///
/// Part of the create call, before its id is recorded; so it takes no place with the limiter of its own, of which the create holds one.
pub async fn confirm_made_here(aws: &Aws, cx: &Cx, arn: &str) -> Result<(), CloudError> {
    let shown = || async {
        let request = aws.elb.describe_tags().resource_arns(arn);
        match request.send().await.map_err(|e| aws_error(DESCRIBE, e)) {
            Ok(answer) => {
                let all = answer.tag_descriptions.unwrap_or_default();
                let tags = all.iter().flat_map(|of| read(of.tags()));
                Ok(Some(tags.collect::<Tags>()))
            }
            // AWS has not caught up with its own create, so it is a new one.
            Err(error) if error.is(Class::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    };
    if is_made_here(&cx.tags, shown).await? {
        return Ok(());
    }
    Err(CloudError::new(
        DESCRIBE,
        Class::Exists,
        "NotOurs",
        format!("{arn} has the same name and settings, but was made by somebody else"),
    ))
}

/// Makes the tags of `arn` those of `cx`: at most two calls, none when they are equal.
pub async fn change(aws: &Aws, cx: &Cx, arn: &str, live: &Tags) -> Result<(), CloudError> {
    const ADD: &str = "elasticloadbalancing:AddTags";
    const REMOVE: &str = "elasticloadbalancing:RemoveTags";
    let change = TagChange::between(live, &cx.tags);
    if !change.set.is_empty() {
        let request = aws
            .elb
            .add_tags()
            .resource_arns(arn)
            .set_tags(Some(list(&change.set)));
        cx.call(ADD, request.send().map_err(|e| aws_error(ADD, e)))
            .await?;
    }
    if !change.gone.is_empty() {
        let request = aws
            .elb
            .remove_tags()
            .resource_arns(arn)
            .set_tag_keys(Some(change.gone));
        cx.call(REMOVE, request.send().map_err(|e| aws_error(REMOVE, e)))
            .await?;
    }
    Ok(())
}
