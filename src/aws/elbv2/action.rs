//! What a listener or a rule does with a request: in the field table's shape, to AWS, and read back.
//!
//! AWS reads a `forward` to one group back as both `TargetGroupArn` and `ForwardConfig`, and fills in the parts of a redirect that were
//! left out (API reference, Action and RedirectActionConfig). Both are told in one form here, so that equal things compare equal.

use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, FixedResponseActionConfig, ForwardActionConfig, RedirectActionConfig,
    RedirectActionStatusCodeEnum, TargetGroupTuple,
};
use serde::Deserialize;

use crate::aws::elbv2::text_rules;
use crate::kind::{Class, CloudError, Field, Literal, Type};
use crate::model::Value;

const TARGET: Type = Type::Object(&[
    Field::new("arn", Type::Text, "The target group's ARN.")
        .rule(&text_rules::TARGET_GROUP_ARN)
        .required(),
    Field::new(
        "weight",
        Type::Int { min: 0, max: 999 },
        "Its share among the groups.",
    )
    .default(Literal::Int(1)),
]);

const REDIRECT: Type = Type::Object(&[
    Field::new(
        "protocol",
        Type::OneOf(&["HTTP", "HTTPS", "#{protocol}"]),
        "Where to: the protocol.",
    )
    .default(Literal::Text("#{protocol}")),
    Field::new("port", Type::Text, "Where to: the port, as text.")
        .rule(&text_rules::REDIRECT_PORT)
        .default(Literal::Text("#{port}")),
    Field::new("host", Type::Text, "Where to: the host.")
        .rule(&text_rules::REDIRECT_HOST)
        .default(Literal::Text("#{host}")),
    Field::new("path", Type::Text, "Where to: the path.")
        .rule(&text_rules::REDIRECT_PATH)
        .default(Literal::Text("/#{path}")),
    Field::new(
        "query",
        Type::Text,
        "Where to: the query string, without `?`.",
    )
    .rule(&text_rules::REDIRECT_QUERY)
    .default(Literal::Text("#{query}")),
    Field::new(
        "status",
        Type::OneOf(&["HTTP_301", "HTTP_302"]),
        "For good, or for now.",
    )
    .required(),
]);

const FIXED_RESPONSE: Type = Type::Object(&[
    Field::new("status", Type::Text, "The HTTP status, as text: `404`.")
        .rule(&text_rules::FIXED_STATUS)
        .required(),
    Field::new(
        "content_type",
        Type::Text,
        "`text/plain`, `application/json`, ….",
    )
    .rule(&text_rules::CONTENT_TYPE)
    .default(Literal::Text("text/plain")),
    Field::new("body", Type::Text, "The body, at most 1024 characters.")
        .rule(&text_rules::BODY)
        .default(Literal::Unset),
]);

/// The field type of an action.
pub const ACTION: Type = Type::Object(&[
    Field::new(
        "type",
        Type::OneOf(&["forward", "redirect", "fixed-response"]),
        "What happens to the request.",
    )
    .required(),
    Field::new(
        "target_groups",
        Type::Set(&TARGET),
        "With `forward`: where requests go, by weight.",
    ),
    Field::new("redirect", REDIRECT, "With `redirect`: where to."),
    Field::new(
        "fixed_response",
        FIXED_RESPONSE,
        "With `fixed-response`: the answer.",
    ),
]);

