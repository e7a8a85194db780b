//! Why tasks end, from what ECS says of them: the cause in a sentence, and what helps.

use crate::model::Address;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    pub text: String,
    pub next: String,
}

/// What stop reasons and events point at (ECS developer guide, "Amazon ECS stopped tasks error messages").
struct Rule {
    /// One of these is in the reason.
    of: &'static [&'static str],
    /// One of these as well, where any are given.
    and: &'static [&'static str],
    text: &'static str,
    /// `SERVICE` stands for the service's address.
    next: &'static str,
}

const PULL: &[&str] = &["CannotPull", "ImageNotFound"];
const INITIALIZE: &[&str] = &["ResourceInitializationError", "unable to pull secrets"];
const UNREACHABLE: &[&str] = &[
    "timeout",
    "timed out",
    "deadline exceeded",
    "connection issue",
    "dial tcp",
    "no route",
];
const FOREIGN: &str = "exec format error";
const LOGS: &str = "circles-infra logs SERVICE";
const LATER: &str = "circles-infra status, in some minutes";

const RULES: &[Rule] = &[
    rule(
        PULL,
        UNREACHABLE,
        "the registry cannot be reached from its subnets",
        "circles-infra drift",
    ),
    rule(
        PULL,
        &[],
        "its image cannot be pulled",
        "circles-infra releases SERVICE, then circles-infra deploy SERVICE --image TAG",
    ),
    rule(
        INITIALIZE,
        UNREACHABLE,
        "AWS's own services cannot be reached from its subnets",
        "circles-infra drift",
    ),
    rule(
        INITIALIZE,
        &["secret", "Secret"],
        "a secret or one of its keys cannot be read",
        "circles-infra secrets list",
    ),
    rule(
        INITIALIZE,
        &["log group"],
        "its log group is gone",
        "circles-infra apply",
    ),
    rule(
        INITIALIZE,
        &[],
        "ECS cannot prepare its tasks",
        "circles-infra drift",
    ),
    rule(
        &["assume the role", "AssumeRole", "trusted entity"],
        &[],
        "ECS cannot use one of its roles",
        "circles-infra apply",
    ),
    rule(
        &["OutOfMemory"],
        &[],
        "its tasks run out of memory",
        "more `memory` in the stack file, then circles-infra apply",
    ),
    rule(
        &[FOREIGN],
        &[],
        "its image is for another architecture",
        "circles-infra deploy SERVICE",
    ),
    rule(
        &["health check"],
        &[],
        "its tasks fail their health checks",
        LOGS,
    ),
    rule(
        &["Essential container"],
        &[],
        "its program ends by itself",
        LOGS,
    ),
    rule(
        &["unable to place", "Capacity is unavailable"],
        &[],
        "ECS finds no place for its tasks",
        LATER,
    ),
    rule(
        &[
            "unable to consistently start",
            "unable to start",
            "TaskFailedToStart",
        ],
        &[],
        "its tasks do not start",
        LOGS,
    ),
];

/// What tells of scaling, not of a failure.
const ORDINARY: &[&str] = &["Scaling activity", "Service was deleted", "UserInitiated"];

const fn rule(
    of: &'static [&'static str],
    and: &'static [&'static str],
    text: &'static str,
    next: &'static str,
) -> Rule {
    Rule {
        of,
        and,
        text,
        next,
    }
}

/// What a stop reason or a service's event points at; `None` where it only tells of scaling or of what went well. `last_line` is what the
/// task wrote last.
pub fn cause_of(service: &Address, reason: &str, last_line: Option<&str>) -> Option<Cause> {
    let has = |all: &[&str]| all.iter().any(|text| reason.contains(text));
    if has(ORDINARY) {
        return None;
    }
    // The kernel's words stand in the log alone.
    let foreign = last_line.is_some_and(|line| line.contains(FOREIGN));
    let found = RULES.iter().find(|rule| {
        let here = has(rule.of) || foreign && rule.of.contains(&FOREIGN);
        here && (rule.and.is_empty() || has(rule.and))
    })?;
    let wrote = match last_line {
        Some(line) if found.next == LOGS => format!("; it wrote last: {line}"),
        _ => String::new(),
    };
    Some(Cause {
        text: format!("{}{wrote} ({reason})", found.text),
        next: found.next.replace("SERVICE", service.as_str()),
    })
}
