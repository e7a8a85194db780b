//! ECR: image repositories.

pub mod repository;
