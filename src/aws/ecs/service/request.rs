//! What the calls that create and update a service send.

use aws_sdk_ecs::operation::update_service::builders::UpdateServiceFluentBuilder;
use aws_sdk_ecs::types::{
    AvailabilityZoneRebalancing, DeploymentCircuitBreaker, DeploymentConfiguration, LoadBalancer,
    NetworkConfiguration,
};

use super::*;

impl Spec {
    pub fn network(&self) -> Result<NetworkConfiguration, CloudError> {
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

    pub fn load_balancers(&self) -> Vec<LoadBalancer> {
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

    /// `live`: what stands, whose settings that no field here names stay as they are.
    pub fn deployment(&self, live: Option<&DeploymentConfiguration>) -> DeploymentConfiguration {
        let known = live.and_then(|live| live.deployment_circuit_breaker());
        let breaker = self.circuit_breaker.as_ref().map(|breaker| {
            DeploymentCircuitBreaker::builder()
                .enable(breaker.enable)
                .rollback(breaker.rollback)
                .set_reset_on_healthy_task(known.and_then(|known| known.reset_on_healthy_task))
                .set_threshold_configuration(
                    known.and_then(|known| known.threshold_configuration.clone()),
                )
                .build()
        });
        DeploymentConfiguration::builder()
            .set_alarms(live.and_then(|live| live.alarms.clone()))
            .minimum_healthy_percent(self.minimum_healthy_percent)
            .maximum_percent(self.maximum_percent)
            .set_deployment_circuit_breaker(breaker)
            .build()
    }

    pub fn az_rebalancing(&self) -> Option<AvailabilityZoneRebalancing> {
        self.az_rebalancing
            .as_deref()
            .map(AvailabilityZoneRebalancing::from)
    }
}

/// Only what changed is sent: a desired count that autoscaling moved stays, and nothing starts a roll-out that needs none.
pub fn changes(
    request: UpdateServiceFluentBuilder,
    wanted: &Wanted<Spec>,
    live: &Inner,
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
        request =
            request.deployment_configuration(spec.deployment(live.deployment_configuration()));
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