#[derive(Clone, Debug, Deserialize)]
pub struct ActionSpec {
    #[serde(rename = "type")]
    kind: ActionKind,
    target_groups: Option<Vec<Target>>,
    redirect: Option<Redirect>,
    fixed_response: Option<FixedResponse>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ActionKind {
    Forward,
    Redirect,
    FixedResponse,
}

#[derive(Clone, Debug, Deserialize)]
struct Target {
    arn: String,
    weight: Option<i32>,
}

#[derive(Clone, Debug, Deserialize)]
struct Redirect {
    protocol: Option<String>,
    port: Option<String>,
    host: Option<String>,
    path: Option<String>,
    query: Option<String>,
    status: String,
}

#[derive(Clone, Debug, Deserialize)]
struct FixedResponse {
    status: String,
    content_type: Option<String>,
    body: Option<String>,
}

impl ActionSpec {
    /// As a call takes it. `action` is the IAM action of the call, for the error when the part that belongs to the type is not given.
    pub fn to_aws(&self, action: &str) -> Result<Action, CloudError> {
        let lacks = |part: &str, of: &str| {
            CloudError::new(
                action,
                Class::Invalid,
                "Incomplete",
                format!("an action of type `{of}` needs `{part}`"),
            )
        };
        let (kind, built) = match self.kind {
            ActionKind::Forward => {
                let groups = self.target_groups.as_deref().unwrap_or_default();
                if groups.is_empty() {
                    return Err(lacks("target_groups", "forward"));
                }
                // One group may be named in both places (API reference, Action), and older servers look at the first alone.
                let only = match groups {
                    [one] => Some(one.arn.clone()),
                    _ => None,
                };
                (
                    ActionTypeEnum::Forward,
                    Action::builder()
                        .forward_config(forward(groups))
                        .set_target_group_arn(only),
                )
            }
            ActionKind::Redirect => {
                let redirect = self
                    .redirect
                    .as_ref()
                    .ok_or_else(|| lacks("redirect", "redirect"))?;
                (
                    ActionTypeEnum::Redirect,
                    Action::builder().redirect_config(redirect.to_aws()),
                )
            }
            ActionKind::FixedResponse => {
                let response = self
                    .fixed_response
                    .as_ref()
                    .ok_or_else(|| lacks("fixed_response", "fixed-response"))?;
                (
                    ActionTypeEnum::FixedResponse,
                    Action::builder().fixed_response_config(response.to_aws()),
                )
            }
        };
        Ok(built.r#type(kind).build())
    }
}

fn forward(groups: &[Target]) -> ForwardActionConfig {
    let tuples = groups
        .iter()
        .map(|group| {
            TargetGroupTuple::builder()
                .target_group_arn(&group.arn)
                .weight(group.weight.unwrap_or(1))
                .build()
        })
        .collect();
    ForwardActionConfig::builder()
        .set_target_groups(Some(tuples))
        .build()
}

impl Redirect {
    fn to_aws(&self) -> RedirectActionConfig {
        RedirectActionConfig::builder()
            .set_protocol(self.protocol.clone())
            .set_port(self.port.clone())
            .set_host(self.host.clone())
            .set_path(self.path.clone())
            .set_query(self.query.clone())
            .status_code(RedirectActionStatusCodeEnum::from(self.status.as_str()))
            .build()
    }
}

impl FixedResponse {
    fn to_aws(&self) -> FixedResponseActionConfig {
        FixedResponseActionConfig::builder()
            .status_code(&self.status)
            .set_content_type(self.content_type.clone())
            .set_message_body(self.body.clone())
            .build()
    }
}

/// A live action list in the field table's shape. What this table has no words for (authentication steps before the last action,
/// another type) shows as a `type` that no stack can wish for, and so as a difference.
pub fn observed(actions: &[Action]) -> Value {
    let [action] = actions else {
        let types: Vec<&str> = actions
            .iter()
            .filter_map(|a| a.r#type())
            .map(|t| t.as_str())
            .collect();
        return Value::map([("type", Value::text(types.join("+")))]);
    };
    let kind = action
        .r#type()
        .map(|kind| kind.as_str())
        .unwrap_or_default();
    let mut parts = vec![("type", Value::text(kind))];
    match action.r#type() {
        Some(ActionTypeEnum::Forward) => parts.push(("target_groups", observed_groups(action))),
        Some(ActionTypeEnum::Redirect) => {
            if let Some(redirect) = action.redirect_config() {
                parts.push(("redirect", observed_redirect(redirect)));
            }
        }
        Some(ActionTypeEnum::FixedResponse) => {
            if let Some(response) = action.fixed_response_config() {
                parts.push(("fixed_response", observed_response(response)));
            }
        }
        _ => {}
    }
    Value::map(parts)
}

fn observed_groups(action: &Action) -> Value {
    let group =
        |arn: &str, weight: i32| Value::map([("arn", Value::text(arn)), ("weight", weight.into())]);
    let configured = action
        .forward_config()
        .map(|config| config.target_groups())
        .unwrap_or_default();
    if configured.is_empty() {
        return Value::List(
            action
                .target_group_arn()
                .map(|arn| group(arn, 1))
                .into_iter()
                .collect(),
        );
    }
    Value::List(
        configured
            .iter()
            .map(|tuple| {
                group(
                    tuple.target_group_arn().unwrap_or_default(),
                    tuple.weight().unwrap_or(1),
                )
            })
            .collect(),
    )
}

/// Parts that AWS left out are its defaults, which are the field table's too.
fn observed_redirect(redirect: &RedirectActionConfig) -> Value {
    let part = |live: Option<&str>, default: &str| {
        Value::text(live.filter(|text| !text.is_empty()).unwrap_or(default))
    };
    Value::map([
        ("protocol", part(redirect.protocol(), "#{protocol}")),
        ("port", part(redirect.port(), "#{port}")),
        ("host", part(redirect.host(), "#{host}")),
        ("path", part(redirect.path(), "/#{path}")),
        ("query", part(redirect.query(), "#{query}")),
        (
            "status",
            part(redirect.status_code().map(|code| code.as_str()), ""),
        ),
    ])
}

fn observed_response(response: &FixedResponseActionConfig) -> Value {
    let mut parts = vec![
        (
            "status",
            Value::text(response.status_code().unwrap_or_default()),
        ),
        (
            "content_type",
            Value::text(response.content_type().unwrap_or("text/plain")),
        ),
    ];
    if let Some(body) = response.message_body().filter(|body| !body.is_empty()) {
        parts.push(("body", Value::text(body)));
    }
    Value::map(parts)
}

#[cfg(test)]
mod tests;
