//! A resource's fields by name.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map as JsonMap, Value as Json};

use super::value::{Reference, SecretRef, Value};

/// A resource's fields by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attributes(pub BTreeMap<String, Value>);

/// Attributes that do not fit a kind's `Spec`: a bug in its field table, since the stack's check came first.
#[derive(Debug, thiserror::Error)]
#[error("attributes do not fit: {0}")]
pub struct DecodeError(#[from] serde_json::Error);

impl Attributes {
    pub fn new<K: Into<String>>(entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self(entries.into_iter().map(|(k, v)| (k.into(), v)).collect())
    }

    /// The value at a dotted path; `Null` where a map on the way has no such key. `None`: no such attribute at all.
    pub fn path(&self, path: &str) -> Option<Value> {
        let (head, rest) = match path.split_once('.') {
            Some((head, rest)) => (head, Some(rest)),
            None => (path, None),
        };
        let value = self.0.get(head)?;
        match rest {
            None => Some(value.clone()),
            Some(rest) => match value {
                Value::Map(map) => Some(map.get(rest).cloned().unwrap_or_default()),
                Value::List(items) => rest
                    .parse::<usize>()
                    .ok()
                    .and_then(|i| items.get(i))
                    .cloned(),
                _ => None,
            },
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields of those names, as far as they are set.
    pub fn only(&self, names: &[&str]) -> Self {
        let set = names.iter().filter(|name| !self.get(name).is_null());
        Self::new(set.map(|name| (*name, self.get(name).clone())))
    }

    pub fn get(&self, name: &str) -> &Value {
        static NULL: Value = Value::Null;
        self.0.get(name).unwrap_or(&NULL)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).as_text()
    }

    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    pub fn resolve(&self, known: &dyn Fn(&Reference) -> Option<Value>) -> Self {
        Self(
            self.0
                .iter()
                .map(|(name, value)| (name.clone(), value.resolve(known)))
                .collect(),
        )
    }

    pub fn references(&self) -> Vec<Reference> {
        let mut all = Vec::new();
        for value in self.0.values() {
            value.each_expr(&mut |expr| all.extend(expr.references().cloned()));
        }
        all
    }

    pub fn secrets(&self) -> Vec<SecretRef> {
        let mut all = Vec::new();
        for value in self.0.values() {
            value.each_expr(&mut |expr| all.extend(expr.secrets().cloned()));
        }
        all
    }

    /// Into a kind's typed `Spec`. Unset (`Null`) fields are left out, so `Option` and `#[serde(default)]` apply.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        let json = self
            .0
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), value.to_json()))
            .collect::<JsonMap<_, _>>();
        Ok(serde_json::from_value(Json::Object(json))?)
    }
}
