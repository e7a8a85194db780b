//! What of a repository takes calls of its own: mutability, scanning, policies, tags.

use super::*;
use crate::aws::tag_change::TagChange;
use aws_sdk_ecr::types::{
    ImageTagMutabilityExclusionFilter, ImageTagMutabilityExclusionFilterType,
};

/// The text of a document that the stack gives as text or as a map.
fn document(json: &serde_json::Value) -> String {
    match json {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Exceptions make it another word (ECR API reference, PutImageTagMutability).
pub fn mutability(spec: &Spec) -> ImageTagMutability {
    let mut word = spec.tag_mutability.clone();
    if !spec.tag_exceptions.is_empty() {
        word.push_str(WITH_EXCLUSION);
    }
    ImageTagMutability::from(word.as_str())
}

pub fn exceptions(
    spec: &Spec,
) -> Result<Option<Vec<ImageTagMutabilityExclusionFilter>>, CloudError> {
    let filters = spec
        .tag_exceptions
        .iter()
        .map(|pattern| {
            ImageTagMutabilityExclusionFilter::builder()
                .filter_type(ImageTagMutabilityExclusionFilterType::Wildcard)
                .filter(pattern)
                .build()
                .map_err(|e| CloudError::malformed(&Repository::NAME, e))
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Some(filters).filter(|all| !all.is_empty()))
}

pub async fn set_mutability(
    aws: &Aws,
    cx: &Cx,
    live: &mut Live,
    spec: &Spec,
) -> Result<(), CloudError> {
    const PUT: &str = "ecr:PutImageTagMutability";
    let (mutability, filters) = (mutability(spec), exceptions(spec)?);
    let request = aws
        .ecr
        .put_image_tag_mutability()
        .repository_name(name(live))
        .image_tag_mutability(mutability.clone())
        .set_image_tag_mutability_exclusion_filters(filters.clone());
    cx.call(PUT, request.send().map_err(|e| aws_error(PUT, e)))
        .await?;
    live.repository.image_tag_mutability = Some(mutability);
    live.repository.image_tag_mutability_exclusion_filters = filters;
    Ok(())
}

pub async fn set_scanning(
    aws: &Aws,
    cx: &Cx,
    live: &mut Live,
    spec: &Spec,
) -> Result<(), CloudError> {
    const PUT: &str = "ecr:PutImageScanningConfiguration";
    let request = aws
        .ecr
        .put_image_scanning_configuration()
        .repository_name(name(live))
        .image_scanning_configuration(scanning(spec));
    cx.call(PUT, request.send().map_err(|e| aws_error(PUT, e)))
        .await?;
    live.repository.image_scanning_configuration = Some(scanning(spec));
    Ok(())
}

pub async fn set_lifecycle(
    aws: &Aws,
    cx: &Cx,
    live: &mut Live,
    spec: &Spec,
) -> Result<(), CloudError> {
    let wished = spec.lifecycle_policy.as_ref().map(document);
    if let Some(text) = &wished {
        let request = aws
            .ecr
            .put_lifecycle_policy()
            .repository_name(name(live))
            .lifecycle_policy_text(text);
        cx.call(
            PUT_LIFECYCLE,
            request.send().map_err(|e| aws_error(PUT_LIFECYCLE, e)),
        )
        .await?;
    } else {
        let request = aws
            .ecr
            .delete_lifecycle_policy()
            .repository_name(name(live));
        let answer = cx
            .call(
                DELETE_LIFECYCLE,
                request.send().map_err(|e| aws_error(DELETE_LIFECYCLE, e)),
            )
            .await;
        absent_is_fine(answer)?;
    }
    live.lifecycle_policy = wished;
    Ok(())
}

pub async fn set_policy(
    aws: &Aws,
    cx: &Cx,
    live: &mut Live,
    spec: &Spec,
) -> Result<(), CloudError> {
    let wished = spec.policy.as_ref().map(document);
    if let Some(text) = &wished {
        let request = aws
            .ecr
            .set_repository_policy()
            .repository_name(name(live))
            .policy_text(text);
        cx.call(
            SET_POLICY,
            request.send().map_err(|e| aws_error(SET_POLICY, e)),
        )
        .await?;
    } else {
        let request = aws
            .ecr
            .delete_repository_policy()
            .repository_name(name(live));
        let answer = cx
            .call(
                DELETE_POLICY,
                request.send().map_err(|e| aws_error(DELETE_POLICY, e)),
            )
            .await;
        absent_is_fine(answer)?;
    }
    live.policy = wished;
    Ok(())
}

fn absent_is_fine<T>(answer: Result<T, CloudError>) -> Result<(), CloudError> {
    match answer {
        Err(error) if !error.is(Class::NotFound) => Err(error),
        _ => Ok(()),
    }
}

pub async fn change_tags(aws: &Aws, cx: &Cx, live: &Live) -> Result<(), CloudError> {
    const TAG: &str = "ecr:TagResource";
    const UNTAG: &str = "ecr:UntagResource";
    let arn = live.repository.repository_arn().unwrap_or_default();
    let change = TagChange::between(&live.tags, &cx.tags);
    if !change.set.is_empty() {
        let request = aws
            .ecr
            .tag_resource()
            .resource_arn(arn)
            .set_tags(Some(list(&change.set)?));
        cx.call(TAG, request.send().map_err(|e| aws_error(TAG, e)))
            .await?;
    }
    if !change.gone.is_empty() {
        let request = aws
            .ecr
            .untag_resource()
            .resource_arn(arn)
            .set_tag_keys(Some(change.gone));
        cx.call(UNTAG, request.send().map_err(|e| aws_error(UNTAG, e)))
            .await?;
    }
    Ok(())
}
