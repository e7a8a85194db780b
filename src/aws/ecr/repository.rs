//! `ecr.repository`.
//!
//! Crash between `CreateRepository` and the policies: the repository carries our tags, is found by name, and what lacks shows as changes.
//!
//! Left out: encryption by a key of one's own, because AES256 is AWS's default and a change would lose the images; replication and scanning
//! rules, because they are the registry's, not the repository's; images, because builds push and lifecycle rules expire them.

use aws_sdk_ecr::types::{
    ImageScanningConfiguration, ImageTagMutability, Repository as Inner, Tag,
};
use futures::TryFutureExt;
use serde::Deserialize;

use crate::aws::ecr::text_rules;
use crate::aws::{Aws, aws_error};
use crate::kind::{
    Asked, Class, CloudError, Collision, Cx, Field, Identity, Kind, Literal, Patience, Readiness,
    Step, TAGS, Type, Verb, Wanted,
};
use crate::model::{Attributes, KindName, PhysicalId, Tags, Value};

mod facets;
mod look;

pub struct Repository;

#[derive(Deserialize)]
pub struct Spec {
    name: String,
    scan_on_push: bool,
    tag_mutability: String,
    #[serde(default)]
    tag_exceptions: Vec<String>,
    lifecycle_policy: Option<serde_json::Value>,
    policy: Option<serde_json::Value>,
}

#[derive(Clone)]
pub struct Live {
    repository: Inner,
    lifecycle_policy: Option<String>,
    policy: Option<String>,
    image_count: i64,
    tags: Tags,
}

/// How AWS calls a mutability that has exceptions.
const WITH_EXCLUSION: &str = "_WITH_EXCLUSION";
const PUT_LIFECYCLE: &str = "ecr:PutLifecyclePolicy";
const DELETE_LIFECYCLE: &str = "ecr:DeleteLifecyclePolicy";
const SET_POLICY: &str = "ecr:SetRepositoryPolicy";
const DELETE_POLICY: &str = "ecr:DeleteRepositoryPolicy";

const FIELDS: &[Field] = &[
    Field::new(
        "name",
        Type::Text,
        "Unique in the region; may hold slashes.",
    )
    .rule(&text_rules::REPOSITORY)
    .required()
    .replace(),
    Field::new(
        "scan_on_push",
        Type::Bool,
        "Whether each image is scanned when it is pushed.",
    )
    .default(Literal::Bool(true)),
    Field::new(
        "tag_mutability",
        Type::OneOf(&["MUTABLE", "IMMUTABLE"]),
        "Whether a tag can be moved to another image.",
    )
    .default(Literal::Text("MUTABLE")),
    Field::new(
        "tag_exceptions",
        Type::Set(&Type::Text),
        "Tags, `*` allowed, for which the opposite of `tag_mutability` holds.",
    )
    .rule(&text_rules::TAG_FILTER)
    .default(Literal::EmptyList)
    .always_said(),
    Field::new(
        "force_delete",
        Type::Bool,
        "Whether deleting it deletes its images too.",
    )
    .default(Literal::Bool(false))
    .ignore(),
    Field::new(
        "lifecycle_policy",
        Type::Json,
        "Which images expire (ECR user guide, lifecycle policies).",
    )
    .default(Literal::Unset),
    Field::new("policy", Type::Policy, "Who else may use it.").default(Literal::Unset),
    Field::computed("id", Type::Text, "Its name."),
    Field::computed("arn", Type::Text, "Its ARN."),
    Field::computed(
        "url",
        Type::Text,
        "Where images are pushed to and pulled from, without a tag.",
    ),
    Field::computed(
        "image_count",
        Type::Int { min: 0, max: 1000 },
        "How many images it holds; a thousand stands for more, too.",
    )
    .volatile(),
];

impl Kind<Aws> for Repository {
    const NAME: KindName = KindName::new("ecr.repository");
    const DOC: &'static str = "A repository of container images.";
    const FIELDS: &'static [Field] = FIELDS;
    const IDENTITY: Identity = Identity {
        natural_key: &["name"],
        collision: Collision::DeleteFirst,
    };
    // A role that the policy names may not be seen yet.
    const PATIENCE: Patience = Patience::quick().not_yet(&[
        ("RepositoryNotFoundException", ""),
        (
            "InvalidParameterException",
            "Invalid repository policy provided",
        ),
    ]);
    const HOLDS_DATA: bool = true;

    type Spec = Spec;
    type Live = Live;

