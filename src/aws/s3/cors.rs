//! CORS rules between S3's terms and the stack's.

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{CorsConfiguration, CorsRule};
use serde::Deserialize;

use crate::aws::s3::text_rules;
use crate::kind::{Field, Literal, Type};
use crate::model::Value;

/// A rule's fields in the stack.
pub const RULE: &[Field] = &[
    Field::new(
        "allowed_origins",
        Type::Set(&Type::Text),
        "`https://app.example.com`, or `*`.",
    )
    .rule(&text_rules::ORIGIN)
    .required(),
    Field::new(
        "allowed_methods",
        Type::Set(&Type::OneOf(&["GET", "PUT", "POST", "DELETE", "HEAD"])),
        "Methods they may use.",
    )
    .required(),
    Field::new(
        "allowed_headers",
        Type::Set(&Type::Text),
        "Request headers they may send.",
    )
    .rule(&text_rules::HEADER)
    .default(Literal::EmptyList),
    Field::new(
        "expose_headers",
        Type::Set(&Type::Text),
        "Response headers they may read.",
    )
    .rule(&text_rules::HEADER)
    .default(Literal::EmptyList),
    Field::new(
        "max_age",
        Type::Int {
            min: 0,
            max: 86_400,
        },
        "Seconds that a browser may keep the answer.",
    )
    .default(Literal::Unset),
];

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Rule {
    pub allowed_origins: Vec<String>,
    pub allowed_methods: Vec<String>,
    #[serde(default)]
    pub allowed_headers: Vec<String>,
    #[serde(default)]
    pub expose_headers: Vec<String>,
    pub max_age: Option<i32>,
}

pub fn read(rules: &[CorsRule]) -> Vec<Rule> {
    rules
        .iter()
        .map(|rule| Rule {
            allowed_origins: rule.allowed_origins().to_vec(),
            allowed_methods: rule.allowed_methods().to_vec(),
            allowed_headers: rule.allowed_headers().to_vec(),
            expose_headers: rule.expose_headers().to_vec(),
            max_age: rule.max_age_seconds(),
        })
        .collect()
}

/// As `PutBucketCors` takes them.
pub fn write(rules: &[Rule]) -> Result<CorsConfiguration, BuildError> {
    let rules = rules.iter().map(|rule| {
        CorsRule::builder()
            .set_allowed_origins(Some(rule.allowed_origins.clone()))
            .set_allowed_methods(Some(rule.allowed_methods.clone()))
            .set_allowed_headers(Some(rule.allowed_headers.clone()))
            .set_expose_headers(Some(rule.expose_headers.clone()))
            .set_max_age_seconds(rule.max_age)
            .build()
    });
    CorsConfiguration::builder()
        .set_cors_rules(Some(rules.collect::<Result<_, _>>()?))
        .build()
}

/// In the field table's terms.
pub fn observed(rules: &[Rule]) -> Value {
    rules
        .iter()
        .map(|rule| {
            Value::map([
                ("allowed_origins", rule.allowed_origins.clone().into()),
                ("allowed_methods", rule.allowed_methods.clone().into()),
                ("allowed_headers", rule.allowed_headers.clone().into()),
                ("expose_headers", rule.expose_headers.clone().into()),
                ("max_age", rule.max_age.into()),
            ])
        })
        .collect::<Vec<_>>()
        .into()
}
