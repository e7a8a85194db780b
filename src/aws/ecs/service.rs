//! `ecs.service`: a Fargate service.
//!
//! A service is one call to make, so a crash leaves none half made; it is found by cluster and name. `CreateService` takes a token.
//!
//! Left out: EC2 and external launch types, capacity providers and placement, because services here run on Fargate; CodeDeploy, blue/green
//! and external controllers, because `deploy` rolls out with ECS's own; Service Connect, service discovery and volumes, because no service
//! here uses them; platform, zone rebalancing, grace period and circuit breaker that the stack does not name, because AWS fills them in.

use aws_sdk_ecs::operation::update_service::builders::UpdateServiceFluentBuilder;
use aws_sdk_ecs::types::{
    AssignPublicIp, AvailabilityZoneRebalancing, AwsVpcConfiguration, DeploymentCircuitBreaker,
    DeploymentConfiguration, LaunchType, LoadBalancer, NetworkConfiguration, PropagateTags,
    Service as Inner,
};
use futures::TryFutureExt;
use serde::Deserialize;

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
            .deployment_configuration(spec.deployment())
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
            let request = changes(request, wanted)?;
            let answer = cx
                .call(UPDATE, request.send().map_err(|e| aws_error(UPDATE, e)))
                .await?;
            live = service(answer.service, live.tags, &wanted.spec)?;
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
        live.rollout().readiness()
    }
}

impl Spec {
    fn network(&self) -> Result<NetworkConfiguration, CloudError> {
        let public = if self.assign_public_ip {
            AssignPublicIp::Enabled
        } else {
            AssignPublicIp::Disabled
        };
        let vpc = AwsVpcConfiguration::builder()
            .set_subnets(Some(self.subnets.clone()))
            .set_security_groups(Some(self.security_groups.clone()))
            .assign_public_ip(public)
            .build()
            .map_err(|e| CloudError::malformed(&Service::NAME, e))?;
        Ok(NetworkConfiguration::builder()
            .awsvpc_configuration(vpc)
            .build())
    }

    fn load_balancers(&self) -> Vec<LoadBalancer> {
        self.target_groups
            .iter()
            .map(|target| {
                LoadBalancer::builder()
                    .target_group_arn(&target.arn)
                    .container_name(&target.container)
                    .container_port(target.port)
                    .build()
            })
            .collect()
    }

    fn deployment(&self) -> DeploymentConfiguration {
        let breaker = self.circuit_breaker.as_ref().map(|breaker| {
            DeploymentCircuitBreaker::builder()
                .enable(breaker.enable)
                .rollback(breaker.rollback)
                .build()
        });
        DeploymentConfiguration::builder()
            .minimum_healthy_percent(self.minimum_healthy_percent)
            .maximum_percent(self.maximum_percent)
            .set_deployment_circuit_breaker(breaker)
            .build()
    }

    fn az_rebalancing(&self) -> Option<AvailabilityZoneRebalancing> {
        self.az_rebalancing
            .as_deref()
            .map(AvailabilityZoneRebalancing::from)
    }
}

fn service(service: Option<Inner>, tags: Tags, spec: &Spec) -> Result<Live, CloudError> {
    let service = service
        .ok_or_else(|| CloudError::malformed(&Service::NAME, "the answer holds no service"))?;
    Ok(Live::new(service, tags, Some(spec.task_definition.clone())))
}

/// Only what changed is sent: a desired count that autoscaling moved stays, and nothing starts a roll-out that needs none.
fn changes(
    request: UpdateServiceFluentBuilder,
    wanted: &Wanted<Spec>,
) -> Result<UpdateServiceFluentBuilder, CloudError> {
    let spec = &wanted.spec;
    let changed = |fields: &[&str]| fields.iter().any(|field| wanted.changes(field));
    let mut request = request;
    if changed(&["task_definition"]) {
        request = request.task_definition(&spec.task_definition);
    }
    if changed(&["desired_count"]) {
        request = request.desired_count(spec.desired_count);
    }
    if changed(&["subnets", "security_groups", "assign_public_ip"]) {
        request = request.network_configuration(spec.network()?);
    }
    if changed(&["target_groups"]) {
        request = request.set_load_balancers(Some(spec.load_balancers()));
    }
    if changed(&["grace_period"]) {
        request = request.set_health_check_grace_period_seconds(spec.grace_period);
    }
    if changed(&[
        "circuit_breaker",
        "minimum_healthy_percent",
        "maximum_percent",
    ]) {
        request = request.deployment_configuration(spec.deployment());
    }
    if changed(&["platform_version"]) {
        request = request.set_platform_version(spec.platform_version.clone());
    }
    if changed(&["enable_execute_command"]) {
        request = request.enable_execute_command(spec.enable_execute_command);
    }
    if changed(&["propagate_tags"]) {
        request = request.propagate_tags(PropagateTags::from(spec.propagate_tags.as_str()));
    }
    if changed(&["az_rebalancing"]) {
        request = request.set_availability_zone_rebalancing(spec.az_rebalancing());
    }
    Ok(request)
}
