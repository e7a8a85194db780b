//! What the provider of venues is asked for, what is kept of its answers, and what becomes of one that hangs.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::harness::World;

type Asked = Arc<Mutex<Vec<Params>>>;
type Params = std::collections::BTreeMap<String, String>;

async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

fn venue(id: &str, price: i64, rating: f64) -> Value {
    json!({ "fsq_place_id": id, "name": format!("Venue {id}"), "latitude": 24.714, "longitude": 46.6753,
        "categories": [{ "name": "Coffee Shop" }], "price": price, "rating": rating,
        "features": { "amenities": { "wifi": "free" } } })
}

async fn search(State(asked): State<Asked>, Query(params): Query<Params>) -> Json<Value> {
    asked.lock().unwrap().push(params);
    Json(
        json!({ "results": [venue("dear", 4, 9.0), venue("cheap", 1, 9.0), venue("poor", 1, 2.0)] }),
    )
}

/// The older interface: what trends, unfiltered and without prices.
async fn trending(State(asked): State<Asked>, Query(params): Query<Params>) -> Json<Value> {
    asked.lock().unwrap().push(params);
    let old = json!({ "id": "old", "name": "Old Park", "location": { "lat": 24.714, "lng": 46.6753 },
        "categories": [{ "name": "Park" }] });
    Json(json!({ "response": { "venues": [old] } }))
}

async fn world(more: &[(&str, &str)]) -> (Asked, World) {
    let asked = Asked::default();
    let app = Router::new()
        .route("/places/search", get(search))
        .route("/v2/venues/trending", get(trending))
        .with_state(asked.clone());
    let url = serve(app).await;
    let mut settings = vec![
        ("APP_FOURSQUARE_API_KEY", "key"),
        ("APP_FOURSQUARE_SEARCH_URL", url.as_str()),
        ("APP_FOURSQUARE_API_URL", url.as_str()),
    ];
    settings.extend(more);
    (asked, World::with(&settings).await)
}

