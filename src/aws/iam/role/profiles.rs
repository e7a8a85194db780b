//! Instance profiles that hold a role, which keep it from being deleted. No stack here makes any: they are somebody else's, and stay.

use crate::aws::{Aws, aws_error, pages};
use crate::kind::{Class, CloudError};

const ACTION: &str = "iam:ListInstanceProfilesForRole";

/// `refused` with the instance profiles that hold the role, and an error that waiting does not mend where there are any.
pub async fn explain(aws: &Aws, role: &str, refused: CloudError) -> CloudError {
    let found = pages(
        aws,
        ACTION,
        |marker| {
            let call = aws.iam.list_instance_profiles_for_role().role_name(role);
            let call = call.max_items(1000).set_marker(marker);
            async move { call.send().await.map_err(|e| aws_error(ACTION, e)) }
        },
        |page| page.marker(),
    )
    .await;
    // Who may not look hears AWS's own words.
    let names: Vec<String> = found
        .iter()
        .flatten()
        .flat_map(|page| page.instance_profiles())
        .map(|profile| profile.instance_profile_name().to_owned())
        .collect();
    judge(role, &names, refused)
}

fn judge(role: &str, profiles: &[String], mut refused: CloudError) -> CloudError {
    let Some(first) = profiles.first() else {
        return refused;
    };
    refused.class = Class::Invalid;
    refused.message = format!(
        "the role {role} is in the instance profile {}, which is not of this stack: take it out with `aws iam remove-role-from-instance-profile --instance-profile-name {first} --role-name {role}`, then run the same command again",
        profiles.join(", ")
    );
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_in_a_profile_is_not_waited_for() {
        let refused = || {
            let message = "Cannot delete entity, must remove roles from instance profile first.";
            CloudError::new("iam:DeleteRole", Class::InUse, "DeleteConflict", message)
        };
        let error = judge("shop-task", &["workers".into()], refused());
        assert_eq!(error.class, Class::Invalid);
        assert!(
            error
                .message
                .contains("--instance-profile-name workers --role-name shop-task")
        );
        assert_eq!(judge("shop-task", &[], refused()).class, Class::InUse);
    }
}
