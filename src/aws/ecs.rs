//! ECS: clusters, task definitions and Fargate services. `begun.rs` knows the deployments that this process began, `container.rs` has the shape of a container, `rollout.rs` what a service's
//! deployments come to, `still.rs` tells servers that roll nothing out, `tags.rs` the tags all three carry.

pub mod begun;
pub mod cluster;
pub mod clusters;
mod container;
pub mod rollout;
pub mod service;
pub mod still;
mod tags;
pub mod task_definition;
pub mod text_rules;
