//! `iam.role`: the role with its inline policies and attachments, both exclusive sets.
//!
//! Crash after `CreateRole`: the role carries our tags and its name is known; policies it lacks show as changes.
//!
//! Left out: instance profiles, because no machine here takes a role on; one made by hand keeps the role from being deleted. A description
//! that the stack does not name is left alone, because it does nothing.

mod facets;
mod look;
mod policies;
mod profiles;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types;
use serde::Deserialize;
use serde_json::Value as Json;

use super::{PATH, document, tags};
use crate::aws::iam::text_rules;
use crate::aws::{Aws, aws_error};
use crate::kind::{
    Asked, Class, CloudError, Collision, Cx, Field, Identity, Kind, Literal, Patience, Readiness,
    Step, TAGS, Type, Verb, Wanted,
};
use crate::model::{Attributes, KindName, PhysicalId, Tags, Value};

pub struct Role;

#[derive(Deserialize)]
pub struct Spec {
    name: String,
    path: String,
    description: Option<String>,
    assume_role_policy: Json,
    inline_policies: BTreeMap<String, Json>,
    managed_policies: BTreeSet<String>,
    max_session_duration: i32,
    permissions_boundary: Option<String>,
}

#[derive(Clone)]
pub struct Live {
    name: String,
    path: String,
    arn: String,
    unique_id: String,
    description: Option<String>,
    assume_role_policy: Value,
    inline_policies: BTreeMap<String, Value>,
    managed_policies: BTreeSet<String>,
    max_session_duration: i32,
    permissions_boundary: Option<String>,
    tags: Tags,
}

/// What a role has unless it is told otherwise, in seconds (API reference, CreateRole).
const SESSION: i32 = 3600;

