//! Reading: settings of everything, for what is not this stack's any more shows only in lists;
//! contents only where they are the stack's.

use serde_json::json;

use super::access::Need;
use super::actions::{Actions, is_metadata_read};
use super::names::{StackNames, StateLocation};
use super::statement::{Statement, Topic};

/// What can be read of a role or a policy of somebody else's under another path is no business of
/// this stack's.
const ROLE_READS: &[&str] = &[
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListEntitiesForPolicy",
    "iam:ListInstanceProfilesForRole",
    "iam:ListPolicyVersions",
    "iam:ListRolePolicies",
];

pub fn statements(actions: &Actions, names: &StackNames) -> Vec<Statement> {
    let services = [
        "acm",
        "ec2",
        "ecr",
        "ecs",
        "elasticloadbalancing",
        "logs",
        "rds",
        "route53",
        "secretsmanager",
        "tag",
    ];
    let looks = |action: &str, needs: &std::collections::BTreeSet<Need>| {
        is_metadata_read(action) && needs.contains(&Need::Look)
    };
    let mut settings = actions.of(&services, looks);
    // Lists name no resource.
    let listed = ["iam", "s3"];
    let lists = [
        "iam:GetAccountAuthorizationDetails",
        "iam:ListPolicies",
        "iam:ListRoles",
        "s3:ListAllMyBuckets",
    ];
    settings.extend(actions.of(&listed, |action, needs| {
        lists.contains(&action) && looks(action, needs)
    }));
    let buckets = actions.of(&["s3"], |action, needs| {
        looks(action, needs) && !lists.contains(&action)
    });
    let mut all = vec![
        Statement::allow(Topic::Read, "ReadSettings", settings),
        Statement::allow(Topic::Read, "ReadRoles", actions.among(ROLE_READS)).on(role_reads(names)),
        Statement::allow(Topic::Read, "ReadBuckets", buckets).on(bucket_arns(names)),
        Statement::allow(
            Topic::Read,
            "ReadLogs",
            actions.of(&["logs"], |_, needs| needs.contains(&Need::Logs)),
        )
        .on(log_groups(names)),
    ];
    if let Some(state) = &names.state
        && actions.needs(Need::Look)
    {
        all.extend(state_reads(names, state));
    }
    if let Some(role) = &names.assume_role {
        let assume = ["sts:AssumeRole".to_owned()].into();
        all.push(Statement::allow(Topic::Read, "AssumeStackRole", assume).on([role.clone()]));
    }
    all
}

fn state_reads(names: &StackNames, state: &StateLocation) -> Vec<Statement> {
    let bucket = format!("arn:*:s3:::{}", state.bucket);
    let mut all = vec![
        Statement::allow(
            Topic::Read,
            "ListState",
            ["s3:ListBucket".to_owned()].into(),
        )
        .on([bucket.clone()]),
        Statement::allow(Topic::Read, "ReadState", ["s3:GetObject".to_owned()].into())
            .on([state_objects(names, state)]),
    ];
    if let Some(key) = &state.kms_key {
        let condition = json!({ "StringLike": { "kms:ViaService": "s3.*.amazonaws.com" } });
        all.push(
            Statement::allow(
                Topic::Read,
                "DecryptState",
                ["kms:Decrypt".to_owned()].into(),
            )
            .on([key_arn(names, key)])
            .when(condition),
        );
    }
    all
}

/// Everything that this environment's state consists of.
pub fn state_objects(names: &StackNames, state: &StateLocation) -> String {
    let key = state.key.trim_matches('/');
    let folder = if key.is_empty() {
        String::new()
    } else {
        format!("{key}/")
    };
    format!(
        "arn:*:s3:::{}/{folder}{}-{}-*",
        state.bucket, names.stack, names.environment
    )
}

/// A key that is given by its ARN; an alias or id could be any key's.
pub fn key_arn(names: &StackNames, key: &str) -> String {
    match key {
        arn if arn.starts_with("arn:") => arn.to_owned(),
        alias if alias.starts_with("alias/") => names.arn("kms", "key/*"),
        id => names.arn("kms", &format!("key/{id}")),
    }
}

pub fn bucket_arns(names: &StackNames) -> Vec<String> {
    let mut all = names.texts("s3.bucket", "name");
    if !names.shares_prefix {
        // One that the file does not name any more; buckets cannot be told by their tags.
        all.insert(format!("{}-*", names.prefix));
    }
    all.iter()
        .map(|name| format!("arn:*:s3:::{name}"))
        .collect()
}

/// A log group's events are judged by the group with `:*` behind it, its settings by either form.
pub fn log_groups(names: &StackNames) -> Vec<String> {
    names.arns(
        &[
            ("logs.log_group", "name", "log-group:{}"),
            ("logs.log_group", "name", "log-group:{}:*"),
        ],
        "logs",
    )
}

/// The path that this program gives what it makes, and those that the file names.
pub fn paths(names: &StackNames, kind: &str, of: &str) -> Vec<String> {
    let given = names.texts(kind, "path");
    given
        .iter()
        .map(String::as_str)
        .filter(|path| path.len() > 1)
        .chain(["/circles-infra/"])
        .map(|path| names.arn("iam", &format!("{of}{path}*")))
        .collect()
}

/// A role that does not exist is judged by its name alone, without a path.
fn role_reads(names: &StackNames) -> Vec<String> {
    let bare = names.arns(&[("iam.role", "name", "role/{}")], "iam");
    let policies = paths(names, "iam.policy", "policy");
    let roles = paths(names, "iam.role", "role").into_iter();
    roles.chain(policies).chain(bare).collect()
}
