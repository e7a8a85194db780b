//! Values in the form in which AWS writes them back.

use std::collections::BTreeMap;

use crate::kind::Form;
use crate::model::Value;

/// `value` as a describe would show it.
pub(super) fn as_written_back(form: Form, value: &Value) -> Value {
    match (form, value) {
        (Form::GroupRules, Value::List(rules)) => {
            Value::List(rules.iter().map(with_ports).collect())
        }
        _ => value.clone(),
    }
}

/// Whether both are the same text, upper and lower case aside.
pub(super) fn is_same_text(a: &Value, b: &Value) -> bool {
    a.as_text()
        .zip(b.as_text())
        .is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
}

/// A rule with both its ports. What is not known yet stays as it is.
fn with_ports(rule: &Value) -> Value {
    let Value::Map(rule) = rule else {
        return rule.clone();
    };
    let mut rule = rule.clone();
    let (from, to) = (given(&rule, "from_port"), given(&rule, "to_port"));
    let protocol = rule.get("protocol").and_then(Value::as_text);
    let ports = match (protocol, from, to) {
        (Some("tcp" | "udp"), None, None) => (Value::Int(0), Value::Int(65_535)),
        (Some("icmp" | "icmpv6"), from, to) => {
            (from.unwrap_or(Value::Int(-1)), to.unwrap_or(Value::Int(-1)))
        }
        (_, Some(from), None) => (from.clone(), from),
        _ => return Value::Map(rule),
    };
    rule.insert("from_port".into(), ports.0);
    rule.insert("to_port".into(), ports.1);
    Value::Map(rule)
}

fn given(rule: &BTreeMap<String, Value>, name: &str) -> Option<Value> {
    rule.get(name).filter(|value| !value.is_null()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(protocol: &str, from: Option<i64>, to: Option<i64>) -> Value {
        let mut parts = vec![("protocol", Value::text(protocol))];
        parts.extend(from.map(|port| ("from_port", Value::Int(port))));
        parts.extend(to.map(|port| ("to_port", Value::Int(port))));
        Value::map(parts)
    }

    #[test]
    fn a_rule_has_both_ports() {
        for (written, back) in [
            (rule("tcp", Some(80), None), rule("tcp", Some(80), Some(80))),
            (
                rule("tcp", Some(80), Some(90)),
                rule("tcp", Some(80), Some(90)),
            ),
            (rule("tcp", None, None), rule("tcp", Some(0), Some(65_535))),
            (rule("udp", None, None), rule("udp", Some(0), Some(65_535))),
            (rule("icmp", None, None), rule("icmp", Some(-1), Some(-1))),
            (rule("icmp", Some(8), None), rule("icmp", Some(8), Some(-1))),
            (
                rule("icmpv6", Some(128), Some(0)),
                rule("icmpv6", Some(128), Some(0)),
            ),
            (rule("-1", None, None), rule("-1", None, None)),
        ] {
            let list = Value::List(vec![written]);
            let expected = Value::List(vec![back]);
            assert_eq!(as_written_back(Form::GroupRules, &list), expected);
            assert_eq!(as_written_back(Form::AsWritten, &list), list);
        }
    }
}
