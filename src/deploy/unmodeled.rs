//! Fields of a task definition that the SDK does not know yet. They are read from the text of AWS's answer, and put into the text of the
//! next registration, so that a release differs from the one before in its image alone.

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::Value as Json;

/// What AWS fills in and no registration takes (API reference, `TaskDefinition` beside the request of `RegisterTaskDefinition`).
const ANSWERED_ONLY: &[&str] = &[
    "compatibilities",
    "deleteRequestedAt",
    "deregisteredAt",
    "registeredAt",
    "registeredBy",
    "requiresAttributes",
    "revision",
    "status",
    "taskDefinitionArn",
];

/// Keeps the text of the last answer.
#[derive(Clone, Debug, Default)]
pub struct AnswerText(Arc<Mutex<Option<Json>>>);

impl AnswerText {
    /// `taskDefinition` of the answer, without what AWS fills in; null where it was not JSON.
    pub fn definition(&self) -> Json {
        let mut answer = self.0.lock().unwrap_or_else(|e| e.into_inner());
        let mut definition = match &mut *answer {
            Some(answer) => answer["taskDefinition"].take(),
            None => Json::Null,
        };
        if let Json::Object(fields) = &mut definition {
            fields.retain(|name, _| !ANSWERED_ONLY.contains(&name.as_str()));
        }
        definition
    }
}

impl Intercept for AnswerText {
    fn name(&self) -> &'static str {
        "AnswerText"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().and_then(|answer| answer.body().bytes());
        let parsed = body.and_then(|bytes| serde_json::from_slice(bytes).ok());
        *self.0.lock().unwrap_or_else(|e| e.into_inner()) = parsed;
        Ok(())
    }
}

/// Adds to a registration what the definition has beyond it.
pub fn add_unmodeled(request: &mut HttpRequest, definition: &Json) {
    let body = request.body().bytes();
    let Some(mut input) = body.and_then(|bytes| serde_json::from_slice::<Json>(bytes).ok()) else {
        return;
    };
    add_missing(&mut input, definition);
    let text = input.to_string();
    let headers = request.headers_mut();
    headers.insert("content-length", text.len().to_string());
    *request.body_mut() = SdkBody::from(text);
}

/// Takes over what `from` has and `to` has not, level by level. What both have stays as `to` has it; empty lists and nulls say nothing.
fn add_missing(to: &mut Json, from: &Json) {
    match (to, from) {
        (Json::Object(to), Json::Object(from)) => {
            for (name, value) in from {
                match to.get_mut(name) {
                    Some(known) => add_missing(known, value),
                    None if value.is_null() || value.as_array().is_some_and(Vec::is_empty) => {}
                    None => {
                        to.insert(name.clone(), value.clone());
                    }
                }
            }
        }
        (Json::Array(to), Json::Array(from)) if to.len() == from.len() => {
            for (to, from) in to.iter_mut().zip(from) {
                add_missing(to, from);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_sdk_does_not_know_is_handed_on() {
        let answer = json!({"taskDefinition": {
            "family": "app", "revision": 7, "status": "ACTIVE", "taskDefinitionArn": "arn:…:7",
            "registeredAt": 1.5, "requiresAttributes": [{"name": "x"}], "volumes": [],
            "trustedExecutionConfiguration": {"enclave": true},
            "containerDefinitions": [
                {"name": "app", "image": "old", "newField": {"deep": [1]}, "logConfiguration": {"logDriver": "awslogs", "later": 1}},
                {"name": "side", "image": "side"},
            ],
        }});
        let text = AnswerText::default();
        *text.0.lock().unwrap() = Some(answer);
        let mut input = json!({"family": "app", "tags": [{"key": "a", "value": "b"}], "containerDefinitions": [
            {"name": "app", "image": "new", "logConfiguration": {"logDriver": "awslogs"}},
            {"name": "side", "image": "side"},
        ]});
        add_missing(&mut input, &text.definition());
        assert_eq!(
            input,
            json!({"family": "app", "tags": [{"key": "a", "value": "b"}],
                   "trustedExecutionConfiguration": {"enclave": true}, "containerDefinitions": [
                {"name": "app", "image": "new", "newField": {"deep": [1]}, "logConfiguration": {"logDriver": "awslogs", "later": 1}},
                {"name": "side", "image": "side"},
            ]})
        );
        assert_eq!(text.definition(), Json::Null, "it is taken once");
    }
}
