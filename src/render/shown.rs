//! Values as a reader may see them: secrets and pending parts replaced by words, JSON documents opened up, control characters escaped.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::model::{Expr, Part, Value};

pub const SECRET: &str = "(secret)";
pub const PENDING: &str = "(known after apply)";
pub const UNSET: &str = "(unset)";

/// Longer texts are cut in the middle on terminals; JSON output has them whole.
const LONGEST_TEXT: usize = 160;

/// A value ready to be printed or compared leaf by leaf.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    Leaf(String),
    List(Vec<Shown>),
    Map(BTreeMap<String, Shown>),
}

impl Shown {
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Leaf(UNSET.into()),
            Value::Bool(bool) => Self::Leaf(bool.to_string()),
            Value::Int(int) => Self::Leaf(int.to_string()),
            Value::Text(text) => document(text).unwrap_or_else(|| Self::Leaf(quoted(text))),
            Value::List(items) => Self::List(items.iter().map(Self::of).collect()),
            Value::Map(map) => Self::Map(
                map.iter()
                    .filter(|(_, value)| !value.is_null())
                    .map(|(key, value)| (key.clone(), Self::of(value)))
                    .collect(),
            ),
            Value::Expr(expr) => Self::Leaf(expression(expr)),
        }
    }

    /// On one line: `["a", "b"]`, `{ port: 80, protocol: "tcp" }`.
    pub fn inline(&self) -> String {
        match self {
            Self::Leaf(text) => text.clone(),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::inline).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Map(map) if map.is_empty() => "{}".into(),
            Self::Map(map) => {
                let entries: Vec<_> = map
                    .iter()
                    .map(|(key, value)| format!("{}: {}", clean(key), value.inline()))
                    .collect();
                format!("{{ {} }}", entries.join(", "))
            }
        }
    }
}

/// A value on one line.
pub fn inline(value: &Value) -> String {
    Shown::of(value).inline()
}

/// A text that holds a JSON object or list (a policy) is shown by its parts.
fn document(text: &str) -> Option<Shown> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str::<Json>(text)
        .ok()
        .map(|json| of_json(&json))
}

fn of_json(json: &Json) -> Shown {
    match json {
        Json::Null => Shown::Leaf("null".into()),
        Json::String(text) => Shown::Leaf(quoted(text)),
        Json::Bool(_) | Json::Number(_) => Shown::Leaf(json.to_string()),
        Json::Array(items) => Shown::List(items.iter().map(of_json).collect()),
        Json::Object(map) => Shown::Map(
            map.iter()
                .map(|(key, value)| (key.clone(), of_json(value)))
                .collect(),
        ),
    }
}

/// A text with a secret in it is secret as a whole: its length and its other parts say something about it.
fn expression(expr: &Expr) -> String {
    if expr.is_secret() {
        return SECRET.into();
    }
    if let [_] = expr.0.as_slice() {
        return PENDING.into();
    }
    let text: String = expr
        .0
        .iter()
        .map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Ref(_) => PENDING,
            Part::Secret(_) => SECRET,
        })
        .collect();
    quoted(&text)
}

/// In quotes, with everything escaped that could drive a terminal, and cut in the middle when it is very long.
fn quoted(text: &str) -> String {
    let length = text.chars().count();
    if length <= LONGEST_TEXT {
        return format!("{text:?}");
    }
    let head: String = text.chars().take(LONGEST_TEXT / 2).collect();
    let tail: String = text.chars().skip(length - LONGEST_TEXT / 4).collect();
    format!("{:?} ({length} characters)", format!("{head} … {tail}"))
}

/// Text from outside (AWS's messages, names, ids) without control characters, so that it cannot drive the terminal. Newlines and tabs
/// stay.
pub fn clean(text: &str) -> Cow<'_, str> {
    let bad = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(bad) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.chars()
            .map(|c| if bad(c) { '\u{fffd}' } else { c })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Address, SecretRef};

    fn secret() -> Part {
        Part::Secret(SecretRef {
            address: Address::new("config"),
            key: "JWT".into(),
        })
    }

    #[test]
    fn values_are_shown_in_words() {
        let db = Address::new("db");
        for (value, text) in [
            (Value::Null, "(unset)"),
            (Value::Bool(true), "true"),
            (Value::Int(180), "180"),
            (Value::text("a \"b\"\n"), r#""a \"b\"\n""#),
            (Value::text("\u{1b}[2J"), r#""\u{1b}[2J""#),
            (Value::reference(&db, "url"), "(known after apply)"),
            (
                Value::Expr(Expr(vec![
                    Part::Text("postgres://".into()),
                    Part::Ref(crate::model::Reference {
                        address: db.clone(),
                        attribute: "host".into(),
                    }),
                ])),
                r#""postgres://(known after apply)""#,
            ),
            (Value::Expr(Expr(vec![secret()])), "(secret)"),
            (
                Value::Expr(Expr(vec![Part::Text("x".into()), secret()])),
                "(secret)",
            ),
            (Value::from(vec!["a", "b"]), r#"["a", "b"]"#),
            (
                Value::map([("port", Value::Int(80)), ("to", Value::Null)]),
                "{ port: 80 }",
            ),
            (
                Value::text(r#"{"Version":"2012-10-17","Statement":[]}"#),
                r#"{ Statement: [], Version: "2012-10-17" }"#,
            ),
            (Value::text("{not json"), r#""{not json""#),
        ] {
            assert_eq!(inline(&value), text);
        }
    }

    #[test]
    fn long_text_is_cut_in_the_middle() {
        let shown = inline(&Value::text("ab".repeat(500)));
        assert!(shown.chars().count() < 160, "{shown}");
        assert!(shown.ends_with("(1000 characters)"));
    }

    #[test]
    fn foreign_text_cannot_drive_the_terminal() {
        assert_eq!(clean("a\u{1b}]0;x\u{7}b\nc"), "a\u{fffd}]0;x\u{fffd}b\nc");
    }
}
