//! What a role says of itself, one call for each facet.

use super::{Live, Spec};
use crate::aws::iam::{document, tags};
use crate::aws::{Aws, aws_error};
use crate::kind::{CloudError, Cx};

/// Description and session length go in one call, which resets what it is not told (API reference, UpdateRole).
pub async fn describe(aws: &Aws, cx: &Cx, live: &mut Live, spec: &Spec) -> Result<(), CloudError> {
    let description = spec.description.clone().or(live.description.clone());
    cx.call("iam:UpdateRole", async {
        aws.iam
            .update_role()
            .role_name(&live.name)
            .set_description(description.clone())
            .max_session_duration(spec.max_session_duration)
            .send()
            .await
            .map_err(|e| aws_error("iam:UpdateRole", e))
    })
    .await?;
    live.description = description;
    live.max_session_duration = spec.max_session_duration;
    Ok(())
}

pub async fn trust(aws: &Aws, cx: &Cx, live: &mut Live, spec: &Spec) -> Result<(), CloudError> {
    let text = document::text(&spec.assume_role_policy);
    cx.call("iam:UpdateAssumeRolePolicy", async {
        aws.iam
            .update_assume_role_policy()
            .role_name(&live.name)
            .policy_document(&text)
            .send()
            .await
            .map_err(|e| aws_error("iam:UpdateAssumeRolePolicy", e))
    })
    .await?;
    live.assume_role_policy = document::plain(&text);
    Ok(())
}

pub async fn bound(aws: &Aws, cx: &Cx, live: &mut Live, spec: &Spec) -> Result<(), CloudError> {
    match &spec.permissions_boundary {
        Some(boundary) => {
            cx.call("iam:PutRolePermissionsBoundary", async {
                aws.iam
                    .put_role_permissions_boundary()
                    .role_name(&live.name)
                    .permissions_boundary(boundary)
                    .send()
                    .await
                    .map_err(|e| aws_error("iam:PutRolePermissionsBoundary", e))
            })
            .await?;
        }
        None => {
            cx.call("iam:DeleteRolePermissionsBoundary", async {
                aws.iam
                    .delete_role_permissions_boundary()
                    .role_name(&live.name)
                    .send()
                    .await
                    .map_err(|e| aws_error("iam:DeleteRolePermissionsBoundary", e))
            })
            .await?;
        }
    }
    live.permissions_boundary
        .clone_from(&spec.permissions_boundary);
    Ok(())
}

pub async fn retag(aws: &Aws, cx: &Cx, live: &mut Live) -> Result<(), CloudError> {
    let (set, gone) = tags::difference(cx, &live.tags);
    if !set.is_empty() {
        let set = tags::list(cx, &set)?;
        cx.call("iam:TagRole", async {
            aws.iam
                .tag_role()
                .role_name(&live.name)
                .set_tags(Some(set))
                .send()
                .await
                .map_err(|e| aws_error("iam:TagRole", e))
        })
        .await?;
    }
    if !gone.is_empty() {
        cx.call("iam:UntagRole", async {
            aws.iam
                .untag_role()
                .role_name(&live.name)
                .set_tag_keys(Some(gone))
                .send()
                .await
                .map_err(|e| aws_error("iam:UntagRole", e))
        })
        .await?;
    }
    live.tags = cx.tags.clone();
    Ok(())
}
