//! Task definitions and services: what ECS refuses, or takes and never starts (API reference: RegisterTaskDefinition, CreateService,
//! HealthCheck, ContainerDependency, DeploymentConfiguration).

use std::collections::BTreeSet;

use super::Seen;
use crate::diagnostic::code;
use crate::model::Value;
use crate::stack::check::join;
use crate::stack::checked::Resource;
use crate::stack::desk::Desk;
use crate::stack::suggest::did_you_mean;

pub fn check(desk: &mut Desk<'_>, seen: &Seen<'_>) {
    for definition in seen.of_kind("ecs.task_definition") {
        let containers = definition
            .attributes
            .get("containers")
            .as_list()
            .unwrap_or_default();
        if containers.is_empty() && !definition.attributes.get("containers").is_null() {
            desk.error(
                code::MISSING,
                seen.span(definition, "containers"),
                format!("`{}` needs at least one container", definition.address),
            )
            .help("add `- { name: app, image: … }`");
        }
        for (i, container) in containers.iter().enumerate() {
            let path = join("containers", &i.to_string());
            variables(desk, seen, definition, container, &path);
            command(desk, seen, definition, container, &path);
            dependencies(desk, seen, definition, (containers, container), &path);
        }
        together(desk, seen, definition, containers);
    }
    for service in seen.of_kind("ecs.service") {
        rollout(desk, seen, service);
    }
}

fn part<'v>(container: &'v Value, name: &str) -> Option<&'v Value> {
    container
        .as_map()?
        .get(name)
        .filter(|value| !value.is_null())
}

/// ECS refuses a name that is both a variable and a secret.
fn variables(
    desk: &mut Desk<'_>,
    seen: &Seen<'_>,
    definition: &Resource,
    container: &Value,
    path: &str,
) {
    let names = |field: &str| {
        let map = part(container, field).and_then(Value::as_map);
        map.into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect::<BTreeSet<_>>()
    };
    for name in names("environment").intersection(&names("secrets")) {
        let place = |field: &str| seen.span(definition, &join(&join(path, field), name));
        desk.error(
            code::CONTRADICTION,
            place("environment"),
            format!("the variable `{name}` is in `environment` and in `secrets`"),
        )
        .and(place("secrets"), "the secret")
        .help("keep one of the two");
    }
}

/// `[CMD, …]`, `[CMD-SHELL, line]` or `[NONE]`.
fn command(
    desk: &mut Desk<'_>,
    seen: &Seen<'_>,
    definition: &Resource,
    container: &Value,
    path: &str,
) {
    let Some(check) = part(container, "health_check") else {
        return;
    };
    let words = part(check, "command")
        .and_then(Value::as_list)
        .unwrap_or_default();
    let first = words.first().map(|word| seen.known(word));
    let first = first.as_ref().and_then(Value::as_text);
    let fits = match first {
        Some("CMD") => words.len() > 1,
        Some("CMD-SHELL") => words.len() == 2,
        Some("NONE") => words.len() == 1,
        Some(_) => false,
        // Not known yet.
        None => !words.is_empty(),
    };
    if !fits {
        desk.error(
            code::CONTRADICTION,
            seen.span(definition, &join(path, "health_check.command")),
            "the command of a health check must be `[CMD, program, …]` or `[CMD-SHELL, line]`",
        )
        .help("for example `[CMD-SHELL, \"curl -f http://localhost:8000/health\"]`");
    }
}

fn dependencies(
    desk: &mut Desk<'_>,
    seen: &Seen<'_>,
    definition: &Resource,
    (all, container): (&[Value], &Value),
    path: &str,
) {
    let name = |container: &Value| {
        part(container, "name")
            .and_then(Value::as_text)
            .map(str::to_owned)
    };
    let waits = part(container, "depends_on")
        .and_then(Value::as_list)
        .unwrap_or_default();
    for (i, wait) in waits.iter().enumerate() {
        let Some(on) = part(wait, "container").and_then(Value::as_text) else {
            continue;
        };
        let span = seen.span(definition, &join(&join(path, "depends_on"), &i.to_string()));
        let Some(other) = all.iter().find(|other| name(other).as_deref() == Some(on)) else {
            let names: Vec<String> = all.iter().filter_map(name).collect();
            desk.error(
                code::UNKNOWN_RESOURCE,
                span,
                format!("the task has no container `{on}` to wait for"),
            )
            .help_if(did_you_mean(on, names.iter().map(String::as_str)));
            continue;
        };
        if name(container).as_deref() == Some(on) {
            desk.error(
                code::CYCLE,
                span,
                format!("the container `{on}` waits for itself"),
            )
            .help("leave it out");
        }
        let condition = part(wait, "condition").and_then(Value::as_text);
        if condition == Some("HEALTHY") && part(other, "health_check").is_none() {
            desk.error(
                code::CONTRADICTION,
                span,
                format!("the container `{on}` has no health check, so it never becomes HEALTHY"),
            )
            .help("give it a `health_check`, or wait for `START`");
        }
    }
}

