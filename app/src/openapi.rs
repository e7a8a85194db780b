//! The OpenAPI document, made from the handlers, and the page at `/docs` that shows it.

mod errors;
mod tags;

use axum::http::header;
use axum::response::{Html, IntoResponse};
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    Components, InfoBuilder, OpenApi, OpenApiBuilder, RefOr, SecurityRequirement,
};

/// Operations open to everybody; all others need a token.
const PUBLIC: [(&str, &str); 26] = [
    ("get", "/"),
    ("get", "/health"),
    ("get", "/readyz"),
    ("get", "/metrics"),
    ("post", "/onboarding/request-otp"),
    ("post", "/onboarding/verify-otp"),
    ("post", "/onboarding/check-username"),
    ("get", "/places/search"),
    ("get", "/places/search/suggestions"),
    ("get", "/places/trending"),
    ("get", "/places/trending/global"),
    ("get", "/places/lookups/countries"),
    ("get", "/places/lookups/cities"),
    ("get", "/places/lookups/neighborhoods"),
    ("get", "/lookups/cities"),
    ("get", "/lookups/cities/all"),
    ("get", "/lookups/neighborhoods"),
    ("get", "/places/nearby"),
    ("get", "/places/external/test"),
    ("post", "/places/search/advanced"),
    ("get", "/places/search/quick"),
    ("get", "/places/search/filter-options"),
    ("get", "/places/external/search"),
    ("get", "/places/{place_id}/stats"),
    ("get", "/places/{place_id}/reviews"),
    ("get", "/places/{place_id}/enrich"),
];

const SCHEME: &str = "HTTPBearer";

/// The page: the viewer's files come from this service, so it works without a network.
pub async fn page() -> Html<&'static str> {
    Html(include_str!("docs.html"))
}

/// Starts the viewer. A file of its own, so that the page needs no script inline. The viewer keeps no token.
pub async fn start_script() -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (kind, include_str!("docs_start.js"))
}

/// Adds what no handler says by itself: title, security, and the error answers every operation shares.
#[must_use]
pub fn finish(mut doc: OpenApi) -> OpenApi {
    let info = InfoBuilder::new()
        .title("Circles - Social Location App")
        .version("1.0.0")
        .description(Some(include_str!("openapi/intro.md")))
        .build();
    let components = doc.components.get_or_insert_with(Components::new);
    components.add_security_scheme(
        SCHEME,
        SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
    );
    errors::declare(components);
    for (path, item) in &mut doc.paths.paths {
        for (method, operation) in operations(item) {
            complete(method, path, operation);
        }
    }
    doc.tags = Some(tags::all());
    OpenApiBuilder::from(doc).info(info).build()
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("get", item.get.as_mut()),
        ("post", item.post.as_mut()),
        ("put", item.put.as_mut()),
        ("patch", item.patch.as_mut()),
        ("delete", item.delete.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.map(|o| (method, o)))
}

fn complete(method: &str, path: &str, operation: &mut Operation) {
    let public = PUBLIC.contains(&(method, path));
    operation.operation_id = Some(operation_id(method, path));
    once_each(operation);
    describe(operation);
    let multipart = match &operation.request_body {
        None => None,
        Some(RefOr::T(body)) => Some(body.content.contains_key("multipart/form-data")),
        Some(RefOr::Ref(_)) => Some(false),
    };
    let mut add = |status: &str, text: &str| errors::refuse(operation, status, text);
    if !public {
        add(
            "401",
            "The token is bad or expired, or its user is unknown or unverified",
        );
        add("403", "No token was sent, or access is refused");
    }
    add("400", "The request cannot be done");
    // What is spoken of in a body or a query may be unknown as well.
    if path.contains('{') || !public {
        add("404", "Not found");
    }
    if let Some(multipart) = multipart {
        add("413", errors::body_limit(path, multipart));
    }
    add(
        "422",
        "Input error: `detail` lists `type`, `loc`, `msg`, `input`",
    );
    add(
        "429",
        "Too many requests; `Retry-After` says how many seconds are left",
    );
    add(
        "503",
        "Temporarily unavailable; `Retry-After` says when to come back",
    );
    model_others(operation);
    if !public {
        let none: [String; 0] = [];
        operation.security = Some(vec![SecurityRequirement::new(SCHEME, none)]);
    }
}

/// Gives the refusals that only the handler tells of the common model.
fn model_others(operation: &mut Operation) {
    let all: Vec<String> = operation.responses.responses.keys().cloned().collect();
    for status in all.iter().filter(|status| status.starts_with('4')) {
        errors::refuse(operation, status, "Refused");
    }
}

/// The method and the parts of the path: handlers of different features share names, these never do.
fn operation_id(method: &str, path: &str) -> String {
    let parts = path.split(['/', '{', '}']).filter(|part| !part.is_empty());
    // `whos-here-count` must not read like `whos-here/count`.
    let one_word = |part: &str| {
        let mut words = part.split('-');
        let first = words.next().unwrap_or_default().to_owned();
        words.fold(first, |all, word| {
            let (initial, rest) = word.split_at(word.len().min(1));
            all + &initial.to_ascii_uppercase() + rest
        })
    };
    let mut id = vec![method.to_owned()];
    id.extend(parts.map(one_word));
    id.join("_")
}

/// Two structures read from one query may name the same parameter; the first, which the handler names first, stands.
fn once_each(operation: &mut Operation) {
    let mut seen: Vec<(String, ParameterIn)> = Vec::new();
    if let Some(parameters) = &mut operation.parameters {
        parameters.retain(|parameter| {
            let RefOr::T(parameter) = parameter else {
                return true;
            };
            let key = (parameter.name.clone(), parameter.parameter_in.clone());
            let fresh = !seen.contains(&key);
            seen.extend(fresh.then_some(key));
            fresh
        });
    }
}

/// The specification wants words for every answer.
fn describe(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            let text = match status.as_str() {
                "201" => "Made",
                "503" => "Not ready",
                _ => "Done",
            };
            text.clone_into(&mut response.description);
        }
    }
}
