//! Lists cost a fixed number of statements, however long they are: counted on the database's wire.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::proxy::Proxy;
use crate::harness::server::settings;
use crate::harness::{Client, Service, World, png};

/// List operations and the statements they take at most, the token's user among them: a ranking may be kept or counted anew. A body makes
/// it a POST, which costs one more: its limit.
const LISTS: [(&str, Option<&str>, u64); 63] = [
    ("/places/search?q=cafe", None, 3),
    ("/places/search?lat=24.7136&lng=46.6753", None, 3),
    ("/places/search/suggestions?q=c", None, 3),
    ("/places/search/quick?q=cafe", None, 2),
    ("/places/search/filter-options", None, 4),
    ("/places/search/advanced", Some("{}"), 4),
    ("/places/search/advanced/flexible", Some("{}"), 4),
    ("/places/search/enhanced?lat=24.7136&lon=46.6753", None, 1),
    (
        "/places/external/suggestions?query=cafe&lat=24.7136&lon=46.6753",
        None,
        1,
    ),
    ("/places/lookups/countries", None, 1),
    ("/places/lookups/cities", None, 1),
    ("/places/lookups/neighborhoods", None, 1),
    ("/lookups/cities", None, 1),
    ("/lookups/cities/all", None, 1),
    ("/lookups/neighborhoods?city=Riyadh", None, 1),
    ("/places/nearby?lat=24.7136&lng=46.6753&limit=20", None, 2),
    ("/places/trending?city=riyadh", None, 3),
    ("/places/trending?lat=24.7136&lng=46.6753", None, 2),
    ("/places/trending/global", None, 2),
    ("/places/recommendations", None, 3),
    ("/places/me/check-ins", None, 3),
    ("/places/me/reviews", None, 3),
    ("/places/saved/me", None, 4),
    ("/places/saved/collections", None, 2),
    ("/places/saved/collections/Same", None, 2),
    ("/places/saved/collections/Same/items", None, 2),
    ("/places/1", None, 3),
    ("/places/1/stats/enhanced", None, 4),
    ("/places/1/whos-here", None, 3),
    ("/places/1/photos", None, 3),
    ("/places/2/reviews", None, 3),
    ("/places/1/chat/messages", None, 4),
    ("/places/check-ins/1/photos", None, 3),
    ("/users/2/check-ins", None, 4),
    ("/users/2/media", None, 5),
    ("/users/2/random-place-photos", None, 4),
    ("/users/1/collections", None, 3),
    ("/users/me/interests", None, 2),
    ("/onboarding/status", None, 3),
    ("/users/collections/Same/items", None, 3),
    ("/users/search?q=a", None, 2),
    ("/users/search", Some("{}"), 3),
    ("/follow/followers", None, 3),
    ("/follow/following", None, 3),
    ("/follow/2/followers", None, 4),
    ("/follow/2/following", None, 4),
    ("/collections", None, 3),
    ("/collections/", None, 3),
    ("/collections/paginated", None, 4),
    ("/collections/summary", None, 3),
    ("/collections/{same}", None, 3),
    ("/collections/{same}/items", None, 5),
    ("/collections/{same}/places", None, 5),
    ("/collections/{same}/items/list", None, 4),
    ("/activity/feed", None, 3),
    ("/activity/feed/filtered", Some("{}"), 4),
    ("/check-ins/1", None, 3),
    ("/check-ins/1/comments", None, 4),
    ("/check-ins/1/likes", None, 4),
    ("/dms/inbox", None, 3),
    ("/dms/threads/1/messages", None, 4),
    ("/dms/threads/1/search?query=again", None, 4),
    ("/support/tickets", None, 2),
];

/// Lists the loop cannot fill by the people it has; they have tests of their own below.
const ELSEWHERE: [&str; 6] = [
    "/dms/requests",
    "/dms/threads/{thread_id}/messages/{message_id}/reactions",
    "/support/admin/tickets",
    "/places/stats/enrichment",
    "/places/stats/seeding",
    "/places/external/search",
];

/// Lists the document hides.
const HIDDEN: [&str; 4] = [
    "get /places/external/suggestions",
    "get /places/search/enhanced",
    "get /places/{place_id}/stats/enhanced",
    "get /collections",
];

/// Whether the schema is a list, or holds one however deep.
fn holds_list(schema: &Value, schemas: &Value) -> bool {
    if let Some(name) = schema["$ref"].as_str().and_then(|r| r.rsplit('/').next()) {
        // What refers to itself (a comment's replies) is a list by that very field.
        return schemas.get(name).is_some_and(|s| holds_list(s, schemas));
    }
    let kinds = [&schema["type"], &schema["type"][0], &schema["type"][1]];
    let inner = ["properties", "oneOf", "anyOf", "allOf"];
    let inner = inner.iter().flat_map(|key| match &schema[*key] {
        Value::Object(fields) => fields.values().collect(),
        Value::Array(all) => all.iter().collect(),
        _ => Vec::new(),
    });
    kinds.iter().any(|kind| *kind == "array")
        || holds_some(&schema["additionalProperties"], schemas)
        || inner.into_iter().any(|s| holds_list(s, schemas))
}

