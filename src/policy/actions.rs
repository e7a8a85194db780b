//! The actions that are needed, each with what it is needed for.

use std::collections::{BTreeMap, BTreeSet};

use super::access::Need;
use super::names::StackNames;
use crate::aws::{LockTable, Lookup, StateBucket};
use crate::deploy;
use crate::kind::{Kinds, Verb};

/// Reads of what is inside a resource, not of its settings.
const DATA_READS: &[&str] = &[
    "ecr:BatchGetImage",
    "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer",
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
    "s3:GetObject",
    "secretsmanager:BatchGetSecretValue",
    "secretsmanager:GetSecretValue",
    "kms:Decrypt",
];

/// Values of secrets.
const VALUES: &[&str] = &[
    "secretsmanager:BatchGetSecretValue",
    "secretsmanager:GetSecretValue",
];

/// Actions of a stack's commands, by what needs them.
#[derive(Clone, Debug, Default)]
pub struct Actions(BTreeMap<String, BTreeSet<Need>>);

impl Actions {
    pub fn collect(names: &StackNames, kinds: &Kinds, needs: &BTreeSet<Need>) -> Self {
        let mut all = Self::default();
        for need in needs {
            all.add(*need, of_need(*need, names, kinds));
        }
        all
    }

    fn add(&mut self, need: Need, actions: Vec<&'static str>) {
        for action in actions {
            self.0.entry(action.to_owned()).or_default().insert(need);
        }
    }

    /// Those of these services for which `fits` holds.
    pub fn of(
        &self,
        services: &[&str],
        fits: impl Fn(&str, &BTreeSet<Need>) -> bool,
    ) -> BTreeSet<String> {
        self.0
            .iter()
            .filter(|(action, needs)| services.contains(&service(action)) && fits(action, needs))
            .map(|(action, _)| action.clone())
            .collect()
    }

    /// Those of `wanted` that are needed.
    pub fn among(&self, wanted: &[&str]) -> BTreeSet<String> {
        wanted
            .iter()
            .filter(|action| self.0.contains_key(**action))
            .map(|action| (*action).to_owned())
            .collect()
    }

    #[cfg(test)]
    pub fn of_any_service(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn needs(&self, need: Need) -> bool {
        self.0.values().any(|needs| needs.contains(&need))
    }
}

pub fn service(action: &str) -> &str {
    action.split(':').next().unwrap_or_default()
}

/// Whether an action changes something.
pub fn is_write(action: &str) -> bool {
    !is_metadata_read(action) && !DATA_READS.contains(&action)
}

/// Whether an action reads settings alone.
pub fn is_metadata_read(action: &str) -> bool {
    let verb = action.split(':').nth(1).unwrap_or_default();
    let reads = ["Describe", "Get", "List"];
    reads.iter().any(|start| verb.starts_with(start)) && !DATA_READS.contains(&action)
}

/// Whether an action sets or removes tags.
pub fn is_tagging(action: &str) -> bool {
    let verb = action.split(':').nth(1).unwrap_or_default();
    (verb.contains("Tag") || verb.starts_with("Untag")) && is_write(action)
}

/// Whether an action removes tags.
pub fn is_untagging(action: &str) -> bool {
    let verb = action.split(':').nth(1).unwrap_or_default();
    is_tagging(action)
        && ["Delete", "Remove", "Untag"]
            .iter()
            .any(|start| verb.starts_with(start))
}

fn of_need(need: Need, names: &StackNames, kinds: &Kinds) -> Vec<&'static str> {
    match need {
        Need::Look => look(names, kinds),
        Need::Logs => vec!["logs:FilterLogEvents", "logs:GetLogEvents"],
        Need::Values => VALUES.to_vec(),
        Need::State => state(names),
        Need::Change => used(names, kinds, &[Verb::Create, Verb::Update])
            .filter(|action| !VALUES.contains(action))
            .collect(),
        // What the file does not describe any more is deleted, too.
        Need::Delete => kinds
            .iter()
            .flat_map(|kind| kind.permissions(Verb::Delete))
            .copied()
            .collect(),
        Need::Ship if ships(names) => deploy::PERMISSIONS.to_vec(),
        Need::Ship => Vec::new(),
        Need::SetSecrets if names.uses("secretsmanager.secret") => vec![
            "secretsmanager:PutSecretValue",
            "secretsmanager:UpdateSecretVersionStage",
        ],
        Need::SetSecrets => Vec::new(),
        Need::Retag => kinds
            .iter()
            .flat_map(|kind| kind.permissions(Verb::Update))
            .copied()
            .filter(|action| is_tagging(action))
            .collect(),
        Need::Import => IMPORT.to_vec(),
        Need::Bootstrap => bootstrap(names, kinds),
        Need::Pipeline => PIPELINE.to_vec(),
    }
}

