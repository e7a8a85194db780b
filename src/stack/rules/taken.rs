//! Two resources that AWS would take for one.

use std::collections::BTreeMap;

use super::Seen;
use crate::diagnostic::code;
use crate::kind::Collision;
use crate::model::Value;
use crate::stack::desk::Desk;

pub fn check(desk: &mut Desk<'_>, seen: &Seen<'_>) {
    let mut taken: BTreeMap<(&str, Vec<Value>), &crate::stack::checked::Resource> = BTreeMap::new();
    for resource in seen.resources {
        let Some(kind) = seen.catalog.get(resource.kind.as_str()) else {
            continue;
        };
        let key_fields = kind.identity.natural_key;
        if key_fields.is_empty() || kind.identity.collision == Collision::Coexist {
            continue;
        }
        let key: Vec<Value> = key_fields
            .iter()
            .map(|field| {
                folded(
                    resource.kind.as_str(),
                    seen.known(resource.attributes.get(field)),
                )
            })
            .collect();
        if key.iter().any(Value::is_null) {
            continue;
        }
        let Some(first) = taken.get(&(resource.kind.as_str(), key.clone())) else {
            taken.insert((resource.kind.as_str(), key), resource);
            continue;
        };
        // The last field of the key is the one that tells them apart: a name, a priority, a port.
        let field = key_fields.last().copied().unwrap_or_default();
        // Subnets with one network overlap, which says more.
        if resource.kind.as_str() == "ec2.subnet" {
            continue;
        }
        let shown = match seen.known(resource.attributes.get(field)) {
            Value::Text(text) => format!(" `{text}`"),
            Value::Int(int) => format!(" {int}"),
            _ => String::new(),
        };
        desk.error(
            code::NAME_TAKEN,
            seen.span(resource, field),
            format!(
                "`{}` and `{}` would both be the `{}` with {field}{shown}",
                first.address, resource.address, resource.kind
            ),
        )
        .and(seen.span(first, field), "taken here")
        .help(format!("give one of them another {field}"));
    }
}

/// IAM and RDS names are the same whatever their case.
fn folded(kind: &str, value: Value) -> Value {
    match value {
        Value::Text(text) if kind.starts_with("iam.") || kind.starts_with("rds.") => {
            Value::Text(text.to_lowercase())
        }
        other => other,
    }
}
