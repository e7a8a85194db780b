//! `ecs.task_definition`: a family of task definitions for Fargate, as one resource.
//!
//! A revision cannot change, so an update registers the next one; the last few stay ACTIVE for rolling back. There is no token: after a
//! lost answer the family is listed again, and a revision that holds what was wished for is the one.
//!
//! Left out: volumes, mounts and ephemeral storage beyond Fargate's 20 GiB, because what lasts belongs into a bucket or a database; EC2,
//! external and Windows tasks, because services here run on Fargate's Linux; proxies, sidecar log routers, ulimits, labels and Linux
//! parameters, because no container here needs them; revisions that others register under the family, because pipelines may.

use aws_sdk_ecs::types::{
    Compatibility, CpuArchitecture, NetworkMode, OsFamily, RuntimePlatform, SortOrder,
    TaskDefinition as Inner, TaskDefinitionField, TaskDefinitionStatus,
};
use futures::TryFutureExt;
use futures::future::try_join_all;
use serde::Deserialize;

use super::container::{self, ContainerSpec};
use super::tags;
use crate::aws::ecs::text_rules;
use crate::aws::{Aws, aws_error};
use crate::kind::{
    Asked, Class, CloudError, Collision, Cx, Field, Identity, Kind, Literal, Observed, Patience,
    Readiness, Step, TAGS, Type, Verb, Wanted, observe,
};
use crate::model::{Attributes, KindName, Ownership, PhysicalId, Tags, Value};

mod look;

pub struct TaskDefinition;

#[derive(Deserialize)]
pub struct Spec {
    family: String,
    cpu: i64,
    memory: i64,
    architecture: String,
    execution_role: String,
    task_role: Option<String>,
    containers: Vec<ContainerSpec>,
}

#[derive(Clone)]
pub struct Live {
    /// `…:task-definition/family:revision`
    arn: String,
    /// What it holds, in the field table's terms.
    content: Attributes,
    tags: Tags,
}

const LIST: &str = "ecs:ListTaskDefinitions";
const DESCRIBE: &str = "ecs:DescribeTaskDefinition";
const REGISTER: &str = "ecs:RegisterTaskDefinition";
const DEREGISTER: &str = "ecs:DeregisterTaskDefinition";
/// Revisions that stay ACTIVE, the newest included.
const KEPT: usize = 10;

const FIELDS: &[Field] = &[
    Field::new(
        "family",
        Type::Text,
        "The family's name, unique in the region.",
    )
    .rule(&text_rules::NAME)
    .required()
    .replace(),
    Field::new(
        "cpu",
        Type::Int {
            min: 256,
            max: 16_384,
        },
        "CPU units of a task; 1024 are a vCPU.",
    )
    .required(),
    Field::new(
        "memory",
        Type::Int {
            min: 512,
            max: 122_880,
        },
        "MiB of a task.",
    )
    .required(),
    Field::new(
        "architecture",
        Type::OneOf(&["X86_64", "ARM64"]),
        "The processors its images are built for.",
    )
    .default(Literal::Text("X86_64")),
    Field::new(
        "execution_role",
        Type::Text,
        "ARN of the role with which ECS pulls images, reads secrets and writes logs.",
    )
    .rule(&crate::aws::iam::text_rules::ROLE_ARN)
    .required(),
    Field::new(
        "task_role",
        Type::Text,
        "ARN of the role the containers themselves have.",
    )
    .rule(&crate::aws::iam::text_rules::ROLE_ARN)
    .default(Literal::Unset),
    Field::new(
        "containers",
        Type::List(&container::CONTAINER),
        "What runs.",
    )
    .required(),
    Field::computed("id", Type::Text, "The newest revision's ARN.").volatile(),
    Field::computed("arn", Type::Text, "The newest revision's ARN.").volatile(),
    Field::computed(
        "revision",
        Type::Int {
            min: 1,
            max: i64::MAX,
        },
        "The newest revision's number.",
    )
    .volatile(),
];

impl Kind<Aws> for TaskDefinition {
    const NAME: KindName = KindName::new("ecs.task_definition");
    const DOC: &'static str = "What a service's tasks run: images, sizes, roles, environment.";
    const FIELDS: &'static [Field] = FIELDS;
    const IDENTITY: Identity = Identity {
        natural_key: &["family"],
        collision: Collision::Append,
    };
    // A role made a moment ago may not be seen yet.
    const PATIENCE: Patience = Patience::quick().not_yet(&[
        ("ClientException", "Role is not valid"),
        ("ClientException", "unable to assume the role"),
    ]);
    // A revision each time.
    const UPDATE_APPENDS: bool = true;

    type Spec = Spec;
    type Live = Live;

