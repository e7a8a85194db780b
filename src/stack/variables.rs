//! Variables: declarations with types and bounds, and which of their many sources wins.

use std::collections::BTreeMap;

use super::check::Checker;
use super::desk::Desk;
use super::names::Nothing;
use super::node::{Body, Core, Entry, Node};
use super::source::{Sources, Span};
use super::suggest::did_you_mean;
use super::{fit, parse};
use crate::diagnostic::{Diagnostic, Severity, code};
use crate::kind::{Field, Type};
use crate::model::Value;

/// The prefix under which the process environment gives variables.
pub const ENV_PREFIX: &str = "CIRCLES_VAR_";

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
    pub default: Option<Value>,
    /// `null` is a value of it, whatever its default in the sandbox.
    pub nullable: bool,
}

/// Where values come from, the strongest first.
pub struct Given<'a> {
    /// `--var name=value`.
    pub arguments: &'a [(String, String)],
    /// `--var-file`, parsed; later ones win.
    pub files: Vec<Node>,
    /// The chosen environment's `variables`.
    pub environment: Option<&'a [Entry]>,
    /// The process environment.
    pub process: &'a [(String, String)],
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
            );
        }
        return Vec::new();
    };
    entries
        .iter()
        .filter_map(|entry| declaration(desk, entry, sandbox))
        .collect()
}

fn declaration(desk: &mut Desk<'_>, entry: &Entry, sandbox: bool) -> Option<Variable> {
    let name = entry.key.text.clone();
    super::document::check_name(desk, &entry.key, "a variable");
    let Some(entries) = entry.value.as_map() else {
        let text = match &entry.value.body {
            Body::Scalar(scalar) => scalar.text.as_str(),
            _ => "…",
        };
        desk.error(
            code::WRONG_TYPE,
            entry.value.span,
            format!(
                "a declaration is meant here, this is {}",
                entry.value.what()
            ),
        )
        .help(format!("write `{name}: {{ default: {text} }}`"));
        return None;
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
    let ty = match word.as_str() {
        "int" => Type::Int {
            min: int("minimum").unwrap_or(i64::MIN),
            max: int("maximum").unwrap_or(i64::MAX),
        },
        "bool" => Type::Bool,
        "cidr" => Type::Cidr,
        "list" => Type::List(&Type::Any),
        "map" => Type::Map(&Type::Any),
        _ => Type::Text,
    };
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
        default: None,
        nullable: node.is_some_and(Node::is_null),
    };
    variable.default = node.map(|node| from_node(desk, &variable, node));
    if let Some(local) = entries.iter().find(|e| e.key.text == "sandbox") {
        // Checked wherever it is read, used in the sandbox alone.
        let local = from_node(desk, &variable, &local.value);
        if sandbox {
            variable.default = Some(local);
        }
    }
    Some(variable)
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
        desk.error(code::BAD_VARIABLE, node.span, not_allowed(variable, &value));
    }
    value
}

fn not_allowed(variable: &Variable, value: &Value) -> String {
    let texts: Vec<String> = variable.one_of.iter().filter_map(fit::plain_text).collect();
    format!(
        "`{}` is not among the values of `{}`: {}",
        fit::plain_text(value).unwrap_or_default(),
        variable.name,
        super::suggest::list(&texts)
    )
}

/// Every variable's value: `--var` > `--var-file` > environment block > `CIRCLES_VAR_name` > default.
pub fn values(
    desk: &mut Desk<'_>,
    declared: &[Variable],
    given: &Given<'_>,
) -> BTreeMap<String, Value> {
    strays(desk, declared, given);
    declared
        .iter()
        .map(|variable| (variable.name.clone(), value(desk, variable, given)))
        .collect()
}

fn value(desk: &mut Desk<'_>, variable: &Variable, given: &Given<'_>) -> Value {
    let name = variable.name.as_str();
    let argument = given.arguments.iter().rev().find(|(key, _)| key == name);
    if let Some((_, text)) = argument {
        return from_text(desk, variable, text, &format!("--var {name}"));
    }
    let files = given.files.iter().rev().filter_map(|file| file.as_map());
    for entries in files.chain(given.environment) {
        if let Some(entry) = entries.iter().rev().find(|entry| entry.key.text == name) {
            return from_node(desk, variable, &entry.value);
        }
    }
    let key = format!("{ENV_PREFIX}{name}");
    if let Some((_, text)) = given.process.iter().find(|(k, _)| *k == key) {
        return from_text(desk, variable, text, &key);
    }
    match &variable.default {
        Some(value) => value.clone(),
        None => {
            desk.error(
                code::NO_VALUE,
                variable.span,
                format!("the variable `{name}` has no default and was not given a value"),
            )
            .help(format!(
                "give it: `--var {name}=…`, or `{key}=…` in the environment"
            ));
            Value::Null
        }
    }
}

