//! EC2: the network's kinds. `tags.rs` holds what they share: tag-on-create, tag changes, tags as read.

pub mod interfaces;
pub mod tags;
pub mod vpc;
