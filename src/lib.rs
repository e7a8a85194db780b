//! circles-infra: a declarative YAML stack becomes a dependency graph, and AWS is made equal to it.
//!
//! ```text
//!   stack file ─▶ stack/ ─▶ component/ ─▶ graph ─▶ plan/ ─▶ Plan ─▶ engine/ ─▶ events ─▶ render/
//!                                           ▲                 │
//!                     aws/ (kinds) ◀── find ┴── observe       ├──▶ journal/  what may exist
//!                                                             └──▶ state/    what is known to exist
//! ```

pub mod aws;
pub mod cli;
pub mod component;
pub mod deploy;
pub mod diagnostic;
pub mod engine;
pub mod event;
pub mod graph;
pub mod journal;
pub mod kind;
pub mod model;
pub mod plan;
pub mod policy;
pub mod render;
pub mod sandbox;
pub mod secrets;
pub mod session;
pub mod stack;
pub mod state;
pub mod status;
pub mod verify;
