//! `ecs.service`: a Fargate service.
//!
//! A service is one call to make, so a crash leaves none half made; it is found by cluster and name. `CreateService` takes a token.
//!
//! Left out: EC2 and external launch types, capacity providers and placement, because services here run on Fargate; CodeDeploy, blue/green
//! and external controllers, because `deploy` rolls out with ECS's own; Service Connect, service discovery and volumes, because no service
//! here uses them; platform, zone rebalancing, grace period and circuit breaker that the stack does not name, because AWS fills them in.

use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, LaunchType, PropagateTags, Service as Inner,
};
use futures::TryFutureExt;
use serde::Deserialize;

use super::begun::BegunDeployment;
use super::rollout::{self, Deployment, Event, Rollout};
use super::tags;
use crate::aws::{Aws, aws_error};
use crate::kind::{
    Asked, CloudError, Collision, Cx, Identity, Kind, Patience, Readiness, Step, TAGS, Verb, Wanted,
};
use crate::model::{Attributes, KindName, PhysicalId, Tags, Value};

mod fields;
mod going;
mod look;
mod observed;
mod request;

pub struct Service;

#[derive(Deserialize)]
pub struct Spec {
    name: String,
    cluster: String,
    task_definition: String,
    desired_count: i32,
    subnets: Vec<String>,
    security_groups: Vec<String>,
    assign_public_ip: bool,
    #[serde(default)]
    target_groups: Vec<Target>,
    grace_period: Option<i32>,
    circuit_breaker: Option<Breaker>,
    minimum_healthy_percent: i32,
    maximum_percent: i32,
    platform_version: Option<String>,
    enable_execute_command: bool,
    propagate_tags: String,
    az_rebalancing: Option<String>,
}

#[derive(Deserialize)]
struct Target {
    arn: String,
    container: String,
    port: i32,
}

#[derive(Deserialize)]
struct Breaker {
    enable: bool,
    rollback: bool,
}

#[derive(Clone)]
pub struct Live {
    arn: String,
    service: Inner,
    tags: Tags,
    deployments: Vec<Deployment>,
    events: Vec<Event>,
    /// The task definition it should come to run, while somebody waits for that.
    wished: Option<String>,
    /// When that was registered, in seconds since 1970.
    wished_at: Option<i64>,
    /// Its server rolls nothing out.
    still: bool,
    /// The deployment that this process began.
    begun: Option<BegunDeployment>,
    /// An answer of the call that changed it: what comes of that is still to be seen.
    unconfirmed: bool,
}

const DESCRIBE: &str = "ecs:DescribeServices";
const LIST: &str = "ecs:ListServices";
const REGISTERED: &str = "ecs:DescribeTaskDefinition";
const CREATE: &str = "ecs:CreateService";
const UPDATE: &str = "ecs:UpdateService";
const DELETE: &str = "ecs:DeleteService";

impl Live {
    fn new(service: Inner, tags: Tags, wished: Option<String>) -> Self {
        Self {
            arn: service.service_arn().unwrap_or_default().to_owned(),
            deployments: service
                .deployments()
                .iter()
                .map(rollout::deployment)
                .collect(),
            events: service.events().iter().map(rollout::event).collect(),
            service,
            tags,
            wished,
            wished_at: None,
            still: false,
            begun: None,
            unconfirmed: false,
        }
    }

    /// Newest first, as AWS keeps them.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    pub fn deployments(&self) -> &[Deployment] {
        &self.deployments
    }

    /// Its counts and deployments together, for judging.
    pub fn rollout(&self) -> Rollout<'_> {
        Rollout {
            status: self.status(),
            definition: self.service.task_definition().unwrap_or_default(),
            desired: self.service.desired_count(),
            running: self.service.running_count(),
            pending: self.service.pending_count(),
            deployments: &self.deployments,
            events: &self.events,
            still: self.still,
            wished: self.wished.as_deref(),
            wished_at: self.wished_at,
            begun: self.begun.as_ref(),
        }
    }

    fn status(&self) -> &str {
        self.service.status().unwrap_or_default()
    }

    fn network(&self) -> Option<&AwsVpcConfiguration> {
        self.service
            .network_configuration()
            .and_then(|network| network.awsvpc_configuration())
    }
}

