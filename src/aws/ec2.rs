//! EC2: the network's kinds. What they share: `tags.rs` (tag-on-create, tag changes, tags as read), `look.rs` (what a describe is narrowed
//! to), `cidr.rs` (networks as EC2 writes them), `interfaces.rs` (what other services leave standing in our subnets),
//! `blockers.rs` (what keeps a part of the network from being deleted).

mod blockers;
mod cidr;
pub mod elastic_ip;
pub mod interfaces;
pub mod internet_gateway;
mod look;
pub mod nat_gateway;
pub mod route_table;
pub mod security_group;
pub mod subnet;
pub mod tags;
pub mod text_rules;
pub mod vpc;
pub mod vpc_endpoint;