/// A value given as text from outside the file.
fn from_text(desk: &mut Desk<'_>, variable: &Variable, text: &str, source: &str) -> Value {
    // `--var certificate_arn=$CERTIFICATE` where the shell has none.
    if matches!(text, "null" | "") && variable.nullable {
        return Value::Null;
    }
    let read = match &variable.ty {
        Type::Int { .. } => text.trim().parse::<i64>().ok().map(Value::Int),
        Type::Bool => text.trim().parse::<bool>().ok().map(Value::Bool),
        Type::List(_) | Type::Map(_) => return from_yaml(desk, variable, text, source),
        _ => Some(Value::text(text)),
    };
    let mut findings = Desk::new(desk.sources);
    let value = match read {
        Some(value) => fit::known(&mut findings, value, Span::default(), &variable.ty),
        None => {
            findings.error(
                code::BAD_VARIABLE,
                Span::default(),
                format!("{} is meant, this is text", fit::describe(&variable.ty)),
            );
            Value::Null
        }
    };
    if !value.is_null() && !variable.one_of.is_empty() && !variable.one_of.contains(&value) {
        findings.error(
            code::BAD_VARIABLE,
            Span::default(),
            not_allowed(variable, &value),
        );
    }
    for finding in findings.report {
        desk.push(Diagnostic {
            code: code::BAD_VARIABLE.into(),
            message: format!("{source}: {}", finding.message),
            primary: None,
            ..finding
        })
        .and(variable.span, "declared here");
    }
    value
}

/// A list or map, as YAML: `[a, b]`; `a,b` is a list, too.
fn from_yaml(desk: &mut Desk<'_>, variable: &Variable, text: &str, source: &str) -> Value {
    let is_list = matches!(variable.ty, Type::List(_));
    let text = if is_list && !text.trim_start().starts_with('[') {
        format!("[{text}]")
    } else {
        text.to_owned()
    };
    let mut sources = Sources::default();
    let file = sources.add(source, &text);
    let mut findings = Desk::new(&sources);
    let node = parse::parse(&sources, file, &mut findings.report);
    let value = node.map(|node| from_node(&mut findings, variable, &node));
    let report = findings.report;
    for finding in report {
        desk.push(Diagnostic {
            code: code::BAD_VARIABLE.into(),
            message: format!("{source}: {}", finding.message),
            primary: None,
            ..finding
        })
        .and(variable.span, "declared here");
    }
    value.unwrap_or_default()
}

/// Values for variables that are not declared: an error where somebody wrote them down, a warning in the process environment.
fn strays(desk: &mut Desk<'_>, declared: &[Variable], given: &Given<'_>) {
    let is_known = |name: &str| declared.iter().any(|variable| variable.name == name);
    let meant = |name: &str| did_you_mean(name, declared.iter().map(|v| v.name.as_str()));
    for (name, _) in given.arguments.iter().filter(|(name, _)| !is_known(name)) {
        desk.push(Diagnostic::error(
            code::UNKNOWN_VARIABLE,
            format!("--var {name}: the stack has no such variable"),
        ))
        .help_if(meant(name));
    }
    let files = given.files.iter().filter_map(|file| file.as_map());
    for entry in files.chain(given.environment).flatten() {
        if !is_known(&entry.key.text) {
            desk.error(
                code::UNKNOWN_VARIABLE,
                entry.key.span,
                format!("there is no variable `{}`", entry.key.text),
            )
            .help_if(meant(&entry.key.text));
        }
    }
    for (key, _) in given.process {
        if let Some(name) = key.strip_prefix(ENV_PREFIX)
            && !is_known(name)
        {
            desk.push(Diagnostic {
                severity: Severity::Warning,
                ..Diagnostic::error(
                    code::STRAY_VARIABLE,
                    format!("{key} is set, and the stack has no variable `{name}`"),
                )
            })
            .help_if(meant(name));
        }
    }
}
