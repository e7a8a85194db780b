//! `image_repository`: an ECR repository that tidies up after itself and never loses a released image.

use super::{Build, Component};
use crate::kind::{Field, Literal, Type};
use crate::model::Value;

pub const IMAGE_REPOSITORY: Component = Component {
    name: "image_repository",
    doc: "An ECR repository. Images without a tag expire, and releases but the last ones; what a service runs never does, nor an image with another tag. A release's tag never moves.",
    fields: &[
        Field::new(
            "name",
            Type::Text,
            "The repository's name. Not given: `${prefix}-` and the entry.",
        ),
        Field::new(
            "scan_on_push",
            Type::Bool,
            "Whether images are scanned when they arrive.",
        )
        .default(Literal::Bool(true)),
        Field::new(
            "tag_mutability",
            Type::OneOf(&["MUTABLE", "IMMUTABLE"]),
            "Whether a tag may move to another image.",
        )
        .default(Literal::Text("MUTABLE")),
        Field::new(
            "force_delete",
            Type::Bool,
            "Whether the repository may be deleted with images in it.",
        )
        .default(Literal::Bool(false)),
        Field::new(
            "keep_untagged_days",
            Type::Int { min: 1, max: 3650 },
            "After how many days an image without a tag expires.",
        )
        .default(Literal::Int(14)),
        Field::new(
            "keep_releases",
            Type::Int { min: 2, max: 900 },
            "How many releases are kept, the running ones apart.",
        )
        .default(Literal::Int(30)),
        Field::new(
            "lifecycle_policy",
            Type::Json,
            "The whole lifecycle policy, instead of the one described here.",
        ),
        Field::new("policy", Type::Policy, "Who else may use the repository."),
    ],
    exports: &[
        Field::computed("id", Type::Text, "The repository's name."),
        Field::computed("name", Type::Text, "The repository's name."),
        Field::computed("arn", Type::Text, "Its ARN."),
        Field::computed("url", Type::Text, "Where images are pushed to."),
    ],
    existing: &[],
    expand,
};

fn expand(build: &mut Build<'_>) {
    let lifecycle = match build.get("lifecycle_policy") {
        Value::Null => lifecycle(build.get("keep_releases"), build.get("keep_untagged_days")),
        given => given,
    };
    let name = build.name_or("name", "");
    build.make_own(
        "ecr.repository",
        [
            ("name", name),
            ("scan_on_push", build.get("scan_on_push")),
            ("tag_mutability", build.get("tag_mutability")),
            ("tag_exceptions", exceptions(&build.get("tag_mutability"))),
            ("force_delete", build.get("force_delete")),
            ("lifecycle_policy", lifecycle),
            ("policy", build.get("policy")),
        ],
    );
}

/// Releases never move, the mark of the running one does, whatever holds for other tags.
fn exceptions(mutability: &Value) -> Value {
    let pattern = match mutability.as_text() {
        Some("IMMUTABLE") => "live-*",
        _ => "release-*",
    };
    Value::List(vec![pattern.into()])
}

/// An image that a rule selects is out of reach of the rules below it, whether or not that rule expires it (ECR user guide, "How
/// lifecycle policies work"). So the first one, which expires nothing, guards what services run.
fn lifecycle(releases: Value, untagged_days: Value) -> Value {
    let tagged = |prefix: &str, count: Value| {
        vec![
            ("tagStatus", Value::from("tagged")),
            ("tagPrefixList", Value::List(vec![prefix.into()])),
            ("countType", Value::from("imageCountMoreThan")),
            ("countNumber", count),
        ]
    };
    let untagged = vec![
        ("tagStatus", Value::from("untagged")),
        ("countType", Value::from("sinceImagePushed")),
        ("countUnit", Value::from("days")),
        ("countNumber", untagged_days),
    ];
    let rules = [
        ("what services run stays", tagged("live-", Value::Int(1000))),
        ("the last releases stay", tagged("release-", releases)),
        ("images without a tag", untagged),
    ];
    let rules = (1..)
        .zip(rules)
        .map(|(priority, (description, selection))| {
            Value::map([
                ("rulePriority", Value::Int(priority)),
                ("description", Value::from(description)),
                ("selection", Value::map(selection)),
                ("action", Value::map([("type", Value::from("expire"))])),
            ])
        });
    Value::map([("rules", Value::List(rules.collect()))])
}
