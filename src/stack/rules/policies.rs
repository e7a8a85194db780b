//! IAM policy documents, as far as AWS refuses them for their form (IAM user guide, "IAM JSON policy elements reference" and "Grammar of
//! the IAM JSON policy language").

use std::collections::BTreeSet;

use super::Seen;
use crate::diagnostic::code;
use crate::model::{Part, Value};
use crate::stack::check::join;
use crate::stack::checked::Resource;
use crate::stack::desk::Desk;
use crate::stack::suggest::{did_you_mean, list};

/// Who a document belongs to, which decides over Principal and Resource.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holder {
    Identity,
    Trust,
    /// A bucket: Principal and Resource.
    Bucket,
    /// A repository: Principal, and no Resource.
    Repository,
}

/// Kind, field, holder, and the most characters without white space (IAM user guide, "IAM and AWS STS quotas"; S3 user guide, 20 KB).
const DOCUMENTS: &[(&str, &str, Holder, usize)] = &[
    ("iam.role", "inline_policies", Holder::Identity, 10_240),
    ("iam.role", "assume_role_policy", Holder::Trust, 4096),
    ("iam.policy", "policy", Holder::Identity, 6144),
    ("s3.bucket", "policy", Holder::Bucket, 20_480),
    ("ecr.repository", "policy", Holder::Repository, 10_240),
];

const ELEMENTS: &[&str] = &[
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

const OPERATORS: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "Null",
];

pub fn check(desk: &mut Desk<'_>, seen: &Seen<'_>) {
    for (kind, field, holder, longest) in DOCUMENTS {
        for resource in seen.of_kind(kind) {
            let value = resource.attributes.get(field);
            let documents: Vec<(String, &Value)> = match (*field, value) {
                ("inline_policies", Value::Map(map)) => map
                    .iter()
                    .map(|(name, document)| (join(field, name), document))
                    .collect(),
                (_, Value::Null) => Vec::new(),
                (_, document) => vec![((*field).to_owned(), document)],
            };
            let mut size = 0;
            for (path, document) in &documents {
                size += length(document);
                for problem in problems(document, *holder) {
                    let span = seen.span(resource, path);
                    if !seen.is_reported(desk, span, &problem.message) {
                        desk.error(code::POLICY, span, problem.message)
                            .help_if(problem.help);
                    }
                }
            }
            if size > *longest {
                too_long(desk, seen, resource, field, (size, *longest));
            }
        }
    }
}

fn too_long(
    desk: &mut Desk<'_>,
    seen: &Seen<'_>,
    resource: &Resource,
    field: &str,
    (size, longest): (usize, usize),
) {
    desk.error(
        code::POLICY,
        seen.span(resource, field),
        format!(
            "the policies in `{field}` of `{}` have {size} characters; at most {longest} are allowed",
            resource.address
        ),
    )
    .help("combine statements, or move some into an `iam.policy`");
}

/// Characters of the document as JSON without white space between its elements; what is not known yet counts as nothing.
fn length(document: &Value) -> usize {
    match document {
        Value::Null => 4,
        Value::Bool(_) => 5,
        Value::Int(int) => int.to_string().len(),
        Value::Text(text) => text.chars().filter(|c| !c.is_whitespace()).count() + 2,
        Value::List(items) => items.iter().map(length).sum::<usize>() + items.len().max(1) + 1,
        Value::Map(map) => {
            let entries = map.iter().map(|(key, value)| key.len() + 3 + length(value));
            entries.sum::<usize>() + map.len().max(1) + 1
        }
        Value::Expr(_) => 2,
    }
}

struct Problem {
    message: String,
    help: Option<String>,
}

fn problem(message: impl Into<String>, help: impl Into<String>) -> Problem {
    Problem {
        message: message.into(),
        help: Some(help.into()),
    }
}

fn problems(document: &Value, holder: Holder) -> Vec<Problem> {
    let mut found = Vec::new();
    let Some(map) = document.as_map() else {
        return found;
    };
    for key in map.keys() {
        if !["Version", "Id", "Statement"].contains(&key.as_str()) {
            found.push(Problem {
                message: format!("a policy document has no element `{key}`"),
                help: did_you_mean(key, ["Version", "Id", "Statement"]),
            });
        }
    }
    if let Some(Value::Text(version)) = map.get("Version")
        && !["2012-10-17", "2008-10-17"].contains(&version.as_str())
    {
        found.push(problem(
            format!("`{version}` is not a version of the policy language"),
            "write `Version: \"2012-10-17\"`",
        ));
    }
    let statements: Vec<&Value> = match map.get("Statement") {
        Some(Value::List(items)) => items.iter().collect(),
        Some(Value::Expr(_)) => return found,
        Some(one @ Value::Map(_)) => vec![one],
        _ => Vec::new(),
    };
    if statements.is_empty() {
        found.push(problem(
            "a policy document needs at least one statement",
            "add `Statement: [{ Effect: Allow, Action: …, … }]`",
        ));
    }
    let mut sids = BTreeSet::new();
    for statement in statements {
        check_statement(statement, holder, &mut sids, &mut found);
    }
    found
}

