//! The field table of `elbv2.load_balancer`.

use crate::aws::elbv2::text_rules;
use crate::kind::{Field, Literal, Type};

const ACCESS_LOGS: Type = Type::Object(&[
    Field::new(
        "bucket",
        Type::Text,
        "The bucket's name; its policy must let ELB write.",
    )
    .rule(&crate::aws::s3::text_rules::BUCKET)
    .required(),
    Field::new("prefix", Type::Text, "Where in the bucket.").default(Literal::Unset),
]);

pub const FIELDS: &[Field] = &[
    Field::new(
        "name",
        Type::Text,
        "Unique in the region; at most 32 characters.",
    )
    .rule(&text_rules::BALANCER_NAME)
    .required()
    .replace(),
    Field::new(
        "scheme",
        Type::OneOf(&["internet-facing", "internal"]),
        "Whether it has public addresses.",
    )
    .default(Literal::Text("internet-facing"))
    .replace(),
    Field::new(
        "subnets",
        Type::Set(&Type::Text),
        "Ids of subnets in at least two availability zones, one per zone.",
    )
    .rule(&crate::aws::ec2::text_rules::SUBNET_ID)
    .required()
    .network(),
    Field::new(
        "security_groups",
        Type::Set(&Type::Text),
        "Ids of its security groups.",
    )
    .rule(&crate::aws::ec2::text_rules::GROUP_ID)
    .required(),
    Field::new(
        "idle_timeout",
        Type::Int { min: 1, max: 4000 },
        "Seconds until an idle connection is closed.",
    )
    .default(Literal::Int(60)),
    Field::new(
        "deletion_protection",
        Type::Bool,
        "Whether it cannot be deleted; the deletion then asks for this to be switched off first.",
    )
    .default(Literal::Bool(false)),
    Field::new(
        "drop_invalid_headers",
        Type::Bool,
        "Whether headers with names that HTTP does not allow are dropped.",
    )
    .default(Literal::Bool(true)),
    Field::new("http2", Type::Bool, "Whether clients may speak HTTP/2."),
    Field::new(
        "access_logs",
        ACCESS_LOGS,
        "Where each request is logged; off when not given.",
    )
    .default(Literal::Unset),
    Field::computed("id", Type::Text, "Its ARN."),
    Field::computed("arn", Type::Text, "Its ARN."),
    Field::computed("dns_name", Type::Text, "Where clients reach it."),
    Field::computed(
        "zone_id",
        Type::Text,
        "The hosted zone of `dns_name`, for alias records.",
    ),
    Field::computed("vpc_id", Type::Text, "The VPC its subnets are in."),
];
