//! A scalar without references, read as the type its field wants.

use super::desk::Desk;
use super::fit;
use super::node::{Core, Scalar};
use super::source::Span;
use crate::diagnostic::code;
use crate::kind::Type;
use crate::model::Value;

pub fn read(desk: &mut Desk<'_>, scalar: &Scalar, span: Span, ty: &Type) -> Value {
    let core = scalar.core();
    if core == Core::Null {
        return Value::Null;
    }
    let text = scalar.text.as_str();
    match ty {
        Type::Bool => bool(desk, scalar, &core, span),
        Type::Int { .. } | Type::Floor { .. } | Type::IntOf(_) => {
            int(desk, scalar, &core, span, ty)
        }
        Type::Any => match any(desk, scalar, &core, span) {
            Some(value) => value,
            None => Value::Null,
        },
        Type::Text
        | Type::OneOf(_)
        | Type::Cidr
        | Type::Version
        | Type::Policy
        | Type::Json
        | Type::Secret => {
            if is_ambiguous(&core) {
                match ty {
                    // The text in quotes would be refused next.
                    Type::OneOf(words) if !words.contains(&text) => {
                        return fit::known(desk, Value::text(text), span, ty);
                    }
                    _ => ambiguous(desk, text, &core, span),
                }
                return Value::Null;
            }
            fit::known(desk, Value::text(text), span, ty)
        }
        Type::Handle(types) => {
            let known = text.trim();
            desk.error(
                code::WRONG_TYPE,
                span,
                format!("{} is meant here, this is text", fit::describe(ty)),
            )
            .help(if known.is_empty() {
                format!("write `${{name}}` of a {}", super::suggest::list(types))
            } else {
                format!("write `${{{known}}}`")
            });
            Value::Null
        }
        Type::List(_) | Type::Set(_) | Type::Map(_) | Type::Object(_) => {
            let help = match ty {
                Type::List(_) | Type::Set(_) => Some(format!("write `[{text}]`")),
                _ => fit::example(ty),
            };
            desk.error(
                code::WRONG_TYPE,
                span,
                format!(
                    "{} is meant here, this is {}",
                    fit::describe(ty),
                    what(&core)
                ),
            )
            .help_if(help);
            Value::Null
        }
    }
}

fn bool(desk: &mut Desk<'_>, scalar: &Scalar, core: &Core, span: Span) -> Value {
    let meant = match core {
        Core::Bool(bool) => return Value::Bool(*bool),
        Core::Word11(bool) => Some(*bool),
        _ => scalar.text.parse::<bool>().ok(),
    };
    desk.error(
        code::WRONG_TYPE,
        span,
        format!("`true` or `false` is meant here, this is {}", what(core)),
    )
    .help_if(match meant {
        Some(meant) => Some(format!("write `{meant}`, without quotes")),
        None => fit::example(&Type::Bool),
    });
    Value::Null
}

fn int(desk: &mut Desk<'_>, scalar: &Scalar, core: &Core, span: Span, ty: &Type) -> Value {
    let (message, help) = match core {
        Core::Int {
            value: Some(value),
            canonical: true,
        } => return fit::known(desk, Value::Int(*value), span, ty),
        Core::Int {
            value: Some(value), ..
        } => (
            format!("`{}` is not how a whole number is written", scalar.text),
            Some(format!("write `{value}`")),
        ),
        Core::Int { value: None, .. } => (
            format!("`{}` is too large a number", scalar.text),
            Some("write a smaller one".to_owned()),
        ),
        _ => (
            format!(
                "{} is meant here, this is {}",
                fit::describe(ty),
                what(core)
            ),
            match fit::whole_number(&scalar.text) {
                Some(value) if scalar.plain => Some(format!("write `{value}`")),
                Some(value) => Some(format!("write `{value}`, without quotes")),
                None => fit::example(ty),
            },
        ),
    };
    desk.error(code::WRONG_TYPE, span, message).help_if(help);
    Value::Null
}

/// As YAML's core schema says, unless readers disagree.
fn any(desk: &mut Desk<'_>, scalar: &Scalar, core: &Core, span: Span) -> Option<Value> {
    match core {
        Core::Bool(bool) => Some(Value::Bool(*bool)),
        Core::Int {
            value: Some(value),
            canonical: true,
        } => Some(Value::Int(*value)),
        Core::Text => Some(Value::text(&scalar.text)),
        _ => {
            ambiguous(desk, &scalar.text, core, span);
            None
        }
    }
}

/// Whether text could come out as something else in another reader. `8000` reads back as itself, so it may stand for text.
fn is_ambiguous(core: &Core) -> bool {
    !matches!(
        core,
        Core::Text
            | Core::Int {
                canonical: true,
                ..
            }
    )
}

fn ambiguous(desk: &mut Desk<'_>, text: &str, core: &Core, span: Span) {
    let reads = match core {
        Core::Float => "a number with a point, and would lose its last zeros",
        Core::Int { .. } => "a number, and would be changed by reading it",
        Core::Bool(_) | Core::Word11(_) => "a boolean for some readers",
        _ => "something else",
    };
    desk.error(
        code::AMBIGUOUS_SCALAR,
        span,
        format!("text is meant here, and `{text}` without quotes is {reads}"),
    )
    .help(format!("write \"{text}\""));
}

fn what(core: &Core) -> &'static str {
    match core {
        Core::Null => "nothing",
        Core::Bool(_) => "a boolean",
        Core::Int { .. } => "a number",
        Core::Float => "a number with a point",
        Core::Word11(_) | Core::Text => "text",
    }
}
