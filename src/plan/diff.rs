//! The one generic diff: what the stack says against what AWS said, field by field. What counts as equal belongs to the field's type.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::Value as Json;

use crate::kind::{Change, Field, Form, Literal, SecretText, Type};
use crate::model::version;
use crate::model::{Attributes, Part, SecretRef, Value};

mod form;

/// Looks up a live secret value, in memory.
pub type Secrets<'a> = dyn Fn(&SecretRef) -> Option<SecretText> + 'a;

/// A field that is not as wished.
#[derive(Clone, Debug)]
pub struct Difference {
    pub field: &'static Field,
    pub from: Value,
    pub to: Value,
}

impl Difference {
    pub fn replaces(&self) -> bool {
        self.field.change == Change::Replace
    }
}

/// All fields in which `observed` is not as `desired`. Fields that the stack leaves to AWS (not given, no default), computed ones and
/// those said only at creation are not compared. A pending value differs from everything.
pub fn differences(
    fields: &'static [Field],
    desired: &Attributes,
    observed: &Attributes,
    secrets: &Secrets<'_>,
) -> Vec<Difference> {
    fields
        .iter()
        .filter(|field| !field.computed && field.change != Change::Ignore)
        .filter_map(|field| {
            let to = &form::as_written_back(field.form, desired.get(field.name));
            let from = observed.get(field.name);
            if to.is_null() && field.default != Some(Literal::Unset) {
                return None;
            }
            if is_left_out(from) && absence_tells_nothing(field) {
                return None;
            }
            if field.form == Form::IgnoringCase && form::is_same_text(to, from) {
                return None;
            }
            (!same(&field.ty, to, from, secrets)).then(|| Difference {
                field,
                from: from.clone(),
                to: to.clone(),
            })
        })
        .collect()
}

/// Not in the answer.
pub fn is_left_out(value: &Value) -> bool {
    value.is_null() || value.as_text() == Some("")
}

/// Whether an answer that leaves a field out says nothing of its value. What AWS cannot change in
/// place cannot have been lost since, and absence alone never makes a resource anew.
fn absence_tells_nothing(field: &Field) -> bool {
    field.always_said || field.change == Change::Replace
}

/// Fields that the stack sets otherwise than by default, that AWS leaves out, and that would take a
/// replacement to change: nobody knows whether they are as the stack says.
pub fn not_shown(
    fields: &'static [Field],
    desired: &Attributes,
    observed: &Attributes,
) -> Vec<&'static Field> {
    let replacing = fields.iter().filter(|field| {
        field.change == Change::Replace && !field.computed && !field.required && !field.always_said
    });
    replacing
        .filter(|field| {
            let to = desired.get(field.name);
            let default = field.default.map(Literal::value);
            !is_left_out(to)
                && default.as_ref() != Some(to)
                && is_left_out(observed.get(field.name))
        })
        .collect()
}

/// Whether a live value is what was wished for, by the meaning of its type.
pub fn same(ty: &Type, desired: &Value, observed: &Value, secrets: &Secrets<'_>) -> bool {
    if desired.is_pending() {
        return false;
    }
    if is_secret_keys(ty) {
        return same_keys(desired, observed, secrets);
    }
    match (ty, desired, observed) {
        (_, Value::Null, other) | (_, other, Value::Null) => is_empty(other),
        (Type::Secret, _, _) => true,
        (Type::Cidr, Value::Text(a), Value::Text(b)) => canonical_cidr(a) == canonical_cidr(b),
        // AWS upgrades it by itself and never goes back.
        (Type::Version, Value::Text(want), Value::Text(live)) => {
            version::names_version(want, live) || version::is_ahead(want, live)
        }
        (Type::Policy, a, b) => match (document(a), document(b)) {
            (Some(a), Some(b)) => canonical_policy(a, "") == canonical_policy(b, ""),
            _ => a == b,
        },
        (Type::Json, a, b) => match (document(a), document(b)) {
            (Some(a), Some(b)) => a == b,
            _ => a == b,
        },
        (Type::List(inner), Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(inner, a, b, secrets))
        }
        (Type::Set(inner), Value::List(a), Value::List(b)) => same_set(inner, a, b, secrets),
        (Type::Map(inner), Value::Map(a), Value::Map(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| same(inner, a, b, secrets)))
        }
        (Type::Object(fields), Value::Map(a), Value::Map(b)) => same_object(fields, a, b, secrets),
        // AWS raises it by itself and never lowers it.
        (Type::Floor { .. }, Value::Int(want), Value::Int(live)) => live >= want,
        // Numbers that AWS keeps as text, and the other way round.
        (_, Value::Int(a), Value::Text(b)) | (_, Value::Text(b), Value::Int(a)) => {
            a.to_string() == *b
        }
        (_, a, b) => a == b,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        // AWS leaves an empty text out.
        Value::Text(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.is_empty(),
        _ => false,
    }
}

