//! IAM: the roles that tasks run as, and nothing outside of their path. Whoever may write a role's
//! policy and start a task with that role can use what the policy allows; a permissions boundary on
//! every role is what limits that (docs/permissions.md).

use std::collections::BTreeSet;

use serde_json::json;

use super::access::Need;
use super::actions::{Actions, PIPELINE, is_untagging, is_write};
use super::names::StackNames;
use super::network::has_tags;
use super::reads::paths;
use super::statement::{Effect, Statement, Topic};
use super::trust::PIPELINE_PATH;

const PASS: &str = "iam:PassRole";
const LINK: &str = "iam:CreateServiceLinkedRole";
const ATTACH: &str = "iam:AttachRolePolicy";
/// What gives a role rights. All of them can be made to depend on the role's boundary.
const GRANTING: &[&str] = &[
    ATTACH,
    "iam:CreateRole",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
];
const UNBOUND: &str = "iam:DeleteRolePermissionsBoundary";
/// Services that use a role of their own in the account, which the first create makes with the
/// caller's rights.
const LINKED: &[(&str, &str)] = &[
    ("ecs.", "ecs.amazonaws.com"),
    ("elbv2.", "elasticloadbalancing.amazonaws.com"),
    ("rds.", "rds.amazonaws.com"),
];

pub fn statements(actions: &Actions, names: &StackNames) -> Vec<Statement> {
    let mut all = roles(actions, names);
    all.extend(policies(actions, names));
    all.extend([pass(actions, names), link(actions, names)]);
    all.extend(never_assume(actions, names));
    all.extend(pipeline(actions, names));
    all
}

/// IAM actions of roles, or of policies.
fn of_type(
    actions: &Actions,
    role: bool,
    fits: impl Fn(&str, &BTreeSet<Need>) -> bool,
) -> BTreeSet<String> {
    actions.of(&["iam"], |action, needs| {
        is_write(action)
            && ![PASS, LINK].contains(&action)
            && action.contains("Role") == role
            && !action.contains("OpenID")
            && needs.iter().any(|need| *need != Need::Pipeline)
            && fits(action, needs)
    })
}

fn changes(_: &str, needs: &BTreeSet<Need>) -> bool {
    needs
        .iter()
        .any(|need| matches!(need, Need::Change | Need::Retag))
}

fn leaves(action: &str, needs: &BTreeSet<Need>) -> bool {
    needs.contains(&Need::Delete) || is_untagging(action)
}

fn roles(actions: &Actions, names: &StackNames) -> Vec<Statement> {
    let named = in_path(names, "iam.role", "role");
    let mut change = of_type(actions, true, changes);
    change.remove(ATTACH);
    let boundaries = boundaries(names);
    let mut granting = BTreeSet::new();
    if !boundaries.is_empty() {
        change.remove(UNBOUND);
        granting = change
            .iter()
            .filter(|action| GRANTING.contains(&action.as_str()))
            .cloned()
            .collect();
        change.retain(|action| !granting.contains(action));
    }
    let bound = json!({ "StringEquals": { "iam:PermissionsBoundary": boundaries } });
    let mut attach = json!({ "ArnLike": { "iam:PolicyARN": attached(names) } });
    if !boundaries.is_empty() {
        attach["StringEquals"] = bound["StringEquals"].clone();
    }
    let attaches = match attached(names).is_empty() {
        true => BTreeSet::new(),
        false => of_type(actions, true, |action, _| action == ATTACH),
    };
    vec![
        Statement::allow(Topic::Roles, "ChangeRoles", change).on(named.clone()),
        Statement::allow(Topic::Roles, "GrantWithinBoundary", granting)
            .on(named.clone())
            .when(bound),
        Statement::allow(Topic::Roles, "AttachPolicies", attaches)
            .on(named)
            .when(attach),
    ]
}

/// Policies that the file describes, and what of either type it does not describe any more.
fn policies(actions: &Actions, names: &StackNames) -> Vec<Statement> {
    let change = of_type(actions, false, changes);
    let mut rest = of_type(actions, true, leaves);
    rest.extend(of_type(actions, false, leaves));
    let left =
        paths(names, "iam.role", "role")
            .into_iter()
            .chain(paths(names, "iam.policy", "policy"));
    vec![
        Statement::allow(Topic::Roles, "ChangePolicies", change).on(in_path(
            names,
            "iam.policy",
            "policy",
        )),
        Statement::allow(Topic::Roles, "DeleteRoles", rest)
            .on(left)
            .when(has_tags(names)),
    ]
}

