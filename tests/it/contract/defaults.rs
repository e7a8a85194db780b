//! From a sample's JSON to the attributes a kind is given: references parsed, defaults filled in, also those of a given object's parts.

use std::collections::BTreeMap;

use circles_infra::kind::{Field, Literal, Type};
use circles_infra::model::{Address, Attributes, Expr, Part, Reference, Value};
use serde_json::Value as Json;

/// `"${vpc.id}"` anywhere in a text becomes a reference.
pub fn parse(json: &Json) -> Value {
    let value: Value = serde_json::from_value(json.clone()).expect("a value of the stack language");
    references(value)
}

fn references(value: Value) -> Value {
    match value {
        Value::Text(text) if text.contains("${") => Value::Expr(Expr(parts(&text))),
        Value::List(items) => Value::List(items.into_iter().map(references).collect()),
        Value::Map(map) => Value::Map(map.into_iter().map(|(k, v)| (k, references(v))).collect()),
        other => other,
    }
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (inner, after) = after.split_once('}').expect("a closed reference");
        let (address, attribute) = inner.split_once('.').expect("address.attribute");
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        parts.push(Part::Ref(Reference {
            address: Address::from(address),
            attribute: attribute.to_owned(),
        }));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    parts
}

/// With what the field table says where nothing is given.
pub fn complete(fields: &[Field], given: &Attributes) -> Attributes {
    Attributes(filled(fields, &given.0))
}

fn filled(fields: &[Field], given: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let mut all: BTreeMap<String, Value> = given.clone();
    for field in fields.iter().filter(|field| !field.computed) {
        let value = match (all.remove(field.name), field.default) {
            (Some(value), _) if !value.is_null() => whole(&field.ty, value),
            (_, Some(literal)) => literal_value(literal),
            _ => continue,
        };
        all.insert(field.name.to_owned(), value);
    }
    all
}

fn whole(ty: &Type, value: Value) -> Value {
    match (ty, value) {
        (Type::Object(fields), Value::Map(map)) => Value::Map(filled(fields, &map)),
        (Type::List(inner) | Type::Set(inner), Value::List(items)) => {
            Value::List(items.into_iter().map(|item| whole(inner, item)).collect())
        }
        (Type::Map(inner), Value::Map(map)) => {
            Value::Map(map.into_iter().map(|(k, v)| (k, whole(inner, v))).collect())
        }
        (_, value) => value,
    }
}

fn literal_value(literal: Literal) -> Value {
    match literal {
        Literal::Unset => Value::Null,
        Literal::Bool(bool) => bool.into(),
        Literal::Int(int) => int.into(),
        Literal::Text(text) => text.into(),
        Literal::EmptyList => Value::List(Vec::new()),
        Literal::EmptyMap => Value::Map(BTreeMap::new()),
    }
}
