//! Shipping code: an image becomes a release, a release a revision, and the service is rolled to it, or back.
//!
//! ```text
//!   build / archive ─▶ push ─┐
//!                  tag ──────┴▶ fits? ─▶ release tag ─▶ revision ─▶ roll-out ─▶ steady and answering ─▶ done
//!                                                                     └─ fails ─▶ back to what ran before
//! ```
//!
//! What is shipped counts from then on: planning takes over what runs (`plan/release.rs`), and an apply keeps it.

mod again;
mod archive;
mod build;
mod error;
mod image;
mod login;
mod migrate;
mod one_off;
mod packing;
mod probe;
mod push;
mod registry;
pub mod release;
mod revision;
mod roll;
mod run;
mod said;
mod source;
mod tasks;
mod unmodeled;
mod watch;

/// The IAM actions that shipping takes; those of the registry are ECR's names for its protocol (ECR user guide, "IAM permissions for
/// pushing an image").
pub const PERMISSIONS: &[&str] = &[
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImages",
    "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
    "ecs:DeregisterTaskDefinition",
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "ecs:DescribeTasks",
    "ecs:ListTaskDefinitions",
    "ecs:ListTasks",
    "ecs:RegisterTaskDefinition",
    "ecs:RunTask",
    "ecs:TagResource",
    "ecs:UpdateService",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    "iam:PassRole",
    "logs:GetLogEvents",
];

pub use again::redeploy;
pub use error::DeployError;
pub use image::short;
pub use login::{Rotated, rotate_login};
pub use run::{Order, Outcome, What, deploy};
pub use said::{Said, Tell};
pub use source::megabytes;
pub use tasks::{last_line_of, recently_ended};
