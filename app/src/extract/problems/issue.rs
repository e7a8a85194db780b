//! serde's words for a problem, in the words clients of the former service know.

use serde_json::{Value, json};

use super::Failure;
use crate::error::Issue;

/// What `failure` is to the caller; `loc` starts with `place`.
pub(super) fn issue(place: &str, failure: &Failure, input: Value) -> Issue {
    let mut loc = vec![json!(place)];
    loc.extend(failure.path.iter().cloned());
    let missing = failure.message.strip_prefix("missing field `");
    if let Some(field) = missing.and_then(|m| m.split('`').next()) {
        loc.push(json!(field));
        return Issue {
            kind: "missing",
            loc,
            msg: "Field required".to_owned(),
            input,
        };
    }
    // serde_json appends the position, which means nothing after the body was parsed once.
    let words = failure.message.split(" at line ").next();
    let told = words.unwrap_or(&failure.message);
    let (kind, msg) = kind_of(told);
    Issue {
        kind,
        loc,
        msg: msg.unwrap_or(told).to_owned(),
        input,
    }
}

/// The former service's name for a problem, and its words where ours say nothing to a caller.
fn kind_of(words: &str) -> (&'static str, Option<&'static str>) {
    let rules: [(&str, &str, Option<&str>); 17] = [
        ("valid object", "model_attributes_type", None),
        ("List should have at least", "too_short", None),
        ("List should have at most", "too_long", None),
        ("at least", "string_too_short", None),
        ("at most", "string_too_long", None),
        ("greater than", "greater_than_equal", None),
        ("less than", "less_than_equal", None),
        ("unknown variant", "enum", None),
        ("parse string as an integer", "int_parsing", None),
        ("fractional part", "int_from_float", None),
        ("parse string as a number", "float_parsing", None),
        ("unable to interpret", "bool_parsing", None),
        (
            "expected a string",
            "string_type",
            Some("Input should be a valid string"),
        ),
        (
            "expected an integer",
            "int_type",
            Some("Input should be a valid integer"),
        ),
        (
            "expected a number",
            "float_type",
            Some("Input should be a valid number"),
        ),
        (
            "expected a boolean",
            "bool_type",
            Some("Input should be a valid boolean"),
        ),
        (
            "expected a sequence",
            "list_type",
            Some("Input should be a valid list"),
        ),
    ];
    rules
        .into_iter()
        .find(|(part, _, _)| words.contains(part))
        .map_or(("value_error", None), |(_, kind, msg)| (kind, msg))
}
