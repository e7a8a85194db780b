//! What a rule asks of a request: in the field table's shape, to AWS, and read back.

use aws_sdk_elasticloadbalancingv2::types::{
    HostHeaderConditionConfig, HttpHeaderConditionConfig, HttpRequestMethodConditionConfig,
    PathPatternConditionConfig, QueryStringConditionConfig, QueryStringKeyValuePair, RuleCondition,
    SourceIpConditionConfig,
};
use serde::Deserialize;

use crate::aws::elbv2::text_rules;
use crate::kind::{Field, Literal, Type};
use crate::model::Value;

/// The field type of one condition.
pub const CONDITION: Type = Type::Object(&[
    Field::new(
        "field",
        Type::OneOf(&[
            "path-pattern",
            "host-header",
            "http-header",
            "http-request-method",
            "query-string",
            "source-ip",
        ]),
        "What of the request is looked at.",
    )
    .required(),
    Field::new(
        "values",
        Type::Set(&Type::Text),
        "Any of these will do; for `query-string`, `key=value` or just `value`.",
    )
    .required(),
    Field::new(
        "header",
        Type::Text,
        "With `http-header`: the header's name.",
    )
    .rule(&text_rules::HEADER)
    .default(Literal::Unset),
]);

#[derive(Clone, Debug, Deserialize)]
pub struct ConditionSpec {
    field: String,
    values: Vec<String>,
    header: Option<String>,
}

impl ConditionSpec {
    pub fn to_aws(&self) -> RuleCondition {
        let values = Some(self.values.clone());
        let built = RuleCondition::builder().field(&self.field);
        match self.field.as_str() {
            "host-header" => built.host_header_config(
                HostHeaderConditionConfig::builder()
                    .set_values(values)
                    .build(),
            ),
            "http-header" => built.http_header_config(
                HttpHeaderConditionConfig::builder()
                    .set_http_header_name(self.header.clone())
                    .set_values(values)
                    .build(),
            ),
            "http-request-method" => built.http_request_method_config(
                HttpRequestMethodConditionConfig::builder()
                    .set_values(values)
                    .build(),
            ),
            "query-string" => built.query_string_config(
                QueryStringConditionConfig::builder()
                    .set_values(Some(self.values.iter().map(|text| pair(text)).collect()))
                    .build(),
            ),
            "source-ip" => built.source_ip_config(
                SourceIpConditionConfig::builder()
                    .set_values(values)
                    .build(),
            ),
            _ => built.path_pattern_config(
                PathPatternConditionConfig::builder()
                    .set_values(values)
                    .build(),
            ),
        }
        .build()
    }
}

fn pair(text: &str) -> QueryStringKeyValuePair {
    let pair = QueryStringKeyValuePair::builder();
    match text.split_once('=') {
        Some((key, value)) => pair.key(key).value(value).build(),
        None => pair.value(text).build(),
    }
}

/// Live conditions in the field table's shape. Values stand in the configuration of their field, and for paths and hosts in the plain
/// list too, which older rules have alone.
pub fn observed(conditions: &[RuleCondition]) -> Value {
    Value::List(conditions.iter().map(observed_one).collect())
}

fn observed_one(condition: &RuleCondition) -> Value {
    let configured = values(condition);
    let values = if configured.is_empty() {
        condition.values().to_vec()
    } else {
        configured
    };
    let mut parts = vec![
        ("field", Value::text(condition.field().unwrap_or_default())),
        ("values", values.into()),
    ];
    if let Some(header) = condition
        .http_header_config()
        .and_then(|config| config.http_header_name())
    {
        parts.push(("header", header.into()));
    }
    Value::map(parts)
}

fn values(condition: &RuleCondition) -> Vec<String> {
    if let Some(config) = condition.path_pattern_config() {
        config.values().to_vec()
    } else if let Some(config) = condition.host_header_config() {
        config.values().to_vec()
    } else if let Some(config) = condition.http_header_config() {
        config.values().to_vec()
    } else if let Some(config) = condition.http_request_method_config() {
        config.values().to_vec()
    } else if let Some(config) = condition.source_ip_config() {
        config.values().to_vec()
    } else if let Some(config) = condition.query_string_config() {
        config
            .values()
            .iter()
            .map(|pair| match pair.key() {
                Some(key) => format!("{key}={}", pair.value().unwrap_or_default()),
                None => pair.value().unwrap_or_default().to_owned(),
            })
            .collect()
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(field: &str, values: &[&str], header: Option<&str>) -> (ConditionSpec, Value) {
        let spec = ConditionSpec {
            field: field.into(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            header: header.map(str::to_owned),
        };
        let mut parts = vec![
            ("field", Value::text(field)),
            (
                "values",
                Value::List(values.iter().map(|value| Value::text(*value)).collect()),
            ),
        ];
        parts.extend(header.map(|header| ("header", Value::text(header))));
        (spec, Value::map(parts))
    }

    #[test]
    fn every_field_survives_the_way_to_aws_and_back() {
        for (field, values, header) in [
            ("path-pattern", &["/api/*", "/v2/*"][..], None),
            ("host-header", &["api.example.com"], None),
            ("http-header", &["yes", "on"], Some("X-Beta")),
            ("http-request-method", &["GET"], None),
            ("query-string", &["version=2", "beta"], None),
            ("source-ip", &["10.0.0.0/8"], None),
        ] {
            let (spec, shape) = condition(field, values, header);
            assert_eq!(
                observed(&[spec.to_aws()]),
                Value::List(vec![shape]),
                "{field}"
            );
        }
    }

    #[test]
    fn a_rule_with_the_plain_value_list_alone_reads_the_same() {
        let plain = RuleCondition::builder()
            .field("path-pattern")
            .values("/api/*")
            .build();
        let (_, shape) = condition("path-pattern", &["/api/*"], None);
        assert_eq!(observed(&[plain]), Value::List(vec![shape]));
    }
}
