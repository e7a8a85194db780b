//! The field table of a container.

use crate::aws::ecs::text_rules;
use crate::kind::{Field, Literal, Type};

const PORT: Type = Type::Object(&[
    Field::new(
        "container_port",
        Type::Int {
            min: 1,
            max: 65_535,
        },
        "The port it listens on.",
    )
    .required(),
    Field::new("protocol", Type::OneOf(&["tcp", "udp"]), "What is spoken.")
        .default(Literal::Text("tcp")),
]);

const CHECK: Type = Type::Object(&[
    Field::new(
        "command",
        Type::List(&Type::Text),
        "`CMD` or `CMD-SHELL`, and the command.",
    )
    .required(),
    Field::new(
        "interval",
        Type::Int { min: 5, max: 300 },
        "Seconds between two checks.",
    )
    .default(Literal::Int(30)),
    Field::new(
        "timeout",
        Type::Int { min: 2, max: 60 },
        "Seconds until a check counts as failed.",
    )
    .default(Literal::Int(5)),
    Field::new(
        "retries",
        Type::Int { min: 1, max: 10 },
        "Bad checks until unhealthy.",
    )
    .default(Literal::Int(3)),
    Field::new(
        "start_period",
        Type::Int { min: 0, max: 300 },
        "Seconds in which bad checks do not count.",
    )
    .default(Literal::Int(0)),
]);

const LOG: Type = Type::Object(&[
    Field::new("group", Type::Text, "The CloudWatch log group.")
        .rule(&crate::aws::logs::text_rules::GROUP)
        .required(),
    Field::new("region", Type::Text, "The group's region.").required(),
    Field::new(
        "stream_prefix",
        Type::Text,
        "What its streams' names begin with.",
    )
    .rule(&text_rules::STREAM_PREFIX)
    .required(),
]);

const DEPENDENCY: Type = Type::Object(&[
    Field::new("container", Type::Text, "Another container of the task.")
        .rule(&text_rules::NAME)
        .required(),
    Field::new(
        "condition",
        Type::OneOf(&["START", "COMPLETE", "SUCCESS", "HEALTHY"]),
        "How far it must have come.",
    )
    .required(),
]);

/// The field type of one container.
pub const CONTAINER: Type = Type::Object(&[
    Field::new("name", Type::Text, "Unique in the task.")
        .rule(&text_rules::NAME)
        .required(),
    Field::new("image", Type::Text, "The image, best by digest.")
        .rule(&text_rules::IMAGE)
        .required(),
    Field::new(
        "essential",
        Type::Bool,
        "Whether the task ends when it ends.",
    )
    .default(Literal::Bool(true)),
    Field::new(
        "command",
        Type::List(&Type::Text),
        "Instead of the image's command.",
    )
    .default(Literal::EmptyList),
    Field::new(
        "entrypoint",
        Type::List(&Type::Text),
        "Instead of the image's entry point.",
    )
    .default(Literal::EmptyList),
    Field::new(
        "port_mappings",
        Type::Set(&PORT),
        "Ports that can be reached.",
    )
    .default(Literal::EmptyList),
    Field::new(
        "environment",
        Type::Map(&Type::Text),
        "Plain environment variables; nothing secret.",
    )
    .key_rule(&text_rules::VARIABLE)
    .default(Literal::EmptyMap),
    Field::new(
        "secrets",
        Type::Map(&Type::Text),
        "Environment variables that ECS fills from Secrets Manager: name to `secret-arn:KEY::`.",
    )
    .key_rule(&text_rules::VARIABLE)
    .rule(&text_rules::SECRET_SOURCE)
    .default(Literal::EmptyMap),
    Field::new("health_check", CHECK, "How it shows that it is well.").default(Literal::Unset),
    Field::new(
        "stop_timeout",
        Type::Int { min: 0, max: 120 },
        "Seconds between SIGTERM and SIGKILL; Fargate's is 30.",
    )
    .default(Literal::Unset),
    Field::new("log", LOG, "Where its output goes, by the awslogs driver.").default(Literal::Unset),
    Field::new(
        "readonly_root",
        Type::Bool,
        "Whether its root file system is read-only.",
    )
    .default(Literal::Bool(false)),
    Field::new(
        "depends_on",
        Type::Set(&DEPENDENCY),
        "What it waits for before it starts.",
    )
    .default(Literal::EmptyList),
    Field::new(
        "user",
        Type::Text,
        "Instead of the image's user: `uid`, `uid:gid`, a name.",
    )
    .rule(&text_rules::USER)
    .default(Literal::Unset),
    Field::new(
        "cpu",
        Type::Int {
            min: 1,
            max: 16_384,
        },
        "Its share of the task's CPU units.",
    )
    .default(Literal::Unset),
    Field::new(
        "memory",
        Type::Int {
            min: 6,
            max: 122_880,
        },
        "MiB after which it is killed.",
    )
    .default(Literal::Unset),
]);