    fn permissions(verb: Verb) -> &'static [&'static str] {
        match verb {
            Verb::Read => look::PERMISSIONS,
            Verb::Create => &[
                "ecr:CreateRepository",
                "ecr:TagResource",
                PUT_LIFECYCLE,
                SET_POLICY,
            ],
            Verb::Update => &[
                "ecr:PutImageTagMutability",
                "ecr:PutImageScanningConfiguration",
                PUT_LIFECYCLE,
                DELETE_LIFECYCLE,
                SET_POLICY,
                DELETE_POLICY,
                "ecr:TagResource",
                "ecr:UntagResource",
            ],
            Verb::Delete => &["ecr:DeleteRepository"],
        }
    }

    async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        look::find(aws, asked).await
    }

    async fn create(aws: &Aws, cx: &Cx, spec: &Spec) -> Result<Live, CloudError> {
        const CREATE: &str = "ecr:CreateRepository";
        let request = aws
            .ecr
            .create_repository()
            .repository_name(&spec.name)
            .image_tag_mutability(facets::mutability(spec))
            .set_image_tag_mutability_exclusion_filters(facets::exceptions(spec)?)
            .image_scanning_configuration(scanning(spec))
            .set_tags(Some(list(&cx.tags)?));
        let made = async {
            let answer = request.send().await.map_err(|e| aws_error(CREATE, e))?;
            answer.repository.ok_or_else(|| {
                CloudError::malformed(&Self::NAME, "CreateRepository answered without one")
            })
        };
        let repository = cx
            .send(CREATE, made, |made| {
                made.repository_name().map(PhysicalId::new)
            })
            .await?;
        let mut live = Live {
            repository,
            lifecycle_policy: None,
            policy: None,
            image_count: 0,
            tags: cx.tags.clone(),
        };
        if spec.lifecycle_policy.is_some() {
            facets::set_lifecycle(aws, cx, &mut live, spec).await?;
        }
        if spec.policy.is_some() {
            facets::set_policy(aws, cx, &mut live, spec).await?;
        }
        Ok(live)
    }

    async fn update(
        aws: &Aws,
        cx: &Cx,
        live: &Live,
        wanted: &Wanted<Spec>,
    ) -> Result<Step<Live>, CloudError> {
        let mut live = live.clone();
        if wanted.changes("tag_mutability") || wanted.changes("tag_exceptions") {
            facets::set_mutability(aws, cx, &mut live, &wanted.spec).await?;
        }
        if wanted.changes("scan_on_push") {
            facets::set_scanning(aws, cx, &mut live, &wanted.spec).await?;
        }
        if wanted.changes("lifecycle_policy") {
            facets::set_lifecycle(aws, cx, &mut live, &wanted.spec).await?;
        }
        if wanted.changes("policy") {
            facets::set_policy(aws, cx, &mut live, &wanted.spec).await?;
        }
        if wanted.changes(TAGS) {
            facets::change_tags(aws, cx, &live).await?;
            live.tags = cx.tags.clone();
        }
        Ok(Step::Done(live))
    }

    async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        const DELETE: &str = "ecr:DeleteRepository";
        let force = cx.last.get("force_delete").as_bool() == Some(true);
        let request = aws
            .ecr
            .delete_repository()
            .repository_name(name(live))
            .force(force);
        let answer = cx
            .call(DELETE, request.send().map_err(|e| aws_error(DELETE, e)))
            .await;
        match answer {
            Ok(_) => Ok(Step::Done(())),
            Err(error) if error.is(Class::NotFound) => Ok(Step::Done(())),
            // Waiting will not empty it.
            Err(error) if error.code == "RepositoryNotEmptyException" => Err(CloudError {
                class: Class::Invalid,
                message: "it holds images; set `force_delete: true`, apply that, and delete it then, or delete the images"
                    .into(),
                ..error
            }),
            Err(error) => Err(error),
        }
    }

    fn id(live: &Live) -> PhysicalId {
        PhysicalId::new(name(live))
    }

    fn tags(live: &Live) -> Tags {
        live.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        let repository = &live.repository;
        let scanning = repository.image_scanning_configuration();
        let mutability = repository.image_tag_mutability();
        Attributes::new([
            ("name", Value::text(name(live))),
            (
                "scan_on_push",
                scanning
                    .is_some_and(|scanning| scanning.scan_on_push())
                    .into(),
            ),
            (
                "tag_mutability",
                mutability
                    .map(|mutability| {
                        mutability
                            .as_str()
                            .trim_end_matches(WITH_EXCLUSION)
                            .to_owned()
                    })
                    .into(),
            ),
            ("tag_exceptions", exceptions(repository)),
            ("lifecycle_policy", live.lifecycle_policy.clone().into()),
            ("policy", live.policy.clone().into()),
            ("arn", repository.repository_arn().into()),
            ("url", repository.repository_uri().into()),
            ("image_count", live.image_count.into()),
        ])
    }

    fn readiness(_live: &Live) -> Readiness {
        Readiness::Ready
    }
}

/// Unset where the mutability's word tells of exceptions that the answer does not list.
fn exceptions(repository: &Inner) -> Value {
    let filters = repository.image_tag_mutability_exclusion_filters();
    let word = repository.image_tag_mutability().map(|word| word.as_str());
    if filters.is_empty() && word.is_some_and(|word| word.ends_with(WITH_EXCLUSION)) {
        return Value::Null;
    }
    let patterns = filters.iter().map(|filter| Value::text(filter.filter()));
    Value::List(patterns.collect())
}

fn name(live: &Live) -> &str {
    live.repository.repository_name().unwrap_or_default()
}

fn scanning(spec: &Spec) -> ImageScanningConfiguration {
    ImageScanningConfiguration::builder()
        .scan_on_push(spec.scan_on_push)
        .build()
}

fn list(tags: &Tags) -> Result<Vec<Tag>, CloudError> {
    tags.iter()
        .map(|(key, value)| {
            Tag::builder()
                .key(key)
                .value(value)
                .build()
                .map_err(|e| CloudError::malformed(&Repository::NAME, e))
        })
        .collect()
}