/// Fields whose live value is beyond the desired one and stays there: storage that would have to shrink, a version that AWS upgraded.
/// The field, the desired value, the live one.
pub fn ahead<'a>(
    fields: &'static [Field],
    desired: &'a Attributes,
    observed: &'a Attributes,
) -> Vec<(&'static Field, &'a Value, &'a Value)> {
    fields
        .iter()
        .filter(|field| !field.computed && field.change != Change::Ignore)
        .map(|field| (field, desired.get(field.name), observed.get(field.name)))
        .filter(|(field, desired, live)| match (field.ty, desired, live) {
            (Type::Floor { .. }, Value::Int(desired), Value::Int(live)) => live > desired,
            (Type::Version, Value::Text(desired), Value::Text(live)) => {
                version::is_ahead(desired, live)
            }
            _ => false,
        })
        .collect()
}

/// Every wished item has a live one of its own, and none is left over.
fn same_set(inner: &Type, desired: &[Value], observed: &[Value], secrets: &Secrets<'_>) -> bool {
    let desired = distinct(desired);
    let mut left: Vec<&Value> = distinct(observed);
    desired.len() == left.len()
        && desired.iter().all(|want| {
            let found = left
                .iter()
                .position(|live| same(inner, want, live, secrets));
            found.map(|at| left.swap_remove(at)).is_some()
        })
}

fn distinct(items: &[Value]) -> Vec<&Value> {
    let mut all: Vec<&Value> = items.iter().collect();
    all.sort();
    all.dedup();
    all
}

fn same_object(
    fields: &[Field],
    desired: &BTreeMap<String, Value>,
    observed: &BTreeMap<String, Value>,
    secrets: &Secrets<'_>,
) -> bool {
    static NULL: Value = Value::Null;
    fields.iter().filter(|field| !field.computed).all(|field| {
        let want = desired.get(field.name).unwrap_or(&NULL);
        let live = observed.get(field.name).unwrap_or(&NULL);
        (want.is_null() && field.default != Some(Literal::Unset))
            || field.change == Change::Ignore
            || same(&field.ty, want, live, secrets)
    })
}

/// A secret's `keys`: each says where its value comes from (`generate`, `operator`, `value`).
fn is_secret_keys(ty: &Type) -> bool {
    matches!(ty, Type::Map(Type::Object(parts))
        if parts.iter().any(|part| part.name == "generate") && parts.iter().any(|part| part.name == "operator"))
}

fn same_keys(desired: &Value, observed: &Value, secrets: &Secrets<'_>) -> bool {
    match desired.as_map() {
        Some(desired) => unlike(desired, observed, secrets).next().is_none(),
        None => desired == observed,
    }
}

/// Of a secret's `keys`, those that are not as wished; `None` for other fields.
pub fn unlike_keys(difference: &Difference, secrets: &Secrets<'_>) -> Option<Vec<String>> {
    let desired = difference.to.as_map()?;
    is_secret_keys(&difference.field.ty).then(|| {
        unlike(desired, &difference.from, secrets)
            .cloned()
            .collect()
    })
}

/// A generated key is right once it is there; an operator's may be there or not; a computed one must have the value it comes to.
/// Live keys that the stack does not name were set by an operator, and stay.
fn unlike<'a>(
    desired: &'a BTreeMap<String, Value>,
    observed: &'a Value,
    secrets: &'a Secrets<'_>,
) -> impl Iterator<Item = &'a String> {
    let live = observed.as_map();
    let is_right = move |key: &String, source: &Value| {
        let live = live.and_then(|live| live.get(key));
        let part = |name: &str| {
            source
                .as_map()
                .and_then(|map| map.get(name))
                .filter(|v| !v.is_null())
        };
        match (part("value"), part("operator"), live) {
            (Some(value), _, Some(live)) => match reveal(live, secrets) {
                Some(live) => reveal(value, secrets) == Some(live),
                // The caller may not read it. Its version tells whether it was written since it was last compared.
                None => is_secret(live),
            },
            (None, Some(_), _) => true,
            (_, _, live) => live.is_some(),
        }
    };
    let wrong = desired
        .iter()
        .filter(move |(key, source)| !is_right(key, source));
    wrong.map(|(key, _)| key)
}

