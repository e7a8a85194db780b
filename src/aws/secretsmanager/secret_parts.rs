//! A secret as the stack says it, and as it is there.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::contents::Content;
use super::values::Rule;
use crate::aws::secretsmanager::text_rules;
use crate::kind::{Field, Type};
use crate::model::{Address, KindName, Tags};

pub const NAME: KindName = KindName::new("secretsmanager.secret");

/// Where the value of one key comes from.
pub(super) const KEY: &[Field] = &[
    Field::new(
        "generate",
        Type::Int { min: 16, max: 128 },
        "Made at random, this long, when it is not there yet; never changed.",
    ),
    Field::new(
        "alphabet",
        Type::Text,
        "Characters a generated value is made of; `A`–`Z`, `a`–`z`, `0`–`9` where nothing is said.",
    )
    .rule(&text_rules::ALPHABET),
    Field::new(
        "operator",
        Type::OneOf(&["optional", "required"]),
        "Set by an operator (`secrets set`); never written here.",
    ),
    Field::new(
        "value",
        Type::Secret,
        "What it is: text, a reference, or text with references.",
    ),
];

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
