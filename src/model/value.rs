//! Values of the stack language: known, pending on a reference, or secret by reference.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map as JsonMap, Value as Json};

use super::Address;

/// `${address.attribute}`; the attribute may be a dotted path into a map (`key_arns.API_KEY`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reference {
    pub address: Address,
    pub attribute: String,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${{{}.{}}}", self.address, self.attribute)
    }
}

/// One key of one secret: never its value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SecretRef {
    /// The `secretsmanager.secret` resource that holds it.
    pub address: Address,
    pub key: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Text(String),
    Ref(Reference),
    Secret(SecretRef),
}

/// Text with holes: at least one part is a reference or a secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Expr(pub Vec<Part>);

impl Expr {
    pub fn reference(address: &Address, attribute: &str) -> Self {
        Self(vec![Part::Ref(Reference {
            address: address.clone(),
            attribute: attribute.to_owned(),
        })])
    }

    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.0.iter().filter_map(|part| match part {
            Part::Ref(reference) => Some(reference),
            _ => None,
        })
    }

    pub fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        self.0.iter().filter_map(|part| match part {
            Part::Secret(secret) => Some(secret),
            _ => None,
        })
    }

    /// Whether the secret at this place in the parts is the password of a URL, `scheme://user:SECRET@host`. There it has to be
    /// percent-encoded (RFC 3986, section 3.2.1).
    pub fn is_url_password(&self, index: usize) -> bool {
        let text = |part: Option<&Part>| match part {
            Some(Part::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let before: String = self.0[..index.min(self.0.len())]
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.as_str(),
                Part::Ref(_) | Part::Secret(_) => "x",
            })
            .collect();
        let is_after_user = before
            .rsplit_once("://")
            .is_some_and(|(_, user)| user.ends_with(':') && !user.contains(['/', '@', '?', '#']));
        is_after_user && text(self.0.get(index + 1)).is_some_and(|next| next.starts_with('@'))
    }

    pub fn is_pending(&self) -> bool {
        self.references().next().is_some()
    }

    pub fn is_secret(&self) -> bool {
        self.secrets().next().is_some()
    }
}

/// What a field holds. Serialised as plain JSON, an expression as `{"$expr": [parts]}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Value {
    /// Unset.
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
    Expr(Expr),
}

impl Value {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A whole-value reference, `${address.attribute}`.
    pub fn reference(address: &Address, attribute: &str) -> Self {
        Self::Expr(Expr::reference(address, attribute))
    }

    pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Map(entries.into_iter().map(|(k, v)| (k.into(), v)).collect())
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(bool) => Some(*bool),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_map(&self) -> Option<&BTreeMap<String, Value>> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Calls `see` for every expression in this value, however deep.
    pub fn each_expr<'a>(&'a self, see: &mut dyn FnMut(&'a Expr)) {
        match self {
            Self::Expr(expr) => see(expr),
            Self::List(items) => items.iter().for_each(|item| item.each_expr(see)),
            Self::Map(map) => map.values().for_each(|item| item.each_expr(see)),
            _ => {}
        }
    }

    /// Whether some part of it waits for another resource.
    pub fn is_pending(&self) -> bool {
        let mut pending = false;
        self.each_expr(&mut |expr| pending |= expr.is_pending());
        pending
    }

    /// Whether some part of it is a secret.
    pub fn is_secret(&self) -> bool {
        let mut secret = false;
        self.each_expr(&mut |expr| secret |= expr.is_secret());
        secret
    }

    /// Puts in what `known` knows. A reference that is a whole value takes the other's type; one inside a text becomes text.
    /// Entries and items that turn out unset (`Null`) are dropped from maps and lists.
    pub fn resolve(&self, known: &dyn Fn(&Reference) -> Option<Value>) -> Value {
        match self {
            Self::Expr(expr) => resolve_expr(expr, known),
            Self::List(items) => Self::List(
                items
                    .iter()
                    .map(|item| (item, item.resolve(known)))
                    .filter(|(was, now)| was.is_null() || !now.is_null())
                    .map(|(_, now)| now)
                    .collect(),
            ),
            Self::Map(map) => Self::Map(
                map.iter()
                    .map(|(key, item)| (key, item, item.resolve(known)))
                    .filter(|(_, was, now)| was.is_null() || !now.is_null())
                    .map(|(key, _, now)| (key.clone(), now))
                    .collect(),
            ),
            other => other.clone(),
        }
    }

    pub(super) fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(bool) => Json::Bool(*bool),
            Self::Int(int) => Json::from(*int),
            Self::Text(text) => Json::String(text.clone()),
            Self::List(items) => Json::Array(items.iter().map(Value::to_json).collect()),
            Self::Map(map) => Json::Object(
                map.iter()
                    .map(|(key, value)| (key.clone(), value.to_json()))
                    .collect(),
            ),
            Self::Expr(expr) => {
                let mut map = JsonMap::new();
                map.insert(
                    "$expr".into(),
                    serde_json::to_value(expr).unwrap_or(Json::Null),
                );
                Json::Object(map)
            }
        }
    }

    fn from_json(json: Json) -> Result<Self, String> {
        Ok(match json {
            Json::Null => Self::Null,
            Json::Bool(bool) => Self::Bool(bool),
            Json::Number(number) => Self::Int(
                number
                    .as_i64()
                    .ok_or_else(|| format!("{number} is not a whole number"))?,
            ),
            Json::String(text) => Self::Text(text),
            Json::Array(items) => Self::List(
                items
                    .into_iter()
                    .map(Value::from_json)
                    .collect::<Result<_, _>>()?,
            ),
            Json::Object(mut map) => {
                if map.len() == 1
                    && let Some(expr) = map.remove("$expr")
                {
                    return serde_json::from_value(expr)
                        .map(Self::Expr)
                        .map_err(|e| e.to_string());
                }
                Self::Map(
                    map.into_iter()
                        .map(|(key, value)| Ok((key, Value::from_json(value)?)))
                        .collect::<Result<_, String>>()?,
                )
            }
        })
    }
}

fn resolve_expr(expr: &Expr, known: &dyn Fn(&Reference) -> Option<Value>) -> Value {
    if let [Part::Ref(reference)] = expr.0.as_slice() {
        return known(reference).unwrap_or_else(|| Value::Expr(expr.clone()));
    }
    let mut parts: Vec<Part> = Vec::new();
    for part in &expr.0 {
        let part = match part {
            Part::Ref(reference) => match known(reference) {
                Some(Value::Text(text)) => Part::Text(text),
                Some(Value::Int(int)) => Part::Text(int.to_string()),
                Some(Value::Bool(bool)) => Part::Text(bool.to_string()),
                // A hole that is unset makes the whole text unset.
                Some(Value::Null) => return Value::Null,
                Some(Value::Expr(Expr(inner))) => {
                    parts.extend(inner);
                    continue;
                }
                Some(_) | None => part.clone(),
            },
            other => other.clone(),
        };
        match (parts.last_mut(), part) {
            (Some(Part::Text(text)), Part::Text(more)) => text.push_str(&more),
            (_, part) => parts.push(part),
        }
    }
    match parts.as_slice() {
        [] => Value::text(""),
        [Part::Text(text)] => Value::text(text.clone()),
        _ => Value::Expr(Expr(parts)),
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(bool: bool) -> Self {
        Self::Bool(bool)
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<i32> for Value {
    fn from(int: i32) -> Self {
        Self::Int(int.into())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::from_json(Json::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