fn holds_some(schema: &Value, schemas: &Value) -> bool {
    schema.is_object() && holds_list(schema, schemas)
}

/// The operations of the document that answer a list, a page, or (when nothing is made by them) anything with a list in it.
fn declared() -> BTreeSet<String> {
    let document = serde_json::to_value(circles_app::router::document()).expect("a document");
    let schemas = &document["components"]["schemas"];
    let is_list = |method: &str, operation: &Value| {
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        let name = schema["$ref"].as_str().unwrap_or_default();
        let plain = schema["type"] == "array" || name.contains("/Page_") || name.ends_with("/Hits");
        plain || (method == "get" && holds_list(schema, schemas))
    };
    let mut found: BTreeSet<String> = HIDDEN.map(str::to_owned).into();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in ["get", "post"] {
            if is_list(method, &item[method]) {
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
    assert!(all.len() > 60, "{all:?}");
    let templates = || all.iter().filter_map(|o| o.split_once(' '));
    // Of all templates a path fits, the one with the fewest parameters is its own.
    let own = |path: &str, method: &str| {
        let fitting = templates().filter(|(m, t)| *m == method && is_of(path, t));
        fitting.min_by_key(|(_, t)| t.matches('{').count())
    };
    let mut counted: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (path, body, _) in LISTS {
        let method = if body.is_some() { "post" } else { "get" };
        counted.insert(own(path, method).unwrap_or_else(|| panic!("{path} is no list")));
    }
    let counted = |operation: &&String| {
        let (method, template) = operation.split_once(' ').expect("two words");
        counted.contains(&(method, template)) || ELSEWHERE.contains(&template)
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
    let pictures =
        "update places set photo_url = 'p/1.png', additional_photos = '[\"p/2.png\"]' where id = 1";
    world.execute(pictures).await;
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

/// How many rows an answer has, in all its lists.
fn rows(answer: &Value) -> usize {
    match answer {
        Value::Array(all) => all.len() + all.iter().map(rows).sum::<usize>(),
        Value::Object(fields) => fields.values().map(rows).sum(),
        _ => 0,
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
        let counted = round == 0 || rows(&answer) > 0;
        assert!(counted, "{path} has nothing to count with: {answer}");
    }
    assert!(
        (1..=allowed).contains(&least),
        "{path} took {least} statements, {allowed} are allowed (round {round})"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_requests_reactions_tickets_and_sources_ask_no_more_for_more_rows() {
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
        // A source of places for every round and more.
        let sources = format!(
            "insert into places (name, data_source) select 'Cafe', 'source_{round}_' || n from generate_series(1, {more}) n"
        );
        world.execute(&sources).await;
        for (path, allowed) in [
            ("/dms/requests", 3),
            ("/support/admin/tickets", 2),
            ("/places/stats/enrichment", 3),
            ("/places/stats/seeding", 3),
        ] {
            assert_statements(&proxy, &counted, path, None, allowed, 1).await;
        }
        assert_statements(&proxy, &counted, &reactions, None, 4, 1).await;
    }
}

/// OpenStreetMap with as many cafes as its last path segment says.
async fn map() -> String {
    use axum::Json;
    use axum::extract::Path;
    use axum::routing::post;
    let cafes = async |Path(many): Path<usize>| {
        let cafe = |id| json!({ "type": "node", "id": id, "lat": 24.7136, "lon": 46.6753, "tags": { "amenity": "cafe", "name": "Cafe" } });
        let all: Vec<Value> = (0..many).map(cafe).collect();
        Json(json!({ "elements": all }))
    };
    let app = axum::Router::new().route("/{many}", post(cafes));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_map_knows_asks_no_more_for_more_rows() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let map = map().await;
    for many in [1, 15] {
        let proxy = Proxy::to(&world.database.url).await;
        let endpoint = format!("{map}/{many}");
        let more = [
            ("APP_USE_OPENSTREETMAP", "true"),
            ("APP_OVERPASS_ENDPOINTS", endpoint.as_str()),
            ("APP_AUTOSEED_ENABLED", "false"),
        ];
        let url = proxy.url(&world.database.url);
        let counted = Service::start(settings(&url, &more)).await;
        let sara = sara.at(counted.address);
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let path = "/places/external/search?lat=24.7136&lon=46.6753";
        assert_eq!(sara.get(path).await.expect(200)["count"], many);
        // The limit, the answer that all tasks share, and the snapshot.
        assert_statements(&proxy, &sara, path, None, 3, 1).await;
    }
}
