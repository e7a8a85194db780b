//! A secret as the stack says it, and as it is there.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::contents::Content;
use super::values::Rule;
use crate::model::{Address, KindName, Tags};

pub const NAME: KindName = KindName::new("secretsmanager.secret");

#[derive(Deserialize)]
pub struct Spec {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) kms_key: Option<String>,
    pub(super) recovery_window: i64,
    #[serde(default)]
    pub(super) keys: BTreeMap<String, Rule>,
}

#[derive(Clone)]
pub struct Live {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) description: Option<String>,
    pub(super) kms_key: Option<String>,
    pub(super) tags: Tags,
    /// Why another service or region rules it, if so.
    pub(super) foreign: Option<String>,
    /// The resource it is, for references to its keys.
    pub(super) address: Address,
    pub(super) content: Content,
}
