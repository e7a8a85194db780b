//! Finding policies: by ARN, which follows from the name; strays under our path.

use aws_sdk_iam::types::{self, PolicyScopeType};
use futures::future::try_join_all;

use super::Live;
use crate::aws::iam::{PATH, document, tags};
use crate::aws::scan::needs_scan;
use crate::aws::{Aws, aws_error, pages};
use crate::kind::{Asked, AskedItem, Class, CloudError};
use crate::model::{Tags, Value};

pub async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
    let mut arns: Vec<String> = asked
        .items
        .iter()
        .flat_map(|item| known_arns(aws, item))
        .collect();
    arns.sort();
    arns.dedup();
    let unknown = asked
        .items
        .iter()
        .any(|item| known_arns(aws, item).is_empty());
    let named = try_join_all(arns.iter().map(|arn| by_arn(aws, arn, |_| true)));
    if !unknown && !needs_scan(asked, "name") {
        return Ok(named.await?.into_iter().flatten().collect());
    }
    let (named, listed) = tokio::try_join!(named, under_path(aws))?;
    let strays = listed.iter().filter(|arn| !arns.contains(arn));
    let strays =
        try_join_all(strays.map(|arn| by_arn(aws, arn, |tags| asked.is_ours(tags)))).await?;
    Ok(named.into_iter().chain(strays).flatten().collect())
}

/// The ARNs an item may stand under: its id's, and its name's.
fn known_arns(aws: &Aws, item: &AskedItem) -> Vec<String> {
    let named = [&item.desired, &item.last]
        .into_iter()
        .flatten()
        .filter_map(|attributes| {
            let name = attributes.text("name")?;
            let path = attributes.text("path").unwrap_or(PATH);
            Some(format!(
                "arn:{}:iam::{}:policy{path}{name}",
                aws.partition, aws.account
            ))
        });
    let id = item.id.iter().map(|id| id.as_str().to_owned());
    id.chain(named).collect()
}

/// The ARNs of our account's policies under our path; `ListPolicies` leaves out their tags (API reference).
async fn under_path(aws: &Aws) -> Result<Vec<String>, CloudError> {
    let pages = pages(
        aws,
        "iam:ListPolicies",
        |marker| async move {
            aws.iam
                .list_policies()
                .scope(PolicyScopeType::Local)
                .path_prefix(PATH)
                .max_items(1000)
                .set_marker(marker)
                .send()
                .await
                .map_err(|e| aws_error("iam:ListPolicies", e))
        },
        |page| page.marker(),
    )
    .await?;
    Ok(pages
        .iter()
        .flat_map(|page| page.policies())
        .filter_map(|policy| policy.arn().map(str::to_owned))
        .collect())
}

/// A policy with its default version's document; the document is read only if `whose` says yes to the tags.
async fn by_arn(
    aws: &Aws,
    arn: &str,
    whose: impl Fn(&Tags) -> bool,
) -> Result<Option<Live>, CloudError> {
    let answer = aws
        .read("iam:GetPolicy", || async {
            aws.iam
                .get_policy()
                .policy_arn(arn)
                .send()
                .await
                .map_err(|e| aws_error("iam:GetPolicy", e))
        })
        .await;
    let policy = match answer {
        Ok(answer) => answer.policy,
        Err(error) if error.is(Class::NotFound) => None,
        Err(error) => return Err(error),
    };
    let Some(policy) = policy else {
        return Ok(None);
    };
    let tags = tags::read(policy.tags());
    if !whose(&tags) {
        return Ok(None);
    }
    let Some(document) = default_version(aws, arn, &policy).await? else {
        return Ok(None);
    };
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Ok(Some(Live {
        arn: arn.to_owned(),
        name: text(policy.policy_name()),
        path: text(policy.path()),
        description: policy
            .description()
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
        policy: document,
        tags,
    }))
}

async fn default_version(
    aws: &Aws,
    arn: &str,
    policy: &types::Policy,
) -> Result<Option<Value>, CloudError> {
    let version = policy.default_version_id().unwrap_or("v1");
    let answer = aws
        .read("iam:GetPolicyVersion", || async {
            aws.iam
                .get_policy_version()
                .policy_arn(arn)
                .version_id(version)
                .send()
                .await
                .map_err(|e| aws_error("iam:GetPolicyVersion", e))
        })
        .await;
    match answer {
        Ok(answer) => Ok(answer
            .policy_version()
            .and_then(|version| version.document())
            .map(document::read)),
        Err(error) if error.is(Class::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
