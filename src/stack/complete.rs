//! Defaults of the field table filled in, and what is required asked for.

use std::collections::BTreeMap;

use super::check::join;
use crate::kind::{Field, Type};
use crate::model::Value;

/// Fills defaults into `values` and into every object below. Calls `missing` with the dotted path of each required field that is not
/// there. Unset entries go; a field whose default is to be unset stays as `Null`.
pub fn complete(
    fields: &[Field],
    values: &mut BTreeMap<String, Value>,
    path: &str,
    missing: &mut dyn FnMut(&str, &Field),
) {
    values.retain(|_, value| !value.is_null());
    for field in fields.iter().filter(|field| !field.computed) {
        let path = join(path, field.name);
        match values.get_mut(field.name) {
            Some(value) => inside(&field.ty, value, &path, missing),
            None => match field.default {
                Some(default) => {
                    values.insert(field.name.to_owned(), default.value());
                }
                None if field.required => missing(&path, field),
                None => {}
            },
        }
    }
}

fn inside(ty: &Type, value: &mut Value, path: &str, missing: &mut dyn FnMut(&str, &Field)) {
    match (ty, value) {
        (Type::Object(fields), Value::Map(map)) => complete(fields, map, path, missing),
        (Type::List(item) | Type::Set(item), Value::List(items)) => {
            for (i, value) in items.iter_mut().enumerate() {
                inside(item, value, &join(path, &i.to_string()), missing);
            }
        }
        (Type::Map(item), Value::Map(map)) => {
            map.retain(|_, value| !value.is_null());
            for (key, value) in map.iter_mut() {
                inside(item, value, &join(path, key), missing);
            }
        }
        _ => {}
    }
}
