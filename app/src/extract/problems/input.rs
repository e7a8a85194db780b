//! What a problem can be mended in: a JSON body, a query string.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Failure, Input};

fn failure(error: &serde_path_to_error::Error<impl std::fmt::Display>) -> Failure {
    use serde_path_to_error::Segment;
    let step = |segment: &Segment| match segment {
        Segment::Seq { index } => Some(json!(index)),
        Segment::Map { key } => Some(json!(key)),
        Segment::Enum { .. } | Segment::Unknown => None,
    };
    Failure {
        path: error.path().iter().filter_map(step).collect(),
        message: error.inner().to_string(),
    }
}

/// A JSON body.
#[derive(Clone)]
pub struct Body {
    pub value: Value,
    pub length: usize,
}

impl Input for Body {
    const PLACE: &'static str = "body";

    fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        // serde would take a list for the fields of an object, by their order.
        if !self.value.is_object() {
            return Err(Failure {
                path: Vec::new(),
                message: "Input should be a valid object".to_owned(),
            });
        }
        serde_path_to_error::deserialize(&self.value).map_err(|e| failure(&e))
    }

    fn at(&self, path: &[Value]) -> Value {
        self.value
            .pointer(&pointer(path))
            .cloned()
            .unwrap_or_default()
    }

    fn put(&mut self, path: &[Value], value: Option<Value>) -> bool {
        let Some((last, before)) = path.split_last() else {
            return false;
        };
        match (self.value.pointer_mut(&pointer(before)), last, value) {
            (Some(Value::Object(fields)), Value::String(name), Some(value)) => {
                fields.insert(name.clone(), value);
                true
            }
            (Some(Value::Object(fields)), Value::String(name), None) => {
                fields.remove(name).is_some()
            }
            // Nothing is taken out of a list: the places of the others would change.
            (Some(Value::Array(items)), Value::Number(n), Some(value)) => {
                let index = n.as_u64().and_then(|n| usize::try_from(n).ok());
                let item = index.and_then(|n| items.get_mut(n));
                item.map(|item| *item = value).is_some()
            }
            _ => false,
        }
    }

    fn length(&self) -> usize {
        self.length
    }
}

/// RFC 6901.
fn pointer(path: &[Value]) -> String {
    let step = |step: &Value| match step {
        Value::String(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
        other => format!("/{other}"),
    };
    path.iter().map(step).collect()
}

/// A query string; the last of a repeated parameter counts, as it did for the clients' former service.
#[derive(Clone)]
pub struct Pairs(BTreeMap<String, String>);

impl Pairs {
    #[must_use]
    pub fn of(query: &str) -> Pairs {
        Pairs(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }
}

impl Input for Pairs {
    const PLACE: &'static str = "query";

    fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        if let Some((name, _)) = self.0.iter().find(|(_, value)| value.contains('\0')) {
            return Err(Failure {
                path: vec![json!(name)],
                message: "String should not contain null characters".to_owned(),
            });
        }
        let clean = serde_urlencoded::to_string(&self.0).unwrap_or_default();
        let parser = serde_urlencoded::Deserializer::new(form_urlencoded::parse(clean.as_bytes()));
        serde_path_to_error::deserialize(parser).map_err(|e| failure(&e))
    }

    fn at(&self, path: &[Value]) -> Value {
        let name = path.first().and_then(Value::as_str);
        name.and_then(|n| self.0.get(n))
            .map_or(Value::Null, |v| json!(v))
    }

    fn put(&mut self, path: &[Value], value: Option<Value>) -> bool {
        let Some(name) = path.first().and_then(Value::as_str) else {
            return false;
        };
        match value {
            None => self.0.remove(name).is_some(),
            Some(Value::String(text)) => {
                self.0.insert(name.to_owned(), text);
                true
            }
            Some(other) => {
                self.0.insert(name.to_owned(), other.to_string());
                true
            }
        }
    }

    fn length(&self) -> usize {
        self.0.iter().map(|(k, v)| k.len() + v.len()).sum()
    }
}
