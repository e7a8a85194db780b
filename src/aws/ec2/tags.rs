//! Tags on EC2 resources: atomic on create, changed by `CreateTags`/`DeleteTags`, read with every describe.

use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};

use crate::aws::{Aws, aws_error};
use crate::kind::{CloudError, Cx};
use crate::model::Tags;

/// The tags of `cx` as a create call takes them.
pub fn on_create(resource: ResourceType, tags: &Tags) -> TagSpecification {
    TagSpecification::builder()
        .resource_type(resource)
        .set_tags(Some(list(tags)))
        .build()
}

fn list(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

/// As read: without AWS's own.
pub fn read(tags: &[Tag]) -> Tags {
    tags.iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned())))
        .filter(|(key, _)| !key.starts_with("aws:"))
        .collect()
}

/// Makes the tags of `id` those of `cx`: at most two calls, none when they are equal.
pub async fn change(aws: &Aws, cx: &Cx, id: &str, live: &Tags) -> Result<(), CloudError> {
    let set: Tags = cx
        .tags
        .iter()
        .filter(|(key, value)| live.get(*key) != Some(*value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let gone: Vec<Tag> = live
        .keys()
        .filter(|key| !cx.tags.contains_key(*key))
        .map(|key| Tag::builder().key(key).build())
        .collect();
    if !set.is_empty() {
        cx.call("ec2:CreateTags", async {
            aws.ec2
                .create_tags()
                .resources(id)
                .set_tags(Some(list(&set)))
                .send()
                .await
                .map_err(|e| aws_error("ec2:CreateTags", e))
        })
        .await?;
    }
    if !gone.is_empty() {
        cx.call("ec2:DeleteTags", async {
            aws.ec2
                .delete_tags()
                .resources(id)
                .set_tags(Some(gone))
                .send()
                .await
                .map_err(|e| aws_error("ec2:DeleteTags", e))
        })
        .await?;
    }
    Ok(())
}
