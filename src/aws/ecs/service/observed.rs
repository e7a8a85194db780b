//! A live service in the field table's terms.

use super::*;

/// Long: one line a field of the table.
pub fn observed(live: &Live) -> Attributes {
    let service = &live.service;
    let network = live.network();
    let public = network.and_then(|network| network.assign_public_ip());
    let targets = service.load_balancers().iter().map(|target| {
        Value::map([
            ("arn", Value::from(target.target_group_arn())),
            ("container", target.container_name().into()),
            ("port", target.container_port().into()),
        ])
    });
    let deployment = service.deployment_configuration();
    let breaker = deployment
        .and_then(|deployment| deployment.deployment_circuit_breaker())
        .map(|breaker| {
            Value::map([
                ("enable", Value::from(breaker.enable())),
                ("rollback", breaker.rollback().into()),
            ])
        });
    let propagate = service
        .propagate_tags()
        .map_or("NONE", |from| from.as_str());
    let rollout = live.rollout();
    let state = rollout
        .primary()
        .map(|primary| primary.rollout_state.as_str());
    Attributes::new([
        ("name", Value::from(service.service_name())),
        ("cluster", service.cluster_arn().into()),
        ("task_definition", service.task_definition().into()),
        ("desired_count", service.desired_count().into()),
        (
            "subnets",
            network.map(|network| network.subnets().to_vec()).into(),
        ),
        (
            "security_groups",
            network
                .map(|network| network.security_groups().to_vec())
                .into(),
        ),
        (
            "assign_public_ip",
            (public == Some(&AssignPublicIp::Enabled)).into(),
        ),
        ("target_groups", Value::List(targets.collect())),
        (
            "grace_period",
            service.health_check_grace_period_seconds().into(),
        ),
        ("circuit_breaker", breaker.unwrap_or_default()),
        (
            "minimum_healthy_percent",
            deployment
                .and_then(|deployment| deployment.minimum_healthy_percent())
                .into(),
        ),
        (
            "maximum_percent",
            deployment
                .and_then(|deployment| deployment.maximum_percent())
                .into(),
        ),
        ("platform_version", service.platform_version().into()),
        (
            "enable_execute_command",
            service.enable_execute_command().into(),
        ),
        ("propagate_tags", propagate.into()),
        (
            "az_rebalancing",
            service
                .availability_zone_rebalancing()
                .map(|on| on.as_str())
                .into(),
        ),
        ("arn", Value::text(&live.arn)),
        (
            "deployed_at",
            rollout.primary().map(|primary| primary.made_at).into(),
        ),
        ("running_count", rollout.running.into()),
        ("pending_count", rollout.pending.into()),
        (
            "rollout_state",
            state.filter(|state| !state.is_empty()).into(),
        ),
    ])
}
