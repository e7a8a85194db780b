//! JSON as third parties send it: any part may be missing or of another type, so no part is reached by indexing.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A third party's answer. It cannot be indexed; [`ForeignJson::root`] reads it. It is serialized as it was parsed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ForeignJson(Value);

/// A part of an answer, null where there is none.
#[derive(Debug, Clone, Copy)]
pub struct Foreign<'a>(&'a Value);

static NULL: Value = Value::Null;

impl ForeignJson {
    /// Parses a body. Null characters are removed from all texts: PostgreSQL cannot store them.
    ///
    /// # Errors
    /// When the body is not JSON.
    pub fn parse(body: &[u8]) -> Result<ForeignJson, serde_json::Error> {
        let mut value = serde_json::from_slice(body)?;
        remove_nul(&mut value);
        Ok(ForeignJson(value))
    }

    #[must_use]
    pub fn root(&self) -> Foreign<'_> {
        Foreign(&self.0)
    }

    /// The elements of the list under `key` that have the form of `T`; those that have not are left out.
    #[must_use]
    pub fn into_elements<T: DeserializeOwned>(mut self, key: &str) -> Vec<T> {
        let list = self.0.get_mut(key).map(Value::take);
        let Some(Value::Array(elements)) = list else {
            return Vec::new();
        };
        let typed = elements.into_iter().map(serde_json::from_value);
        typed.filter_map(Result::ok).collect()
    }
}

impl<'a> Foreign<'a> {
    #[must_use]
    pub fn of(value: &'a Value) -> Foreign<'a> {
        Foreign(value)
    }

    /// The field of an object.
    #[must_use]
    pub fn get(self, key: &str) -> Foreign<'a> {
        Foreign(self.0.get(key).unwrap_or(&NULL))
    }

    /// The field of a field of … of an object.
    #[must_use]
    pub fn at(self, path: &[&str]) -> Foreign<'a> {
        path.iter().fold(self, |part, key| part.get(key))
    }

    /// The first element of a list.
    #[must_use]
    pub fn first(self) -> Foreign<'a> {
        Foreign(self.0.get(0).unwrap_or(&NULL))
    }

    /// The elements of a list, `None` for anything else.
    pub fn list(self) -> Option<impl Iterator<Item = Foreign<'a>>> {
        self.0.as_array().map(|all| all.iter().map(Foreign))
    }

    /// A text without the blanks around it; `None` when nothing is left.
    #[must_use]
    pub fn text(self) -> Option<&'a str> {
        self.0.as_str().map(str::trim).filter(|t| !t.is_empty())
    }

    #[must_use]
    pub fn number(self) -> Option<f64> {
        self.0.as_f64().filter(|n| n.is_finite())
    }

    #[must_use]
    pub fn integer(self) -> Option<i64> {
        self.0.as_i64()
    }

    #[must_use]
    pub fn boolean(self) -> Option<bool> {
        self.0.as_bool()
    }

    #[must_use]
    pub fn is_null(self) -> bool {
        self.0.is_null()
    }

    #[must_use]
    pub fn to_value(self) -> Value {
        self.0.clone()
    }
}

fn remove_nul(value: &mut Value) {
    match value {
        Value::String(text) => text.retain(|c| c != '\0'),
        Value::Array(all) => all.iter_mut().for_each(remove_nul),
        Value::Object(fields) => {
            if fields.keys().any(|key| key.contains('\0')) {
                fields.retain(|key, _| !key.contains('\0'));
            }
            fields.values_mut().for_each(remove_nul);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Arbitrary JSON, with field names that third parties use, for property tests.
#[cfg(test)]
pub(super) mod arbitrary {
    use proptest::prelude::*;
    use serde_json::Value;

    pub fn json(keys: &'static [&'static str]) -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-200.0..200.0_f64).prop_map(Value::from),
            "\\PC{0,12}|\\x00.{0,3}".prop_map(Value::from),
            "[a-z]{300}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 48, 6, move |inner| {
            let key = proptest::sample::select(keys).prop_map(str::to_owned);
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::hash_map(key, inner, 0..8)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEYS: [&str; 4] = ["elements", "a", "b", "nul\0"];

    proptest! {
        #[test]
        fn any_json_can_be_read_anywhere(value in arbitrary::json(&KEYS)) {
            let body = serde_json::to_vec(&value).unwrap();
            let parsed = ForeignJson::parse(&body).unwrap();
            for part in [parsed.root(), parsed.root().get("a"), parsed.root().at(&["a", "b"]), parsed.root().first()] {
                let read = (part.text(), part.number(), part.integer(), part.boolean(), part.is_null());
                prop_assert!(read.0.is_none_or(|text| !text.is_empty() && !text.contains('\0')));
                let _ = part.list().map(Iterator::count);
            }
            prop_assert!(!parsed.root().to_value().to_string().contains("\\u0000"));
            let whole: Vec<Value> = parsed.into_elements("elements");
            let sent = value.get("elements").and_then(Value::as_array);
            prop_assert_eq!(whole.len(), sent.map_or(0, Vec::len));
        }
    }

    #[test]
    fn what_is_no_object_has_no_elements() {
        for body in ["[]", "5", "\"x\"", "null", "{}", r#"{"elements": 5}"#] {
            let parsed = ForeignJson::parse(body.as_bytes()).unwrap();
            assert_eq!(parsed.into_elements::<Value>("elements").len(), 0, "{body}");
        }
    }

    #[test]
    fn an_element_of_another_form_does_not_spoil_the_others() {
        let body = br#"{"elements": [1, "x", null, 2]}"#;
        let numbers: Vec<u8> = ForeignJson::parse(body).unwrap().into_elements("elements");
        assert_eq!(numbers, [1, 2]);
    }
}
