//! The field table of `elbv2.target_group`.

use crate::aws::elbv2::text_rules;
use crate::kind::{Field, Literal, Type};

const HEALTH_CHECK: Type = Type::Object(&[
    Field::new("path", Type::Text, "What is asked for.")
        .rule(&text_rules::CHECK_PATH)
        .default(Literal::Text("/")),
    Field::new(
        "matcher",
        Type::Text,
        "Statuses that mean healthy: `200`, `200,204`, `200-299`.",
    )
    .rule(&text_rules::MATCHER)
    .default(Literal::Text("200")),
    Field::new(
        "interval",
        Type::Int { min: 5, max: 300 },
        "Seconds between two checks.",
    )
    .default(Literal::Int(30)),
    Field::new(
        "timeout",
        Type::Int { min: 2, max: 120 },
        "Seconds until a check counts as failed.",
    )
    .default(Literal::Int(5)),
    Field::new(
        "healthy_threshold",
        Type::Int { min: 2, max: 10 },
        "Good checks until healthy.",
    )
    .default(Literal::Int(5)),
    Field::new(
        "unhealthy_threshold",
        Type::Int { min: 2, max: 10 },
        "Bad checks until unhealthy.",
    )
    .default(Literal::Int(2)),
]);

const STICKINESS: Type = Type::Object(&[
    Field::new("duration", Type::Int { min: 1, max: 604_800 }, "Seconds a client stays with a target.")
        .default(Literal::Int(86_400)),
    Field::new(
        "cookie",
        Type::Text,
        "The application's own cookie to go by; the load balancer sets one of its own when not given.",
    ).rule(&text_rules::COOKIE)
    .default(Literal::Unset),
]);

pub const FIELDS: &[Field] = &[
    Field::new(
        "name",
        Type::Text,
        "Unique in the region; at most 32 characters.",
    )
    .rule(&text_rules::TARGET_GROUP_NAME)
    .required()
    .replace(),
    Field::new("vpc_id", Type::Text, "The VPC its targets are in.")
        .rule(&crate::aws::ec2::text_rules::VPC_ID)
        .required()
        .replace(),
    Field::new(
        "port",
        Type::Int {
            min: 1,
            max: 65_535,
        },
        "The port targets listen on.",
    )
    .required()
    .replace(),
    Field::new(
        "protocol",
        Type::OneOf(&["HTTP", "HTTPS"]),
        "What is spoken to targets.",
    )
    .default(Literal::Text("HTTP"))
    .replace(),
    Field::new(
        "target_type",
        Type::OneOf(&["ip", "instance"]),
        "How targets are named; Fargate needs `ip`.",
    )
    .default(Literal::Text("ip"))
    .replace(),
    Field::new(
        "health_check",
        HEALTH_CHECK,
        "How a target shows that it can take requests.",
    ),
    Field::new(
        "deregistration_delay",
        Type::Int { min: 0, max: 3600 },
        "Seconds a target that leaves may take to finish its requests.",
    )
    .default(Literal::Int(300)),
    Field::new(
        "slow_start",
        Type::Int { min: 0, max: 900 },
        "Seconds over which a new target gets its full share: 0, or 30 to 900.",
    ),
    Field::new(
        "stickiness",
        STICKINESS,
        "Keeps a client with one target; off when not given.",
    )
    .default(Literal::Unset),
    Field::computed("id", Type::Text, "Its ARN."),
    Field::computed("arn", Type::Text, "Its ARN."),
];
