//! What a role holds: inline policies by name, attached policies by ARN.

use std::collections::{BTreeMap, BTreeSet};

use super::{Live, Spec};
use crate::aws::iam::document;
use crate::aws::{Aws, aws_error};
use crate::kind::{Class, CloudError, Cx};

/// Makes both sets the wished ones: what is missing or different first, then what nobody names goes.
pub async fn settle(aws: &Aws, cx: &Cx, live: &mut Live, spec: &Spec) -> Result<(), CloudError> {
    for (name, policy) in &spec.inline_policies {
        let there = live.inline_policies.get(name);
        if there.is_some_and(|there| document::is_same(there, policy)) {
            continue;
        }
        let text = document::text(policy);
        put(aws, cx, &live.name, name, &text).await?;
        live.inline_policies
            .insert(name.clone(), document::plain(&text));
    }
    for arn in spec.managed_policies.difference(&live.managed_policies) {
        attach(aws, cx, &live.name, arn).await?;
    }
    let mut extra = live.clone();
    extra
        .inline_policies
        .retain(|name, _| !spec.inline_policies.contains_key(name));
    extra
        .managed_policies
        .retain(|arn| !spec.managed_policies.contains(arn));
    strip(aws, cx, &extra).await?;
    live.inline_policies
        .retain(|name, _| spec.inline_policies.contains_key(name));
    live.managed_policies.clone_from(&spec.managed_policies);
    Ok(())
}

/// Takes away all that `role` lists.
pub async fn strip(aws: &Aws, cx: &Cx, role: &Live) -> Result<(), CloudError> {
    let (inline, managed): (&BTreeMap<_, _>, &BTreeSet<_>) =
        (&role.inline_policies, &role.managed_policies);
    for name in inline.keys() {
        let answer = cx
            .call("iam:DeleteRolePolicy", async {
                aws.iam
                    .delete_role_policy()
                    .role_name(&role.name)
                    .policy_name(name)
                    .send()
                    .await
                    .map_err(|e| aws_error("iam:DeleteRolePolicy", e))
            })
            .await;
        or_absent(answer)?;
    }
    for arn in managed {
        let answer = cx
            .call("iam:DetachRolePolicy", async {
                aws.iam
                    .detach_role_policy()
                    .role_name(&role.name)
                    .policy_arn(arn)
                    .send()
                    .await
                    .map_err(|e| aws_error("iam:DetachRolePolicy", e))
            })
            .await;
        or_absent(answer)?;
    }
    Ok(())
}

fn or_absent<T>(answer: Result<T, CloudError>) -> Result<(), CloudError> {
    match answer {
        Err(error) if !error.is(Class::NotFound) => Err(error),
        _ => Ok(()),
    }
}

/// Makes it or replaces its text.
async fn put(aws: &Aws, cx: &Cx, role: &str, name: &str, text: &str) -> Result<(), CloudError> {
    cx.call("iam:PutRolePolicy", async {
        aws.iam
            .put_role_policy()
            .role_name(role)
            .policy_name(name)
            .policy_document(text)
            .send()
            .await
            .map_err(|e| aws_error("iam:PutRolePolicy", e))
    })
    .await
    .map(drop)
}

async fn attach(aws: &Aws, cx: &Cx, role: &str, arn: &str) -> Result<(), CloudError> {
    cx.call("iam:AttachRolePolicy", async {
        aws.iam
            .attach_role_policy()
            .role_name(role)
            .policy_arn(arn)
            .send()
            .await
            .map_err(|e| aws_error("iam:AttachRolePolicy", e))
    })
    .await
    .map(drop)
}
