//! Variables: declarations with types and bounds, and which of their many sources wins.

mod given;
pub mod known;

use super::check::Checker;
use super::desk::Desk;
use super::fit;
use super::identifier::check_name;
use super::names::Nothing;
use super::node::{Body, Core, Entry, Node};
use super::source::Span;
use super::suggest::did_you_mean;
use crate::diagnostic::code;
use crate::kind::{Field, Type};
use crate::model::Value;

pub use given::{Given, values};

const WORDS: &[&str] = &["text", "int", "bool", "cidr", "list", "map"];

/// What a variable's declaration may say.
pub const DECLARATION: &[Field] = &[
    Field::new(
        "type",
        Type::OneOf(WORDS),
        "What it holds. Not given: what the default is, or else text.",
    ),
    Field::new(
        "default",
        Type::Any,
        "Its value when nobody gives one; `null`: unset, as if the line that uses it were not there.",
    ),
    Field::new(
        "sandbox",
        Type::Any,
        "Its default against the sandbox, where it is another.",
    ),
    Field::new("minimum", ANY_INT, "The least that a number may be."),
    Field::new("maximum", ANY_INT, "The most that a number may be."),
    Field::new(
        "one_of",
        Type::List(&Type::Any),
        "The values that are allowed.",
    ),
    Field::new("description", Type::Text, "What it is for."),
];

const ANY_INT: Type = Type::Int {
    min: i64::MIN,
    max: i64::MAX,
};

pub struct Variable {
    pub name: String,
    pub span: Span,
    pub ty: Type,
    pub one_of: Vec<Value>,
    pub default: Default,
    /// `null` is a value of it, whatever its default in the sandbox.
    pub nullable: bool,
}

/// What a variable is when nobody gives it a value.
#[derive(Clone, Debug)]
pub enum Default {
    /// It has to be given one.
    Nothing,
    Value(Value),
    /// Something is declared, and it is wrong.
    Wrong,
}

/// Reads the declarations. `sandbox`: with the defaults that are meant for it.
pub fn declarations(desk: &mut Desk<'_>, node: Option<&Node>, sandbox: bool) -> Vec<Variable> {
    let Some(node) = node else {
        return Vec::new();
    };
    let Some(entries) = node.as_map() else {
        if !node.is_null() {
            desk.error(
                code::WRONG_TYPE,
                node.span,
                "a map of variables is meant here",
            )
            .help("write one `name: { default: … }` a line, indented");
        }
        return Vec::new();
    };
    entries
        .iter()
        .map(|entry| declaration(desk, entry, sandbox))
        .collect()
}

fn declaration(desk: &mut Desk<'_>, entry: &Entry, sandbox: bool) -> Variable {
    let name = entry.key.text.clone();
    check_name(desk, &entry.key, "a variable");
    let Some(entries) = entry.value.as_map() else {
        return no_declaration(desk, entry);
    };
    let mut checker = Checker::new(desk, &Nothing);
    let read = checker.fields(entries, DECLARATION, "", &["default", "sandbox"]);
    let int = |key: &str| read.get(key).and_then(Value::as_int);
    let node = entries
        .iter()
        .find(|e| e.key.text == "default")
        .map(|e| &e.value);
    let word = match read.get("type").and_then(Value::as_text) {
        Some(word) => word.to_owned(),
        None => inferred(node).to_owned(),
    };
    let ty = named(
        &word,
        int("minimum").unwrap_or(i64::MIN),
        int("maximum").unwrap_or(i64::MAX),
    );
    if !matches!(ty, Type::Int { .. })
        && let Some(bound) = entries
            .iter()
            .find(|e| matches!(e.key.text.as_str(), "minimum" | "maximum"))
    {
        desk.error(
            code::CONTRADICTION,
            bound.key.span,
            format!(
                "`{}` bounds a number, and `{name}` is not one",
                bound.key.text
            ),
        )
        .help("add `type: int`, or leave the bound out");
    }
    let one_of = match read.get("one_of") {
        Some(Value::List(items)) => items.clone(),
        _ => Vec::new(),
    };
    let mut variable = Variable {
        name,
        span: entry.key.span,
        ty,
        one_of,
        default: Default::Nothing,
        nullable: node.is_some_and(Node::is_null),
    };
    if let Some(node) = node {
        variable.default = default(desk, &variable, node);
    }
    if let Some(local) = entries.iter().find(|e| e.key.text == "sandbox") {
        // Checked wherever it is read, used in the sandbox alone.
        let local = default(desk, &variable, &local.value);
        if sandbox {
            variable.default = local;
        }
    }
    variable
}

/// Told, and known all the same: what reads it must not be told that it is not there.
fn no_declaration(desk: &mut Desk<'_>, entry: &Entry) -> Variable {
    let name = entry.key.text.clone();
    let text = match &entry.value.body {
        Body::Scalar(scalar) => scalar.text.as_str(),
        _ => "…",
    };
    let what = entry.value.what();
    desk.error(
        code::WRONG_TYPE,
        entry.value.span,
        format!("a declaration is meant here, this is {what}"),
    )
    .help(format!("write `{name}: {{ default: {text} }}`"));
    Variable {
        name,
        span: entry.key.span,
        ty: Type::Any,
        one_of: Vec::new(),
        default: Default::Wrong,
        nullable: false,
    }
}

fn named(word: &str, min: i64, max: i64) -> Type {
    match word {
        "int" => Type::Int { min, max },
        "bool" => Type::Bool,
        "cidr" => Type::Cidr,
        "list" => Type::List(&Type::Any),
        "map" => Type::Map(&Type::Any),
        _ => Type::Text,
    }
}

fn default(desk: &mut Desk<'_>, variable: &Variable, node: &Node) -> Default {
    match right(desk, |desk| from_node(desk, variable, node)) {
        Some(value) => Default::Value(value),
        None => Default::Wrong,
    }
}

/// What is read, unless something was found wrong with it.
fn right(desk: &mut Desk<'_>, read: impl FnOnce(&mut Desk<'_>) -> Value) -> Option<Value> {
    let before = desk.errors();
    let value = read(desk);
    (desk.errors() == before).then_some(value)
}

fn inferred(default: Option<&Node>) -> &'static str {
    match default.map(|node| &node.body) {
        Some(Body::List(_)) => "list",
        Some(Body::Map(_)) => "map",
        Some(Body::Scalar(scalar)) => match scalar.core() {
            Core::Int {
                canonical: true, ..
            } => "int",
            Core::Bool(_) => "bool",
            _ => "text",
        },
        None => "text",
    }
}

fn from_node(desk: &mut Desk<'_>, variable: &Variable, node: &Node) -> Value {
    let value = Checker::new(desk, &Nothing).value(node, &variable.ty, "");
    if !value.is_null() && !variable.one_of.is_empty() && !variable.one_of.contains(&value) {
        let (message, help) = not_allowed(variable, &value);
        desk.error(code::BAD_VARIABLE, node.span, message)
            .help(help);
    }
    value
}

/// What is wrong, and what to write instead.
fn not_allowed(variable: &Variable, value: &Value) -> (String, String) {
    let texts: Vec<String> = variable.one_of.iter().filter_map(fit::plain_text).collect();
    let given = fit::plain_text(value).unwrap_or_default();
    let help = did_you_mean(&given, texts.iter().map(String::as_str));
    let message = format!(
        "`{given}` is not among the values of `{}`: {}",
        variable.name,
        super::suggest::list(&texts)
    );
    (message, help.unwrap_or_else(|| "give one of these".into()))
}
