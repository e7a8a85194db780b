//! Place data of third parties, played by a stand-in: never needed, never fatal.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::harness::World;

#[derive(Clone, Default)]
struct Provider {
    asked: Arc<AtomicUsize>,
    /// Answers nothing but 500.
    down: bool,
}

type Params = std::collections::HashMap<String, String>;

async fn search(State(p): State<Provider>, Query(params): Query<Params>) -> impl IntoResponse {
    p.asked.fetch_add(1, Ordering::SeqCst);
    if p.down {
        return (
            StatusCode::INTERNAL_SERVER_ERROR,
            Json(json!({ "secret": "details" })),
        );
    }
    // A plan that does not sort: it must be asked again without.
    if params.contains_key("sort") {
        return (
            StatusCode::BAD_REQUEST,
            Json(json!({ "message": "sort is not supported" })),
        );
    }
    let venue = |id: &str, name: &str, lat: f64| json!({ "fsq_place_id": id, "name": name, "latitude": lat, "longitude": 46.6753, "rating": 8.0 });
    (
        StatusCode::OK,
        Json(
            json!({ "results": [venue("v1", "From Outside", 24.714), venue("v2", "Also Outside", 24.715), { "name": "no id" }] }),
        ),
    )
}

async fn provider(down: bool) -> (Provider, String) {
    let p = Provider {
        down,
        ..Provider::default()
    };
    let app = Router::new()
        .route("/places/search", get(search))
        .with_state(p.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (p, url)
}

fn names(page: &Value) -> Vec<&str> {
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["name"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn found_venues_are_stored_once_and_shown_with_real_ids() {
    let (p, url) = provider(false).await;
    let world = World::with(&[
        ("APP_FOURSQUARE_API_KEY", "key"),
        ("APP_FOURSQUARE_SEARCH_URL", &url),
    ])
    .await;
    let sara = world.person("Sara").await;
    let first = sara
        .get("/places/trending?lat=24.7136&lng=46.6753")
        .await
        .expect(200);
    assert_eq!(names(&first), ["From Outside", "Also Outside"]);
    assert!(first["items"][0]["id"].as_i64().unwrap() > 0);
    assert_eq!(first["items"][0]["rating"], 4.0);
    let asked = p.asked.load(Ordering::SeqCst);
    let again = sara
        .get("/places/trending?lat=24.7136&lng=46.6753")
        .await
        .expect(200);
    assert_eq!(
        (
            first["items"][0]["id"].clone(),
            p.asked.load(Ordering::SeqCst)
        ),
        (again["items"][0]["id"].clone(), asked),
        "kept for five minutes"
    );
    assert_eq!(
        world
            .count("select count(*) from places where data_source = 'foursquare'")
            .await,
        2
    );
    let near = sara
        .get("/places/nearby?lat=24.7136&lng=46.6753")
        .await
        .expect(200);
    assert_eq!(names(&near), ["From Outside", "Also Outside"]);
    let filled = world
        .second(&[
            ("APP_FOURSQUARE_API_KEY", "key"),
            ("APP_FOURSQUARE_SEARCH_URL", &url),
            ("APP_FSQ_TRENDING_OVERRIDE", "false"),
        ])
        .await;
    let busy = world.place("Inside", 0.0).await;
    sara.check_in(busy, "public").await;
    let both = sara
        .at(filled.address)
        .get("/places/trending?lat=24.7136&lng=46.6753")
        .await
        .expect(200);
    assert_eq!(names(&both), ["Inside", "From Outside", "Also Outside"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_fails_is_an_empty_answer_and_is_then_left_alone() {
    let (p, url) = provider(true).await;
    let world = World::with(&[
        ("APP_FOURSQUARE_API_KEY", "key"),
        ("APP_FOURSQUARE_SEARCH_URL", &url),
    ])
    .await;
    let sara = world.person("Sara").await;
    for n in 0..12 {
        let page = sara
            .get(&format!("/places/trending?lat=24.{n}&lng=46.6753"))
            .await;
        assert!(!page.text.contains("secret"));
        assert_eq!(page.expect(200)["total"], 0);
    }
    assert_eq!(
        p.asked.load(Ordering::SeqCst),
        5,
        "the breaker opens after five failures"
    );
}

/// A map that answers every question with this text.
async fn map(answer: &'static str) -> String {
    let app = Router::new().fallback(move || async move { answer });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_any_form_are_no_failure_of_ours() {
    for answer in [
        "[]",
        "5",
        "\"x\"",
        "null",
        "{}",
        r#"{"elements": 5}"#,
        r#"{"elements": [5, {"type": "node", "id": "x"}, null]}"#,
        r#"{"response": {"venues": {"a": 1}}, "results": "none"}"#,
        "no JSON",
        "",
    ] {
        let url = map(answer).await;
        let world = World::with(&[
            ("APP_USE_OPENSTREETMAP", "true"),
            ("APP_OVERPASS_ENDPOINTS", &url),
            ("APP_NOMINATIM_URL", &url),
            ("APP_FOURSQUARE_API_KEY", "key"),
            ("APP_FOURSQUARE_CLIENT_ID", "id"),
            ("APP_FOURSQUARE_CLIENT_SECRET", "secret"),
            ("APP_FOURSQUARE_API_URL", &url),
            ("APP_FOURSQUARE_SEARCH_URL", &url),
            ("APP_AUTOSEED_BBOX", "24,46,25,47"),
        ])
        .await;
        let sara = world.person("Sara").await;
        let near = "lat=24.7136&lng=46.6753";
        for (path, list) in [
            (
                "/places/external/search?lat=24.7136&lon=46.6753".to_owned(),
                "/results",
            ),
            ("/places/external/suggestions?query=cafe".to_owned(), ""),
            (format!("/places/trending?{near}"), "/items"),
            (format!("/places/nearby?{near}"), "/items"),
        ] {
            let found = sara.get(&path).await.expect(200);
            assert_eq!(found.pointer(list), Some(&json!([])), "{path}: {answer}");
        }
        // The seeding job has met the same answer, and harmed nobody.
        world
            .counts(
                "select count(*) from job_turns where name in ('seed-from-osm', 'reap-tasks')",
                2,
            )
            .await;
        let metrics = sara.get("/metrics").await.text;
        assert!(!metrics.contains("outcome=\"panicked\""), "{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_venue_that_the_database_cannot_hold_does_not_spoil_the_others() {
    let long = "x".repeat(5000);
    let answer = format!(
        r#"{{"elements": [
            {{"type": "node", "id": 1, "lat": 24.7136, "lon": 46.6753, "tags": {{"amenity": "cafe", "name": "Good\u0000 Cafe", "addr:street": "a\u0000b"}}}},
            {{"type": "node", "id": 2, "lat": 24.7136, "lon": 46.6753, "tags": {{"amenity": "cafe", "name": "Long", "addr:city": "{long}"}}}},
            {{"type": "node", "id": 3, "lat": 124.7, "lon": 46.6753, "tags": {{"amenity": "cafe", "name": "Off"}}}}]}}"#
    );
    let url = map(answer.leak()).await;
    let world = World::with(&[
        ("APP_USE_OPENSTREETMAP", "true"),
        ("APP_OVERPASS_ENDPOINTS", &url),
        ("APP_AUTOSEED_BBOX", "24,46,25,47"),
    ])
    .await;
    world
        .counts(
            "select count(*) from places where name = 'Good Cafe' and address = 'ab'",
            1,
        )
        .await;
    assert_eq!(world.count("select count(*) from places").await, 1);
}
