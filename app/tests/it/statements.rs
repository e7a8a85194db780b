//! Lists cost a fixed number of statements, however long they are: counted on the database's wire.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::proxy::Proxy;
use crate::harness::server::settings;
use crate::harness::{Client, Service, World, png};

/// List operations and the statements they may take, the token's user among them. A body makes it a POST.
const LISTS: [(&str, Option<&str>, u64); 56] = [
    ("/places/search?q=cafe", None, 3),
    ("/places/search?lat=24.7136&lng=46.6753", None, 3),
    ("/places/search/suggestions?q=c", None, 3),
    ("/places/search/quick?q=cafe", None, 2),
    ("/places/search/filter-options", None, 6),
    ("/places/search/advanced", Some("{}"), 4),
    ("/places/search/advanced/flexible", Some("{}"), 5),
    ("/places/search/enhanced?lat=24.7136&lon=46.6753", None, 4),
    (
        "/places/external/suggestions?query=cafe&lat=24.7136&lon=46.6753",
        None,
        3,
    ),
    ("/places/lookups/countries", None, 3),
    ("/places/lookups/cities", None, 3),
    ("/places/lookups/neighborhoods", None, 3),
    ("/lookups/cities", None, 3),
    ("/lookups/cities/all", None, 3),
    ("/lookups/neighborhoods?city=Riyadh", None, 3),
    ("/places/nearby?lat=24.7136&lng=46.6753&limit=20", None, 2),
    ("/places/trending?city=riyadh", None, 3),
    ("/places/trending/global", None, 2),
    ("/places/recommendations", None, 3),
    ("/places/me/check-ins", None, 3),
    ("/places/me/reviews", None, 3),
    ("/places/saved/me", None, 4),
    ("/places/saved/collections", None, 4),
    ("/places/saved/collections/Same", None, 4),
    ("/places/saved/collections/Same/items", None, 4),
    ("/places/1/whos-here", None, 3),
    ("/places/1/photos", None, 3),
    ("/places/2/reviews", None, 2),
    ("/places/1/chat/messages", None, 4),
    ("/places/check-ins/1/photos", None, 5),
    ("/users/2/check-ins", None, 4),
    ("/users/2/media", None, 5),
    ("/users/2/random-place-photos", None, 6),
    ("/users/1/collections", None, 3),
    ("/users/me/interests", None, 4),
    ("/users/collections/Same/items", None, 5),
    ("/users/search?q=a", None, 2),
    ("/users/search", Some("{}"), 4),
    ("/follow/followers", None, 3),
    ("/follow/following", None, 3),
    ("/follow/2/followers", None, 6),
    ("/follow/2/following", None, 6),
    ("/collections/", None, 3),
    ("/collections/paginated", None, 6),
    ("/collections/summary", None, 5),
    ("/collections/{same}/items", None, 6),
    ("/collections/{same}/places", None, 6),
    ("/collections/{same}/items/list", None, 5),
    ("/activity/feed", None, 3),
    ("/activity/feed/filtered", Some("{}"), 5),
    ("/check-ins/1/comments", None, 4),
    ("/check-ins/1/likes", None, 6),
    ("/dms/inbox", None, 3),
    ("/dms/threads/1/messages", None, 4),
    ("/dms/threads/1/search?query=again", None, 6),
    ("/support/tickets", None, 4),
];

/// Lists the loop cannot fill by the people it has; they have tests of their own below.
const ELSEWHERE: [&str; 3] = [
    "/dms/requests",
    "/dms/threads/{thread_id}/messages/{message_id}/reactions",
    "/support/admin/tickets",
];

/// The operations of the document that answer a list or a page, as paths without their parameters' names.
fn declared() -> BTreeSet<String> {
    let document = serde_json::to_value(circles_app::router::document()).expect("a document");
    let is_list = |operation: &Value| {
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        let name = schema["$ref"].as_str().unwrap_or_default();
        schema["type"] == "array" || name.contains("/Page_") || name.ends_with("/Hits")
    };
    let mut found = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in ["get", "post"] {
            if is_list(&item[method]) {
                found.insert(format!("{method} {path}"));
            }
        }
    }
    found
}

/// Whether a path with its parameters filled in is this one.
fn is_of(filled: &str, template: &str) -> bool {
    let filled: Vec<&str> = filled
        .split('?')
        .next()
        .unwrap_or_default()
        .split('/')
        .collect();
    let template: Vec<&str> = template.split('/').collect();
    let same = |(f, t): (&&str, &&str)| f == t || t.starts_with('{');
    filled.len() == template.len() && filled.iter().zip(&template).all(same)
}

