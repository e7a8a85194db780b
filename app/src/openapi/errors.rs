//! The model of every refusal, and the limits that lead to some.

use serde_json::{Value, json};
use utoipa::openapi::path::Operation;
use utoipa::openapi::{Components, RefOr, Response};

/// The names of the schemas.
const ERROR: &str = "Error";
const ISSUE: &str = "InputIssue";

/// Adds the schemas of [`crate::error`] to the document's components.
pub(super) fn declare(components: &mut Components) {
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let issue = json!({
        "type": "object",
        "required": ["type", "loc", "msg", "input"],
        "description": "One problem of the input",
        "properties": {
            "type": { "type": "string", "description": "The kind of problem, such as `missing`" },
            "loc": {
                "type": "array",
                "items": { "oneOf": [{ "type": "string" }, { "type": "integer" }] },
                "description": "Where it is: `body`, `query` or `path`, then the names and indexes that lead there"
            },
            "msg": { "type": "string" },
            "input": {
                "type": ["object", "array", "string", "number", "integer", "boolean", "null"],
                "description": "What was sent there"
            }
        }
    });
    let error = json!({
        "type": "object",
        "required": ["detail"],
        "description": "A refusal",
        "properties": {
            "detail": {
                "oneOf": [
                    { "type": "string", "description": "What is wrong, for people" },
                    { "type": "array", "items": reference(ISSUE), "description": "Every problem of the input (422)" }
                ]
            }
        }
    });
    for (name, schema) in [(ISSUE, issue), (ERROR, error)] {
        if let Ok(schema) = serde_json::from_value(schema) {
            components.schemas.insert(name.to_owned(), schema);
        }
    }
}

/// Adds the refusal `status` to the operation, or its model to what the handler says of that status.
pub(super) fn refuse(operation: &mut Operation, status: &str, text: &str) {
    let mut headers = json!({});
    match status {
        "401" => {
            headers["WWW-Authenticate"] =
                json!({ "schema": { "type": "string" }, "description": "`Bearer`" });
        }
        "429" | "503" => {
            headers["Retry-After"] = json!({ "schema": { "type": "integer" }, "description": "Seconds until it is worth another try" });
        }
        _ => {}
    }
    let content = json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{ERROR}") } } });
    let whole: Value = json!({ "description": text, "content": content, "headers": headers });
    let Ok(model) = serde_json::from_value::<Response>(whole) else {
        return;
    };
    let known = operation.responses.responses.entry(status.to_owned());
    let known = known.or_insert_with(|| RefOr::T(model.clone()));
    if let RefOr::T(response) = known {
        if response.content.is_empty() {
            response.content = model.content;
        }
        response.headers.extend(model.headers);
    }
}

/// What a body may weigh, by how it is sent and where: `router.rs`, and the layers of the features that take files.
pub(super) fn body_limit(path: &str, multipart: bool) -> &'static str {
    match (path, multipart) {
        (_, false) => "The body is larger than 1 MiB",
        (p, true) if p.starts_with("/dms/upload/") => {
            "The body is larger than 51 MiB, or the file than its kind may be: pictures and voice 10 MB, videos and documents 50 MB"
        }
        ("/users/me/avatar", true) => "The file is larger than `APP_AVATAR_MAX_MB` (5 MB)",
        (_, true) => {
            "A file is larger than `APP_PHOTO_MAX_MB` (10 MB), or all of the body than 64 MiB"
        }
    }
}
