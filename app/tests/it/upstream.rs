//! Calls of third parties that anybody can cause: few, shared by all tasks, and limited by address.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::harness::{Client, World};

type Calls = Arc<AtomicUsize>;

/// The map's two services, counting how often they are called.
async fn map() -> (Calls, Calls, String) {
    let (texts, areas) = (Calls::default(), Calls::default());
    let text = async |State((texts, _)): State<(Calls, Calls)>| {
        texts.fetch_add(1, Ordering::SeqCst);
        Json(
            json!([{ "type": "cafe", "category": "amenity", "name": "Found", "display_name": "Found, Riyadh",
            "lat": "24.7", "lon": "46.6", "osm_type": "node", "osm_id": 1 }]),
        )
    };
    let area = async |State((_, areas)): State<(Calls, Calls)>| {
        areas.fetch_add(1, Ordering::SeqCst);
        Json(
            json!({ "elements": [{ "type": "node", "id": 1, "lat": 24.7136, "lon": 46.6753,
            "tags": { "amenity": "cafe", "name": "Cafe" } }] }),
        )
    };
    let app = Router::new()
        .route("/search", get(text))
        .route("/area", post(area))
        .with_state((texts.clone(), areas.clone()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (texts, areas, url)
}

async fn ask(caller: &Client, path: &str, from: &str) -> (u16, Value) {
    let answer = caller.get_with(path, "x-forwarded-for", from).await;
    (answer.status, answer.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_question_is_asked_once_by_all_tasks() {
    let (texts, areas, url) = map().await;
    let area = format!("{url}/area");
    let more = [
        ("APP_USE_OPENSTREETMAP", "true"),
        ("APP_NOMINATIM_URL", url.as_str()),
        ("APP_OVERPASS_ENDPOINTS", area.as_str()),
        ("APP_AUTOSEED_ENABLED", "false"),
    ];
    let world = World::with(&more).await;
    let second = world.second(&more).await;
    world.person("Sara").await;
    let tasks = [world.nobody(), second.client()];
    let text = "/places/external/suggestions?query=cafe";
    let near = "/places/external/search?lat=24.7136&lon=46.6753";
    let all = (0..10).map(|n| {
        let caller = &tasks[n % 2];
        let from = format!("10.0.0.{n}");
        async move {
            (
                ask(caller, text, &from).await,
                ask(caller, near, &from).await,
            )
        }
    });
    for (found, around) in futures::future::join_all(all).await {
        assert_eq!((found.0, &found.1[0]["name"]), (200, &json!("Found")));
        assert_eq!(around.0, 200);
    }
    assert_eq!(texts.load(Ordering::SeqCst), 1);
    let (_, around) = ask(&tasks[1], near, "10.0.1.1").await;
    assert_eq!(around["count"], 1);
    // Each task asks at most once while nobody has the answer.
    assert!(areas.load(Ordering::SeqCst) <= 2);
    let before = areas.load(Ordering::SeqCst);
    for _ in 0..5 {
        assert_eq!(ask(&tasks[0], near, "10.0.1.2").await.1["count"], 1);
    }
    assert_eq!(areas.load(Ordering::SeqCst), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_questions_are_answered_by_few_calls() {
    let (texts, _, url) = map().await;
    let more = [
        ("APP_USE_OPENSTREETMAP", "true"),
        ("APP_NOMINATIM_URL", url.as_str()),
        ("APP_AUTOSEED_ENABLED", "false"),
    ];
    let world = World::with(&more).await;
    let second = world.second(&more).await;
    world.person("Sara").await;
    let tasks = [world.nobody(), second.client()];
    let started = std::time::Instant::now();
    let all = (0..60).map(|n| {
        let caller = &tasks[n % 2];
        let path = format!("/places/external/suggestions?query=cafe{n}");
        let from = format!("10.0.{n}.1");
        async move { ask(caller, &path, &from).await.0 }
    });
    let statuses = futures::future::join_all(all).await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    // One a second.
    let most = started.elapsed().as_secs_f64() + 1.0;
    let calls = texts.load(Ordering::SeqCst);
    assert!(calls >= 1 && calls as f64 <= most, "{calls} in {most}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_asks_so_often() {
    let (_, _, url) = map().await;
    let more = [
        ("APP_USE_OPENSTREETMAP", "true"),
        ("APP_NOMINATIM_URL", url.as_str()),
        ("APP_AUTOSEED_ENABLED", "false"),
        ("APP_EXTERNAL_PER_MIN", "5"),
    ];
    let world = World::with(&more).await;
    world.person("Sara").await;
    let caller = world.nobody();
    let path = "/places/external/suggestions?query=cafe";
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(ask(&caller, path, "10.0.0.1").await.0);
    }
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429]);
    assert_eq!(ask(&caller, path, "10.0.0.2").await.0, 200);
    // Stored places around a point cost nobody else anything.
    let stored = format!("{path}&lat=24.7&lon=46.6");
    assert_eq!(ask(&caller, &stored, "10.0.0.1").await.0, 200);
}
