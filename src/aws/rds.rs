//! RDS: the database's kinds. `tags.rs` holds what they share: tags as read, on create, and changed; and which of an account's groups
//! carry ours.

pub mod db_instance;
pub mod db_parameter_group;
pub mod db_subnet_group;
mod instance_change;
mod instance_spec;
mod instance_state;
mod parameters;
mod storage_change;
mod tags;
pub mod text_rules;
