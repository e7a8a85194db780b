//! What everybody may ask: health, readiness, the document, metrics, public pages; and what nobody may without a token.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::report::{Problem, Walk, failed};
use super::service::Service;

const PART: &str = "open";

/// What clients call, `method path` a line.
const OPERATIONS: &str = include_str!("operations.txt");

/// Public reads. The point is in the middle of a town with places; where there are none, the pages are empty and still 200.
const PUBLIC: [&str; 10] = [
    "/places/search?limit=5",
    "/places/search/suggestions?q=a",
    "/places/search/filter-options",
    "/places/trending?time_window=24h&limit=5",
    "/places/trending/global?limit=5",
    "/places/nearby?lat=24.7136&lng=46.6753&radius_m=1000",
    "/places/lookups/countries",
    "/lookups/cities",
    "/places/external/suggestions?query=coffee&lat=24.7136&lon=46.6753&limit=3",
    "/places/external/test",
];

/// Nobody's without a token.
const CLOSED: [&str; 7] = [
    "/auth/me",
    "/users/me/interests",
    "/follow/followers",
    "/collections/",
    "/dms/inbox",
    "/activity/feed",
    "/settings/privacy",
];

type Checked<T> = Result<(T, String), Problem>;

/// Says whether the service is in debug mode; `None`: it does not answer.
pub async fn walk(service: &Service, walk: &mut Walk<'_>) -> Option<bool> {
    let debug = walk.check(PART, "health", health(service)).await;
    let Some(debug) = debug else {
        for name in ["readiness", "document", "metrics", "public pages"] {
            walk.skip(PART, name, "the service does not answer");
        }
        return None;
    };
    walk.check(PART, "readiness", ready(service)).await;
    walk.check(PART, "debug mode", debug_mode(debug)).await;
    walk.check(PART, "documentation page", page(service)).await;
    walk.check(PART, "OpenAPI coverage", document(service))
        .await;
    walk.check(PART, "metrics", metrics(service, debug)).await;
    walk.check(PART, "public pages", public(service)).await;
    walk.check(PART, "external places", external(service)).await;
    walk.check(PART, "user name look-up", look_up(service))
        .await;
    walk.check(PART, "closed without a token", closed(service))
        .await;
    walk.check(PART, "errors", errors(service)).await;
    Some(debug)
}

async fn health(service: &Service) -> Checked<bool> {
    let answer = service.get("/health", None).await?.wants(200)?;
    let body = answer.json()?;
    if body["status"] != "ok" || body["app"] != "Circles" {
        return Err(failed("GET /health is not answered by Circles"));
    }
    if answer.took > Duration::from_secs(1) {
        return Err(failed(format!(
            "GET /health takes {} ms: the load balancer would take the task for dead",
            answer.took.as_millis()
        )));
    }
    if !answer.headers.contains_key("x-request-id") {
        return Err(failed("answers carry no X-Request-ID"));
    }
    Ok((body["debug"] == true, "ok".into()))
}

async fn ready(service: &Service) -> Checked<()> {
    let answer = service.get("/readyz", None).await?;
    let body = answer.json()?;
    let missing: Vec<&str> = ["database", "migrations", "storage", "listener"]
        .into_iter()
        .filter(|part| body[*part] != true)
        .collect();
    if !missing.is_empty() {
        return Err(failed(format!("not ready: {}", missing.join(", "))));
    }
    answer.wants(200)?;
    Ok(((), "database, migrations, storage, listener".into()))
}

/// Everybody who can reach a service in debug mode can sign in as anybody.
async fn debug_mode(debug: bool) -> Checked<()> {
    if debug {
        Ok(((), "on: one-time codes are shown, metrics are open".into()))
    } else {
        Err(Problem::Expected(
            "off, as it should be in production".into(),
        ))
    }
}

async fn page(service: &Service) -> Checked<()> {
    let answer = service.get("/docs", None).await?.wants(200)?;
    if !answer.text().contains("<html") {
        return Err(failed("GET /docs is no page"));
    }
    Ok(((), "/docs".into()))
}