/// What tags a resource that is not found by a name in the file.
const IMPORT: &[&str] = &[
    "ec2:CreateTags",
    "ecs:TagResource",
    "elasticloadbalancing:AddTags",
];

/// What the roles of a pipeline are made with.
pub const PIPELINE: &[&str] = &[
    "iam:AddClientIDToOpenIDConnectProvider",
    "iam:AttachRolePolicy",
    "iam:CreateOpenIDConnectProvider",
    "iam:CreatePolicy",
    "iam:CreatePolicyVersion",
    "iam:CreateRole",
    "iam:DeletePolicyVersion",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:GetOpenIDConnectProvider",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListPolicyVersions",
    "iam:ListRolePolicies",
    "iam:TagPolicy",
    "iam:TagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
];

fn look(names: &StackNames, kinds: &Kinds) -> Vec<&'static str> {
    let existing = names.existing.iter();
    let mut all: Vec<&'static str> = kinds
        .iter()
        .flat_map(|kind| kind.permissions(Verb::Read))
        .chain(existing.flat_map(|kind| Lookup::permissions(kind)))
        .copied()
        .collect();
    // A subnet's zone is an index in the file: every plan asks which zones there are.
    all.push("ec2:DescribeAvailabilityZones");
    if names.uses("ecs.service") {
        all.extend(deploy::PERMISSIONS.iter().filter(|a| is_metadata_read(a)));
    }
    if names.state.is_some() {
        all.extend(StateBucket::READ);
    }
    all.retain(|action| !VALUES.contains(action) && *action != "kms:Decrypt");
    all
}

fn state(names: &StackNames) -> Vec<&'static str> {
    let Some(state) = &names.state else {
        return Vec::new();
    };
    let mut all = StateBucket::WRITE.to_vec();
    if state.lock_table.is_some() {
        all.extend(LockTable::USE);
    }
    all
}

/// Actions of the kinds that the file uses.
fn used<'a>(
    names: &'a StackNames,
    kinds: &'a Kinds,
    verbs: &'a [Verb],
) -> impl Iterator<Item = &'static str> + 'a {
    kinds
        .iter()
        .filter(|kind| names.uses(kind.name().as_str()))
        .flat_map(|kind| verbs.iter().flat_map(|verb| kind.permissions(*verb)))
        .copied()
}

fn ships(names: &StackNames) -> bool {
    names.uses("ecs.service")
}

fn bootstrap(names: &StackNames, kinds: &Kinds) -> Vec<&'static str> {
    let Some(state) = &names.state else {
        return Vec::new();
    };
    let bucket = kinds
        .iter()
        .find(|kind| kind.name().as_str() == "s3.bucket");
    let mut all: Vec<&'static str> = bucket
        .iter()
        .flat_map(|kind| {
            [Verb::Read, Verb::Create, Verb::Update]
                .into_iter()
                .flat_map(|verb| kind.permissions(verb))
        })
        .copied()
        .filter(|action| service(action) == "s3" && *action != "s3:ListAllMyBuckets")
        .collect();
    if state.lock_table.is_some() {
        all.extend(["dynamodb:CreateTable", "dynamodb:DescribeTable"]);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_is_told_from_what_changes() {
        for action in ["ec2:DescribeVpcs", "iam:GetRole", "s3:ListBucket"] {
            assert!(is_metadata_read(action) && !is_write(action), "{action}");
        }
        for action in ["s3:GetObject", "logs:FilterLogEvents", "kms:Decrypt"] {
            assert!(!is_metadata_read(action) && !is_write(action), "{action}");
        }
        for action in ["ec2:CreateTags", "iam:UntagRole", "s3:PutBucketTagging"] {
            assert!(is_write(action) && is_tagging(action), "{action}");
        }
        assert!(is_untagging("rds:RemoveTagsFromResource") && !is_untagging("iam:TagRole"));
        assert!(!is_tagging("secretsmanager:UpdateSecretVersionStage"));
    }
}
