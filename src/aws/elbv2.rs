//! Elastic Load Balancing v2: application load balancers, target groups, listeners and their rules.
//!
//! What they share: `reads.rs` (describes read once per look), `tags.rs` (tags, 20 ARNs a call), `action.rs` and `condition.rs` (what a listener or a
//! rule does with a request, in the field table's shape), `settings.rs` (the key/value attributes of balancers and groups),
//! `routing.rs` (where listeners and rules send requests, for `deploy` and `status`).

mod action;
mod certificate_arn;
mod condition;
pub mod listener;
pub mod listener_rule;
pub mod load_balancer;
mod reads;
pub mod routing;
mod settings;
mod tags;
pub mod target_group;
pub mod text_rules;
