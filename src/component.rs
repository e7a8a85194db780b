//! Components: pure functions from a few fields to kinds, with good defaults. One file each.
//!
//! ```text
//!   fields ──▶ expand ──▶ drafts (kinds, unfinished)   what it makes, at `entry/child`
//!                    ├──▶ exports                      what others may refer to: `${network.vpc_id}`
//!                    └──▶ links                        what it asks of another component: "let me in", "send me what nobody else takes"
//! ```
//!
//! A component sees other entries by name only. What it takes from them it writes down as a reference (`Build::of`); the stack room
//! puts in what the other exports when all are expanded, so the order of entries does not matter.

mod build;
mod certificate;
mod fargate_service;
mod image_repository;
mod load_balancer;
mod network;
mod policy;
mod postgres;
mod zone;

pub use build::{Accepts, Build, Draft, Link, Peers, Place, Problem};
pub use load_balancer::forward as load_balancer_default;

use crate::kind::Field;

/// One component type.
pub struct Component {
    pub name: &'static str,
    /// One or two sentences for the docs page.
    pub doc: &'static str,
    pub fields: &'static [Field],
    /// What can be referred to; written as computed fields.
    pub exports: &'static [Field],
    /// With which of these an existing one is looked up instead of being made, if it can be.
    pub existing: &'static [Field],
    pub expand: fn(&mut Build<'_>),
}

impl Component {
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// Every component there is.
pub const COMPONENTS: &[&Component] = &[
    &network::NETWORK,
    &load_balancer::LOAD_BALANCER,
    &fargate_service::FARGATE_SERVICE,
    &postgres::POSTGRES,
    &image_repository::IMAGE_REPOSITORY,
    &certificate::CERTIFICATE,
    &zone::ZONE,
];

pub fn component(name: &str) -> Option<&'static Component> {
    COMPONENTS.iter().copied().find(|c| c.name == name)
}
