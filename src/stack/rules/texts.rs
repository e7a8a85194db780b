//! The rules of the field tables on texts and on keys of maps, over finished resources.

use super::Seen;
use crate::diagnostic::code;
use crate::kind::{BrokenRule, Field, TextRule, Type};
use crate::model::Value;
use crate::stack::check::join;
use crate::stack::checked::Resource;
use crate::stack::desk::Desk;

pub fn check(desk: &mut Desk<'_>, seen: &Seen<'_>) {
    for resource in seen.resources {
        let Some(kind) = seen.catalog.get(resource.kind.as_str()) else {
            continue;
        };
        for field in kind.fields.iter().filter(|field| !field.computed) {
            let value = resource.attributes.get(field.name);
            let mut walk = Walk {
                desk,
                seen,
                resource,
            };
            walk.field(field, value, field.name);
        }
    }
}

struct Walk<'w, 'd, 'a, 'x> {
    desk: &'w mut Desk<'a>,
    seen: &'w Seen<'x>,
    resource: &'d Resource,
}

impl Walk<'_, '_, '_, '_> {
    fn field(&mut self, field: &Field, value: &Value, path: &str) {
        self.value(&field.ty, field, value, path);
    }

    fn value(&mut self, ty: &Type, field: &Field, value: &Value, path: &str) {
        let known = match value {
            // What another resource says is checked there.
            Value::Expr(_) if self.seen.target(value).is_some() => return,
            Value::Expr(_) => self.seen.known(value),
            other => other.clone(),
        };
        match (ty, &known) {
            (Type::Object(fields), Value::Map(map)) => {
                for part in fields.iter() {
                    if let Some(value) = map.get(part.name) {
                        self.field(part, value, &join(path, part.name));
                    }
                }
            }
            (Type::List(item) | Type::Set(item), Value::List(values)) => {
                for (i, value) in values.iter().enumerate() {
                    self.value(item, field, value, &join(path, &i.to_string()));
                }
            }
            (Type::Map(item), Value::Map(map)) => {
                for (key, value) in map {
                    let path = join(path, key);
                    if let Some(rule) = field.key_rule {
                        self.key(rule, key, &path);
                    }
                    self.value(item, field, value, &path);
                }
            }
            (_, Value::Text(text)) => {
                if let Some(rule) = field.rule {
                    self.text(rule, text, path);
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, rule: &TextRule, text: &str, path: &str) {
        if let Some(broken) = rule.broken_by(text) {
            let (address, kind) = (&self.resource.address, &self.resource.kind);
            let shown = shortened(text);
            self.report(
                path,
                format!(
                    "`{shown}` cannot be the {} of `{address}` (a `{kind}`): {}",
                    named(path),
                    broken.reason
                ),
                &broken,
            );
        }
    }

    fn key(&mut self, rule: &TextRule, key: &str, path: &str) {
        if let Some(broken) = rule.broken_by(key) {
            let address = &self.resource.address;
            let outer = path.strip_suffix(key).unwrap_or(path).trim_end_matches('.');
            self.report(
                path,
                format!(
                    "`{}` cannot be a key in the {} of `{address}`: {}",
                    shortened(key),
                    named(outer),
                    broken.reason
                ),
                &broken,
            );
        }
    }

    fn report(&mut self, path: &str, message: String, broken: &BrokenRule) {
        let span = self.seen.span(self.resource, path);
        if self.seen.is_reported(self.desk, span, &broken.reason) {
            return;
        }
        self.desk
            .error(code::NAME_RULE, span, message)
            .help_if(broken.help.clone());
    }
}

/// The field at the end of a path, without the places in lists: `containers.0.image` is the image.
fn named(path: &str) -> &str {
    path.split('.')
        .rev()
        .find(|part| part.parse::<usize>().is_err())
        .unwrap_or(path)
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
