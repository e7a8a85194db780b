//! IAM: roles and managed policies. What they share: `document.rs` (policy documents), `tags.rs`. IAM is global: everything of ours stands
//! under a path of its own, and names carry the region.

mod document;
pub mod identity_provider;
pub mod policy;
pub mod role;
mod tags;
pub mod text_rules;

/// Where everything of ours stands, unless the stack says otherwise.
const PATH: &str = "/circles-infra/";

/// Up to so many, one by one is cheaper and read more exactly than listing the account.
const FEW: usize = 25;

/// From so many on, the account's first page is looked at first.
const SEVERAL: usize = 3;
