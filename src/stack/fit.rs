//! Whether a value, or what a reference will give, fits a field's type.

use super::desk::Desk;
use super::net::Net;
use super::source::Span;
use super::suggest::{did_you_mean, list};
use crate::diagnostic::code;
use crate::kind::Type;
use crate::model::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    Yes,
    /// A number or boolean where text is meant: it is written out.
    AsText,
    No,
}

/// Whether a reference of type `have` may stand where `want` is meant.
pub fn accepts(want: &Type, have: &Type) -> Fit {
    use Type::*;
    let yes = match (want, have) {
        (Any, Secret) | (Any, Handle(_)) => false,
        (Any, _) | (_, Any) => true,
        (Text | Secret, Int { .. } | Floor { .. } | Bool) => return Fit::AsText,
        (Text, Text | Cidr | Version | OneOf(_) | Policy | Json) => true,
        (Secret, Text | Cidr | Version | OneOf(_) | Policy | Json | Secret) => true,
        (Cidr, Cidr | Text) | (Version, Version | Text) | (OneOf(_), OneOf(_) | Text) => true,
        (Int { .. } | Floor { .. }, Int { .. } | Floor { .. }) | (Bool, Bool) => true,
        (Policy | Json, Text | Policy | Json) => true,
        (List(want) | Set(want), List(have) | Set(have)) => accepts(want, have) == Fit::Yes,
        (Map(want), Map(have)) => accepts(want, have) == Fit::Yes,
        (Object(want), Object(have)) => want == have,
        _ => false,
    };
    if yes { Fit::Yes } else { Fit::No }
}

pub fn takes_secret(ty: &Type) -> bool {
    matches!(ty, Type::Secret)
}

/// A known value (a literal, a variable, a built-in) as `ty`; reports why not.
pub fn known(desk: &mut Desk<'_>, value: Value, span: Span, ty: &Type) -> Value {
    match (ty, value) {
        (_, Value::Null) => Value::Null,
        (Type::Any, value) => value,
        (Type::Text | Type::Version | Type::Secret, value) if plain_text(&value).is_some() => {
            Value::Text(plain_text(&value).unwrap_or_default())
        }
        (Type::Bool, Value::Bool(bool)) => Value::Bool(bool),
        (Type::Int { min, max } | Type::Floor { min, max }, Value::Int(int)) => {
            within(desk, int, *min, *max, span)
        }
        (Type::IntOf(numbers), Value::Int(int)) => among(desk, int, numbers, span),
        (Type::OneOf(words), Value::Text(text)) => one_of(desk, text, words, span),
        (Type::Cidr, Value::Text(text)) => cidr(desk, text, span),
        (Type::Policy | Type::Json, Value::Text(text)) => json(desk, text, span),
        (Type::Policy | Type::Json, value @ (Value::Map(_) | Value::List(_))) => value,
        (Type::List(item) | Type::Set(item), Value::List(items)) => Value::List(
            items
                .into_iter()
                .map(|value| known(desk, value, span, item))
                .collect(),
        ),
        (Type::Map(item), Value::Map(map)) => Value::Map(
            map.into_iter()
                .map(|(key, value)| (key, known(desk, value, span, item)))
                .collect(),
        ),
        (ty, value) => {
            desk.error(
                code::WRONG_TYPE,
                span,
                format!("{} is meant here, this is {}", describe(ty), what(&value)),
            )
            .help_if(example(ty));
            Value::Null
        }
    }
}

fn within(desk: &mut Desk<'_>, int: i64, min: i64, max: i64, span: Span) -> Value {
    if (min..=max).contains(&int) {
        return Value::Int(int);
    }
    let (bounds, help) = match (min, max) {
        (i64::MIN, max) => (format!("at most {max}"), format!("write `{max}` or less")),
        (min, i64::MAX) => (format!("at least {min}"), format!("write `{min}` or more")),
        (min, max) => (
            format!("between {min} and {max}"),
            format!("the nearest that is: `{}`", int.clamp(min, max)),
        ),
    };
    desk.error(
        code::OUT_OF_BOUNDS,
        span,
        format!("{int} is out of bounds: {bounds} is allowed"),
    )
    .help(help);
    Value::Null
}

fn among(desk: &mut Desk<'_>, int: i64, numbers: &[i64], span: Span) -> Value {
    if numbers.contains(&int) {
        return Value::Int(int);
    }
    let below = numbers.iter().rfind(|number| **number < int);
    let above = numbers.iter().find(|number| **number > int);
    let nearest: Vec<String> = below.into_iter().chain(above).map(i64::to_string).collect();
    desk.error(
        code::OUT_OF_BOUNDS,
        span,
        format!("{int} is not allowed here"),
    )
    .help(format!("the nearest that is: {}", list(&nearest)));
    Value::Null
}

fn one_of(desk: &mut Desk<'_>, text: String, words: &[&str], span: Span) -> Value {
    if words.contains(&text.as_str()) {
        return Value::Text(text);
    }
    desk.error(
        code::NOT_ONE_OF,
        span,
        format!("`{text}` is not allowed here"),
    )
    .help_if(did_you_mean(&text, words.iter().copied()));
    Value::Null
}

fn cidr(desk: &mut Desk<'_>, text: String, span: Span) -> Value {
    match Net::parse(&text) {
        Some(net) if net.is_canonical() => Value::Text(text),
        Some(net) => {
            desk.error(
                code::BAD_CIDR,
                span,
                format!("`{text}` has bits set beyond its prefix"),
            )
            .help(format!("write `{}`", net.canonical()));
            Value::Null
        }
        None => {
            desk.error(
                code::BAD_CIDR,
                span,
                format!("`{text}` is not a network in CIDR notation"),
            )
            .help("an address and the length of its prefix, such as `10.0.0.0/16`");
            Value::Null
        }
    }
}

