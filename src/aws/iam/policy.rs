//! `iam.policy`: a managed policy. Its content changes by a new default version; of the five that IAM keeps the oldest makes room.
//!
//! Who it is attached to is not its own affair: a role of ours that names it goes first; if somebody else still uses it, the delete is
//! refused.
//!
//! Left out: who it is attached to, because that is the role's affair; versions but the default one, because only that one counts; a
//! description that the stack does not name, because it does nothing.

mod holders;
mod look;

use serde::Deserialize;
use serde_json::Value as Json;

use super::{PATH, document, tags};
use crate::aws::iam::text_rules;
use crate::aws::{Aws, aws_error, pages};
use crate::kind::{
    Asked, Class, CloudError, Collision, Cx, Field, Identity, Kind, Literal, Patience, Readiness,
    Step, TAGS, Type, Verb, Wanted,
};
use crate::model::{Attributes, KindName, PhysicalId, Tags, Value};

pub struct Policy;

/// Versions a policy may have (IAM user guide, "IAM and AWS STS quotas").
const VERSIONS: usize = 5;

#[derive(Deserialize)]
pub struct Spec {
    name: String,
    path: String,
    description: Option<String>,
    policy: Json,
}

#[derive(Clone)]
pub struct Live {
    arn: String,
    name: String,
    path: String,
    description: Option<String>,
    policy: Value,
    tags: Tags,
}

impl Kind<Aws> for Policy {
    const NAME: KindName = KindName::new("iam.policy");
    const DOC: &'static str = "A policy that roles can share.";
    const FIELDS: &'static [Field] = &[
        Field::new(
            "name",
            Type::Text,
            "Its name, unique in the account ignoring case, at most 128 characters.",
        )
        .rule(&text_rules::POLICY_NAME)
        .required()
        .replace(),
        Field::new(
            "path",
            Type::Text,
            "Where it stands among the account's policies.",
        )
        .rule(&text_rules::PATH)
        .default(Literal::Text(PATH))
        .replace(),
        Field::new("description", Type::Text, "What it allows.")
            .rule(&text_rules::DESCRIPTION)
            .replace(),
        Field::new("policy", Type::Policy, "The document.").required(),
        Field::computed("arn", Type::Text, "`arn:aws:iam::…:policy/…`."),
        Field::computed("id", Type::Text, "Its ARN."),
    ];
    const IDENTITY: Identity = Identity {
        natural_key: &["name"],
        collision: Collision::Suffix {
            field: "name",
            longest: 128,
        },
    };
    const PATIENCE: Patience = Patience::quick().not_yet(&[
        ("NoSuchEntity", ""),
        ("MalformedPolicyDocument", "Invalid principal"),
    ]);
    // A version each time, and AWS keeps few.
    const UPDATE_APPENDS: bool = true;

    type Spec = Spec;
    type Live = Live;

    fn permissions(verb: Verb) -> &'static [&'static str] {
        match verb {
            Verb::Read => &[
                // What blocks a delete; a plan of one may say so.
                "iam:ListEntitiesForPolicy",
                "iam:GetPolicy",
                "iam:GetPolicyVersion",
                "iam:ListPolicies",
                "iam:ListPolicyVersions",
            ],
            Verb::Create => &["iam:CreatePolicy", "iam:TagPolicy"],
            Verb::Update => &[
                "iam:ListPolicyVersions",
                "iam:DeletePolicyVersion",
                "iam:CreatePolicyVersion",
                "iam:TagPolicy",
                "iam:UntagPolicy",
            ],
            Verb::Delete => &[
                "iam:ListPolicyVersions",
                "iam:DeletePolicyVersion",
                "iam:DeletePolicy",
                "iam:ListEntitiesForPolicy",
            ],
        }
    }

    async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        look::find(aws, asked).await
    }

    async fn create(aws: &Aws, cx: &Cx, spec: &Spec) -> Result<Live, CloudError> {
        let tags = tags::list(cx, &cx.tags)?;
        let text = document::text(&spec.policy);
        let answer = cx
            .send(
                "iam:CreatePolicy",
                async {
                    aws.iam
                        .create_policy()
                        .policy_name(&spec.name)
                        .path(&spec.path)
                        .set_description(spec.description.clone())
                        .policy_document(&text)
                        .set_tags(Some(tags))
                        .send()
                        .await
                        .map_err(|e| aws_error("iam:CreatePolicy", e))
                },
                |answer| answer.policy()?.arn().map(PhysicalId::new),
            )
            .await?;
        let arn = answer.policy().and_then(|policy| policy.arn());
        let arn = arn.ok_or_else(|| {
            CloudError::malformed(&Self::NAME, "CreatePolicy answered without an ARN")
        })?;
        Ok(Live {
            arn: arn.to_owned(),
            name: spec.name.clone(),
            path: spec.path.clone(),
            description: spec.description.clone(),
            policy: document::plain(&text),
            tags: cx.tags.clone(),
        })
    }

    async fn update(
        aws: &Aws,
        cx: &Cx,
        live: &Live,
        wanted: &Wanted<Spec>,
    ) -> Result<Step<Live>, CloudError> {
        let mut live = live.clone();
        if wanted.changes("policy") {
            rewrite(aws, cx, &mut live, &wanted.spec.policy).await?;
        }
        if wanted.changes(TAGS) {
            retag(aws, cx, &mut live).await?;
        }
        Ok(Step::Done(live))
    }

    /// All but the default version go one by one, then the policy with that (API reference, DeletePolicy).
    async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        for version in old_versions(aws, &live.arn).await? {
            delete_version(aws, cx, &live.arn, &version).await?;
        }
        let answer = cx
            .call("iam:DeletePolicy", async {
                aws.iam
                    .delete_policy()
                    .policy_arn(&live.arn)
                    .send()
                    .await
                    .map_err(|e| aws_error("iam:DeletePolicy", e))
            })
            .await;
        match answer {
            Err(error) if error.is(Class::InUse) => {
                Err(holders::explain(aws, &live.arn, error).await)
            }
            Err(error) if !error.is(Class::NotFound) => Err(error),
            _ => Ok(Step::Done(())),
        }
    }

    fn id(live: &Live) -> PhysicalId {
        PhysicalId::new(&live.arn)
    }

    fn unmanageable(live: &Live) -> Option<String> {
        live.arn.contains(":iam::aws:policy/").then(|| {
            "it is a policy of AWS's own: name its ARN in `managed_policies` instead".into()
        })
    }

    fn tags(live: &Live) -> Tags {
        live.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        Attributes::new([
            ("name", Value::text(&live.name)),
            ("path", Value::text(&live.path)),
            ("description", live.description.clone().into()),
            ("policy", live.policy.clone()),
            ("arn", Value::text(&live.arn)),
        ])
    }

    fn readiness(_live: &Live) -> Readiness {
        Readiness::Ready
    }
}

