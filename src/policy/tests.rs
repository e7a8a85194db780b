//! What must hold for the documents of any stack.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::access::{everything, of_command, read_only};
use super::actions::{is_write, service};
use super::*;
use crate::aws;
use crate::model::{Attributes, KindName, Value};

fn resource(kind: &'static str, fields: &[(&str, Value)]) -> NamedResource {
    let fields = fields.iter().map(|(name, value)| (*name, value.clone()));
    NamedResource {
        kind: KindName::new(kind),
        attributes: Attributes::new(fields),
    }
}

/// One resource of every kind, so that every action is placed.
fn names() -> StackNames {
    let kinds = aws::tables();
    let fields = |kind: &str| {
        let mut all = vec![
            (
                "name",
                Value::text(format!("demo-{}", kind.replace('.', "-"))),
            ),
            ("identifier", Value::text("demo-db")),
            ("family", Value::text("demo-task")),
            (
                "kms_key",
                Value::text("arn:aws:kms:eu-west-1:111122223333:key/k"),
            ),
        ];
        if kind.starts_with("iam.") {
            all.push(("path", Value::text("/circles-infra/")));
        }
        all
    };
    StackNames {
        stack: "demo".into(),
        environment: "dev".into(),
        prefix: "demo".into(),
        region: Some("eu-west-1".into()),
        resources: kinds
            .iter()
            .map(|kind| NamedResource {
                kind: kind.name(),
                attributes: Attributes::new(fields(kind.name().as_str())),
            })
            .collect(),
        state: Some(StateLocation {
            bucket: "states".into(),
            key: "team".into(),
            region: None,
            kms_key: Some("alias/states".into()),
            lock_table: Some("locks".into()),
        }),
        rotates: true,
        ..StackNames::default()
    }
}

fn statements(names: &StackNames, needs: &BTreeSet<Need>) -> Vec<Json> {
    let documents = documents(names, &aws::tables(), needs);
    assert!(
        documents
            .iter()
            .all(|document| document.length() <= LONGEST)
    );
    let lists = documents.iter().map(|document| &document.json["Statement"]);
    lists
        .flat_map(|list| list.as_array().cloned().unwrap_or_default())
        .collect()
}

