//! Who carries this stack's tags, by the tagging API (`GetResources`): for kinds whose own listing has no tags, where reading them would
//! cost a call for each object of the account. It lags by minutes and still names what was deleted, so whatever it says is only a hint:
//! the kind reads each hit itself.

use std::collections::BTreeSet;

use aws_sdk_resourcegroupstagging::types::TagFilter;

use super::{Aws, aws_error};
use crate::kind::{Asked, Class, CloudError};
use crate::model::TAG_PREFIX;

/// The ARNs of one resource type (`s3`, `rds:subgrp`) in this region that carry this stack's and environment's tags. Fully paged
/// (at most 100 a page; a page may be empty and still have a successor). `None`: the server has no tagging API, and all there are have to be
/// looked at one by one.
pub async fn arns(
    aws: &Aws,
    asked: &Asked,
    resource_type: &str,
) -> Result<Option<BTreeSet<String>>, CloudError> {
    match all(aws, asked, resource_type).await {
        Ok(arns) => Ok(Some(arns)),
        Err(error) if error.is(Class::Unsupported) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn all(
    aws: &Aws,
    asked: &Asked,
    resource_type: &str,
) -> Result<BTreeSet<String>, CloudError> {
    let filter = |key: &str, value: &str| {
        TagFilter::builder()
            .key(format!("{TAG_PREFIX}{key}"))
            .values(value)
            .build()
    };
    let mut all = BTreeSet::new();
    let mut token = None::<String>;
    loop {
        let page = aws
            .read("tag:GetResources", || async {
                aws.tagging
                    .get_resources()
                    .resource_type_filters(resource_type)
                    .tag_filters(filter("stack", &asked.scope.stack))
                    .tag_filters(filter("env", &asked.scope.environment))
                    .resources_per_page(100)
                    .set_pagination_token(token.clone())
                    .send()
                    .await
                    .map_err(|e| aws_error("tag:GetResources", e))
            })
            .await?;
        all.extend(
            page.resource_tag_mapping_list()
                .iter()
                .filter_map(|hit| hit.resource_arn().map(str::to_owned)),
        );
        // The last page's token is an empty text.
        token = page.pagination_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(all);
        }
    }
}
