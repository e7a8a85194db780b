//! CloudWatch Logs.

pub mod events;
pub mod log_group;
pub mod text_rules;
