//! The OpenAPI document, made from the handlers, and the page at `/docs` that shows it.

use axum::response::Html;
use utoipa::openapi::path::{HttpMethod, Operation, ParameterIn, PathItem};
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
    own_path(&mut doc, "/collections/{collection_id}/items/", "item_id");
    for (path, item) in &mut doc.paths.paths {
        for (method, operation) in operations(item) {
            complete(method, path, operation);
        }
    }
    OpenApiBuilder::from(doc).info(info).build()
}

/// Documents the DELETE of `{prefix}{…}` under a path whose last parameter is called `name`. The router knows one name for that
/// place in the path, while adding takes a check-in there and removing an item.
fn own_path(doc: &mut OpenApi, prefix: &str, name: &str) {
    let paths = &mut doc.paths.paths;
    let found = paths.iter_mut().find_map(|(path, item)| {
        let given = path.strip_prefix(prefix)?.strip_prefix('{')?;
        let given = given.strip_suffix('}')?.to_owned();
        Some((given, item.delete.take()?))
    });
    let Some((given, mut operation)) = found else {
        return;
    };
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && parameter.name == given
        {
            name.clone_into(&mut parameter.name);
        }
    }
    let item = PathItem::new(HttpMethod::Delete, operation);
    paths.insert(format!("{prefix}{{{name}}}"), item);
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
    let has_body = operation.request_body.is_some();
    let mut add = |status: &str, text: &str| {
        let response = ResponseBuilder::new().description(text).build();
        operation
            .responses
            .responses
            .entry(status.to_owned())
            .or_insert(RefOr::T(response));
    };
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
    if has_body {
        add("413", "The body is too large");
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
    if !public {
        let none: [String; 0] = [];
        operation.security = Some(vec![SecurityRequirement::new(SCHEME, none)]);
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