/// What the file names, under the path that it gives it.
fn in_path(names: &StackNames, kind: &str, of: &str) -> Vec<String> {
    let mut all = Vec::new();
    let given: BTreeSet<String> = names.texts(kind, "path");
    for path in given {
        let here = StackNames {
            resources: names
                .resources
                .iter()
                .filter(|resource| resource.attributes.text("path") == Some(&path))
                .cloned()
                .collect(),
            ..names.clone()
        };
        let rest = format!("{of}{path}{{}}");
        all.extend(here.arns(&[(kind, "name", &rest)], "iam"));
    }
    all
}

/// Boundaries that all roles have and the stack cannot change; empty: some role has none.
fn boundaries(names: &StackNames) -> BTreeSet<String> {
    let own = paths(names, "iam.policy", ":policy");
    let is_own = |arn: &str| {
        own.iter().any(|path| {
            let path = path.rsplit("::").next().unwrap_or_default();
            arn.contains(path.trim_start_matches("*:").trim_end_matches('*'))
        })
    };
    let mut all = BTreeSet::new();
    for role in names.of_kind("iam.role") {
        match role.text("permissions_boundary") {
            Some(arn) if !is_own(arn) => all.insert(arn.to_owned()),
            _ => return BTreeSet::new(),
        };
    }
    all
}

/// Policies that the file attaches to roles.
fn attached(names: &StackNames) -> BTreeSet<String> {
    let listed = names
        .of_kind("iam.role")
        .filter_map(|role| role.get("managed_policies").as_list())
        .flatten()
        .filter_map(super::names::pattern);
    let (own, foreign): (Vec<String>, Vec<String>) = listed.partition(|arn| arn.contains('*'));
    let mut all: BTreeSet<String> = foreign.into_iter().collect();
    if !own.is_empty() {
        all.extend(in_path(names, "iam.policy", "policy"));
    }
    all
}

/// To ECS alone: a role that another service runs with would be a way out of this policy.
fn pass(actions: &Actions, names: &StackNames) -> Statement {
    let given = ["execution_role", "task_role"]
        .iter()
        .flat_map(|field| names.texts("ecs.task_definition", field))
        .filter(|arn| arn.starts_with("arn:"));
    let roles = in_path(names, "iam.role", "role");
    Statement::allow(Topic::Roles, "PassRoles", actions.among(&[PASS]))
        .on(roles.into_iter().chain(given))
        .when(json!({ "StringEquals": { "iam:PassedToService": "ecs-tasks.amazonaws.com" } }))
}

fn link(actions: &Actions, names: &StackNames) -> Statement {
    let services: Vec<&str> = LINKED
        .iter()
        .filter(|(start, _)| {
            names
                .resources
                .iter()
                .any(|r| r.kind.as_str().starts_with(start))
        })
        .map(|(_, service)| *service)
        .collect();
    let wanted = match services.is_empty() {
        true => BTreeSet::new(),
        false => actions.among(&[LINK]),
    };
    Statement::allow(Topic::Roles, "CreateServiceLinkedRoles", wanted)
        .on([names.arn("iam", "role/aws-service-role/*")])
        .when(json!({ "StringEquals": { "iam:AWSServiceName": services } }))
}

/// Whoever may write a role's trust policy could name itself there; a denial stands above that.
fn never_assume(actions: &Actions, names: &StackNames) -> Option<Statement> {
    let trusts = of_type(actions, true, |action, _| {
        action == "iam:UpdateAssumeRolePolicy" || action == "iam:CreateRole"
    });
    (!trusts.is_empty()).then(|| {
        let assume = ["sts:AssumeRole".to_owned()].into();
        let mut statement = Statement::allow(Topic::Roles, "NeverAssumeTaskRoles", assume)
            .on(paths(names, "iam.role", "role"));
        statement.effect = Effect::Deny;
        statement
    })
}

fn pipeline(actions: &Actions, names: &StackNames) -> Vec<Statement> {
    if !actions.needs(Need::Pipeline) {
        return Vec::new();
    }
    let on = [
        format!("role{PIPELINE_PATH}*"),
        format!("policy{PIPELINE_PATH}*"),
        // A role that does not exist is judged by its name alone.
        format!("role/{}-*", names.prefix),
    ]
    .map(|rest| names.arn("iam", &rest));
    let (provider, rest) = PIPELINE
        .iter()
        .partition::<Vec<&str>, _>(|a| a.contains("OpenID"));
    vec![
        Statement::allow(Topic::Pipeline, "CreatePipelineRoles", actions.among(&rest)).on(on),
        // One provider per issuer in the whole account.
        Statement::allow(Topic::Pipeline, "CreateProvider", actions.among(&provider)),
    ]
}