/// Names and ports are unique in a task; one container has to be essential; shares fit into the task.
fn together(desk: &mut Desk<'_>, seen: &Seen<'_>, definition: &Resource, containers: &[Value]) {
    let mut names = BTreeSet::new();
    let mut ports = BTreeSet::new();
    for (i, container) in containers.iter().enumerate() {
        let path = join("containers", &i.to_string());
        if let Some(name) = part(container, "name").and_then(Value::as_text)
            && !names.insert(name.to_owned())
        {
            desk.error(
                code::NAME_TAKEN,
                seen.span(definition, &join(&path, "name")),
                format!(
                    "two containers of `{}` have the name `{name}`",
                    definition.address
                ),
            )
            .help("give each its own");
        }
        let mappings = part(container, "port_mappings")
            .and_then(Value::as_list)
            .unwrap_or_default();
        for mapping in mappings {
            let protocol = part(mapping, "protocol")
                .and_then(Value::as_text)
                .unwrap_or("tcp");
            if let Some(port) = part(mapping, "container_port").and_then(Value::as_int)
                && !ports.insert((port, protocol.to_owned()))
            {
                desk.error(
                    code::NAME_TAKEN,
                    seen.span(definition, &join(&path, "port_mappings")),
                    format!(
                        "two containers of `{}` use port {port}/{protocol}",
                        definition.address
                    ),
                )
                .help(
                    "the containers of a task share its network interface: give each its own port",
                );
            }
        }
    }
    let is_essential = |c: &Value| {
        part(c, "essential")
            .and_then(Value::as_bool)
            .unwrap_or(true)
    };
    if !containers.is_empty() && !containers.iter().any(is_essential) {
        desk.error(
            code::CONTRADICTION,
            seen.span(definition, "containers"),
            format!(
                "`{}` needs at least one essential container",
                definition.address
            ),
        )
        .help("leave `essential: false` out of one of them");
    }
    for field in ["cpu", "memory"] {
        let shares = containers
            .iter()
            .filter_map(|c| part(c, field).and_then(Value::as_int));
        let sum: i64 = shares.sum();
        if let Some(task) = definition.attributes.get(field).as_int()
            && sum > task
        {
            desk.error(
                code::OUT_OF_BOUNDS,
                seen.span(definition, field),
                format!(
                    "the containers of `{}` ask for {field} {sum}, and the task has {task}",
                    definition.address
                ),
            )
            .help(format!(
                "write `{field}: {sum}` or more for the task, or less for the containers"
            ));
        }
    }
}

/// With 100 and 100 no task may stop and none may start (DeploymentConfiguration).
fn rollout(desk: &mut Desk<'_>, seen: &Seen<'_>, service: &Resource) {
    let number = |field: &str| service.attributes.get(field).as_int();
    if let (Some(minimum), Some(maximum)) =
        (number("minimum_healthy_percent"), number("maximum_percent"))
        && maximum <= minimum
    {
        desk.error(
            code::CONTRADICTION,
            seen.span(service, "maximum_percent"),
            format!(
                "`maximum_percent` {maximum} must be above `minimum_healthy_percent` {minimum}, else no task can be replaced"
            ),
        )
        .and(seen.span(service, "minimum_healthy_percent"), "the minimum")
        .help("write `maximum_percent: 200`, or `minimum_healthy_percent: 50`");
    }
    let has_targets = service
        .attributes
        .get("target_groups")
        .as_list()
        .is_some_and(|groups| !groups.is_empty());
    if !has_targets
        && service.attributes.get("target_groups").as_list().is_some()
        && number("grace_period").is_some_and(|seconds| seconds > 0)
    {
        desk.error(
            code::CONTRADICTION,
            seen.span(service, "grace_period"),
            "`grace_period` is only for services behind a load balancer",
        )
        .help("leave it out; for a container's own check use `start_period`");
    }
}
