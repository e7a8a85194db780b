//! The one error type of the handlers, and the shapes clients see.
//!
//! Every 4xx is `{"detail": "<text>"}`, except input errors (422), whose `detail` is a list with the place of each problem.
//! What went wrong inside stays in the log, under the request id the answer carries.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::trace;

pub type Result<T, E = ApiError> = std::result::Result<T, E>;

/// One input problem: `loc` starts with `body`, `query` or `path`.
#[derive(Debug, Clone, Serialize)]
pub struct Issue {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub loc: Vec<Value>,
    pub msg: String,
    pub input: Value,
}

#[derive(Debug)]
pub enum ApiError {
    BadRequest(String),
    /// No credentials were sent.
    NotAuthenticated,
    /// Credentials were sent and are not good.
    BadToken,
    Forbidden(String),
    NotFound(&'static str),
    Conflict(String),
    TooLarge(String),
    Invalid(Vec<Issue>),
    TooMany {
        detail: String,
        retry_after: u32,
    },
    /// The database or the storage is away or full: the caller should come back.
    Unavailable,
    /// As much is under way as this task can do at a time; `retry_after` in seconds.
    Busy {
        detail: String,
        retry_after: u32,
    },
    Internal,
}

/// Seconds after which a client told 503 should try again.
const RETRY_UNAVAILABLE: u32 = 2;

impl ApiError {
    pub fn bad(detail: impl Into<String>) -> ApiError {
        ApiError::BadRequest(detail.into())
    }

    pub fn forbidden(detail: impl Into<String>) -> ApiError {
        ApiError::Forbidden(detail.into())
    }

    /// A rate limit was hit; `retry_after` in seconds.
    pub fn too_many(detail: impl Into<String>, retry_after: u32) -> ApiError {
        ApiError::TooMany {
            detail: detail.into(),
            retry_after,
        }
    }

    /// A single input problem, e.g. `ApiError::invalid("query", "limit", "…", value)`.
    pub fn invalid(place: &str, field: &str, msg: impl Into<String>, input: Value) -> ApiError {
        let loc = vec![json!(place), json!(field)];
        ApiError::Invalid(vec![Issue {
            kind: "value_error",
            loc,
            msg: msg.into(),
            input,
        }])
    }

    /// Logs the cause and hides it from the caller.
    pub fn internal(cause: impl std::fmt::Display) -> ApiError {
        tracing::error!(cause = %cause, request_id = %trace::request_id(), "request failed");
        ApiError::Internal
    }

    fn status(&self) -> StatusCode {
        match self {
            ApiError::BadRequest(_) => StatusCode::BAD_REQUEST,
            ApiError::NotAuthenticated | ApiError::Forbidden(_) => StatusCode::FORBIDDEN,
            ApiError::BadToken => StatusCode::UNAUTHORIZED,
            ApiError::NotFound(_) => StatusCode::NOT_FOUND,
            ApiError::Conflict(_) => StatusCode::CONFLICT,
            ApiError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            ApiError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            ApiError::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            ApiError::Unavailable | ApiError::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
            ApiError::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The text of `detail`; also what a socket's `error` frame says.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            ApiError::BadRequest(text)
            | ApiError::Forbidden(text)
            | ApiError::Conflict(text)
            | ApiError::TooLarge(text)
            | ApiError::Busy { detail: text, .. }
            | ApiError::TooMany { detail: text, .. } => text.clone(),
            ApiError::NotAuthenticated => "Not authenticated".to_owned(),
            ApiError::BadToken => "Could not validate credentials".to_owned(),
            ApiError::NotFound(what) => format!("{what} not found"),
            ApiError::Invalid(issues) => issues.first().map(|i| i.msg.clone()).unwrap_or_default(),
            ApiError::Unavailable => {
                "Service temporarily unavailable, try again shortly".to_owned()
            }
            ApiError::Internal => "Internal server error".to_owned(),
        }
    }

    fn retry_after(&self) -> Option<u32> {
        match self {
            ApiError::TooMany { retry_after, .. } | ApiError::Busy { retry_after, .. } => {
                Some(*retry_after)
            }
            ApiError::Unavailable => Some(RETRY_UNAVAILABLE),
            _ => None,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = match &self {
            ApiError::Invalid(issues) => json!({ "detail": issues }),
            ApiError::Internal => {
                json!({ "detail": self.detail(), "request_id": trace::request_id() })
            }
            _ => json!({ "detail": self.detail() }),
        };
        let mut response = (self.status(), Json(body)).into_response();
        if matches!(self, ApiError::BadToken) {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if matches!(self, ApiError::TooLarge(_)) {
            // The rest of the body may be unread, so the connection cannot be used again.
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(seconds) = self.retry_after() {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// For extractors that never refuse.
impl From<std::convert::Infallible> for ApiError {
    fn from(never: std::convert::Infallible) -> ApiError {
        match never {}
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> ApiError {
        use sqlx::Error as E;
        match &error {
            E::PoolTimedOut
            | E::PoolClosed
            | E::Io(_)
            | E::Tls(_)
            | E::WorkerCrashed
            | E::Protocol(_) => {
                tracing::warn!(cause = %error, request_id = %trace::request_id(), "database unavailable");
                ApiError::Unavailable
            }
            E::Database(db) => match db.code().as_deref() {
                // Shutdown, crash recovery, too many connections, the timeouts of a statement, of a lock and of a transaction that does
                // nothing, and the connection class.
                Some("57P01" | "57P02" | "57P03" | "53300" | "57014" | "55P03" | "25P03") => {
                    tracing::warn!(cause = %error, request_id = %trace::request_id(), "database unavailable");
                    ApiError::Unavailable
                }
                Some(code) if code.starts_with("08") => ApiError::Unavailable,
                // A character PostgreSQL cannot store (NUL), or a number beyond its column.
                Some("22021" | "22P05") => {
                    ApiError::bad("Text contains a character that cannot be stored")
                }
                Some("22003") => ApiError::bad("A number is out of range"),
                // Serialization failure and deadlock: the same request may well succeed.
                Some("40001" | "40P01") => ApiError::Unavailable,
                _ => ApiError::internal(&error),
            },
            _ => ApiError::internal(&error),
        }
    }
}

/// Turns the breach of a named constraint into an answer.
pub trait OnConstraint<T> {
    /// # Errors
    /// `answer()` when `constraint` was broken, else what the error means by itself.
    fn on_constraint(self, constraint: &str, answer: impl FnOnce() -> ApiError) -> Result<T>;
}

impl<T> OnConstraint<T> for std::result::Result<T, sqlx::Error> {
    fn on_constraint(self, constraint: &str, answer: impl FnOnce() -> ApiError) -> Result<T> {
        self.map_err(
            |error| match error.as_database_error().and_then(|e| e.constraint()) {
                Some(name) if name == constraint => answer(),
                _ => ApiError::from(error),
            },
        )
    }
}