/// The ids of all versions but the default one, oldest first; none of a policy that is not there.
async fn old_versions(aws: &Aws, arn: &str) -> Result<Vec<String>, CloudError> {
    let answer = pages(
        aws,
        "iam:ListPolicyVersions",
        |marker| async move {
            aws.iam
                .list_policy_versions()
                .policy_arn(arn)
                .set_marker(marker)
                .send()
                .await
                .map_err(|e| aws_error("iam:ListPolicyVersions", e))
        },
        |page| page.marker(),
    )
    .await;
    let pages = match answer {
        Err(error) if error.is(Class::NotFound) => return Ok(Vec::new()),
        other => other?,
    };
    let mut old: Vec<(u32, String)> = pages
        .iter()
        .flat_map(|page| page.versions())
        .filter(|version| !version.is_default_version())
        .filter_map(|version| version.version_id())
        .map(|id| {
            (
                id.trim_start_matches('v').parse().unwrap_or(0),
                id.to_owned(),
            )
        })
        .collect();
    old.sort();
    Ok(old.into_iter().map(|(_, id)| id).collect())
}

async fn delete_version(aws: &Aws, cx: &Cx, arn: &str, version: &str) -> Result<(), CloudError> {
    let answer = cx
        .call("iam:DeletePolicyVersion", async {
            aws.iam
                .delete_policy_version()
                .policy_arn(arn)
                .version_id(version)
                .send()
                .await
                .map_err(|e| aws_error("iam:DeletePolicyVersion", e))
        })
        .await;
    match answer {
        Err(error) if !error.is(Class::NotFound) => Err(error),
        _ => Ok(()),
    }
}

async fn rewrite(aws: &Aws, cx: &Cx, live: &mut Live, policy: &Json) -> Result<(), CloudError> {
    let old = old_versions(aws, &live.arn).await?;
    if old.len() + 1 >= VERSIONS
        && let Some(oldest) = old.first()
    {
        delete_version(aws, cx, &live.arn, oldest).await?;
    }
    let text = document::text(policy);
    cx.call("iam:CreatePolicyVersion", async {
        aws.iam
            .create_policy_version()
            .policy_arn(&live.arn)
            .policy_document(&text)
            .set_as_default(true)
            .send()
            .await
            .map_err(|e| aws_error("iam:CreatePolicyVersion", e))
    })
    .await?;
    live.policy = document::plain(&text);
    Ok(())
}

async fn retag(aws: &Aws, cx: &Cx, live: &mut Live) -> Result<(), CloudError> {
    let (set, gone) = tags::difference(cx, &live.tags);
    if !set.is_empty() {
        let set = tags::list(cx, &set)?;
        cx.call("iam:TagPolicy", async {
            aws.iam
                .tag_policy()
                .policy_arn(&live.arn)
                .set_tags(Some(set))
                .send()
                .await
                .map_err(|e| aws_error("iam:TagPolicy", e))
        })
        .await?;
    }
    if !gone.is_empty() {
        cx.call("iam:UntagPolicy", async {
            aws.iam
                .untag_policy()
                .policy_arn(&live.arn)
                .set_tag_keys(Some(gone))
                .send()
                .await
                .map_err(|e| aws_error("iam:UntagPolicy", e))
        })
        .await?;
    }
    live.tags = cx.tags.clone();
    Ok(())
}
