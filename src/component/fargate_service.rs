//! `fargate_service`: containers that run on Fargate, what they may do, and how they are reached.

mod fields;
mod roles;
mod task;
mod traffic;

use super::{Build, Component};
use crate::model::Value;

pub const FARGATE_SERVICE: Component = Component {
    name: "fargate_service",
    doc: "A service on ECS Fargate: task definition, roles with least privilege, security group, and, behind a load balancer, target group and rules. Without `load_balancer` it is a worker.",
    fields: fields::FIELDS,
    exports: fields::EXPORTS,
    existing: &[],
    expand,
};

fn expand(build: &mut Build<'_>) {
    roles::roles(build);
    task::definition(build);
    traffic::security_group(build);
    traffic::target(build);
    service(build);
    traffic::connections(build);
    build.export("id", build.own("service", "id"));
    build.export("arn", build.own("service", "arn"));
    build.export("name", build.own("service", "name"));
    build.export("security_group", build.own("security-group", "id"));
    build.export("task_role", build.own("task-role", "arn"));
    build.export("task_definition", build.own("task-definition", "arn"));
    let reached = build.given("load_balancer");
    let target = if reached {
        build.own("target-group", "arn")
    } else {
        Value::Null
    };
    build.export("target_group", target);
}

/// The name of the one container.
fn container(build: &Build<'_>) -> String {
    match build.fields.text("container_name") {
        Some(name) => name.to_owned(),
        None => build.entry.to_string(),
    }
}

fn service(build: &mut Build<'_>) {
    let public = build.flag("assign_public_ip");
    let which = if public {
        "public_subnets"
    } else {
        "private_subnets"
    };
    let subnets = match build.get("subnets") {
        Value::Null => build.of("network", which),
        given => given,
    };
    // Tasks pull their image and secrets through these routes as soon as they start.
    let routes = if public {
        "public_route_tables"
    } else {
        "private_route_tables"
    };
    let routes = build.of("network", routes);
    let (targets, forwarded) = (targets(build), forwarded(build));
    let security_groups = Value::List(vec![build.own("security-group", "id")]);
    let name = build.name_or("name", "");
    let breaker = match build.get("circuit_breaker") {
        Value::Null => Value::map([
            ("enable", Value::Bool(true)),
            ("rollback", Value::Bool(true)),
        ]),
        given => given,
    };
    build
        .make(
            "service",
            "ecs.service",
            [
                ("name", name),
                ("cluster", build.of("cluster", "arn")),
                ("task_definition", build.own("task-definition", "arn")),
                ("desired_count", build.get("desired_count")),
                ("subnets", subnets),
                ("security_groups", security_groups),
                ("assign_public_ip", build.get("assign_public_ip")),
                ("target_groups", targets),
                ("grace_period", build.get("grace_period")),
                ("circuit_breaker", breaker),
                (
                    "minimum_healthy_percent",
                    build.get("minimum_healthy_percent"),
                ),
                ("maximum_percent", build.get("maximum_percent")),
                ("platform_version", build.get("platform_version")),
                (
                    "enable_execute_command",
                    build.get("enable_execute_command"),
                ),
            ],
        )
        .after(routes)
        .after(forwarded);
}

fn targets(build: &Build<'_>) -> Value {
    if build.given("load_balancer") {
        let target = Value::map([
            ("arn", build.own("target-group", "arn")),
            ("container", Value::Text(container(build))),
            ("port", build.get("port")),
        ]);
        Value::List(vec![target])
    } else {
        Value::Null
    }
}

fn forwarded(build: &Build<'_>) -> Value {
    // ECS refuses a target group that no listener or rule forwards to yet.
    if build.list("routes").is_empty() {
        build.of("load_balancer", "listener")
    } else {
        let rules =
            (1..=build.list("routes").len()).map(|i| build.own(&format!("rule-{i}"), "arn"));
        Value::List(rules.collect())
    }
}
