//! Finding log groups: what is known by name through one prefix listing, strays through the tagging API, which answers for all of the
//! stack in one call. Its answers may be old, so each is confirmed by the listing. Where there is no tagging API, every group is read.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatchlogs::types::LogGroup;
use aws_sdk_resourcegroupstagging::types::TagFilter;
use futures::future::try_join_all;

use super::{Live, arn};
use crate::aws::scan::needs_scan;
use crate::aws::{Aws, aws_error, pages};
use crate::kind::{Asked, Class, CloudError};
use crate::model::{TAG_PREFIX, Tags};

/// Up to so many, a group's own answer about its tags is worth a call.
const FEW: usize = 25;

pub async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
    let mut names: BTreeSet<String> = asked.texts("name").into_iter().collect();
    names.extend(asked.ids().map(|id| id.as_str().to_owned()));
    let by_tags = async {
        if needs_scan(asked, "name") || (asked.extent.is_wide() && names.len() >= FEW) {
            tagged(aws, asked).await
        } else {
            Ok(Some(BTreeMap::new()))
        }
    };
    let (mut groups, tagged) = tokio::try_join!(named(aws, &names), by_tags)?;
    let is_other = |name: &str| !names.contains(name);
    groups.extend(match &tagged {
        Some(tagged) => {
            let strays = tagged.keys().filter(|name| is_other(name));
            named(aws, &strays.cloned().collect()).await?
        }
        None => {
            let mut all = listed(aws, "").await?;
            all.retain(|group| group.log_group_name().is_some_and(is_other));
            all
        }
    });
    let tagged = tagged.unwrap_or_default();
    let exact = groups.len() < FEW;
    let found = try_join_all(groups.into_iter().map(|group| {
        let known = tagged.get(group.log_group_name().unwrap_or_default());
        async move { read(aws, group, known.filter(|_| !exact)).await }
    }))
    .await?;
    // Known by name, whoever's it is; or ours by what it says itself now.
    Ok(found
        .into_iter()
        .flatten()
        .filter(|live| names.contains(&live.name) || asked.wants(&live.name, &live.tags))
        .collect())
}

/// The groups of exactly these names: one listing under their longest common beginning, at most 50 a page.
async fn named(aws: &Aws, names: &BTreeSet<String>) -> Result<Vec<LogGroup>, CloudError> {
    let (Some(first), Some(last)) = (names.first(), names.last()) else {
        return Ok(Vec::new());
    };
    let mut groups = listed(aws, &common(first, last)).await?;
    groups.retain(|group| {
        group
            .log_group_name()
            .is_some_and(|name| names.contains(name))
    });
    Ok(groups)
}

/// The groups whose names begin so.
async fn listed(aws: &Aws, prefix: &str) -> Result<Vec<LogGroup>, CloudError> {
    let pages = pages(
        aws,
        "logs:DescribeLogGroups",
        |token| async move {
            aws.logs
                .describe_log_groups()
                .set_log_group_name_prefix((!prefix.is_empty()).then(|| prefix.to_owned()))
                .limit(50)
                .set_next_token(token)
                .send()
                .await
                .map_err(|e| aws_error("logs:DescribeLogGroups", e))
        },
        |page| page.next_token(),
    )
    .await?;
    Ok(pages
        .into_iter()
        .flat_map(|page| page.log_groups.unwrap_or_default())
        .collect())
}

/// The first and the last in order differ the earliest.
fn common(first: &str, last: &str) -> String {
    let both = first.chars().zip(last.chars());
    both.take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
}

/// This stack's log groups by name, with their tags, as the tagging API knows them (GetResources: pages of at most 500 tags). `None`: the
/// server has no tagging API.
async fn tagged(aws: &Aws, asked: &Asked) -> Result<Option<BTreeMap<String, Tags>>, CloudError> {
    let filter = |key: &str, value: &str| {
        TagFilter::builder()
            .key(format!("{TAG_PREFIX}{key}"))
            .values(value)
            .build()
    };
    let filters = &vec![
        filter("stack", &asked.scope.stack),
        filter("env", &asked.scope.environment),
    ];
    let pages = pages(
        aws,
        "tag:GetResources",
        |token| async move {
            aws.tagging
                .get_resources()
                .resource_type_filters("logs")
                .set_tag_filters(Some(filters.clone()))
                .tags_per_page(500)
                .set_pagination_token(token)
                .send()
                .await
                .map_err(|e| aws_error("tag:GetResources", e))
        },
        |page| page.pagination_token(),
    )
    .await;
    let pages = match pages {
        Err(error) if error.is(Class::Unsupported) => return Ok(None),
        pages => pages?,
    };
    let tagged = pages
        .iter()
        .flat_map(|page| page.resource_tag_mapping_list())
        .filter_map(|resource| {
            let (_, name) = resource.resource_arn()?.split_once(":log-group:")?;
            let tags = resource.tags().iter();
            let tags = own(tags.map(|tag| (tag.key().to_owned(), tag.value().to_owned())));
            Some((name.trim_end_matches(":*").to_owned(), tags))
        })
        .filter(|(_, tags)| asked.is_ours(tags));
    Ok(Some(tagged.collect()))
}

/// With its tags: those that are known, or what it says itself. `None` if it went meanwhile.
async fn read(
    aws: &Aws,
    group: LogGroup,
    known: Option<&Tags>,
) -> Result<Option<Live>, CloudError> {
    if let Some(tags) = known {
        return Ok(Some(Live::read(aws, &group, tags.clone())));
    }
    let arn = arn(aws, group.log_group_name().unwrap_or_default());
    let answer = aws
        .read("logs:ListTagsForResource", || async {
            aws.logs
                .list_tags_for_resource()
                .resource_arn(&arn)
                .send()
                .await
                .map_err(|e| aws_error("logs:ListTagsForResource", e))
        })
        .await;
    match answer {
        Ok(answer) => {
            let tags = own(answer.tags.unwrap_or_default().into_iter());
            Ok(Some(Live::read(aws, &group, tags)))
        }
        Err(error) if error.is(Class::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

fn own(tags: impl Iterator<Item = (String, String)>) -> Tags {
    tags.filter(|(key, _)| !key.starts_with("aws:")).collect()
}

#[cfg(test)]
mod tests {
    use super::common;

    #[test]
    fn names_share_their_beginning() {
        assert_eq!(common("/circles/app", "/circles/db"), "/circles/");
        assert_eq!(common("/circles/app", "/circles/app"), "/circles/app");
        assert_eq!(common("a", "é"), "");
    }
}