fn check_statement<'v>(
    statement: &'v Value,
    holder: Holder,
    sids: &mut BTreeSet<&'v str>,
    found: &mut Vec<Problem>,
) {
    let Some(map) = statement.as_map() else {
        if !matches!(statement, Value::Expr(_)) {
            found.push(problem(
                "a statement must be a map",
                "write `{ Effect: Allow, Action: …, … }`",
            ));
        }
        return;
    };
    let given = |key: &str| map.get(key).filter(|value| !value.is_null());
    for key in map.keys().filter(|key| !ELEMENTS.contains(&key.as_str())) {
        found.push(Problem {
            message: format!("a statement has no element `{key}`"),
            help: did_you_mean(key, ELEMENTS.iter().copied()),
        });
    }
    match given("Effect") {
        Some(Value::Text(effect)) if effect != "Allow" && effect != "Deny" => {
            found.push(problem(
                format!("`{effect}` is not an effect"),
                "write `Allow` or `Deny`",
            ));
        }
        None => found.push(problem(
            "a statement needs an `Effect`",
            "write `Effect: Allow`",
        )),
        _ => {}
    }
    if let Some(Value::Text(sid)) = given("Sid") {
        let is_strict = matches!(holder, Holder::Identity | Holder::Trust);
        if is_strict && !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            let fitted: String = sid.chars().filter(char::is_ascii_alphanumeric).collect();
            found.push(problem(
                format!("the Sid `{sid}` must be letters and digits only"),
                format!("write `Sid: {fitted}`"),
            ));
        }
        if !sid.is_empty() && !sids.insert(sid) {
            found.push(problem(
                format!("two statements have the Sid `{sid}`"),
                "give each its own, or leave it out",
            ));
        }
    }
    check_pairs(&given, holder, found);
    for action in ["Action", "NotAction"].into_iter().filter_map(given) {
        each_text(action, &mut |text, is_whole| {
            check_action(text, is_whole, found)
        });
    }
    for resource in ["Resource", "NotResource"].into_iter().filter_map(given) {
        each_text(resource, &mut |text, is_whole| {
            check_resource(text, is_whole, found)
        });
    }
    if let Some(Value::Map(condition)) = given("Condition") {
        condition
            .keys()
            .for_each(|operator| check_operator(operator, found));
    }
}

/// Which elements a statement needs, and which it must not have.
fn check_pairs<'v>(
    given: &dyn Fn(&str) -> Option<&'v Value>,
    holder: Holder,
    found: &mut Vec<Problem>,
) {
    let count = |names: [&str; 2]| {
        names
            .into_iter()
            .filter(|name| given(name).is_some())
            .count()
    };
    let mut one_of = |names: [&str; 2], example: &str| {
        if count(names) != 1 {
            let has = if count(names) == 0 { "none" } else { "both" };
            found.push(problem(
                format!(
                    "a statement needs one of {}; this one has {has}",
                    list(&names)
                ),
                format!("write `{example}`"),
            ));
        }
    };
    one_of(["Action", "NotAction"], "Action: \"s3:GetObject\"");
    let needs_principal = holder != Holder::Identity;
    let needs_resource = matches!(holder, Holder::Identity | Holder::Bucket);
    if needs_principal {
        one_of(
            ["Principal", "NotPrincipal"],
            "Principal: { Service: ecs-tasks.amazonaws.com }",
        );
    }
    if needs_resource {
        one_of(["Resource", "NotResource"], "Resource: \"${bucket.arn}\"");
    }
    if !needs_principal && count(["Principal", "NotPrincipal"]) > 0 {
        found.push(problem(
            "a statement of an identity's policy must not have a `Principal`",
            "leave it out: the principal is who the policy belongs to",
        ));
    }
    if !needs_resource && count(["Resource", "NotResource"]) > 0 {
        found.push(problem(
            "a statement of this policy must not have a `Resource`",
            "leave it out: the resource is what the policy belongs to",
        ));
    }
}

/// Calls `see` with each text; a text with references in it only as far as its beginning is known.
fn each_text(value: &Value, see: &mut dyn FnMut(&str, bool)) {
    match value {
        Value::Text(text) => see(text, true),
        Value::List(items) => items.iter().for_each(|item| each_text(item, see)),
        Value::Expr(expr) => {
            if let Some(Part::Text(start)) = expr.0.first() {
                see(start, false);
            }
        }
        _ => {}
    }
}

fn check_action(text: &str, is_whole: bool, found: &mut Vec<Problem>) {
    let fits = text == "*"
        || text.split_once(':').is_some_and(|(service, name)| {
            let is_service = |c: char| c.is_ascii_alphanumeric() || c == '-';
            let is_name = |c: char| c.is_ascii_alphanumeric() || "*?-".contains(c);
            !service.is_empty()
                && service.chars().all(is_service)
                && !name.is_empty()
                && name.chars().all(is_name)
        });
    if is_whole && !fits {
        let fitted = text.replacen('.', ":", 1);
        found.push(problem(
            format!("`{text}` is not an action: it must be `SERVICE:ACTION`"),
            if fitted != text && fitted.contains(':') {
                format!("write `{fitted}`")
            } else {
                "for example `s3:GetObject`".to_owned()
            },
        ));
    }
}

fn check_resource(text: &str, is_whole: bool, found: &mut Vec<Problem>) {
    let is_arn = text.starts_with("arn:") && (!is_whole || text.split(':').count() >= 6);
    let is_pattern = text == "*" || text.starts_with("arn:*");
    if !text.is_empty() && !is_arn && !is_pattern {
        found.push(problem(
            format!("`{text}` is not a resource: it must be an ARN or `*`"),
            "refer to the resource's ARN: `${bucket.arn}`",
        ));
    }
}

fn check_operator(operator: &str, found: &mut Vec<Problem>) {
    let plain = operator
        .strip_prefix("ForAllValues:")
        .or_else(|| operator.strip_prefix("ForAnyValue:"))
        .unwrap_or(operator);
    let base = plain.strip_suffix("IfExists").unwrap_or(plain);
    if !OPERATORS
        .iter()
        .any(|known| known.eq_ignore_ascii_case(base))
    {
        found.push(Problem {
            message: format!("`{operator}` is not a condition operator"),
            help: did_you_mean(base, OPERATORS.iter().copied()),
        });
    }
}