#[test]
fn every_list_of_the_document_is_counted() {
    let all = declared();
    assert!(all.len() > 45, "{all:?}");
    let counted = |operation: &String| {
        let (method, template) = operation.split_once(' ').expect("two words");
        let listed = |(path, body, _): &(&str, Option<&str>, u64)| {
            body.is_some() == (method == "post") && is_of(path, template)
        };
        LISTS.iter().any(listed) || ELSEWHERE.contains(&template)
    };
    let missing: Vec<&String> = all.iter().filter(|o| !counted(o)).collect();
    assert_eq!(missing, Vec::<&String>::new());
}

/// The collection all places go to.
const SAME: i64 = 1;

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
            person
                .post(
                    "/users/me/interests",
                    json!({ "name": format!("Interest {n}") }),
                )
                .await
                .expect(200);
            person
                .post(
                    "/support/tickets",
                    json!({ "subject": "Help", "body": "Please" }),
                )
                .await
                .expect(200);
        }
        people[0]
            .post(&format!("/collections/{SAME}/places/{place}"), json!({}))
            .await
            .expect(200);
        let fan = world.person(&format!("Fan{n}")).await;
        fan.post("/check-ins/1/like", json!({})).await.expect(200);
        fan.follow(&people[0]).await;
        fan.follow(&people[1]).await;
        people[1].follow(&fan).await;
        let save = json!({ "place_id": place, "list_name": "Same" });
        people[0].post("/places/saved", save).await.expect(200);
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
    let same = sara
        .post("/collections/", json!({ "name": "Same" }))
        .await
        .expect(200);
    assert_eq!(same["id"], SAME);
    let people = [sara.clone(), omar.clone()];
    let proxy = Proxy::to(&world.database.url).await;
    let counted = Service::start(settings(&proxy.url(&world.database.url), &[])).await;
    let sara = sara.at(counted.address);
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    for (round, (from, to)) in [(1, 3), (3, 9)].into_iter().enumerate() {
        fill(&world, &people, from, to).await;
        for (path, body, allowed) in LISTS {
            let path = path.replace("{same}", &SAME.to_string());
            let body = body.map(|text| serde_json::from_str(text).expect("JSON"));
            assert_statements(&proxy, &sara, &path, body.as_ref(), allowed, round).await;
        }
    }
}

/// The service also beats and looks for jobs now and then, so the least of a few tries counts.
async fn assert_statements(
    proxy: &Proxy,
    caller: &Client,
    path: &str,
    body: Option<&Value>,
    allowed: u64,
    round: usize,
) {
    let mut least = u64::MAX;
    for _ in 0..4 {
        let before = proxy.statements();
        let method = if body.is_some() { "POST" } else { "GET" };
        let answer = caller.call(method, path, body.cloned()).await.expect(200);
        least = least.min(proxy.statements() - before);
        let rows = [&answer["items"], &answer["results"], &answer]
            .into_iter()
            .find_map(Value::as_array);
        // Some answer an object with several lists.
        if let (1, Some(rows)) = (round, rows) {
            assert!(
                !rows.is_empty(),
                "{path} has nothing to count with: {answer}"
            );
        }
    }
    assert!(
        (1..=allowed).contains(&least),
        "{path} took {least} statements, {allowed} are allowed (round {round})"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_requests_reactions_and_tickets_ask_no_more_for_more_rows() {
    let world = World::new().await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let sql = format!("update users set is_admin = true where id = {}", sara.id);
    world.execute(&sql).await;
    assert_eq!(sara.thread_with(&omar).await, 1);
    let messages = "/dms/threads/1/messages";
    let first = omar
        .post(messages, json!({ "text": "hello" }))
        .await
        .expect(200);
    let reactions = format!("{messages}/{}/reactions", first["id"]);
    let proxy = Proxy::to(&world.database.url).await;
    let counted = Service::start(settings(&proxy.url(&world.database.url), &[])).await;
    let counted = sara.at(counted.address);
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    for (round, more) in [1, 6].into_iter().enumerate() {
        for n in 0..more {
            let emoji = format!("{round}{n}");
            omar.post(&reactions, json!({ "emoji": emoji }))
                .await
                .expect(200);
            let ticket = json!({ "subject": "Help", "body": "Please" });
            omar.post("/support/tickets", ticket).await.expect(200);
            let asking = world.person(&format!("Asking{round}x{n}")).await;
            let thread = asking.thread_with(&sara).await;
            let pending = format!("update dm_threads set status = 'pending' where id = {thread}");
            world.execute(&pending).await;
        }
        for (path, allowed) in [("/dms/requests", 3), ("/support/admin/tickets", 2)] {
            assert_statements(&proxy, &counted, path, None, allowed, 1).await;
        }
        assert_statements(&proxy, &counted, &reactions, None, 4, 1).await;
    }
}
