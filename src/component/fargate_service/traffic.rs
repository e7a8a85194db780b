//! Who reaches the service, and whom it reaches.

use super::super::load_balancer::{everywhere, forward};
use super::super::{Accepts, Build, Link};
use crate::diagnostic::code;
use crate::model::Value;

pub fn security_group(build: &mut Build<'_>) {
    let mut ingress = Vec::new();
    if build.given("load_balancer") && build.given("port") {
        ingress.push(Value::map([
            ("protocol", Value::from("tcp")),
            ("from_port", build.get("port")),
            ("to_port", build.get("port")),
            (
                "security_group",
                build.of("load_balancer", "security_group"),
            ),
        ]));
    }
    let name = build.name_or("security_group_name", "-sg");
    build
        .make(
            "security-group",
            "ec2.security_group",
            [
                ("vpc_id", build.of("network", "vpc_id")),
                ("name", name),
                ("description", build.get("security_group_description")),
                ("ingress", Value::List(ingress)),
                ("egress", Value::List(vec![everywhere()])),
            ],
        )
        .from("name", "security_group_name")
        .from("description", "security_group_description")
        .from("ingress", "port");
    build.accepts = build.fields.get("port").as_int().map(|port| Accepts {
        security_group: build.entry.child("security-group"),
        port,
        what: "a port to connect to",
    });
}

/// The target group, and how requests get there: by rules, or as the load balancer's default.
pub fn target(build: &mut Build<'_>) {
    if !build.given("load_balancer") {
        if build.given("routes") && !build.list("routes").is_empty() {
            build.problem(
                "routes",
                code::CONTRADICTION,
                "there is no load balancer to route requests from",
                Some("add `load_balancer: ${…}`".into()),
            );
        }
        return;
    }
    if !build.given("port") {
        build.problem(
            "load_balancer",
            code::MISSING,
            "behind a load balancer a service needs a `port`",
            Some("add `port: 8000`, or what it listens on".into()),
        );
        return;
    }
    let name = build.name_or("target_group_name", "");
    build
        .make(
            "target-group",
            "elbv2.target_group",
            [
                ("name", name),
                ("vpc_id", build.of("network", "vpc_id")),
                ("port", build.get("port")),
                ("health_check", build.get("health_check")),
                ("deregistration_delay", build.get("deregistration_delay")),
            ],
        )
        .from("name", "target_group_name");
    let target = build.own("target-group", "arn");
    if !build.list("routes").is_empty() {
        rules(build, target);
    } else if let Some(load_balancer) = build.fields.text("load_balancer") {
        build.links.push(Link::Default {
            load_balancer: load_balancer.to_owned(),
            target_group: target,
        });
    }
}

fn rules(build: &mut Build<'_>, target: Value) {
    for (i, route) in build.list("routes").iter().enumerate() {
        let Some(route) = route.as_map() else {
            continue;
        };
        let condition = |name: &str, field: &str| {
            let values = route.get(name).filter(|values| !values.is_null())?;
            Some(Value::map([
                ("field", Value::from(field)),
                ("values", values.clone()),
            ]))
        };
        let conditions: Vec<Value> = [
            condition("hosts", "host-header"),
            condition("paths", "path-pattern"),
        ]
        .into_iter()
        .flatten()
        .collect();
        if conditions.is_empty() {
            build.problem(
                &format!("routes.{i}"),
                code::MISSING,
                "a route names `hosts`, `paths` or both",
                Some("leave `routes` out to get everything that no other service takes".into()),
            );
        }
        let priority = route.get("priority").cloned().unwrap_or_default();
        let listener = build.of("load_balancer", "listener");
        build
            .make(
                &format!("rule-{}", i + 1),
                "elbv2.listener_rule",
                [
                    ("listener", listener),
                    ("priority", priority),
                    ("conditions", Value::List(conditions)),
                    ("action", forward(target.clone())),
                ],
            )
            .from("priority", format!("routes.{i}.priority"))
            .from("conditions", format!("routes.{i}"));
    }
}

/// Asks those it talks to to let it in.
pub fn connections(build: &mut Build<'_>) {
    let own = build.own("security-group", "id");
    for (i, entry) in build.list("connects_to").iter().enumerate() {
        if let Some(to) = entry.as_text() {
            build.links.push(Link::Connect {
                to: to.to_owned(),
                security_group: own.clone(),
                field: format!("connects_to.{i}"),
            });
        }
    }
}