impl Kind<Aws> for Role {
    const NAME: KindName = KindName::new("iam.role");
    const DOC: &'static str = "An identity that services and people take on, and what it may do.";
    const FIELDS: &'static [Field] = &[
        Field::new(
            "name",
            Type::Text,
            "Its name, unique in the account ignoring case, at most 64 characters.",
        )
        .rule(&text_rules::ROLE_NAME)
        .required()
        .replace(),
        Field::new(
            "path",
            Type::Text,
            "Where it stands among the account's roles.",
        )
        .rule(&text_rules::PATH)
        .default(Literal::Text(PATH))
        .replace(),
        Field::new("description", Type::Text, "What it is for.").rule(&text_rules::DESCRIPTION),
        Field::new("assume_role_policy", Type::Policy, "Who may take it on.").required(),
        Field::new(
            "inline_policies",
            Type::Map(&Type::Policy),
            "All the policies it holds itself, by name; others are removed.",
        )
        .key_rule(&text_rules::POLICY_NAME)
        .default(Literal::EmptyMap),
        Field::new(
            "managed_policies",
            Type::Set(&Type::Text),
            "The ARNs of all the policies attached to it; others are detached.",
        )
        .rule(&text_rules::POLICY_ARN)
        .default(Literal::EmptyList),
        Field::new(
            "max_session_duration",
            Type::Int {
                min: 3600,
                max: 43200,
            },
            "How many seconds one may keep it on.",
        )
        .default(Literal::Int(3600)),
        Field::new(
            "permissions_boundary",
            Type::Text,
            "The ARN of a policy that limits what it may do, whatever else it is granted.",
        )
        .rule(&text_rules::POLICY_ARN)
        .default(Literal::Unset),
        Field::computed("arn", Type::Text, "`arn:aws:iam::…:role/…`."),
        Field::computed(
            "unique_id",
            Type::Text,
            "`AROA…`; another one after a replacement.",
        ),
        Field::computed("id", Type::Text, "Its name."),
    ];
    const IDENTITY: Identity = Identity {
        natural_key: &["name"],
        collision: Collision::Suffix {
            field: "name",
            longest: 64,
        },
    };
    // IAM needs up to two minutes to tell all its servers.
    const PATIENCE: Patience = Patience::quick().not_yet(&[
        ("NoSuchEntity", ""),
        ("MalformedPolicyDocument", "Invalid principal"),
    ]);

    type Spec = Spec;
    type Live = Live;

    fn permissions(verb: Verb) -> &'static [&'static str] {
        match verb {
            Verb::Read => &[
                // What blocks a delete; a plan of one may say so.
                "iam:ListInstanceProfilesForRole",
                "iam:GetRole",
                "iam:ListRoles",
                "iam:ListRolePolicies",
                "iam:GetRolePolicy",
                "iam:ListAttachedRolePolicies",
                "iam:GetAccountAuthorizationDetails",
            ],
            Verb::Create => &[
                "iam:CreateRole",
                "iam:TagRole",
                "iam:PutRolePolicy",
                "iam:AttachRolePolicy",
                "iam:PutRolePermissionsBoundary",
            ],
            Verb::Update => &[
                "iam:UpdateRole",
                "iam:UpdateAssumeRolePolicy",
                "iam:PutRolePolicy",
                "iam:DeleteRolePolicy",
                "iam:AttachRolePolicy",
                "iam:DetachRolePolicy",
                "iam:PutRolePermissionsBoundary",
                "iam:DeleteRolePermissionsBoundary",
                "iam:TagRole",
                "iam:UntagRole",
            ],
            Verb::Delete => &[
                "iam:DeleteRolePolicy",
                "iam:DetachRolePolicy",
                "iam:DeleteRole",
                "iam:GetRole",
                "iam:ListRolePolicies",
                "iam:GetRolePolicy",
                "iam:ListAttachedRolePolicies",
                "iam:ListInstanceProfilesForRole",
            ],
        }
    }

    async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        look::find(aws, asked).await
    }

    async fn create(aws: &Aws, cx: &Cx, spec: &Spec) -> Result<Live, CloudError> {
        let tags = tags::list(cx, &cx.tags)?;
        let answer = cx
            .send(
                "iam:CreateRole",
                async {
                    aws.iam
                        .create_role()
                        .role_name(&spec.name)
                        .path(&spec.path)
                        .set_description(spec.description.clone())
                        .assume_role_policy_document(document::text(&spec.assume_role_policy))
                        .max_session_duration(spec.max_session_duration)
                        .set_permissions_boundary(spec.permissions_boundary.clone())
                        .set_tags(Some(tags))
                        .send()
                        .await
                        .map_err(|e| aws_error("iam:CreateRole", e))
                },
                |answer| answer.role().map(|role| PhysicalId::new(role.role_name())),
            )
            .await?;
        let role = answer.role().ok_or_else(|| {
            CloudError::malformed(&Self::NAME, "CreateRole answered without a role")
        })?;
        let mut live = Live {
            max_session_duration: spec.max_session_duration,
            permissions_boundary: spec.permissions_boundary.clone(),
            tags: cx.tags.clone(),
            ..Live::read(role)
        };
        policies::settle(aws, cx, &mut live, spec).await?;
        Ok(live)
    }

    async fn update(
        aws: &Aws,
        cx: &Cx,
        live: &Live,
        wanted: &Wanted<Spec>,
    ) -> Result<Step<Live>, CloudError> {
        let mut live = live.clone();
        let spec = &wanted.spec;
        if wanted.changes("description") || wanted.changes("max_session_duration") {
            facets::describe(aws, cx, &mut live, spec).await?;
        }
        if wanted.changes("assume_role_policy") {
            facets::trust(aws, cx, &mut live, spec).await?;
        }
        if wanted.changes("permissions_boundary") {
            facets::bound(aws, cx, &mut live, spec).await?;
        }
        policies::settle(aws, cx, &mut live, spec).await?;
        if wanted.changes(TAGS) {
            facets::retag(aws, cx, &mut live).await?;
        }
        Ok(Step::Done(live))
    }

    /// A role goes only when it holds nothing (`DeleteConflict`).
    async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        let mut live = live.clone();
        if cx.round > 0 {
            match look::by_name(aws, &live.name).await? {
                Some(now) => live = now,
                None => return Ok(Step::Done(())),
            }
        }
        policies::strip(aws, cx, &live).await?;
        let answer = cx
            .call("iam:DeleteRole", async {
                aws.iam
                    .delete_role()
                    .role_name(&live.name)
                    .send()
                    .await
                    .map_err(|e| aws_error("iam:DeleteRole", e))
            })
            .await;
        match answer {
            Err(error) if error.is(Class::InUse) => {
                Err(profiles::explain(aws, &live.name, error).await)
            }
            Err(error) if !error.is(Class::NotFound) => Err(error),
            _ => Ok(Step::Done(())),
        }
    }

    fn id(live: &Live) -> PhysicalId {
        PhysicalId::new(&live.name)
    }

    fn unmanageable(live: &Live) -> Option<String> {
        ["/aws-service-role/", "/aws-reserved/"]
            .iter()
            .any(|path| live.path.starts_with(path))
            .then(|| "it is a role of AWS's own, which AWS alone changes".into())
    }

    fn tags(live: &Live) -> Tags {
        live.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        let managed: Vec<String> = live.managed_policies.iter().cloned().collect();
        Attributes::new([
            ("name", Value::text(&live.name)),
            ("path", Value::text(&live.path)),
            ("description", live.description.clone().into()),
            ("assume_role_policy", live.assume_role_policy.clone()),
            ("inline_policies", Value::Map(live.inline_policies.clone())),
            ("managed_policies", managed.into()),
            ("max_session_duration", live.max_session_duration.into()),
            (
                "permissions_boundary",
                live.permissions_boundary.clone().into(),
            ),
            ("arn", Value::text(&live.arn)),
            ("unique_id", Value::text(&live.unique_id)),
        ])
    }

    /// For a moment after its creation a role's ARN may read as its unique id.
    fn readiness(live: &Live) -> Readiness {
        if live.arn.starts_with("arn:") {
            Readiness::Ready
        } else {
            Readiness::NotYet("IAM does not know its ARN yet".into())
        }
    }
}

impl Live {
    /// Of a `GetRole` or `CreateRole` answer; policies are read separately.
    fn read(role: &types::Role) -> Self {
        Self {
            name: role.role_name().to_owned(),
            path: role.path().to_owned(),
            arn: role.arn().to_owned(),
            unique_id: role.role_id().to_owned(),
            description: role
                .description()
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
            assume_role_policy: role
                .assume_role_policy_document()
                .map(document::read)
                .unwrap_or_default(),
            inline_policies: BTreeMap::new(),
            managed_policies: BTreeSet::new(),
            max_session_duration: role.max_session_duration().unwrap_or(SESSION),
            permissions_boundary: role
                .permissions_boundary()
                .and_then(|boundary| boundary.permissions_boundary_arn())
                .map(str::to_owned),
            tags: tags::read(role.tags()),
        }
    }
}
