//! `image_repository`: an ECR repository that tidies up after itself and never loses a released image.

use super::{Build, Component};
use crate::kind::{Field, Literal, Type};
use crate::model::Value;

pub const IMAGE_REPOSITORY: Component = Component {
    name: "image_repository",
    doc: "An ECR repository. Images without a tag expire; an image with any tag, a release's among them, never does.",
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
        Value::Null => untagged_expire(build.get("keep_untagged_days")),
        given => given,
    };
    let name = build.name_or("name", "");
    build.make_own(
        "ecr.repository",
        [
            ("name", name),
            ("scan_on_push", build.get("scan_on_push")),
            ("tag_mutability", build.get("tag_mutability")),
            ("force_delete", build.get("force_delete")),
            ("lifecycle_policy", lifecycle),
            ("policy", build.get("policy")),
        ],
    );
}

/// One rule, and it selects `untagged` images alone: no count or age can reach an image that carries a tag, whatever the tag
/// (ECR user guide, "Lifecycle policy properties").
fn untagged_expire(days: Value) -> Value {
    let selection = Value::map([
        ("tagStatus", Value::from("untagged")),
        ("countType", Value::from("sinceImagePushed")),
        ("countUnit", Value::from("days")),
        ("countNumber", days),
    ]);
    let rule = Value::map([
        ("rulePriority", Value::Int(1)),
        ("description", Value::from("images without a tag")),
        ("selection", selection),
        ("action", Value::map([("type", Value::from("expire"))])),
    ]);
    Value::map([("rules", Value::List(vec![rule]))])
}
