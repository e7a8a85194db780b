//! The OpenAPI document, made from the handlers, and the page at `/docs` that shows it.

use axum::response::Html;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    Components, InfoBuilder, OpenApi, OpenApiBuilder, RefOr, ResponseBuilder, SecurityRequirement,
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

/// Adds what no handler says by itself: title, security, and the error answers every operation shares.
#[must_use]
pub fn finish(mut doc: OpenApi) -> OpenApi {
    let info = InfoBuilder::new()
        .title("Circles - Social Location App")
        .version("1.0.0")
        .build();
    let components = doc.components.get_or_insert_with(Components::new);
    components.add_security_scheme(
        SCHEME,
        SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
    );
    for (path, item) in &mut doc.paths.paths {
        for (method, operation) in operations(item) {
            complete(method, path, operation);
        }
    }
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
    let mut add = |status: &str, text: &str| {
        let response = ResponseBuilder::new().description(text).build();
        operation
            .responses
            .responses
            .entry(status.to_owned())
            .or_insert(RefOr::T(response));
    };
    if !PUBLIC.contains(&(method, path)) {
        add(
            "401",
            "The token is bad or expired, or its user is unknown or unverified",
        );
        add("403", "No token was sent, or access is refused");
    }
    add("400", "The request cannot be done");
    if path.contains('{') {
        add("404", "Not found");
    }
    add(
        "422",
        "Input error: `detail` lists `type`, `loc`, `msg`, `input`",
    );
    add("429", "Too many requests");
    add(
        "503",
        "Temporarily unavailable; `Retry-After` says when to come back",
    );
    if !PUBLIC.contains(&(method, path)) {
        let none: [String; 0] = [];
        operation.security = Some(vec![SecurityRequirement::new(SCHEME, none)]);
    }
}
