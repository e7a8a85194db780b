//! What belongs to the account rather than to a network: roles, policies, log groups.

use serde_json::{Value as Json, json};

use super::{Sample, contract};

contract!(
    role, "role";
    policy, "policy";
    log_group, "log-group";
);

fn trust(service: &str) -> Json {
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    })
}

fn allow(action: &str) -> Json {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": [action], "Resource": "*"}]})
}

pub fn samples() -> Vec<Sample> {
    vec![
        Sample::new(
            "role",
            "iam.role",
            json!({
                "name": "contract-role", "description": "the contract",
                "assume_role_policy": trust("ecs-tasks.amazonaws.com"),
                "inline_policies": {"read": allow("s3:GetObject"), "write": allow("s3:PutObject")},
                "managed_policies": ["${policy.arn}"],
            }),
        )
        .change("name", json!("contract-role-2"))
        .change("path", json!("/elsewhere/"))
        .change("description", json!("another"))
        .change("max_session_duration", json!(7200))
        .change("assume_role_policy", trust("ec2.amazonaws.com"))
        .change(
            "inline_policies",
            json!({"write": allow("s3:DeleteObject"), "list": allow("s3:ListBucket")}),
        )
        .change("managed_policies", json!(["${other-policy.arn}"]))
        .change("permissions_boundary", json!("${other-policy.arn}")),
        Sample::new(
            "policy",
            "iam.policy",
            json!({"name": "contract-policy", "description": "the contract", "policy": allow("s3:GetObject")}),
        )
        .change("name", json!("contract-policy-2"))
        .change("path", json!("/elsewhere/"))
        .change("description", json!("another"))
        .change("policy", allow("s3:PutObject")),
        Sample::new(
            "other-policy",
            "iam.policy",
            json!({"name": "other-policy", "policy": allow("logs:PutLogEvents")}),
        )
        .for_others(),
        Sample::new(
            "log-group",
            "logs.log_group",
            json!({"name": "/contract/app", "retention_days": 30}),
        )
        .change("name", json!("/contract/other"))
        .change("retention_days", json!(7))
        // AssociateKmsKey is missing there.
        .compared("kms_key", json!("arn:aws:kms:eu-central-1:000000000000:key/00000000-0000-4000-8000-000000000000"))
        .change("class", json!("INFREQUENT_ACCESS")),
    ]
}
