//! Tags on ECS resources: atomic on create, read with a describe that asks for them, changed by `TagResource`/`UntagResource`.

use aws_sdk_ecs::types::Tag;
use futures::TryFutureExt;

use crate::aws::tag_change::TagChange;
use crate::aws::{Aws, aws_error};
use crate::kind::{CloudError, Cx};
use crate::model::Tags;

/// The tags as a create call takes them.
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

/// Makes the tags of `arn` those of `cx`: at most two calls, none when they are equal.
pub async fn change(aws: &Aws, cx: &Cx, arn: &str, live: &Tags) -> Result<(), CloudError> {
    const TAG: &str = "ecs:TagResource";
    const UNTAG: &str = "ecs:UntagResource";
    let change = TagChange::between(live, &cx.tags);
    if !change.set.is_empty() {
        let request = aws
            .ecs
            .tag_resource()
            .resource_arn(arn)
            .set_tags(Some(list(&change.set)));
        cx.call(TAG, request.send().map_err(|e| aws_error(TAG, e)))
            .await?;
    }
    if !change.gone.is_empty() {
        let request = aws
            .ecs
            .untag_resource()
            .resource_arn(arn)
            .set_tag_keys(Some(change.gone));
        cx.call(UNTAG, request.send().map_err(|e| aws_error(UNTAG, e)))
            .await?;
    }
    Ok(())
}
