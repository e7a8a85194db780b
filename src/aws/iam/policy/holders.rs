//! Who a managed policy is attached to, which keeps it from being deleted. Roles of this program's path may be on their way out; users,
//! groups and other roles are somebody else's, and stay.

use crate::aws::iam::PATH;
use crate::aws::{Aws, aws_error, pages};
use crate::kind::{Class, CloudError};

const ACTION: &str = "iam:ListEntitiesForPolicy";

/// `refused` with who holds the policy, and an error that waiting does not mend where somebody else does.
pub async fn explain(aws: &Aws, arn: &str, refused: CloudError) -> CloudError {
    let list = |path: Option<&'static str>| {
        pages(
            aws,
            ACTION,
            move |marker| {
                let call = aws.iam.list_entities_for_policy().policy_arn(arn);
                let call = call.set_path_prefix(path.map(str::to_owned));
                let call = call.max_items(1000).set_marker(marker);
                async move { call.send().await.map_err(|e| aws_error(ACTION, e)) }
            },
            |page| page.marker(),
        )
    };
    let (all, ours) = tokio::join!(list(None), list(Some(PATH)));
    // Who may not look hears AWS's own words.
    let (Ok(all), Ok(ours)) = (all, ours) else {
        return refused;
    };
    let detach = |what: &str, name: &str| {
        format!("aws iam detach-{what}-policy --{what}-name {name} --policy-arn {arn}")
    };
    let mut holders = Vec::new();
    let ours: Vec<&str> = ours
        .iter()
        .flat_map(|page| page.policy_roles())
        .filter_map(|role| role.role_name())
        .collect();
    for page in &all {
        let roles = page
            .policy_roles()
            .iter()
            .filter_map(|role| role.role_name());
        for name in roles {
            let remedy = (!ours.contains(&name)).then(|| detach("role", name));
            holders.push((format!("role {name}"), remedy));
        }
        let users = page
            .policy_users()
            .iter()
            .filter_map(|user| user.user_name());
        holders.extend(users.map(|name| (format!("user {name}"), Some(detach("user", name)))));
        let groups = page
            .policy_groups()
            .iter()
            .filter_map(|group| group.group_name());
        holders.extend(groups.map(|name| (format!("group {name}"), Some(detach("group", name)))));
    }
    judge(&holders, refused)
}

/// Holders, each with the command that detaches the policy where it is not this program's.
fn judge(holders: &[(String, Option<String>)], mut refused: CloudError) -> CloudError {
    let names: Vec<&str> = holders.iter().map(|(name, _)| name.as_str()).collect();
    if names.is_empty() {
        return refused;
    }
    refused.message = format!("the policy is attached to {}", names.join(", "));
    if let Some(remedy) = holders.iter().find_map(|(_, remedy)| remedy.as_ref()) {
        refused.class = Class::Invalid;
        refused.message = format!(
            "{}: detach it with `{remedy}`, then run the same command again",
            refused.message
        );
    }
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_holders_are_not_waited_for() {
        let refused = || CloudError::new("iam:DeletePolicy", Class::InUse, "DeleteConflict", "");
        let ours = ("role shop-task".to_owned(), None);
        let other = (
            "user ada".to_owned(),
            Some("aws iam detach-user-policy".to_owned()),
        );
        let error = judge(&[ours.clone(), other], refused());
        assert_eq!(error.class, Class::Invalid);
        assert!(error.message.contains("user ada") && error.message.contains("detach-user-policy"));
        let error = judge(&[ours], refused());
        assert_eq!(error.class, Class::InUse);
        assert!(error.message.contains("role shop-task"));
        assert_eq!(judge(&[], refused()).message, "");
    }
}
