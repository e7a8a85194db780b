//! The field table of `ecs.service`.

use crate::aws::ecs::text_rules;
use crate::kind::{Field, Literal, Type};

const COUNT: Type = Type::Int { min: 0, max: 5000 };

const TARGET: Type = Type::Object(&[
    Field::new("arn", Type::Text, "The target group's ARN.")
        .rule(&crate::aws::elbv2::text_rules::TARGET_GROUP_ARN)
        .required(),
    Field::new(
        "container",
        Type::Text,
        "The container that takes the requests.",
    )
    .rule(&text_rules::NAME)
    .required(),
    Field::new(
        "port",
        Type::Int {
            min: 1,
            max: 65_535,
        },
        "The container's port.",
    )
    .required(),
]);

const BREAKER: Type = Type::Object(&[
    Field::new(
        "enable",
        Type::Bool,
        "Whether a roll-out whose tasks keep failing is given up.",
    )
    .default(Literal::Bool(true)),
    Field::new(
        "rollback",
        Type::Bool,
        "Whether the previous task definition then comes back.",
    )
    .default(Literal::Bool(true)),
]);

pub const FIELDS: &[Field] = &[
    Field::new("name", Type::Text, "Unique in the cluster.")
        .rule(&text_rules::NAME)
        .required()
        .replace(),
    Field::new("cluster", Type::Text, "The cluster's ARN.")
        .required()
        .replace(),
    Field::new(
        "task_definition",
        Type::Text,
        "The ARN of what its tasks run.",
    )
    .required(),
    Field::new("desired_count", COUNT, "How many tasks shall run.").required(),
    Field::new(
        "subnets",
        Type::Set(&Type::Text),
        "Ids of the subnets its tasks are in.",
    )
    .rule(&crate::aws::ec2::text_rules::SUBNET_ID)
    .required(),
    Field::new(
        "security_groups",
        Type::Set(&Type::Text),
        "Ids of its tasks' security groups.",
    )
    .rule(&crate::aws::ec2::text_rules::GROUP_ID)
    .required(),
    Field::new(
        "assign_public_ip",
        Type::Bool,
        "Whether tasks get public addresses.",
    )
    .default(Literal::Bool(false)),
    Field::new(
        "target_groups",
        Type::Set(&TARGET),
        "Where its tasks take requests from.",
    )
    .default(Literal::EmptyList),
    Field::new(
        "grace_period",
        Type::Int {
            min: 0,
            max: i32::MAX as i64,
        },
        "Seconds in which a new task's failed health checks do not count.",
    ),
    Field::new(
        "circuit_breaker",
        BREAKER,
        "What happens when a roll-out fails.",
    ),
    Field::new(
        "minimum_healthy_percent",
        Type::Int { min: 0, max: 100 },
        "How much of the desired count stays up during a roll-out.",
    )
    .default(Literal::Int(100)),
    Field::new(
        "maximum_percent",
        Type::Int {
            min: 100,
            max: 10_000,
        },
        "How much of the desired count may run during a roll-out.",
    )
    .default(Literal::Int(200)),
    Field::new(
        "platform_version",
        Type::Text,
        "Fargate's platform: `1.4.0`, `LATEST`.",
    )
    .rule(&text_rules::PLATFORM),
    Field::new(
        "enable_execute_command",
        Type::Bool,
        "Whether `ecs execute-command` may be used.",
    )
    .default(Literal::Bool(false)),
    Field::new(
        "propagate_tags",
        Type::OneOf(&["SERVICE", "TASK_DEFINITION", "NONE"]),
        "Where its tasks' tags come from.",
    )
    .default(Literal::Text("SERVICE")),
    Field::new(
        "az_rebalancing",
        Type::OneOf(&["ENABLED", "DISABLED"]),
        "Whether tasks are moved when the zones have unequal numbers.",
    ),
    Field::computed("id", Type::Text, "Its ARN."),
    Field::computed("arn", Type::Text, "Its ARN."),
    Field::computed("running_count", COUNT, "How many tasks run.").volatile(),
    Field::computed("pending_count", COUNT, "How many tasks are starting.").volatile(),
    Field::computed(
        "rollout_state",
        Type::Text,
        "`IN_PROGRESS`, `COMPLETED` or `FAILED`: the newest deployment's.",
    )
    .volatile(),
    Field::computed(
        "deployed_at",
        Type::Int {
            min: 0,
            max: i64::MAX,
        },
        "When the newest deployment began, in seconds since 1970.",
    )
    .volatile(),
];
