//! ECS: clusters, task definitions and Fargate services. `container.rs` has the shape of a container, `rollout.rs` what a service's
//! deployments come to, `tags.rs` the tags all three carry.

pub mod cluster;
mod clusters;
mod container;
pub mod rollout;
pub mod service;
mod tags;
pub mod task_definition;