fn names(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|p| p["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_go_to_the_provider_and_hold_for_what_comes_back() {
    let (asked, world) = world(&[]).await;
    let sara = world.person("Sara").await;
    let page = sara
        .get("/places/trending?lat=24.7136&lng=46.6753&price_budget=$&min_rating=3&place_type=Cafe")
        .await
        .expect(200);
    assert_eq!(names(&page), ["Venue cheap"]);
    let asked = asked.lock().unwrap();
    let params = &asked[0];
    assert_eq!((&*params["min_price"], &*params["max_price"]), ("1", "1"));
    assert!(params.contains_key("fsq_category_ids"), "{params:?}");
    // What is read of a venue is named: some of it is not given unasked.
    let fields: Vec<&str> = params["fields"].split(',').collect();
    for read in [
        "fsq_place_id",
        "name",
        "latitude",
        "longitude",
        "location",
        "categories",
        "tel",
        "website",
        "rating",
        "price",
        "photos",
        "hours",
        "popularity",
        "verified",
        "attributes",
    ] {
        assert!(fields.contains(&read), "{read}: {fields:?}");
    }
    assert_eq!(fields.len(), 15);
}

/// A plan without the richer fields.
async fn plain(
    State(asked): State<Asked>,
    Query(params): Query<Params>,
) -> (StatusCode, Json<Value>) {
    let rich = params.contains_key("fields");
    asked.lock().unwrap().push(params);
    if rich {
        let told = json!({ "message": "field price is not part of your plan" });
        return (StatusCode::BAD_REQUEST, Json(told));
    }
    let mut venue = venue("plain", 1, 9.0);
    venue["attributes"] = json!({ "wifi": "paid" });
    (StatusCode::OK, Json(json!({ "results": [venue] })))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_with_fewer_fields_is_asked_for_its_own() {
    let asked = Asked::default();
    let app = Router::new().route("/places/search", get(plain));
    let url = serve(app.with_state(asked.clone())).await;
    let world = World::with(&[
        ("APP_FOURSQUARE_API_KEY", "key"),
        ("APP_FOURSQUARE_SEARCH_URL", &url),
    ])
    .await;
    let sara = world.person("Sara").await;
    // However far the page is, the numbers hold.
    let here = "/places/trending?lat=24.7136&lng=46.6753";
    let far = sara.get(&format!("{here}&offset={}", i64::MAX)).await;
    let far = far.expect(200);
    assert_eq!((names(&far), &far["total"]), (Vec::new(), &json!(1)));
    assert_eq!(asked.lock().unwrap().len(), 2);
    assert!(!asked.lock().unwrap()[1].contains_key("fields"));
    let page = sara.get(here).await.expect(200);
    assert_eq!(names(&page), ["Venue plain"]);
    let place = format!("/places/{}", page["items"][0]["id"]);
    assert_eq!(
        sara.get(&place).await.expect(200)["amenities"]["wifi"],
        "paid"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_trends_is_left_to_the_search_when_the_filter_does_not_fit_it() {
    let keys = [
        ("APP_FOURSQUARE_CLIENT_ID", "id"),
        ("APP_FOURSQUARE_CLIENT_SECRET", "secret"),
    ];
    let (asked, world) = world(&keys).await;
    let sara = world.person("Sara").await;
    let here = "/places/trending?lat=24.7136&lng=46.6753";
    let all = sara.get(here).await.expect(200);
    assert_eq!(names(&all), ["Old Park"]);
    let parks = sara.get(&format!("{here}&place_type=park")).await;
    assert_eq!(names(&parks.expect(200)), ["Old Park"]);
    // What trends knows no filters, so one answer does for both.
    assert_eq!(asked.lock().unwrap().len(), 1);
    let coffee = sara
        .get(&format!("{here}&cuisine=coffee&price_tier=$$$$"))
        .await;
    assert_eq!(names(&coffee.expect(200)), ["Venue dear"]);
    assert_eq!(asked.lock().unwrap()[1]["query"], "coffee");
}

#[tokio::test(flavor = "multi_thread")]
async fn points_a_few_metres_apart_are_asked_for_once() {
    let (asked, world) = world(&[]).await;
    let sara = world.person("Sara").await;
    for lat in ["24.71360", "24.713601", "24.713599"] {
        sara.get(&format!("/places/trending?lat={lat}&lng=46.6753"))
            .await
            .expect(200);
    }
    assert_eq!(asked.lock().unwrap().len(), 1);
    sara.get("/places/trending?lat=24.7146&lng=46.6753")
        .await
        .expect(200);
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_venue_lies_is_looked_up_after_the_answer() {
    let reverse = get(|| async {
        let address = json!({ "country": "Saudi Arabia", "city": "Riyadh", "suburb": "Olaya" });
        Json(json!({ "address": address }))
    });
    let geocoder = serve(Router::new().route("/reverse", reverse)).await;
    let (_, world) = world(&[
        ("APP_USE_OPENSTREETMAP", "true"),
        ("APP_NOMINATIM_URL", &geocoder),
    ])
    .await;
    let sara = world.person("Sara").await;
    let page = sara.get("/places/trending?lat=24.7136&lng=46.6753").await;
    let page = page.expect(200);
    assert_eq!(page["items"][0]["city"], Value::Null);
    let amenities = sara
        .get(&format!("/places/{}", page["items"][0]["id"]))
        .await;
    assert_eq!(amenities.expect(200)["amenities"]["wifi"], "free");
    // The turn of the job is every ten seconds.
    let named = "select count(*) from places where country = 'Saudi Arabia' and city = 'Riyadh' and neighborhood = 'Olaya'";
    world.counts(named, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_hangs_costs_its_time_limit_and_no_more() {
    let hang = || async { std::future::pending::<()>().await };
    let url = serve(
        Router::new()
            .route("/places/search", get(hang))
            .route("/search", get(hang))
            .route("/overpass", get(hang).post(hang)),
    )
    .await;
    let world = World::with(&[
        ("APP_FOURSQUARE_API_KEY", "key"),
        ("APP_FOURSQUARE_SEARCH_URL", &url),
        ("APP_FSQ_TRENDING_OVERRIDE", "false"),
        ("APP_USE_OPENSTREETMAP", "true"),
        ("APP_NOMINATIM_URL", &url),
        ("APP_OVERPASS_ENDPOINTS", &format!("{url}/overpass")),
        ("APP_HTTP_TIMEOUT_SECONDS", "0.5"),
        ("APP_OVERPASS_TIMEOUT_SECONDS", "0.5"),
    ])
    .await;
    let sara = world.person("Sara").await;
    let place = world.place("Inside", 0.0).await;
    sara.check_in(place, "public").await;
    let started = Instant::now();
    let page = sara.get("/places/trending?lat=24.7136&lng=46.6753").await;
    assert_eq!(names(&page.expect(200)), ["Inside"]);
    let hits = sara.get("/places/external/suggestions?query=cafe").await;
    assert_eq!(hits.expect(200), json!([]));
    let found = sara.get("/places/external/search?lat=24.7&lon=46.7").await;
    assert_eq!(found.expect(200)["count"], 0);
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(started.elapsed() >= Duration::from_secs(1), "it was asked");
}
