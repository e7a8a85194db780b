//! Looking by name, or through everything there is.
//!
//! Where a list carries no tags, each resource's tags cost a call. Those whose id or natural name is known are then read by it, and
//! the rest of the account is gone through only when something may be there that no id or name leads to.

use aws_sdk_resourcegroupstagging::types::TagFilter;
use futures::TryFutureExt;

use super::{Aws, aws_error};
use crate::kind::{Asked, AskedItem, CloudError, Extent};
use crate::model::TAG_PREFIX;

/// Whether ids and names (`field`) do not lead to all that is sought: an item has neither (its create was cut off), or
/// everything is sought and no id is known at all (the state is lost, or this is the first run).
pub fn needs_scan(asked: &Asked, field: &str) -> bool {
    let lost = |item: &AskedItem| {
        item.id.is_none()
            && [&item.desired, &item.last]
                .into_iter()
                .flatten()
                .all(|attributes| attributes.text(field).is_none())
    };
    asked.items.iter().any(lost)
        || (asked.extent == Extent::Everything && asked.ids().next().is_none())
}

/// ARNs of the resources of one type (`ecr:repository`) that carry this stack's tags, or carried them until lately: what is gone
/// lingers here for a while, so each has to be confirmed by a read of its own (API reference, GetResources).
pub async fn tagged_arns(
    aws: &Aws,
    asked: &Asked,
    resource_type: &str,
) -> Result<Vec<String>, CloudError> {
    const ACTION: &str = "tag:GetResources";
    let filter = |key: &str, value: &str| {
        TagFilter::builder()
            .key(format!("{TAG_PREFIX}{key}"))
            .values(value)
            .build()
    };
    let request = aws
        .tagging
        .get_resources()
        .resource_type_filters(resource_type)
        .tag_filters(filter("stack", &asked.scope.stack))
        .tag_filters(filter("env", &asked.scope.environment));
    let mut arns = Vec::new();
    let mut token = None;
    loop {
        let page = aws
            .read(ACTION, || {
                request
                    .clone()
                    .set_pagination_token(token.clone())
                    .send()
                    .map_err(|e| aws_error(ACTION, e))
            })
            .await?;
        arns.extend(
            page.resource_tag_mapping_list()
                .iter()
                .filter_map(|resource| resource.resource_arn().map(str::to_owned)),
        );
        // The last page says so with an empty token; a page in between may be empty itself.
        token = page.pagination_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(arns);
        }
    }
}
