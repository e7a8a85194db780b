//! CloudWatch Logs.

pub mod events;
pub mod log_group;
