//! The JSON schema for editors, off the same field tables that the checks read.

use serde_json::{Map, Value as Json, json};

use super::catalog::Catalog;
use super::document::{ENVIRONMENT, SECTIONS, SETTINGS};
use super::entry::{COMMON, EXISTING_CLUSTER};
use crate::component::COMPONENTS;
use crate::kind::{Field, TextRule, Type};

/// Draft 2020-12. Every value may also be a reference, and every key has its sentence.
pub fn schema(catalog: &Catalog) -> Json {
    let mut types = Vec::new();
    for component in COMPONENTS {
        let existing = (!component.existing.is_empty()).then(|| object(component.existing));
        types.push(entry(
            component.name,
            component.doc,
            component.fields,
            existing,
        ));
    }
    for kind in catalog.iter() {
        let existing = (kind.name.as_str() == "ecs.cluster").then(|| object(EXISTING_CLUSTER));
        types.push(entry(kind.name.as_str(), kind.doc, kind.fields, existing));
    }
    let names: Vec<Json> = types
        .iter()
        .filter_map(|ty| ty.pointer("/if/properties/type/const").cloned())
        .collect();
    let mut top = properties(SECTIONS.iter().chain(SETTINGS));
    let environment = properties(SETTINGS.iter().chain(ENVIRONMENT));
    top.insert(
        "environments".into(),
        json!({
            "type": "object",
            "additionalProperties": { "type": ["object", "null"], "properties": environment, "additionalProperties": false },
        }),
    );
    top.insert(
        "resources".into(),
        json!({
            "type": "object",
            "description": "Kinds and components, by name.",
            "additionalProperties": {
                "type": "object",
                "required": ["type"],
                "properties": { "type": { "enum": names } },
                "allOf": types,
            },
        }),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "circles-infra stack",
        "type": "object",
        "required": ["stack", "resources"],
        "properties": top,
        "additionalProperties": false,
        "$defs": { "reference": { "type": "string", "pattern": "\\$\\{[^}]+\\}", "description": "`${name.attribute}`" } },
    })
}

/// What holds for an entry of this type. What is required is left to `validate`, which knows environments and look-ups.
fn entry(name: &str, doc: &str, fields: &[Field], existing: Option<Json>) -> Json {
    let mut all = properties(COMMON.iter().filter(|field| field.name != "type"));
    all.extend(properties(fields.iter().filter(|field| !field.computed)));
    match existing {
        Some(existing) => all.insert("existing".into(), existing),
        None => all.remove("existing"),
    };
    if COMPONENTS.iter().all(|component| component.name != name) {
        all.remove("overrides");
    }
    all.insert("type".into(), json!({ "const": name, "description": doc }));
    json!({
        "if": { "properties": { "type": { "const": name } }, "required": ["type"] },
        "then": { "properties": all, "additionalProperties": false },
    })
}

fn properties<'f>(fields: impl IntoIterator<Item = &'f Field>) -> Map<String, Json> {
    fields
        .into_iter()
        .map(|field| (field.name.to_owned(), property(field)))
        .collect()
}

fn property(field: &Field) -> Json {
    let mut property = ruled(field);
    if let Some(map) = property.as_object_mut() {
        map.insert("description".into(), json!(field.doc));
        if let Some(default) = field.default {
            map.insert(
                "default".into(),
                serde_json::to_value(default.value()).unwrap_or(Json::Null),
            );
        }
    }
    property
}

/// The value of a field, with the rules on its texts and on the keys of its map.
fn ruled(field: &Field) -> Json {
    let text = |rule: &TextRule| {
        let own = Json::Object(text_rule(rule));
        json!({ "anyOf": [own, { "type": "integer" }, { "$ref": "#/$defs/reference" }, { "type": "null" }] })
    };
    match (&field.ty, field.rule, field.key_rule) {
        (Type::Text, Some(rule), _) => text(rule),
        (Type::List(Type::Text), Some(rule), _) => {
            or_reference(json!({ "type": "array", "items": text(rule) }))
        }
        (Type::Set(Type::Text), Some(rule), _) => {
            or_reference(json!({ "type": "array", "items": text(rule), "uniqueItems": true }))
        }
        (Type::Map(item), rule, Some(keys)) => {
            let item = match (item, rule) {
                (Type::Text, Some(rule)) => text(rule),
                (item, _) => value(item),
            };
            let mut names = text_rule(keys);
            names.remove("type");
            or_reference(
                json!({ "type": "object", "propertyNames": names, "additionalProperties": item }),
            )
        }
        (ty, ..) => value(ty),
    }
}

/// As far as a schema can say it.
fn text_rule(rule: &TextRule) -> Map<String, Json> {
    let mut own = Map::from_iter([("type".to_owned(), json!("string"))]);
    if rule.length.0 > 0 {
        own.insert("minLength".into(), json!(rule.length.0));
    }
    own.insert("maxLength".into(), json!(rule.length.1));
    if let Some(pattern) = rule.pattern() {
        own.insert("pattern".into(), json!(pattern));
    }
    own
}

fn or_reference(own: Json) -> Json {
    json!({ "anyOf": [own, { "$ref": "#/$defs/reference" }, { "type": "null" }] })
}

fn object(fields: &[Field]) -> Json {
    let required: Vec<&str> = fields
        .iter()
        .filter(|field| field.required)
        .map(|field| field.name)
        .collect();
    let all = properties(fields.iter().filter(|field| !field.computed));
    json!({ "type": "object", "properties": all, "required": required, "additionalProperties": false })
}

/// A value of this type, a reference, or nothing.
fn value(ty: &Type) -> Json {
    match ty {
        Type::Bool => or_reference(json!({ "type": "boolean" })),
        Type::Int { min, max } | Type::Floor { min, max } => {
            let mut own = Map::from_iter([("type".to_owned(), json!("integer"))]);
            if *min > i64::MIN {
                own.insert("minimum".into(), json!(min));
            }
            if *max < i64::MAX {
                own.insert("maximum".into(), json!(max));
            }
            or_reference(Json::Object(own))
        }
        // A whole number may stand for text, since it reads back as itself.
        Type::Text | Type::Version => json!({ "type": ["string", "integer", "null"] }),
        Type::Cidr | Type::Secret => json!({ "type": ["string", "null"] }),
        Type::IntOf(numbers) => or_reference(json!({ "enum": numbers })),
        Type::OneOf(words) => or_reference(json!({ "enum": words })),
        Type::Policy | Type::Json => json!({ "type": ["object", "array", "string", "null"] }),
        Type::List(item) => or_reference(json!({ "type": "array", "items": value(item) })),
        Type::Set(item) => {
            or_reference(json!({ "type": "array", "items": value(item), "uniqueItems": true }))
        }
        Type::Map(item) => {
            or_reference(json!({ "type": "object", "additionalProperties": value(item) }))
        }
        Type::Object(fields) => {
            let short = fields.iter().find(|field| field.name == "value");
            match short {
                Some(field) => json!({ "anyOf": [object(fields), value(&field.ty)] }),
                None => or_reference(object(fields)),
            }
        }
        Type::Handle(_) => json!({ "$ref": "#/$defs/reference" }),
        Type::Any => json!({}),
    }
}
