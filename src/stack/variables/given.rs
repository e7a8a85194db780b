//! The values that variables are given, from the many sources that there are.

use super::known::Values;
use super::{Default, Variable, from_node, not_allowed, right};
use crate::diagnostic::{Diagnostic, Severity, code};
use crate::kind::Type;
use crate::model::Value;
use crate::stack::desk::Desk;
use crate::stack::node::{Entry, Node};
use crate::stack::source::{Sources, Span};
use crate::stack::suggest::did_you_mean;
use crate::stack::{fit, parse, terraform};

/// The prefix under which the process environment gives variables.
const ENV_PREFIX: &str = "CIRCLES_VAR_";

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

/// Every variable's value: `--var` > `--var-file` > environment block > `CIRCLES_VAR_name` > default.
pub fn values(desk: &mut Desk<'_>, declared: &[Variable], given: &Given<'_>) -> Values {
    strays(desk, declared, given);
    let mut values = Values::default();
    for variable in declared {
        let name = variable.name.clone();
        match value(desk, variable, given) {
            Some(value) => {
                values.known.insert(name, value);
            }
            None => {
                values.wrong.insert(name);
            }
        }
    }
    values
}

/// `None`: it is wrong, and that is reported.
fn value(desk: &mut Desk<'_>, variable: &Variable, given: &Given<'_>) -> Option<Value> {
    let name = variable.name.as_str();
    let argument = given.arguments.iter().rev().find(|(key, _)| key == name);
    if let Some((_, text)) = argument {
        let source = format!("--var {name}");
        return right(desk, |desk| from_text(desk, variable, text, &source));
    }
    let files = given.files.iter().rev().filter_map(|file| file.as_map());
    for entries in files.chain(given.environment) {
        if let Some(entry) = entries.iter().rev().find(|entry| entry.key.text == name) {
            return right(desk, |desk| from_node(desk, variable, &entry.value));
        }
    }
    let key = format!("{ENV_PREFIX}{name}");
    if let Some((_, text)) = given.process.iter().find(|(k, _)| *k == key) {
        return right(desk, |desk| from_text(desk, variable, text, &key));
    }
    match &variable.default {
        Default::Value(value) => Some(value.clone()),
        Default::Wrong => None,
        Default::Nothing => {
            desk.error(
                code::NO_VALUE,
                variable.span,
                format!("the variable `{name}` has no default and was not given a value"),
            )
            .help(format!(
                "give it: `--var {name}=…`, or `{key}=…` in the environment"
            ));
            None
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
            findings
                .error(
                    code::BAD_VARIABLE,
                    Span::default(),
                    format!("{} is meant, this is text", fit::describe(&variable.ty)),
                )
                .help(match variable.ty {
                    Type::Bool => format!("write `{source}=true` or `{source}=false`"),
                    _ => match fit::whole_number(text) {
                        Some(number) => format!("write `{source}={number}`"),
                        None => format!("write a whole number: `{source}=NUMBER`"),
                    },
                });
            Value::Null
        }
    };
    if !value.is_null() && !variable.one_of.is_empty() && !variable.one_of.contains(&value) {
        let (message, help) = not_allowed(variable, &value);
        findings
            .error(code::BAD_VARIABLE, Span::default(), message)
            .help(help);
    }
    told(desk, variable, source, findings.report);
    value
}

/// Hands on what was found in text from outside the file: it has no place in it, but its variable has.
fn told(desk: &mut Desk<'_>, variable: &Variable, source: &str, findings: Vec<Diagnostic>) {
    for finding in findings {
        desk.push(Diagnostic {
            code: code::BAD_VARIABLE.into(),
            message: format!("{source}: {}", finding.message),
            primary: None,
            ..finding
        })
        .and(variable.span, "declared here");
    }
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
    told(desk, variable, source, findings.report);
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
    for file in &given.files {
        check_file(desk, file);
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

/// A file of variables is a map. An empty one, a list and another tool's format would set nothing, without a word.
fn check_file(desk: &mut Desk<'_>, file: &Node) {
    let text = desk.sources.text(file.span.file);
    let is_empty = file.as_map().is_some_and(<[Entry]>::is_empty) || file.is_null();
    if !is_empty && file.as_map().is_some() {
        return;
    }
    let (message, help) = match terraform::variable_as_yaml(text) {
        Some(yaml) => (
            "this is a file of Terraform variables, not YAML".to_owned(),
            format!("write each as YAML: `{yaml}`"),
        ),
        None if is_empty => (
            "this file of variables is empty".to_owned(),
            "write one `name: value` a line, or leave `--var-file` out".to_owned(),
        ),
        None => (
            format!("a file of variables must be a map; this is {}", file.what()),
            "write one `name: value` a line".to_owned(),
        ),
    };
    desk.error(code::WRONG_TYPE, file.span, message).help(help);
}
