//! `Json`, `Query` and `Path` whose failures are the contract's 422 with the place of the problem.

use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::error::{ApiError, Issue};

mod problems;
pub mod whole;

use problems::{Body, Pairs};

/// A JSON body, whatever its content type says; also the way to answer JSON.
pub struct Json<T>(pub T);

pub struct Query<T>(pub T);

pub struct Path<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| body_error(&rejection))?;
        parse_json(&bytes).map(Json)
    }
}

/// Parses a body, naming every field at fault.
///
/// # Errors
/// 422, with `loc` starting at `body`.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    if bytes.is_empty() {
        let loc = vec![json!("body")];
        return Err(one(Issue {
            kind: "missing",
            loc,
            msg: "Field required".to_owned(),
            input: Value::Null,
        }));
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|e| {
        let loc = vec![json!("body"), json!(e.column())];
        one(Issue {
            kind: "json_invalid",
            loc,
            msg: "JSON decode error".to_owned(),
            input: json!({}),
        })
    })?;
    let length = bytes.len();
    problems::read(&Body { value, length }).map_err(ApiError::Invalid)
}

fn one(issue: Issue) -> ApiError {
    ApiError::Invalid(vec![issue])
}

fn body_error(rejection: &BytesRejection) -> ApiError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        ApiError::TooLarge("Request body is too large".to_owned())
    } else {
        ApiError::bad("Request body could not be read")
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parse_query(parts.uri.query().unwrap_or_default()).map(Query)
    }
}

fn parse_query<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    problems::read(&Pairs::of(query)).map_err(ApiError::Invalid)
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        use axum::extract::rejection::PathRejection;

        let rejection = match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => return Ok(Path(value)),
            Err(rejection) => rejection,
        };
        if !matches!(rejection, PathRejection::FailedToDeserializePathParams(_)) {
            return Err(ApiError::internal(rejection));
        }
        let issues = path_issues(parts, state).await;
        if issues.is_empty() {
            // Then it is a name that is no UTF-8: there cannot be such a thing.
            return Err(ApiError::NotFound("Path"));
        }
        Err(ApiError::Invalid(issues))
    }
}

/// Every parameter that stands for a key (its name ends in `_id`) and is no whole number.
async fn path_issues<S: Send + Sync>(parts: &mut Parts, state: &S) -> Vec<Issue> {
    let Ok(parameters) = RawPathParams::from_request_parts(parts, state).await else {
        return Vec::new();
    };
    let wrong = parameters
        .iter()
        .filter(|(name, value)| name.ends_with("_id") && value.parse::<i64>().is_err());
    let issue = |(name, value): (&str, &str)| Issue {
        kind: "int_parsing",
        loc: vec![json!("path"), json!(name)],
        msg: "Input should be a valid integer, unable to parse string as an integer".to_owned(),
        input: json!(value),
    };
    wrong.map(issue).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::{Int, Lat, Text};
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Body {
        #[allow(dead_code)]
        name: Text<1, 3>,
        #[allow(dead_code)]
        tags: Option<Vec<Text<1, 5>>>,
    }

    fn issue_of<T>(result: Result<T, ApiError>) -> Issue {
        match result {
            Err(ApiError::Invalid(mut issues)) => issues.remove(0),
            _ => panic!("expected an input error"),
        }
    }

    #[test]
    fn a_missing_field_and_a_nested_one_are_named() {
        let missing = issue_of(parse_json::<Body>(b"{}"));
        assert_eq!(
            (missing.kind, missing.loc),
            ("missing", vec![json!("body"), json!("name")])
        );
        let nested = issue_of(parse_json::<Body>(br#"{"name":"a","tags":["ok",""]}"#));
        assert_eq!(nested.loc, vec![json!("body"), json!("tags"), json!(1)]);
        assert_eq!((nested.kind, nested.input), ("string_too_short", json!("")));
    }

    #[test]
    fn null_characters_and_wrong_types_are_input_errors() {
        assert_eq!(
            issue_of(parse_json::<Body>(br#"{"name":"\u0000"}"#)).loc[1],
            json!("name")
        );
        assert_eq!(
            issue_of(parse_json::<Body>(br#"{"name":5}"#)).kind,
            "string_type"
        );
    }

    #[derive(Debug, Deserialize)]
    struct Near {
        #[allow(dead_code)]
        lat: Lat,
        #[allow(dead_code)]
        limit: Option<Int<1, 100>>,
    }

    #[test]
    fn query_numbers_are_bounded_and_never_nan() {
        assert!(parse_query::<Near>("lat=1&limit=100").is_ok());
        for (query, field) in [
            ("lat=NaN", "lat"),
            ("lat=91", "lat"),
            ("lat=1&limit=0", "limit"),
            ("limit=1", "lat"),
            ("lat=x", "lat"),
        ] {
            assert_eq!(
                issue_of(parse_query::<Near>(query)).loc,
                vec![json!("query"), json!(field)],
                "{query}"
            );
        }
    }
}
