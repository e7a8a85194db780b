//! ECR: image repositories.

pub mod repository;
pub mod text_rules;