    fn permissions(verb: Verb) -> &'static [&'static str] {
        match verb {
            Verb::Read => &[LIST, DESCRIBE, "tag:GetResources"],
            Verb::Create => &[REGISTER, "ecs:TagResource", "iam:PassRole"],
            Verb::Update => &[
                REGISTER,
                DEREGISTER,
                LIST,
                DESCRIBE,
                "ecs:TagResource",
                "ecs:UntagResource",
                "iam:PassRole",
            ],
            Verb::Delete => &[DEREGISTER, LIST, DESCRIBE],
        }
    }

    async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        look::find(aws, asked).await
    }

    async fn create(aws: &Aws, cx: &Cx, spec: &Spec) -> Result<Live, CloudError> {
        register(aws, cx, spec).await
    }

    async fn update(
        aws: &Aws,
        cx: &Cx,
        live: &Live,
        wanted: &Wanted<Spec>,
    ) -> Result<Step<Live>, CloudError> {
        if wanted.changed.iter().any(|change| change.field != TAGS) {
            let live = register(aws, cx, &wanted.spec).await?;
            let older = look::revisions(aws, &wanted.spec.family).await?;
            let surplus = older.into_iter().skip(KEPT).collect();
            deregister(aws, cx, surplus).await?;
            return Ok(Step::Done(live));
        }
        let mut live = live.clone();
        if wanted.changes(TAGS) {
            tags::change(aws, cx, &live.arn, &live.tags).await?;
            live.tags = cx.tags.clone();
        }
        Ok(Step::Done(live))
    }

    /// Revisions that somebody else registered under the family stay.
    async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        let mut all = look::revisions(aws, look::family_in(&live.arn)).await?;
        // The list may lag behind; the one that is known goes in any case.
        if !all.contains(&live.arn) {
            all.push(live.arn.clone());
        }
        deregister(aws, cx, all).await?;
        Ok(Step::Done(()))
    }

    fn id(live: &Live) -> PhysicalId {
        PhysicalId::new(&live.arn)
    }

    fn tags(live: &Live) -> Tags {
        live.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        let mut all = live.content.clone();
        all.set("family", look::family_in(&live.arn));
        all.set("arn", live.arn.as_str());
        all.set("revision", look::revision_in(&live.arn));
        all
    }

    fn readiness(_live: &Live) -> Readiness {
        Readiness::Ready
    }
}

/// One revision of any family, whoever registered it, and whether or not it is still ACTIVE; `None` when there is none.
pub async fn revision(aws: &Aws, arn: &str) -> Result<Option<Observed>, CloudError> {
    let live = look::describe_any(aws, arn).await?;
    Ok(live.map(observe::<Aws, TaskDefinition>))
}

/// The same, as long as it is ACTIVE.
pub async fn active(aws: &Aws, arn: &str) -> Result<Option<Observed>, CloudError> {
    let live = look::describe(aws, arn).await?;
    Ok(live.map(observe::<Aws, TaskDefinition>))
}

/// The ARNs of a family's ACTIVE revisions, the newest first.
pub async fn revisions(aws: &Aws, family: &str) -> Result<Vec<String>, CloudError> {
    look::revisions(aws, family).await
}

/// `…:task-definition/app:7` → `app`
pub fn family_in(arn: &str) -> &str {
    look::family_in(arn)
}

/// `…:task-definition/app:7` → 7
pub fn revision_in(arn: &str) -> i64 {
    look::revision_in(arn)
}

/// What a definition holds, in the field table's terms: numbers that AWS keeps as text are numbers.
fn content(definition: &Inner) -> Attributes {
    let number = |text: Option<&str>| Value::from(text.and_then(|text| text.parse::<i64>().ok()));
    let architecture = definition
        .runtime_platform()
        .and_then(|platform| platform.cpu_architecture())
        .map_or("X86_64", |architecture| architecture.as_str());
    let containers = definition
        .container_definitions()
        .iter()
        .map(container::observed);
    let role = |arn: Option<&str>| Value::from(arn.filter(|arn| !arn.is_empty()));
    Attributes::new([
        ("cpu", number(definition.cpu())),
        ("memory", number(definition.memory())),
        ("architecture", architecture.into()),
        ("execution_role", role(definition.execution_role_arn())),
        ("task_role", role(definition.task_role_arn())),
        ("containers", Value::List(containers.collect())),
    ])
}

async fn register(aws: &Aws, cx: &Cx, spec: &Spec) -> Result<Live, CloudError> {
    let containers = spec
        .containers
        .iter()
        .map(|container| container.to_aws(&TaskDefinition::NAME))
        .collect::<Result<Vec<_>, _>>()?;
    let platform = RuntimePlatform::builder()
        .cpu_architecture(CpuArchitecture::from(spec.architecture.as_str()))
        .operating_system_family(OsFamily::Linux)
        .build();
    let request = aws
        .ecs
        .register_task_definition()
        .family(&spec.family)
        .requires_compatibilities(Compatibility::Fargate)
        .network_mode(NetworkMode::Awsvpc)
        .cpu(spec.cpu.to_string())
        .memory(spec.memory.to_string())
        .runtime_platform(platform)
        .execution_role_arn(&spec.execution_role)
        .set_task_role_arn(spec.task_role.clone())
        .set_container_definitions(Some(containers))
        .set_tags(Some(tags::list(&cx.tags)));
    let made = async {
        let answer = request.send().await.map_err(|e| aws_error(REGISTER, e))?;
        let definition = answer.task_definition.ok_or_else(|| {
            CloudError::malformed(
                &TaskDefinition::NAME,
                "RegisterTaskDefinition answered without one",
            )
        })?;
        Ok(Live {
            content: content(&definition),
            arn: definition.task_definition_arn.unwrap_or_default(),
            tags: cx.tags.clone(),
        })
    };
    cx.send(REGISTER, made, |live| Some(PhysicalId::new(&live.arn)))
        .await
}

/// Takes those of the revisions that carry this stack's tags out of use. What runs from them goes on running.
async fn deregister(aws: &Aws, cx: &Cx, revisions: Vec<String>) -> Result<(), CloudError> {
    let all = try_join_all(revisions.iter().map(|arn| look::describe(aws, arn))).await?;
    let ours = all.into_iter().flatten().filter(|live| {
        Ownership::read(&live.tags).is_some_and(|owner| owner.is_of(&cx.scope))
            || cx.id.as_ref().is_some_and(|id| id.as_str() == live.arn)
    });
    for live in ours {
        let request = aws
            .ecs
            .deregister_task_definition()
            .task_definition(&live.arn);
        let answer = cx
            .call(
                DEREGISTER,
                request.send().map_err(|e| aws_error(DEREGISTER, e)),
            )
            .await;
        match answer {
            Err(error) if !look::is_absent(&error) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
