//! The language: the text of a stack file becomes checked resources, or a list of everything that is wrong with it. Pure.
//!
//! ```text
//!   text ─parse─▶ tree ─document─▶ environment, variables, settings
//!                  │
//!                  └─overlay of the environment─▶ entries ─check─▶ fields ─expand─▶ drafts ─finish─▶ resources ─rules─▶ Stack
//!                                                    names: ${…}      components      exports led on      CIDRs, names, circles
//! ```

mod assemble;
mod catalog;
mod check;
mod checked;
mod complete;
mod condition;
mod desk;
mod document;
mod encoding;
mod entry;
mod environment;
mod everywhere;
mod expand;
mod finish;
mod fit;
mod identifier;
mod literal;
mod load;
mod moved;
mod names;
mod net;
mod node;
mod parse;
mod place;
mod reading;
mod reference;
mod region;
mod request;
mod rules;
mod schema;
mod settings;
mod source;
mod suggest;
mod syntax_error;
mod template;
mod terraform;
mod variables;

pub use catalog::{Catalog, KindInfo};
pub use checked::{BuildInfo, Existing, Resource, ServiceInfo, Stack, StateSettings};
pub use encoding::read_text;
pub use everywhere::load_everywhere;
pub use load::load;
pub use reference::{MARK, reference};
pub use request::{Facts, LoadRequest, Loaded, VarFile};
pub use schema::schema;
pub use suggest::nearest;

#[cfg(test)]
mod tests;