fn is_secret(value: &Value) -> bool {
    matches!(value, Value::Expr(expr) if expr.is_secret() && !expr.is_pending())
}

/// A value with its secrets put in; `None` while one of them is unknown.
fn reveal(value: &Value, secrets: &Secrets<'_>) -> Option<SecretText> {
    match value {
        Value::Text(text) => Some(SecretText::new(text.clone())),
        Value::Int(int) => Some(SecretText::new(int.to_string())),
        Value::Bool(bool) => Some(SecretText::new(bool.to_string())),
        Value::Expr(expr) => {
            let mut all = String::new();
            for (i, part) in expr.0.iter().enumerate() {
                match part {
                    Part::Text(text) => all.push_str(text),
                    Part::Secret(secret) => match expr.is_url_password(i) {
                        true => all.push_str(secrets(secret)?.percent_encoded().expose()),
                        false => all.push_str(secrets(secret)?.expose()),
                    },
                    Part::Ref(_) => return None,
                }
            }
            Some(SecretText::new(all))
        }
        _ => None,
    }
}

/// With host bits cleared, as AWS keeps it (`100.68.0.18/18` is `100.68.0.0/18`).
pub fn canonical_cidr(text: &str) -> String {
    let Some((address, length)) = text.split_once('/') else {
        return text.to_lowercase();
    };
    let Ok(length) = length.parse::<u32>() else {
        return text.to_lowercase();
    };
    if let Ok(v4) = address.parse::<Ipv4Addr>() {
        let mask = u32::MAX.checked_shl(32 - length.min(32)).unwrap_or(0);
        return format!("{}/{length}", Ipv4Addr::from(u32::from(v4) & mask));
    }
    if let Ok(v6) = address.parse::<Ipv6Addr>() {
        let mask = u128::MAX.checked_shl(128 - length.min(128)).unwrap_or(0);
        return format!("{}/{length}", Ipv6Addr::from(u128::from(v6) & mask));
    }
    text.to_lowercase()
}

/// A document given as text or as a map.
fn document(value: &Value) -> Option<Json> {
    match value {
        Value::Text(text) => serde_json::from_str(text).ok(),
        Value::Map(_) | Value::List(_) => serde_json::to_value(value).ok(),
        _ => None,
    }
}

/// A policy by its meaning (IAM user guide, policy grammar): one-element lists are their element, lists are sets, actions ignore case,
/// condition values are text, an account id is its root ARN. An empty `Sid` is none.
fn canonical_policy(json: Json, key: &str) -> Json {
    match json {
        Json::Array(items) => {
            let mut items: Vec<Json> = items
                .into_iter()
                .map(|item| canonical_policy(item, key))
                .collect();
            items.sort_by_key(Json::to_string);
            items.dedup();
            if items.len() == 1 {
                return items.remove(0);
            }
            Json::Array(items)
        }
        Json::Object(map) => Json::Object(
            map.into_iter()
                .filter(|(name, value)| !(name == "Sid" && value.as_str() == Some("")))
                .map(|(name, value)| {
                    let value = canonical_policy(value, &name);
                    (name, value)
                })
                .collect(),
        ),
        Json::String(text) => Json::String(match key {
            "Action" | "NotAction" => text.to_lowercase(),
            "AWS" => account_of_root(&text).unwrap_or(text),
            _ => text,
        }),
        Json::Bool(bool) => Json::String(bool.to_string()),
        Json::Number(number) => Json::String(number.to_string()),
        Json::Null => Json::Null,
    }
}

fn account_of_root(arn: &str) -> Option<String> {
    let account = arn.strip_suffix(":root")?.rsplit(':').next()?;
    Some(account.to_owned())
}

#[cfg(test)]
mod tests;
