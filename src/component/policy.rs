//! IAM policy documents, as values.

use crate::model::{Expr, Part, Value};

pub const VERSION: &str = "2012-10-17";

pub fn document(statements: Vec<Value>) -> Value {
    Value::map([
        ("Version", Value::from(VERSION)),
        ("Statement", Value::List(statements)),
    ])
}

pub fn allow(actions: &[&str], resources: Vec<Value>) -> Value {
    let actions = actions.iter().map(|action| Value::from(*action)).collect();
    Value::map([
        ("Effect", Value::from("Allow")),
        ("Action", Value::List(actions)),
        ("Resource", Value::List(resources)),
    ])
}

/// Lets a service's tasks assume the role, for this account only (confused deputy: IAM user guide, "Cross-service confused deputy
/// prevention"; ECS developer guide, "Task IAM role").
pub fn assumed_by_tasks(service: &str, account: &str, partition: &str, region: &str) -> Value {
    let arn = format!("arn:{partition}:ecs:{region}:{account}:*");
    let condition = Value::map([
        (
            "StringEquals",
            Value::map([("aws:SourceAccount", Value::from(account))]),
        ),
        ("ArnLike", Value::map([("aws:SourceArn", Value::Text(arn))])),
    ]);
    trust(service, Some(condition))
}

/// Lets the service itself assume the role, as a task's execution role. Without conditions: AWS documents the source keys for task roles
/// only ("Task execution IAM role" has none), and a key that ECS does not pass would keep every task from starting.
pub fn assumed_by_service(service: &str) -> Value {
    trust(service, None)
}

fn trust(service: &str, condition: Option<Value>) -> Value {
    let mut statement = vec![
        ("Effect", Value::from("Allow")),
        ("Principal", Value::map([("Service", Value::from(service))])),
        ("Action", Value::from("sts:AssumeRole")),
    ];
    statement.extend(condition.map(|condition| ("Condition", condition)));
    document(vec![Value::map(statement)])
}

/// `value` with text behind it: `${media.arn}` + `/*`.
pub fn followed_by(value: &Value, text: &str) -> Value {
    match value {
        Value::Text(start) => Value::Text(format!("{start}{text}")),
        Value::Expr(expr) => {
            let mut parts = expr.0.clone();
            parts.push(Part::Text(text.to_owned()));
            Value::Expr(Expr(parts))
        }
        other => other.clone(),
    }
}

/// `value` with text before it: `https://` + `${alb.dns_name}`.
pub fn after_text(text: &str, value: &Value) -> Value {
    match value {
        Value::Text(end) => Value::Text(format!("{text}{end}")),
        Value::Expr(expr) => {
            let mut parts = vec![Part::Text(text.to_owned())];
            parts.extend(expr.0.iter().cloned());
            Value::Expr(Expr(parts))
        }
        other => other.clone(),
    }
}

/// One text after the other.
pub fn joined(first: &Value, second: &Value) -> Value {
    match second {
        Value::Text(text) => followed_by(first, text),
        Value::Expr(end) => match first {
            Value::Text(text) => after_text(text, second),
            Value::Expr(start) => {
                Value::Expr(Expr(start.0.iter().chain(&end.0).cloned().collect()))
            }
            _ => Value::Null,
        },
        _ => Value::Null,
    }
}
