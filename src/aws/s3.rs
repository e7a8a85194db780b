//! S3: the bucket. `facets.rs` reads its sub-resources, `facet_writes.rs` changes them, `lifecycle.rs` translates rules, `empty.rs`
//! empties it, `names.rs` tells whose a name is, `roots.rs` lets answers of other servers through.

pub mod bucket;
mod bucket_spec;
mod cors;
mod empty;
mod facet_writes;
mod facets;
mod lifecycle;
mod names;
mod permissions;
pub mod roots;
pub mod text_rules;