async fn document(service: &Service) -> Checked<()> {
    let body = service
        .get("/openapi.json", None)
        .await?
        .wants(200)?
        .json()?;
    let (wanted, missing) = coverage(&body);
    if !missing.is_empty() {
        return Err(failed(format!(
            "not in the document: {}",
            missing.join(", ")
        )));
    }
    let version = body["openapi"].as_str().unwrap_or_default();
    if !version.starts_with("3.") {
        return Err(failed("the document is not OpenAPI 3"));
    }
    Ok(((), format!("all {wanted} operations that clients call")))
}

/// How many operations are wanted, and which of them the document lacks.
fn coverage(document: &Json) -> (usize, Vec<&'static str>) {
    let mut wanted = 0;
    let mut missing = Vec::new();
    for line in OPERATIONS.lines() {
        let Some((method, path)) = line.split_once(' ') else {
            continue;
        };
        wanted += 1;
        if document["paths"][path][method].is_null() {
            missing.push(line);
        }
    }
    (wanted, missing)
}

async fn metrics(service: &Service, debug: bool) -> Checked<()> {
    let answer = service.get("/metrics", None).await?;
    if debug {
        if !answer.text().contains("http_requests_total") {
            return Err(failed("GET /metrics has no http_requests_total"));
        }
        answer.wants(200)?;
        return Ok(((), "open, as in debug mode".into()));
    }
    answer.wants(403)?;
    service
        .get("/metrics", Some("not-the-token"))
        .await?
        .wants(403)?;
    Ok(((), "closed without its token".into()))
}

async fn public(service: &Service) -> Checked<()> {
    for path in PUBLIC {
        service.get(path, None).await?.wants(200)?.json()?;
    }
    Ok(((), format!("{} of them", PUBLIC.len())))
}

async fn external(service: &Service) -> Checked<()> {
    let answer = service
        .get("/places/external/test", None)
        .await?
        .wants(200)?;
    if answer.json()?["foursquare_configured"] == true {
        return Ok(((), "Foursquare is configured".into()));
    }
    Err(Problem::Expected(
        "no Foursquare key: stored places only (circles-infra secrets set APP_FOURSQUARE_API_KEY)"
            .into(),
    ))
}

async fn look_up(service: &Service) -> Checked<()> {
    let asked = json!({"username": super::login::fresh_name()});
    let answer = service
        .post("/onboarding/check-username", None, asked)
        .await?
        .wants(200)?;
    if answer.json()?["available"] != true {
        return Err(failed("a name that nobody can have is not available"));
    }
    Ok(((), "a fresh name is available".into()))
}

async fn closed(service: &Service) -> Checked<()> {
    for path in CLOSED {
        service.get(path, None).await?.wants(403)?;
        service.get(path, Some("not.a.token")).await?.wants(401)?;
    }
    Ok((
        (),
        format!("{} paths: 403 without, 401 with a wrong one", CLOSED.len()),
    ))
}

async fn errors(service: &Service) -> Checked<()> {
    let unknown = service.get("/no/such/path", None).await?.wants(404)?;
    if unknown.json()?["detail"].as_str().is_none() {
        return Err(failed("a 404 has no `detail`"));
    }
    let wrong = json!({"phone": 5});
    let answer = service
        .post("/onboarding/request-otp", None, wrong)
        .await?
        .wants(422)?;
    if !answer.json()?["detail"].is_array() {
        return Err(failed("a 422 does not list what is wrong"));
    }
    Ok(((), "404 and 422 say what is wrong".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_counts_with_its_method() {
        let (wanted, missing) = coverage(&json!({"paths": {"/health": {"get": {}}}}));
        assert!(wanted > 50, "{wanted}");
        assert_eq!(missing.len(), wanted - 1);
        assert!(!missing.contains(&"get /health"));
        let (_, missing) = coverage(&json!({"paths": {"/health": {"post": {}}}}));
        assert!(missing.contains(&"get /health"));
    }
}
