//! Finding a family: its newest revision.

use std::collections::BTreeSet;

use super::*;
use crate::aws::scan::needs_scan;
use crate::aws::{pages, tagged};

/// Families up to this many are listed one by one; above, the whole account's definitions cost fewer calls.
const ONE_BY_ONE: usize = 10;

pub async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
    let mut families: BTreeSet<String> = asked.texts("family").into_iter().collect();
    families.extend(asked.ids().map(|id| family_in(id.as_str()).to_owned()));
    if needs_scan(asked, "family") {
        let arns = match tagged::arns(aws, asked, "ecs:task-definition").await? {
            Some(arns) => arns,
            None => list(aws, None).await?.into_iter().collect(),
        };
        families.extend(arns.iter().map(|arn| family_in(arn).to_owned()));
    }
    let found = if families.len() <= ONE_BY_ONE {
        try_join_all(families.iter().map(|family| async move {
            let all = revisions(aws, family).await?;
            newest(aws, asked, &all).await
        }))
        .await?
    } else {
        let all = list(aws, None).await?;
        try_join_all(families.iter().map(|family| {
            let of_family = newest_first(all.iter().filter(|arn| family_in(arn) == family));
            async move { newest(aws, asked, &of_family).await }
        }))
        .await?
    };
    let named = asked.texts("family");
    Ok(found
        .into_iter()
        .flatten()
        .filter(|live| {
            asked.wants(&live.arn, &live.tags)
                || named.iter().any(|family| family == family_in(&live.arn))
                || asked
                    .ids()
                    .any(|id| family_in(id.as_str()) == family_in(&live.arn))
        })
        .collect())
}

/// The newest revision that is ours, or that is known by its id. Revisions that others registered under the family are passed over:
/// registering appends, and takes nothing from anybody. Only a family that another stack has tagged as its own is told, so that
/// planning can say that the name is taken.
async fn newest(
    aws: &Aws,
    asked: &Asked,
    revisions: &[String],
) -> Result<Option<Live>, CloudError> {
    let mut taken = None;
    // Behind many revisions of a pipeline, only one that is known by its id is worth a read.
    let older = revisions.iter().skip(KEPT).filter(|arn| asked.has_id(arn));
    for arn in revisions.iter().take(KEPT).chain(older.take(1)) {
        // A revision's content cannot change, but its tags can: what was last seen of it does not do.
        let Some(live) = describe(aws, arn).await? else {
            continue;
        };
        let owner = Ownership::read(&live.tags);
        if owner
            .as_ref()
            .is_some_and(|owner| owner.is_of(&asked.scope))
            || asked.has_id(arn)
        {
            return Ok(Some(live));
        }
        if owner.is_some() {
            taken.get_or_insert(live);
        }
    }
    Ok(taken)
}

/// One revision with its tags; `None` when it is not there or not ACTIVE.
pub async fn describe(aws: &Aws, arn: &str) -> Result<Option<Live>, CloudError> {
    let found = read(aws, arn).await?;
    Ok(found.and_then(|(live, active)| active.then_some(live)))
}

/// One revision with its tags, whoever registered it, and whether or not it is still ACTIVE.
pub async fn describe_any(aws: &Aws, arn: &str) -> Result<Option<Live>, CloudError> {
    Ok(read(aws, arn).await?.map(|(live, _)| live))
}

/// One revision with its tags, and whether it is ACTIVE.
async fn read(aws: &Aws, arn: &str) -> Result<Option<(Live, bool)>, CloudError> {
    let request = aws
        .ecs
        .describe_task_definition()
        .task_definition(arn)
        .include(TaskDefinitionField::Tags);
    let answer = aws
        .read(DESCRIBE, || {
            request.clone().send().map_err(|e| aws_error(DESCRIBE, e))
        })
        .await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let tags = tags::read(answer.tags());
    Ok(answer.task_definition.map(|definition| {
        let active = definition.status() == Some(&TaskDefinitionStatus::Active);
        let live = Live {
            content: content(&definition),
            arn: definition.task_definition_arn.unwrap_or_default(),
            tags,
        };
        (live, active)
    }))
}

/// ECS has no code of its own for a definition that is not there (API reference, DescribeTaskDefinition: `ClientException`).
pub fn is_absent(error: &CloudError) -> bool {
    error.is(Class::NotFound)
        || (matches!(
            error.code.as_str(),
            "ClientException" | "InvalidParameterException"
        ) && error.message.contains("Unable to describe task definition"))
        || error.message.contains("does not exist")
        || error.message.contains("in the process of being deleted")
}

/// The family's ACTIVE revisions, newest first.
pub async fn revisions(aws: &Aws, family: &str) -> Result<Vec<String>, CloudError> {
    let all = list(aws, Some(family)).await?;
    Ok(newest_first(
        all.iter().filter(|arn| family_in(arn) == family),
    ))
}

fn newest_first<'a>(arns: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut all: Vec<String> = arns.cloned().collect();
    all.sort_by_key(|arn| std::cmp::Reverse(revision_in(arn)));
    all
}

async fn list(aws: &Aws, family: Option<&str>) -> Result<Vec<String>, CloudError> {
    let list = |token| {
        let request = aws
            .ecs
            .list_task_definitions()
            .set_family_prefix(family.map(str::to_owned))
            .status(TaskDefinitionStatus::Active)
            .sort(SortOrder::Desc)
            .max_results(100)
            .set_next_token(token);
        request.send().map_err(|e| aws_error(LIST, e))
    };
    let pages = pages(aws, LIST, list, |page| page.next_token()).await?;
    Ok(pages
        .into_iter()
        .flat_map(|page| page.task_definition_arns.unwrap_or_default())
        .collect())
}

/// `…:task-definition/app:7` → `app`
pub fn family_in(arn: &str) -> &str {
    let name = arn.rsplit('/').next().unwrap_or(arn);
    name.rsplit_once(':').map_or(name, |(family, _)| family)
}

/// `…:task-definition/app:7` → 7
pub fn revision_in(arn: &str) -> i64 {
    arn.rsplit(':')
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_ordered_by_number_not_by_text() {
        let arns: Vec<String> = [2, 10, 9].iter().map(|n| format!("x/app:{n}")).collect();
        let sorted = newest_first(arns.iter());
        assert_eq!(sorted, ["x/app:10", "x/app:9", "x/app:2"]);
        assert_eq!(family_in("arn:aws:ecs:r:1:task-definition/app:7"), "app");
        assert_eq!(revision_in("arn:aws:ecs:r:1:task-definition/app:7"), 7);
    }
}