fn texts(value: &Json) -> Vec<&str> {
    match value {
        Json::Array(all) => all.iter().filter_map(Json::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

fn granted(statements: &[Json]) -> BTreeSet<String> {
    let allowed = statements.iter().filter(|one| one["Effect"] == "Allow");
    allowed
        .flat_map(|one| texts(&one["Action"]))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_action_that_is_needed_is_granted_somewhere() {
    let names = names();
    for needs in [
        everything(),
        read_only(),
        of_command("bootstrap").unwrap_or_default(),
    ] {
        let wanted = actions::Actions::collect(&names, &aws::tables(), &needs);
        let all = granted(&statements(&names, &needs));
        // Attaching is granted only where the file attaches something.
        let missing: Vec<String> = wanted
            .of_any_service()
            .filter(|action| !all.contains(*action) && *action != "iam:AttachRolePolicy")
            .map(str::to_owned)
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}

#[test]
fn nothing_is_changed_on_every_resource_without_a_condition() {
    for statement in statements(&names(), &everything()) {
        let narrow =
            !texts(&statement["Resource"]).contains(&"*") || statement.get("Condition").is_some();
        let writes = texts(&statement["Action"]).into_iter().any(|action| {
            // AWS judges these on no resource.
            is_write(action) && action != "ecs:DeregisterTaskDefinition"
        });
        assert!(narrow || !writes, "{statement}");
    }
}

#[test]
fn who_reads_changes_nothing_and_sees_no_secret_value() {
    let all = granted(&statements(&names(), &read_only()));
    for action in &all {
        assert!(!is_write(action), "{action}");
        assert!(!action.contains("SecretValue"), "{action}");
    }
    assert!(all.contains("secretsmanager:DescribeSecret") && all.contains("logs:FilterLogEvents"));
}

#[test]
fn the_holder_cannot_raise_its_own_rights() {
    let all = statements(&names(), &everything());
    for statement in all.iter().filter(|one| one["Effect"] == "Allow") {
        let actions = texts(&statement["Action"]);
        let resources = texts(&statement["Resource"]);
        for action in actions
            .iter()
            .filter(|action| service(action) == "iam" && is_write(action))
        {
            let path = match *action {
                "iam:CreateServiceLinkedRole" => "/aws-service-role/",
                _ => "/circles-infra/",
            };
            let inside = |arn: &&str| {
                ["role", "policy"]
                    .iter()
                    .any(|of| arn.starts_with(&format!("arn:*:iam::*:{of}{path}")))
            };
            assert!(resources.iter().all(inside), "{action}: {resources:?}");
        }
        assert!(!actions.contains(&"sts:AssumeRole"), "{statement}");
        if actions.contains(&"iam:PassRole") {
            assert_eq!(actions, ["iam:PassRole"]);
            let to = &statement["Condition"]["StringEquals"]["iam:PassedToService"];
            assert_eq!(to, "ecs-tasks.amazonaws.com");
        }
    }
    let denies = all
        .iter()
        .find(|one| one["Effect"] == "Deny")
        .expect("a denial");
    assert_eq!(denies["Action"], "sts:AssumeRole");
    assert!(texts(&denies["Resource"]).contains(&"arn:*:iam::*:role/circles-infra/*"));
}

#[test]
fn a_boundary_on_every_role_binds_what_is_granted() {
    const BOUNDARY: &str = "arn:aws:iam::111122223333:policy/limits";
    let mut names = names();
    for resource in &mut names.resources {
        if resource.kind.as_str() == "iam.role" {
            resource.attributes.set("permissions_boundary", BOUNDARY);
            resource.attributes.set(
                "managed_policies",
                Value::List(vec![Value::text("arn:aws:iam::aws:policy/ReadOnlyAccess")]),
            );
        }
    }
    let all = statements(&names, &everything());
    let granting = [
        "iam:AttachRolePolicy",
        "iam:CreateRole",
        "iam:PutRolePolicy",
    ];
    for statement in &all {
        for action in texts(&statement["Action"]) {
            assert_ne!(action, "iam:DeleteRolePermissionsBoundary");
            if granting.contains(&action) {
                let bound = &statement["Condition"]["StringEquals"]["iam:PermissionsBoundary"];
                assert_eq!(texts(bound), [BOUNDARY], "{statement}");
            }
        }
    }
    let attach = all
        .iter()
        .find(|one| one["Action"] == "iam:AttachRolePolicy")
        .expect("attaching");
    let policies = &attach["Condition"]["ArnLike"]["iam:PolicyARN"];
    assert_eq!(texts(policies), ["arn:aws:iam::aws:policy/ReadOnlyAccess"]);
    // A boundary that the stack itself may write binds nothing.
    for resource in &mut names.resources {
        if resource.kind.as_str() == "iam.role" {
            let own = "arn:aws:iam::111122223333:policy/circles-infra/own";
            resource.attributes.set("permissions_boundary", own);
        }
    }
    let sids = |statement: &Json| statement["Sid"] == "GrantWithinBoundary";
    assert!(!statements(&names, &everything()).iter().any(sids));
}

#[test]
fn a_network_of_somebody_elses_is_used_and_not_changed() {
    let mut names = names();
    names.existing.insert("network".into());
    for statement in statements(&names, &everything()) {
        let Some(sid) = statement["Sid"]
            .as_str()
            .filter(|sid| sid.starts_with("Use"))
        else {
            continue;
        };
        if sid == "UseKeys" {
            continue;
        }
        for action in texts(&statement["Action"]) {
            let uses = [
                "Associate",
                "Attach",
                "Create",
                "Detach",
                "Disassociate",
                "ModifyVpcEndpoint",
                "ReplaceRouteTableAssociation",
            ];
            assert!(
                uses.iter()
                    .any(|verb| action.starts_with(&format!("ec2:{verb}"))),
                "{action}"
            );
        }
    }
}

#[test]
fn names_of_a_thousand_resources_stay_within_the_limits() {
    let mut names = names();
    for n in 0..1000 {
        let name = Value::text(format!("/demo/group-{n}"));
        names
            .resources
            .push(resource("logs.log_group", &[("name", name)]));
    }
    let documents = documents(&names, &aws::tables(), &everything());
    assert!(documents.len() <= 12, "{}", documents.len());
    assert!(
        documents
            .iter()
            .all(|document| document.length() <= LONGEST)
    );
}
