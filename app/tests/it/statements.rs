//! Lists cost a fixed number of statements, however long they are: counted on the database's wire.

use serde_json::json;

use crate::harness::proxy::Proxy;
use crate::harness::server::settings;
use crate::harness::{Client, Service, World, png};

/// List operations and the statements they may take, the token's user among them.
const LISTS: [(&str, u64); 26] = [
    ("/places/search?q=cafe", 3),
    ("/places/search?lat=24.7136&lng=46.6753", 3),
    ("/places/search/suggestions?q=c", 3),
    ("/places/search/quick?q=cafe", 2),
    ("/places/nearby?lat=24.7136&lng=46.6753&limit=20", 2),
    ("/places/trending?city=riyadh", 3),
    ("/places/trending/global", 2),
    ("/places/recommendations", 3),
    ("/places/me/check-ins", 3),
    ("/places/me/reviews", 3),
    ("/places/saved/me", 4),
    ("/places/1/whos-here", 3),
    ("/places/1/photos", 3),
    ("/places/2/reviews", 2),
    ("/places/1/chat/messages", 4),
    ("/users/2/check-ins", 4),
    ("/users/2/media", 5),
    ("/users/1/collections", 3),
    ("/users/search?q=a", 2),
    ("/follow/followers", 3),
    ("/follow/following", 3),
    ("/collections/", 3),
    ("/activity/feed", 3),
    ("/check-ins/1/comments", 4),
    ("/dms/inbox", 3),
    ("/dms/threads/1/messages", 4),
];

async fn fill(world: &World, people: &[Client], from: usize, to: usize) {
    for n in from..to {
        let place = world.place(&format!("Cafe {n}"), 1.0).await;
        for person in people {
            let id = person.check_in(place, "public").await["id"].clone();
            person
                .upload(&format!("/places/check-ins/{id}/photo"), "file", png(), &[])
                .await
                .expect(200);
            person
                .post(
                    "/places/saved",
                    json!({ "place_id": place, "list_name": format!("List {n}") }),
                )
                .await
                .expect(200);
            person
                .post(&format!("/places/{place}/reviews"), json!({ "rating": 4 }))
                .await
                .expect(200);
        }
        people[1]
            .post("/check-ins/1/comments", json!({ "content": "again" }))
            .await
            .expect(200);
        people[1]
            .post("/dms/threads/1/messages", json!({ "text": "again" }))
            .await
            .expect(200);
        people[0]
            .post("/places/1/chat/messages", json!({ "text": "again" }))
            .await
            .expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_list_asks_more_for_more_rows() {
    let world = World::new().await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    sara.follow(&omar).await;
    omar.follow(&sara).await;
    assert_eq!(sara.thread_with(&omar).await, 1);
    let first = world.place("First Cafe", 0.0).await;
    assert_eq!(sara.check_in(first, "public").await["id"], 1);
    sara.upload("/places/check-ins/1/photo", "file", png(), &[])
        .await
        .expect(200);
    let people = [sara.clone(), omar.clone()];
    let proxy = Proxy::to(&world.database.url).await;
    let counted = Service::start(settings(&proxy.url(&world.database.url), &[])).await;
    let sara = sara.at(counted.address);
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    for (round, (from, to)) in [(1, 3), (3, 9)].into_iter().enumerate() {
        fill(&world, &people, from, to).await;
        for (path, allowed) in LISTS {
            assert_statements(&proxy, &sara, path, allowed, round).await;
        }
    }
}

/// The service also beats and looks for jobs now and then, so the least of a few tries counts.
async fn assert_statements(proxy: &Proxy, caller: &Client, path: &str, allowed: u64, round: usize) {
    let mut least = u64::MAX;
    for _ in 0..4 {
        let before = proxy.statements();
        let answer = caller.get(path).await.expect(200);
        least = least.min(proxy.statements() - before);
        if round == 1 && !path.contains("suggestions") {
            let rows = answer["items"]
                .as_array()
                .or(answer.as_array())
                .map_or(0, Vec::len);
            assert!(rows >= 1, "{path} has nothing to count with: {answer}");
        }
    }
    assert!(
        (1..=allowed).contains(&least),
        "{path} took {least} statements, {allowed} are allowed (round {round})"
    );
}
