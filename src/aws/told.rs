//! Tells of every call to AWS as it ends: service, action, which attempt, how long, and what came of it; never what was sent or answered.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, SharedInterceptor};
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, Metadata};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

tokio::task_local! {
    /// Which attempt of a read this is, where it is not the first.
    pub static ATTEMPT: u32;
}

/// A finished call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// `secretsmanager:PutSecretValue`.
    pub action: String,
    pub attempt: u32,
    pub took: Duration,
    /// `ok`, AWS's error code with the HTTP status, or that there was no answer.
    pub outcome: String,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}  {} ms  {}",
            self.action,
            self.took.as_millis(),
            self.outcome
        )?;
        if self.attempt > 1 {
            write!(f, "  (attempt {})", self.attempt)?;
        }
        Ok(())
    }
}

/// Who wants to hear of calls.
#[derive(Clone)]
pub struct Listener(pub Arc<dyn Fn(&Call) + Send + Sync>);

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

impl Listener {
    pub fn interceptor(&self) -> SharedInterceptor {
        SharedInterceptor::new(Told(self.clone()))
    }
}

#[derive(Debug)]
struct Told(Listener);

#[derive(Debug)]
struct Since(Instant);

impl Storable for Since {
    type Storer = StoreReplace<Self>;
}

impl Intercept for Told {
    fn name(&self) -> &'static str {
        "Told"
    }

    fn read_before_attempt(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        bag.interceptor_state().store_put(Since(Instant::now()));
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(metadata) = bag.load::<Metadata>() else {
            return Ok(());
        };
        let done = matches!(context.output_or_error(), Some(Ok(_)));
        (self.0.0)(&Call {
            action: format!("{}:{}", service(metadata.service()), metadata.name()),
            attempt: ATTEMPT.try_with(|attempt| *attempt).unwrap_or(1),
            took: bag
                .load::<Since>()
                .map(|since| since.0.elapsed())
                .unwrap_or_default(),
            outcome: outcome(done, context.response()),
        });
        Ok(())
    }
}

/// The prefix that IAM and the error messages use.
fn service(name: &str) -> String {
    match name {
        "CloudWatch Logs" => "logs".into(),
        "Elastic Load Balancing v2" => "elasticloadbalancing".into(),
        "Resource Groups Tagging API" => "tag".into(),
        other => other.to_lowercase().replace(' ', ""),
    }
}

fn outcome(done: bool, response: Option<&HttpResponse>) -> String {
    let Some(response) = response else {
        return "no answer".into();
    };
    let status = response.status().as_u16();
    if done {
        return "ok".into();
    }
    match response.body().bytes().and_then(code) {
        Some(code) => format!("{code} (HTTP {status})"),
        None => format!("HTTP {status}"),
    }
}

/// AWS's error code out of an answer, JSON or XML; nothing else of it. Codes are words (`ThrottlingException`, `InvalidVpcID.NotFound`).
fn code(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let found = match serde_json::from_str::<serde_json::Value>(text) {
        Ok(json) => {
            let found = json["__type"].as_str().or(json["code"].as_str())?;
            found.rsplit('#').next().unwrap_or(found).to_owned()
        }
        Err(_) => {
            let (_, rest) = text.split_once("<Code>")?;
            rest.split_once("</Code>")?.0.to_owned()
        }
    };
    let word = found.len() <= 64 && found.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
    (word && !found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_a_line() {
        let mut call = Call {
            action: "ec2:DescribeVpcs".into(),
            attempt: 1,
            took: Duration::from_millis(34),
            outcome: "ok".into(),
        };
        assert_eq!(call.to_string(), "ec2:DescribeVpcs  34 ms  ok");
        call.attempt = 3;
        assert!(call.to_string().ends_with("(attempt 3)"));
    }

    #[test]
    fn only_the_code_is_taken_from_an_answer() {
        let of = |text: &str| code(text.as_bytes());
        assert_eq!(
            of(r#"{"__type": "com.amazonaws#ThrottlingException", "message": "hunter2"}"#),
            Some("ThrottlingException".into())
        );
        assert_eq!(
            of("<Error><Code>InvalidVpcID.NotFound</Code><Message>hunter2</Message></Error>"),
            Some("InvalidVpcID.NotFound".into())
        );
        assert_eq!(of("<Code>hunter2 is wrong</Code>"), None);
        assert_eq!(of("hunter2"), None);
        assert_eq!(of(r#"{"message": "hunter2"}"#), None);
    }

    #[test]
    fn services_go_by_their_prefix() {
        for (name, prefix) in [
            ("Secrets Manager", "secretsmanager"),
            ("EC2", "ec2"),
            ("CloudWatch Logs", "logs"),
            ("Elastic Load Balancing v2", "elasticloadbalancing"),
        ] {
            assert_eq!(service(name), prefix);
        }
    }
}
