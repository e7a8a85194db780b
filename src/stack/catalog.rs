//! What the language knows of kinds: their tables. The caller builds it, so that the language never meets AWS.

use std::collections::BTreeMap;

use crate::kind::{Field, Identity, Kinds};
use crate::model::KindName;

#[derive(Clone, Debug)]
pub struct KindInfo {
    pub name: KindName,
    pub doc: &'static str,
    pub fields: &'static [Field],
    pub identity: Identity,
    pub holds_data: bool,
}

impl KindInfo {
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

#[derive(Clone, Debug, Default)]
pub struct Catalog {
    kinds: BTreeMap<String, KindInfo>,
}

impl Catalog {
    pub fn new(kinds: impl IntoIterator<Item = KindInfo>) -> Self {
        Self {
            kinds: kinds
                .into_iter()
                .map(|kind| (kind.name.as_str().to_owned(), kind))
                .collect(),
        }
    }

    pub fn get(&self, name: &str) -> Option<&KindInfo> {
        self.kinds.get(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &KindInfo> {
        self.kinds.values()
    }
}

impl From<&Kinds> for Catalog {
    fn from(kinds: &Kinds) -> Self {
        Self::new(kinds.iter().map(|kind| KindInfo {
            name: kind.name(),
            doc: kind.doc(),
            fields: kind.fields(),
            identity: kind.identity(),
            holds_data: kind.holds_data(),
        }))
    }
}
