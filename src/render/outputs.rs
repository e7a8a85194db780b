//! Outputs: bare for `$(…)`, as a table for people, as JSON for programs.

use serde_json::{Map, Value as Json};

use super::shown::{PENDING, SECRET, inline};
use crate::model::Value;
use crate::plan::Outputs;

/// Name and value as they are listed.
pub fn rows<'a>(outputs: impl IntoIterator<Item = &'a (String, Value)>) -> Vec<(String, String)> {
    outputs
        .into_iter()
        .map(|(name, value)| (name.clone(), inline(value)))
        .collect()
}

/// `name = "value"`, one a line.
pub fn text(outputs: &Outputs) -> String {
    let width = outputs.keys().map(String::len).max().unwrap_or(0);
    outputs
        .iter()
        .map(|(name, value)| format!("{name:width$} = {}\n", inline(value)))
        .collect()
}

/// A text as it stands, without quotes; anything else as JSON. `None`: it cannot be said (it is secret, or not known before an apply).
pub fn bare(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        value if value.is_secret() || value.is_pending() => None,
        value => Some(json_value(value).to_string()),
    }
}

/// All of them as one JSON object.
pub fn json(outputs: &Outputs) -> Json {
    Json::Object(
        outputs
            .iter()
            .map(|(name, value)| (name.clone(), json_value(value)))
            .collect::<Map<_, _>>(),
    )
}

/// A value as plain JSON; secrets and pending parts as the words that stand for them.
pub fn json_value(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(bool) => Json::from(*bool),
        Value::Int(int) => Json::from(*int),
        Value::Text(text) => Json::from(text.clone()),
        Value::List(items) => Json::Array(items.iter().map(json_value).collect()),
        Value::Map(map) => Json::Object(
            map.iter()
                .map(|(key, value)| (key.clone(), json_value(value)))
                .collect(),
        ),
        Value::Expr(expr) if expr.is_secret() => Json::from(SECRET),
        Value::Expr(_) => Json::from(PENDING),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Address;

    fn outputs() -> Outputs {
        Outputs::from([
            (
                "alb_dns_name".into(),
                "circles-alb-1.elb.amazonaws.com".into(),
            ),
            ("ports".into(), vec![80_i64, 443].into()),
            ("url".into(), Value::reference(&Address::new("db"), "url")),
        ])
    }

    #[test]
    fn a_table_json_and_bare_values() {
        insta::assert_snapshot!(text(&outputs()), @r#"
        alb_dns_name = "circles-alb-1.elb.amazonaws.com"
        ports        = [80, 443]
        url          = (known after apply)
        "#);
        insta::assert_snapshot!(json(&outputs()), @r#"{"alb_dns_name":"circles-alb-1.elb.amazonaws.com","ports":[80,443],"url":"(known after apply)"}"#);
        let bare: Vec<_> = outputs().values().map(bare).collect();
        assert_eq!(
            bare,
            [
                Some("circles-alb-1.elb.amazonaws.com".into()),
                Some("[80,443]".into()),
                None
            ]
        );
    }
}
