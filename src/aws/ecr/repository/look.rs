//! Finding repositories: one list of all, then tags, policies and images of those asked for, a call each.

use std::collections::HashSet;

use futures::future::try_join_all;

use super::*;
use crate::aws::scan::needs_scan;
use crate::aws::{pages, tagged};

const DESCRIBE: &str = "ecr:DescribeRepositories";
const TAGS_OF: &str = "ecr:ListTagsForResource";
const LIFECYCLE: &str = "ecr:GetLifecyclePolicy";
const POLICY: &str = "ecr:GetRepositoryPolicy";
const IMAGES: &str = "ecr:ListImages";

pub const PERMISSIONS: &[&str] = &[
    DESCRIBE,
    TAGS_OF,
    LIFECYCLE,
    POLICY,
    IMAGES,
    "tag:GetResources",
];

/// When all repositories have to be gone through: up to this many are asked for their tags one by one, above by the tagging API.
const ONE_BY_ONE: usize = 20;

pub async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
    let names = asked.texts("name");
    let all = repositories(aws).await?;
    let is_known = |repository: &Inner| {
        let name = repository.repository_name().unwrap_or_default();
        asked.has_id(name) || names.iter().any(|asked| asked == name)
    };
    let (known, others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_known);
    let strays = if needs_scan(asked, "name") {
        strays(aws, asked, others).await?
    } else {
        Vec::new()
    };
    let tagged = with_tags(aws, known).await?.into_iter().chain(strays);
    try_join_all(tagged.map(|(repository, tags)| details(aws, repository, tags))).await
}

/// Repositories that carry our tags though no id or name leads to them.
async fn strays(
    aws: &Aws,
    asked: &Asked,
    others: Vec<Inner>,
) -> Result<Vec<(Inner, Tags)>, CloudError> {
    let candidates = if others.len() > ONE_BY_ONE {
        let arns = tagged::arns(aws, asked, "ecr:repository").await?;
        let is_ours = |one: &Inner| {
            let arn = one.repository_arn().unwrap_or_default();
            arns.as_ref().is_none_or(|arns| arns.contains(arn))
        };
        others.into_iter().filter(is_ours).collect()
    } else {
        others
    };
    let mut tagged = with_tags(aws, candidates).await?;
    tagged.retain(|(_, tags)| asked.is_ours(tags));
    Ok(tagged)
}

/// Each with its tags; those that are gone by now are left out.
async fn with_tags(aws: &Aws, all: Vec<Inner>) -> Result<Vec<(Inner, Tags)>, CloudError> {
    let each = all.into_iter().map(|repository| async move {
        let tags = tags_of(aws, &repository).await?;
        Ok(tags.map(|tags| (repository, tags)))
    });
    Ok(try_join_all(each).await?.into_iter().flatten().collect())
}

/// A policy also where the stack leaves it unset: what somebody put there by hand is not as the stack says.
async fn details(aws: &Aws, repository: Inner, tags: Tags) -> Result<Live, CloudError> {
    let name = repository.repository_name().unwrap_or_default();
    let (lifecycle_policy, policy, image_count) =
        tokio::try_join!(lifecycle(aws, name), policy(aws, name), images(aws, name))?;
    Ok(Live {
        lifecycle_policy,
        policy,
        image_count,
        tags,
        repository,
    })
}

async fn lifecycle(aws: &Aws, name: &str) -> Result<Option<String>, CloudError> {
    let request = aws.ecr.get_lifecycle_policy().repository_name(name);
    let answer = aws
        .read(LIFECYCLE, || {
            request.clone().send().map_err(|e| aws_error(LIFECYCLE, e))
        })
        .await;
    Ok(present(answer)?.and_then(|answer| answer.lifecycle_policy_text))
}

async fn policy(aws: &Aws, name: &str) -> Result<Option<String>, CloudError> {
    let request = aws.ecr.get_repository_policy().repository_name(name);
    let answer = aws
        .read(POLICY, || {
            request.clone().send().map_err(|e| aws_error(POLICY, e))
        })
        .await;
    Ok(present(answer)?.and_then(|answer| answer.policy_text))
}

/// How many images there are, up to one page of them; an image with two tags is one.
async fn images(aws: &Aws, name: &str) -> Result<i64, CloudError> {
    let request = aws
        .ecr
        .list_images()
        .repository_name(name)
        .max_results(1000);
    let answer = aws
        .read(IMAGES, || {
            request.clone().send().map_err(|e| aws_error(IMAGES, e))
        })
        .await;
    let digests: HashSet<String> = present(answer)?
        .and_then(|answer| answer.image_ids)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|image| image.image_digest)
        .collect();
    Ok(i64::try_from(digests.len()).unwrap_or(i64::MAX))
}

async fn repositories(aws: &Aws) -> Result<Vec<Inner>, CloudError> {
    let list = |token| {
        let request = aws.ecr.describe_repositories().max_results(1000);
        let request = request.set_next_token(token);
        request.send().map_err(|e| aws_error(DESCRIBE, e))
    };
    let pages = pages(aws, DESCRIBE, list, |page| page.next_token()).await?;
    Ok(pages
        .into_iter()
        .flat_map(|page| page.repositories.unwrap_or_default())
        .collect())
}

/// `None` when the repository is gone by now.
async fn tags_of(aws: &Aws, repository: &Inner) -> Result<Option<Tags>, CloudError> {
    let arn = repository.repository_arn().unwrap_or_default();
    let request = aws.ecr.list_tags_for_resource().resource_arn(arn);
    let answer = aws
        .read(TAGS_OF, || {
            request.clone().send().map_err(|e| aws_error(TAGS_OF, e))
        })
        .await;
    let tags = present(answer)?.map(|answer| {
        answer
            .tags()
            .iter()
            .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
            .filter(|(key, _)| !key.starts_with("aws:"))
            .collect()
    });
    Ok(tags)
}

fn present<T>(answer: Result<T, CloudError>) -> Result<Option<T>, CloudError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.is(Class::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
