//! What every answer says to a browser: guess no type, show it in no frame, send no address along, load nothing from elsewhere.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Answers are data: a browser that shows one as a page loads and runs nothing.
const DATA: &str = "default-src 'none'; frame-ancestors 'none'";
/// The pages at `/docs` load their files from this service alone. Swagger UI sets styles inline and draws from `data:` addresses.
const DOCS: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Two years, as lists of HTTPS-only sites ask for.
const HSTS: &str = "max-age=63072000; includeSubDomains";

/// Whether the request came to the proxy in front over TLS.
#[must_use]
pub fn is_https(request: &HeaderMap, trusted_proxies: usize) -> bool {
    let scheme = request.get("x-forwarded-proto").map(HeaderValue::as_bytes);
    trusted_proxies > 0 && scheme.is_some_and(|s| s.eq_ignore_ascii_case(b"https"))
}

/// Adds the headers to an answer; what the handler decided stays.
pub fn add(headers: &mut HeaderMap, path: &str, https: bool) {
    let policy = if path == "/docs" || path.starts_with("/docs/") {
        DOCS
    } else {
        DATA
    };
    let mut all = vec![
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ];
    if https {
        all.push((header::STRICT_TRANSPORT_SECURITY, HSTS));
    }
    for (name, value) in all {
        headers
            .entry(name)
            .or_insert_with(|| HeaderValue::from_static(value));
    }
}