fn json(desk: &mut Desk<'_>, text: String, span: Span) -> Value {
    match serde_json::from_str::<Value>(&text) {
        Ok(value @ (Value::Map(_) | Value::List(_))) => value,
        Ok(_) => {
            desk.error(
                code::WRONG_TYPE,
                span,
                "a JSON document is meant here, this is a single value",
            )
            .help_if(example(&Type::Json));
            Value::Null
        }
        Err(error) => {
            desk.error(
                code::WRONG_TYPE,
                span,
                format!("this is not a JSON document: {error}"),
            )
            .help_if(example(&Type::Json));
            Value::Null
        }
    }
}

/// A scalar written out; `None` for lists, maps and what is not known.
pub fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Int(int) => Some(int.to_string()),
        Value::Bool(bool) => Some(bool.to_string()),
        _ => None,
    }
}

/// The whole number that was meant by `2.0`, `1_000`, `1,000` or ` 20 `.
pub fn whole_number(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(value) = text.parse::<i64>() {
        return Some(value);
    }
    if let Some((whole, fraction)) = text.split_once('.')
        && !fraction.is_empty()
        && fraction.bytes().all(|b| b == b'0')
    {
        return whole.parse().ok();
    }
    let is_grouped = text.contains(['_', ','])
        && text.split(['_', ',']).enumerate().all(|(i, group)| {
            let is_number = !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit());
            is_number && (i == 0 || group.len() == 3)
        });
    is_grouped.then(|| text.replace(['_', ','], "").parse().ok())?
}

/// What a type is called in a sentence.
pub fn describe(ty: &Type) -> String {
    match ty {
        Type::Bool => "`true` or `false`".into(),
        Type::Int { .. } | Type::Floor { .. } | Type::IntOf(_) => "a whole number".into(),
        Type::Text => "text".into(),
        Type::OneOf(words) => format!("one of {}", list(words)),
        Type::Cidr => "a network in CIDR notation".into(),
        Type::Version => "a version".into(),
        Type::Policy => "a policy document".into(),
        Type::Json => "a JSON document".into(),
        Type::List(item) | Type::Set(item) => match item {
            Type::Text => "a list of texts".into(),
            Type::Cidr => "a list of networks in CIDR notation".into(),
            Type::Object(_) | Type::Map(_) => "a list of maps".into(),
            Type::Handle(types) => format!("a list of {}", list(types)),
            _ => "a list".into(),
        },
        Type::Map(_) => "a map".into(),
        Type::Object(fields) => {
            let names: Vec<_> = fields.iter().take(4).map(|f| f.name).collect();
            let more = if fields.len() > 4 { ", …" } else { "" };
            format!("a map with {}{more}", list(&names))
        }
        Type::Secret => "a secret".into(),
        Type::Handle(types) => format!("a whole {}", list(types)),
        Type::Any => "a value".into(),
    }
}

/// How one writes a value of a type.
pub fn example(ty: &Type) -> Option<String> {
    Some(match ty {
        Type::Bool => "write `true` or `false`, without quotes".into(),
        Type::Int { min, max } | Type::Floor { min, max } => match (*min, *max) {
            (i64::MIN, i64::MAX) => "write digits, without quotes and separators".into(),
            (min, i64::MAX) => format!("write a whole number from {min} on, without quotes"),
            (i64::MIN, max) => format!("write a whole number up to {max}, without quotes"),
            (min, max) => format!("write a whole number from {min} to {max}, without quotes"),
        },
        Type::IntOf(numbers) => {
            let few: Vec<String> = numbers.iter().take(4).map(i64::to_string).collect();
            format!("write a number such as {}", list(&few))
        }
        Type::Text => "write one line of text, such as `name`".into(),
        Type::OneOf(words) => format!("write {}", list(words)),
        Type::Cidr => "write `10.0.0.0/16`".into(),
        Type::Version => "write it in quotes: `\"15\"`".into(),
        Type::Policy | Type::Json => "write it as a YAML map, or as the text of one in JSON".into(),
        Type::Secret => "refer to a key of a secret: `${secret.keys.KEY}`".into(),
        Type::List(Type::Cidr) | Type::Set(Type::Cidr) => {
            "write `[10.0.1.0/24, 10.0.2.0/24]`".into()
        }
        Type::List(_) | Type::Set(_) => "write `[one, two]`, or one `- item` a line".into(),
        Type::Map(_) => "write one `key: value` a line, indented".into(),
        Type::Object(fields) => format!(
            "write `{}: …` on a line of its own, indented",
            fields.first()?.name
        ),
        Type::Handle(_) => "write `${name}`".into(),
        Type::Any => return None,
    })
}

pub fn reference_help(want: &Type, have: &Type, path: &str) -> Option<String> {
    match (want, have) {
        (Type::List(_) | Type::Set(_), Type::Text | Type::Cidr) => {
            Some(format!("write `[\"${{{path}}}\"]`"))
        }
        (_, Type::List(_) | Type::Set(_)) => Some(format!("name one of the list: `${{{path}.0}}`")),
        (_, Type::Map(_)) => Some(format!("name a key of the map: `${{{path}.KEY}}`")),
        _ => None,
    }
}

fn what(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Int(_) => "a number",
        Value::Text(_) => "text",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
        Value::Expr(_) => "a reference",
    }
}
