//! Errors as AWS writes them, in each protocol's shape and with each service's own codes.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;

use super::call::{Call, Protocol};

/// What a call is answered with instead of its own answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// The service's own throttling error.
    Throttled,
    /// HTTP 429 from something in front of the service, with no body that an SDK can read.
    TooMany,
    /// The service's internal error, HTTP 500.
    Internal,
    /// HTTP 503.
    Unavailable,
}

impl Failing {
    pub const ALL: [Self; 4] = [
        Self::Throttled,
        Self::TooMany,
        Self::Internal,
        Self::Unavailable,
    ];

    /// Whether the service may have carried the call out all the same.
    pub fn perhaps_done(self) -> bool {
        matches!(self, Self::Internal | Self::Unavailable)
    }

    pub fn answer(self, call: &Call) -> Response<Full<Bytes>> {
        match (self, call.protocol) {
            (Self::TooMany, _) => answer(429, "text/html", "", "<h1>Too Many Requests</h1>"),
            (Self::Throttled, Protocol::Ec2) => error(call, 503, "RequestLimitExceeded"),
            (Self::Throttled, Protocol::S3) => error(call, 503, "SlowDown"),
            (Self::Throttled, Protocol::Query) => error(call, 400, "Throttling"),
            (Self::Throttled, Protocol::Json) if call.service == "tagging" => {
                error(call, 400, "ThrottledException")
            }
            (Self::Throttled, Protocol::Json) => error(call, 400, "ThrottlingException"),
            (Self::Internal, Protocol::Ec2 | Protocol::S3) => error(call, 500, "InternalError"),
            (Self::Internal, Protocol::Query) => error(call, 500, "InternalFailure"),
            (Self::Internal, Protocol::Json) => error(call, 500, "ServerException"),
            (Self::Unavailable, Protocol::Ec2) => error(call, 503, "Unavailable"),
            (Self::Unavailable, _) => error(call, 503, "ServiceUnavailable"),
        }
    }
}

fn error(call: &Call, status: u16, code: &str) -> Response<Full<Bytes>> {
    let message = "An answer that a test asked for.";
    let xml = format!("<Code>{code}</Code><Message>{message}</Message>");
    let (kind, body) = match call.protocol {
        Protocol::Json => (
            "application/x-amz-json-1.1",
            format!(r#"{{"__type":"{code}","message":"{message}"}}"#),
        ),
        Protocol::Ec2 => (
            "text/xml",
            format!(
                "<Response><Errors><Error>{xml}</Error></Errors><RequestID>r-1</RequestID></Response>"
            ),
        ),
        Protocol::S3 => (
            "application/xml",
            format!("<Error>{xml}<RequestId>r-1</RequestId></Error>"),
        ),
        Protocol::Query => (
            "text/xml",
            format!(
                "<ErrorResponse><Error><Type>Receiver</Type>{xml}</Error><RequestId>r-1</RequestId></ErrorResponse>"
            ),
        ),
    };
    answer(status, kind, code, &body)
}

fn answer(status: u16, kind: &str, code: &str, body: &str) -> Response<Full<Bytes>> {
    let mut builder = Response::builder()
        .status(status)
        .header("content-type", kind);
    if !code.is_empty() {
        builder = builder.header("x-amzn-errortype", code);
    }
    builder
        .body(Full::new(Bytes::from(body.to_owned())))
        .expect("an answer")
}
