//! What is wrong with a request is told all at once.

use std::collections::BTreeSet;

use serde_json::json;

use crate::harness::World;
use crate::harness::client::Answer;

/// The places of the problems of a 422, as `body.name`.
fn told(answer: Answer) -> BTreeSet<String> {
    let body = answer.expect(422);
    let issues = body["detail"].as_array().expect("a list");
    let places: Vec<String> = issues
        .iter()
        .map(|issue| {
            let loc = issue["loc"].as_array().expect("a place");
            let words = loc
                .iter()
                .map(|l| l.as_str().map_or_else(|| l.to_string(), str::to_owned));
            words.collect::<Vec<_>>().join(".")
        })
        .collect();
    let all: BTreeSet<String> = places.iter().cloned().collect();
    assert_eq!(all.len(), places.len(), "each once: {places:?}");
    all
}

fn places<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

#[tokio::test(flavor = "multi_thread")]
async fn problems_of_path_query_and_body_are_told_together() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let answer = sara.post("/check-ins/first/comments", json!({})).await;
    assert_eq!(told(answer), places(["path.check_in_id", "body.content"]));
    let answer = sara.get("/users/me/check-ins?limit=0&offset=-1").await;
    assert_eq!(
        told(answer),
        places(["path.user_id", "query.limit", "query.offset"])
    );
    // Two structures are read from this query.
    let answer = sara
        .get("/places/trending?limit=0&min_rating=9&lat=x")
        .await;
    assert_eq!(
        told(answer),
        places(["query.limit", "query.min_rating", "query.lat"])
    );
    let answer = sara.get("/places/search?limit=0&city=%00").await;
    assert_eq!(told(answer), places(["query.limit", "query.city"]));
    let answer = sara.delete("/check-ins/one/comments/two").await;
    assert_eq!(
        told(answer),
        places(["path.check_in_id", "path.comment_id"])
    );
    let answer = sara
        .upload("/places/reviews/x/photos", "picture", vec![1; 20], &[])
        .await;
    assert_eq!(
        told(answer),
        places(["path.review_id"]),
        "the form is read by the handler"
    );
    let answer = sara.post("/places/reviews/x/photos", json!({})).await;
    assert_eq!(told(answer), places(["path.review_id", "body.file"]));
    // Who may not call is told nothing of it.
    world
        .nobody()
        .post("/check-ins/first/comments", json!({}))
        .await
        .expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_cross_checked_fields_are_told_with_the_others() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let many: Vec<String> = (0..11).map(|n| format!("interest {n}")).collect();
    let setup =
        json!({ "first_name": "", "last_name": "B", "username": "ok_name", "interests": many });
    let answer = sara.post("/onboarding/complete-setup", setup).await;
    assert_eq!(told(answer), places(["body.first_name", "body.interests"]));
    let urls =
        json!({ "photo_urls": vec!["a"; 11], "video_urls": vec!["a"; 6], "voice_duration": 301 });
    let answer = sara.post("/dms/threads/1/messages", urls).await;
    assert_eq!(
        told(answer),
        places(["body.photo_urls", "body.video_urls", "body.voice_duration"])
    );
    let none = json!({ "message_id": "x", "target_thread_ids": [] });
    let answer = sara.post("/dms/threads/1/forward", none).await;
    assert_eq!(
        told(answer),
        places(["body.message_id", "body.target_thread_ids"])
    );
    let place = json!({ "name": "   ", "price_tier": "dear", "categories": 7, "latitude": 91 });
    let answer = sara.post("/places/", place).await;
    assert_eq!(
        told(answer),
        places([
            "body.name",
            "body.price_tier",
            "body.categories",
            "body.latitude"
        ])
    );
    let search = json!({ "radius_km": 0.05, "rating_min": 6 });
    let answer = sara.post("/places/search/advanced", search).await;
    assert_eq!(told(answer), places(["body.radius_km", "body.rating_min"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_of_problems_are_those_clients_know() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let kind = |answer: Answer| answer.expect(422)["detail"][0]["type"].clone();
    for (query, expected) in [
        ("limit=x", "int_parsing"),
        ("limit=0", "greater_than_equal"),
        ("limit=101", "less_than_equal"),
        ("rating_min=x", "float_parsing"),
    ] {
        let answer = sara.get(&format!("/places/search?{query}")).await;
        assert_eq!(kind(answer), expected, "{query}");
    }
    assert_eq!(
        kind(sara.get("/dms/inbox?only_pinned=perhaps").await),
        "bool_parsing"
    );
    assert_eq!(kind(sara.get("/places/first").await), "int_parsing");
    for (body, expected) in [
        (json!({}), "missing"),
        (json!({ "username": "ab" }), "string_too_short"),
        (json!({ "username": "a".repeat(31) }), "string_too_long"),
        (json!({ "username": 5 }), "string_type"),
        (json!([]), "model_attributes_type"),
    ] {
        let answer = sara.post("/onboarding/check-username", body.clone()).await;
        assert_eq!(kind(answer), expected, "{body}");
    }
    assert_eq!(
        kind(sara.raw_post("/onboarding/check-username", "{").await),
        "json_invalid"
    );
    assert_eq!(
        kind(sara.post("/users/me/avatar", json!({})).await),
        "missing"
    );
}
