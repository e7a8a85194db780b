//! `ecs.cluster`.
//!
//! A cluster is one call to make, so a crash leaves none half made; it is found by its name.
//!
//! Left out: capacity providers, because services here say Fargate themselves; execute-command settings and Service Connect defaults,
//! because no service here uses them; container insights that the stack does not name, because the account's setting fills them in.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::{ClusterField, ClusterSetting, ClusterSettingName};
use futures::TryFutureExt;
use serde::Deserialize;

use super::clusters::{DESCRIBE, LIST, Live, describe, everything, name_in, read, services_in};
use super::tags;
use crate::aws::ecs::text_rules;
use crate::aws::scan::needs_scan;
use crate::aws::tag_change::{is_made_here, made_here};
use crate::aws::{Aws, aws_error};
use crate::kind::{
    Asked, Class, CloudError, Collision, Cx, Field, Identity, Kind, Patience, Readiness, Step,
    TAGS, Type, Verb, Wanted,
};
use crate::model::{Attributes, KindName, PhysicalId, Tags, Value};

pub struct Cluster;

#[derive(Deserialize)]
pub struct Spec {
    name: String,
    container_insights: Option<String>,
}

impl Kind<Aws> for Cluster {
    const NAME: KindName = KindName::new("ecs.cluster");
    const DOC: &'static str = "An ECS cluster: the room that services and tasks run in.";
    const FIELDS: &'static [Field] = &[
        Field::new("name", Type::Text, "Unique in the region.")
            .rule(&text_rules::NAME)
            .required()
            .replace(),
        Field::new(
            "container_insights",
            Type::OneOf(&["enabled", "disabled", "enhanced"]),
            "Whether CloudWatch gets metrics per container; the account's setting when not given.",
        ),
        Field::computed("id", Type::Text, "Its ARN."),
        Field::computed("arn", Type::Text, "Its ARN."),
    ];
    const IDENTITY: Identity = Identity {
        natural_key: &["name"],
        collision: Collision::DeleteFirst,
    };
    const PATIENCE: Patience = Patience::slow(3, 600).not_yet(&[
        (
            "InvalidParameterException",
            "Unable to assume the service linked role",
        ),
        ("ClientException", "was not ACTIVE"),
    ]);
    // CreateCluster answers for a cluster that was there, whose tags it leaves as they are.
    const TAGGED_AT_ONCE: bool = false;

    type Spec = Spec;
    type Live = Live;

    fn permissions(verb: Verb) -> &'static [&'static str] {
        match verb {
            Verb::Read => &[DESCRIBE, LIST],
            Verb::Create => &[
                "ecs:CreateCluster",
                "ecs:TagResource",
                "iam:CreateServiceLinkedRole",
                DESCRIBE,
            ],
            Verb::Update => &["ecs:UpdateCluster", "ecs:TagResource", "ecs:UntagResource"],
            Verb::Delete => &["ecs:DeleteCluster", DESCRIBE, "ecs:ListServices"],
        }
    }

    async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        let names = asked.texts("name");
        let scan = needs_scan(asked, "name");
        let mut refs: BTreeSet<String> = names.iter().cloned().collect();
        // The same cluster by name and by ARN would be told twice.
        refs.extend(asked.ids().map(|id| name_in(id.as_str()).to_owned()));
        let mut all = describe(aws, refs.iter().cloned().collect()).await?;
        if scan {
            let more = everything(aws, asked).await?;
            all.extend(
                more.iter()
                    .filter(|live| !refs.contains(&live.name))
                    .cloned(),
            );
        }
        all.retain(|live| asked.wants(&live.arn, &live.tags) || names.contains(&live.name));
        Ok(all)
    }

    async fn create(aws: &Aws, cx: &Cx, spec: &Spec) -> Result<Live, CloudError> {
        const CREATE: &str = "ecs:CreateCluster";
        let request = aws
            .ecs
            .create_cluster()
            .cluster_name(&spec.name)
            .set_settings(
                spec.container_insights
                    .as_deref()
                    .map(|value| vec![insights(value)]),
            )
            .set_tags(Some(tags::list(&cx.tags)));
        let made = async {
            let answer = request.send().await.map_err(|e| aws_error(CREATE, e))?;
            let mut live = answer.cluster.map(read).ok_or_else(|| {
                CloudError::malformed(&Self::NAME, "CreateCluster answered without a cluster")
            })?;
            // CreateCluster succeeds on a cluster that is there, whoever made it. The answer has its tags, or none at all.
            if !live.tags.is_empty() && !made_here(&live.tags, &cx.tags) {
                return Err(taken(&spec.name));
            }
            if live.tags.is_empty() {
                confirm_made_here(aws, cx, &live.name).await?;
            }
            live.tags = cx.tags.clone();
            Ok(live)
        };
        cx.send(CREATE, made, |live| Some(PhysicalId::new(&live.arn)))
            .await
    }

    async fn update(
        aws: &Aws,
        cx: &Cx,
        live: &Live,
        wanted: &Wanted<Spec>,
    ) -> Result<Step<Live>, CloudError> {
        const UPDATE: &str = "ecs:UpdateCluster";
        let mut live = live.clone();
        if let Some(value) = &wanted.spec.container_insights
            && wanted.changes("container_insights")
        {
            let request = aws
                .ecs
                .update_cluster()
                .cluster(&live.arn)
                .settings(insights(value));
            cx.call(UPDATE, request.send().map_err(|e| aws_error(UPDATE, e)))
                .await?;
            live.container_insights = Some(value.clone());
        }
        if wanted.changes(TAGS) {
            tags::change(aws, cx, &live.arn, &live.tags).await?;
            live.tags = cx.tags.clone();
        }
        Ok(Step::Done(live))
    }

    async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        const DELETE: &str = "ecs:DeleteCluster";
        if cx.round > 0 {
            match describe(aws, vec![live.name.clone()]).await?.first() {
                None => return Ok(Step::Done(())),
                Some(left) if left.status == "DEPROVISIONING" => {
                    return Ok(Step::Again("deprovisioning".into()));
                }
                Some(_) => {}
            }
        }
        let request = aws.ecs.delete_cluster().cluster(&live.arn);
        let answer = cx
            .call(DELETE, request.send().map_err(|e| aws_error(DELETE, e)))
            .await;
        match answer {
            Ok(answer) => match answer.cluster.map(read) {
                Some(left) if left.status == "DEPROVISIONING" => {
                    Ok(Step::Again("deprovisioning".into()))
                }
                _ => Ok(Step::Done(())),
            },
            Err(error) if error.is(Class::NotFound) => Ok(Step::Done(())),
            Err(error) if error.code == "ClusterContainsServicesException" => {
                // AWS does not say which: somebody else's, or one that still drains.
                let left = services_in(aws, &live.arn).await?;
                let names: Vec<&str> = left.iter().map(|arn| name_in(arn)).collect();
                Ok(Step::Again(format!(
                    "it still has services: {}",
                    names.join(", ")
                )))
            }
            Err(error) => Err(error),
        }
    }

    fn id(live: &Live) -> PhysicalId {
        PhysicalId::new(&live.arn)
    }

    fn tags(live: &Live) -> Tags {
        live.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        Attributes::new([
            ("name", Value::text(&live.name)),
            ("container_insights", live.container_insights.clone().into()),
            ("arn", Value::text(&live.arn)),
        ])
    }

    fn readiness(live: &Live) -> Readiness {
        match live.status.as_str() {
            "ACTIVE" => Readiness::Ready,
            "FAILED" => Readiness::Broken("its set-up failed".into()),
            "DEPROVISIONING" => Readiness::Going("deprovisioning".into()),
            other => Readiness::NotYet(other.to_lowercase()),
        }
    }
}

/// The name at the end of a cluster's ARN, `…:cluster/circles`; a bare name is itself.
fn insights(value: &str) -> ClusterSetting {
    ClusterSetting::builder()
        .name(ClusterSettingName::ContainerInsights)
        .value(value)
        .build()
}

fn taken(name: &str) -> CloudError {
    CloudError::new(
        "ecs:CreateCluster",
        Class::Exists,
        "NotOurs",
        format!("a cluster named {name} is there, and was made by somebody else"),
    )
}

/// Part of the create call, before its id is recorded; so it takes no place with the limiter of its own, of which the create holds one.
async fn confirm_made_here(aws: &Aws, cx: &Cx, name: &str) -> Result<(), CloudError> {
    let shown = || async {
        let request = aws.ecs.describe_clusters().clusters(name);
        let request = request.include(ClusterField::Tags);
        let answer = request.send().await.map_err(|e| aws_error(DESCRIBE, e))?;
        let cluster = answer.clusters().first();
        Ok(cluster.map(|cluster| tags::read(cluster.tags())))
    };
    // Not seen yet, so it is a new one.
    match is_made_here(&cx.tags, shown).await? {
        true => Ok(()),
        false => Err(taken(name)),
    }
}