impl Kind<Aws> for Service {
    const NAME: KindName = KindName::new("ecs.service");
    const DOC: &'static str =
        "Keeps a number of Fargate tasks running, behind target groups if wished.";
    const FIELDS: &'static [crate::kind::Field] = fields::FIELDS;
    const IDENTITY: Identity = Identity {
        natural_key: &["cluster", "name"],
        collision: Collision::DeleteFirst,
    };
    // Steady after 2 to 5 minutes. ECS has one code for everything: a listener, a role or the cluster that it does not see yet, and a
    // namesake that still drains.
    const PATIENCE: Patience = Patience::slow(180, 1800).not_yet(&[
        (
            "InvalidParameterException",
            "does not have an associated load balancer",
        ),
        (
            "InvalidParameterException",
            "verify that the ECS service role being passed has the proper permissions",
        ),
        (
            "InvalidParameterException",
            "Unable to assume the service linked role",
        ),
        ("InvalidParameterException", "still Draining"),
        ("InvalidParameterException", "deployments are active"),
        ("ClusterNotFoundException", ""),
        // A revision that was registered a moment ago.
        ("ClientException", "Unable to describe task definition"),
    ]);

    const MENDED_IN_PLACE: bool = true;

    type Spec = Spec;
    type Live = Live;

    fn permissions(verb: Verb) -> &'static [&'static str] {
        match verb {
            Verb::Read => &[
                DESCRIBE,
                LIST,
                "ecs:DescribeClusters",
                "ecs:ListClusters",
                REGISTERED,
            ],
            Verb::Create => &[CREATE, "ecs:TagResource", "iam:PassRole"],
            Verb::Update => &[
                UPDATE,
                "ecs:TagResource",
                "ecs:UntagResource",
                "iam:PassRole",
            ],
            Verb::Delete => &[
                UPDATE,
                DELETE,
                DESCRIBE,
                "ecs:ListTasks",
                "ecs:DescribeTasks",
                "ec2:DescribeNetworkInterfaces",
            ],
        }
    }

    async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        look::find(aws, asked).await
    }

    async fn create(aws: &Aws, cx: &Cx, spec: &Spec) -> Result<Live, CloudError> {
        let request = aws
            .ecs
            .create_service()
            .service_name(&spec.name)
            .cluster(&spec.cluster)
            .task_definition(&spec.task_definition)
            .desired_count(spec.desired_count)
            .launch_type(LaunchType::Fargate)
            .client_token(&cx.token)
            .network_configuration(spec.network()?)
            .set_load_balancers(Some(spec.load_balancers()))
            .set_health_check_grace_period_seconds(spec.grace_period)
            .deployment_configuration(spec.deployment(None))
            .set_platform_version(spec.platform_version.clone())
            .enable_execute_command(spec.enable_execute_command)
            .propagate_tags(PropagateTags::from(spec.propagate_tags.as_str()))
            .set_availability_zone_rebalancing(spec.az_rebalancing())
            .set_tags(Some(tags::list(&cx.tags)));
        let made = async {
            let answer = request.send().await.map_err(|e| aws_error(CREATE, e))?;
            service(answer.service, cx.tags.clone(), spec)
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
        let mut live = live.clone();
        if wanted.changed.iter().any(|change| change.field != TAGS) {
            let request = aws
                .ecs
                .update_service()
                .cluster(live.service.cluster_arn().unwrap_or(&wanted.spec.cluster))
                .service(&live.arn);
            let request = request::changes(request, wanted, &live.service)?;
            let answer = cx
                .call(UPDATE, request.send().map_err(|e| aws_error(UPDATE, e)))
                .await?;
            let before = live.deployments;
            live = service(answer.service, live.tags, &wanted.spec)?;
            aws.deployments.note(&live.arn, &before, &live.deployments);
            live.begun = aws.deployments.of(&live.arn);
        }
        if wanted.changes(TAGS) {
            tags::change(aws, cx, &live.arn, &live.tags).await?;
            live.tags = cx.tags.clone();
        }
        Ok(Step::Done(live))
    }

    async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        going::delete(aws, cx, live).await
    }

    fn id(live: &Live) -> PhysicalId {
        PhysicalId::new(&live.arn)
    }

    fn tags(live: &Live) -> Tags {
        live.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        observed::observed(live)
    }

    fn readiness(live: &Live) -> Readiness {
        match live.rollout().readiness() {
            Readiness::Ready if live.unconfirmed => {
                Readiness::NotYet("the answer was not confirmed by a look yet".into())
            }
            readiness => readiness,
        }
    }
}

fn service(service: Option<Inner>, tags: Tags, spec: &Spec) -> Result<Live, CloudError> {
    let service = service
        .ok_or_else(|| CloudError::malformed(&Service::NAME, "the answer holds no service"))?;
    let mut live = Live::new(service, tags, Some(spec.task_definition.clone()));
    live.unconfirmed = true;
    Ok(live)
}
