//! Every row of the interface: method, path, who may call it, and the status of success.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::harness::{Client, World, png};

/// Who may call.
#[derive(Clone, Copy, PartialEq)]
enum Who {
    Anyone,
    User,
    Admin,
}
use Who::{Admin, Anyone, User};

/// What is sent.
enum Send {
    Nothing,
    Body(Value),
    File(&'static str, fn() -> Vec<u8>),
}

struct Row {
    method: &'static str,
    /// As the document names it; a `?` starts the query.
    path: &'static str,
    who: Who,
    status: u16,
    send: Send,
}

fn row(method: &'static str, path: &'static str, who: Who, status: u16) -> Row {
    Row {
        method,
        path,
        who,
        status,
        send: Send::Nothing,
    }
}

fn body(method: &'static str, path: &'static str, who: Who, status: u16, body: Value) -> Row {
    Row {
        method,
        path,
        who,
        status,
        send: Send::Body(body),
    }
}

fn file(path: &'static str, field: &'static str, bytes: fn() -> Vec<u8>) -> Row {
    Row {
        method: "POST",
        path,
        who: User,
        status: 200,
        send: Send::File(field, bytes),
    }
}

fn wav() -> Vec<u8> {
    b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0".to_vec()
}

fn pdf() -> Vec<u8> {
    b"%PDF-1.7 a document".to_vec()
}

fn system_rows() -> Vec<Row> {
    vec![
        row("GET", "/health", Anyone, 200),
        row("GET", "/readyz", Anyone, 200),
        row("GET", "/metrics", Anyone, 200),
        row("GET", "/docs", Anyone, 200),
        row("GET", "/openapi.json", Anyone, 200),
        row("GET", "/", Anyone, 200),
        body(
            "POST",
            "/onboarding/request-otp",
            Anyone,
            200,
            json!({ "phone": "+966555555555" }),
        ),
        body(
            "POST",
            "/onboarding/check-username",
            Anyone,
            200,
            json!({ "username": "free_name" }),
        ),
        body(
            "POST",
            "/onboarding/complete-setup",
            User,
            200,
            json!({ "first_name": "A", "last_name": "B", "username": "walker", "interests": ["Cafe"] }),
        ),
        row("GET", "/onboarding/status", User, 200),
        row("GET", "/auth/me", User, 200),
        body("POST", "/auth/request-otp", Anyone, 400, json!({})),
        body("POST", "/auth/verify-otp", Anyone, 400, json!({})),
        row("GET", "/settings/privacy", User, 200),
        body(
            "PUT",
            "/settings/privacy",
            User,
            200,
            json!({ "media_default_visibility": "followers" }),
        ),
        row("GET", "/settings/notifications", User, 200),
        body(
            "PUT",
            "/settings/notifications",
            User,
            200,
            json!({ "marketing": true }),
        ),
        row("GET", "/activity/feed", User, 200),
        body(
            "POST",
            "/activity/feed/filtered",
            User,
            200,
            json!({ "activity_types": ["checkin"] }),
        ),
        body(
            "POST",
            "/support/tickets",
            User,
            200,
            json!({ "subject": "Help", "body": "Please" }),
        ),
        row("GET", "/support/tickets", User, 200),
        row("GET", "/support/admin/tickets", Admin, 200),
        row(
            "PUT",
            "/support/admin/tickets/{ticket_id}?status=closed",
            Admin,
            200,
        ),
    ]
}

fn people_rows() -> Vec<Row> {
    vec![
        body("POST", "/users/search", User, 200, json!({ "q": "o" })),
        row("GET", "/users/search?q=o", User, 200),
        row("GET", "/users/{user_id}", User, 200),
        body("PUT", "/users/me", User, 200, json!({ "bio": "walks" })),
        file("/users/me/avatar", "file", png),
        row("GET", "/users/{user_id}/check-ins", User, 200),
        row("GET", "/users/{user_id}/media", User, 200),
        row("GET", "/users/{user_id}/collections", User, 200),
        row("GET", "/users/{user_id}/profile-stats", User, 200),
        row("GET", "/users/{user_id}/random-place-photos", User, 200),
        row("GET", "/users/me/interests", User, 200),
        body(
            "POST",
            "/users/me/interests",
            User,
            200,
            json!({ "name": "Chess" }),
        ),
        row("DELETE", "/users/me/interests/{interest_id}", User, 204),
        row("POST", "/follow/{user_id}", User, 200),
        row("GET", "/follow/followers", User, 200),
        row("GET", "/follow/following", User, 200),
        row("GET", "/follow/{user_id}/followers", User, 200),
        row("GET", "/follow/{user_id}/following", User, 200),
    ]
}

fn place_rows() -> Vec<Row> {
    vec![
        row("GET", "/places/search?q=cafe", Anyone, 200),
        row("GET", "/places/search/suggestions?q=ri", Anyone, 200),
        row("GET", "/places/search/quick?q=cafe", Anyone, 200),
        row("GET", "/places/search/filter-options", Anyone, 200),
        row(
            "GET",
            "/places/search/enhanced?lat=24.7&lon=46.7",
            Anyone,
            200,
        ),
        body(
            "POST",
            "/places/search/advanced",
            Anyone,
            200,
            json!({ "query": "cafe" }),
        ),
        body(
            "POST",
            "/places/search/advanced/flexible",
            User,
            200,
            json!({ "query": "cafe" }),
        ),
        row(
            "GET",
            "/places/external/suggestions?query=cafe&lat=24.7136&lon=46.6753",
            Anyone,
            200,
        ),
        row(
            "GET",
            "/places/external/search?lat=24.7&lon=46.7",
            Anyone,
            200,
        ),
        row("GET", "/places/external/test", Anyone, 200),
        row("GET", "/places/recommendations", User, 200),
        row("GET", "/places/trending", Anyone, 200),
        row("GET", "/places/trending/global", Anyone, 200),
        row("GET", "/places/nearby?lat=24.7136&lng=46.6753", Anyone, 200),
        row("GET", "/places/lookups/countries", Anyone, 200),
        row("GET", "/places/lookups/cities", Anyone, 200),
        row("GET", "/places/lookups/neighborhoods", Anyone, 200),
        row("GET", "/lookups/cities", Anyone, 200),
        row("GET", "/lookups/cities/all", Anyone, 200),
        row("GET", "/lookups/neighborhoods?city=Riyadh", Anyone, 200),
        body(
            "POST",
            "/places/",
            User,
            200,
            json!({ "name": "Made by hand", "categories": ["Cafe", "Bar"] }),
        ),
        row("GET", "/places/{place_id}", User, 200),
        row("GET", "/places/{place_id}/stats", Anyone, 200),
        row("GET", "/places/{place_id}/stats/enhanced", User, 200),
        row("GET", "/places/{place_id}/photos", User, 200),
        row("GET", "/places/{place_id}/whos-here", User, 200),
        row("GET", "/places/{place_id}/whos-here-count", User, 200),
        row("GET", "/places/{place_id}/whos-here/count", User, 200),
        row("GET", "/places/{place_id}/enrich", Anyone, 200),
        row("POST", "/places/enrich/{place_id}", Admin, 200),
        row(
            "POST",
            "/places/seed/from-osm?min_lat=1&min_lon=1&max_lat=2&max_lon=2",
            Admin,
            200,
        ),
        row("GET", "/places/stats/enrichment", Admin, 200),
        row("GET", "/places/stats/seeding", Admin, 200),
        // No provider is configured, so no venue is known.
        row("POST", "/places/promote/foursquare?fsq_id=abc", Admin, 404),
        body(
            "POST",
            "/places/{place_id}/reviews",
            User,
            200,
            json!({ "rating": 4, "text": "Good" }),
        ),
        row("GET", "/places/{place_id}/reviews", Anyone, 200),
        row("GET", "/places/me/reviews", User, 200),
        file("/places/reviews/{review_id}/photos", "file", png),
        row(
            "DELETE",
            "/places/reviews/{review_id}/photos/{photo_id}",
            User,
            204,
        ),
        row("DELETE", "/places/{place_id}/reviews/me", User, 204),
        body("POST", "/places/saved", User, 200, json!({ "place_id": 1 })),
        row("GET", "/places/saved/me", User, 200),
        row("GET", "/places/saved/collections", User, 200),
        row(
            "GET",
            "/places/saved/collections/{collection_name}",
            User,
            200,
        ),
        row(
            "GET",
            "/places/saved/collections/{collection_name}/items",
            User,
            200,
        ),
        row(
            "GET",
            "/users/collections/{collection_name}/items",
            User,
            200,
        ),
        row("DELETE", "/places/saved/{place_id}", User, 204),
    ]
}

fn check_in_rows() -> Vec<Row> {
    vec![
        body(
            "POST",
            "/places/check-ins",
            User,
            200,
            json!({ "place_id": 2, "latitude": 24.7136, "longitude": 46.6753 }),
        ),
        row(
            "POST",
            "/check-ins?place_id=3&latitude=24.7136&longitude=46.6753",
            User,
            200,
        ),
        file("/places/check-ins/full", "photos", png),
        row("GET", "/places/me/check-ins", User, 200),
        row("GET", "/check-ins/{check_in_id}", User, 200),
        row("GET", "/check-ins/{check_in_id}/stats", User, 200),
        body(
            "PUT",
            "/places/check-ins/{check_in_id}",
            User,
            200,
            json!({ "note": "changed" }),
        ),
        file("/places/check-ins/{check_in_id}/photo", "file", png),
        row("GET", "/places/check-ins/{check_in_id}/photos", User, 200),
        row(
            "DELETE",
            "/places/check-ins/{check_in_id}/photos/{photo_id}",
            User,
            204,
        ),
        row("DELETE", "/places/check-ins/{check_in_id}/photo", User, 204),
        row("GET", "/check-ins/{check_in_id}/comments", User, 200),
        body(
            "POST",
            "/check-ins/{check_in_id}/comments",
            User,
            200,
            json!({ "content": "Nice" }),
        ),
        row(
            "DELETE",
            "/check-ins/{check_in_id}/comments/{comment_id}",
            User,
            204,
        ),
        row("POST", "/check-ins/{check_in_id}/like", User, 200),
        row("GET", "/check-ins/{check_in_id}/likes", User, 200),
        row("DELETE", "/check-ins/{check_in_id}/like", User, 200),
        row("GET", "/places/{place_id}/chat/room", User, 200),
        row("POST", "/places/{place_id}/chat/join", User, 200),
        body(
            "POST",
            "/places/{place_id}/chat/messages",
            User,
            200,
            json!({ "text": "Hello" }),
        ),
        row("GET", "/places/{place_id}/chat/messages", User, 200),
        body(
            "POST",
            "/places/{place_id}/chat/private-reply",
            User,
            200,
            json!({ "target_user_id": 2, "text": "Psst" }),
        ),
        row("POST", "/places/{place_id}/chat/leave", User, 204),
        row("GET", "/collections/", User, 200),
        row("GET", "/collections/paginated", User, 200),
        row("GET", "/collections/summary", User, 200),
        body(
            "POST",
            "/collections/",
            User,
            200,
            json!({ "name": "Walks" }),
        ),
        row("GET", "/collections/{collection_id}", User, 200),
        body(
            "PUT",
            "/collections/{collection_id}",
            User,
            200,
            json!({ "name": "Long walks", "is_public": true }),
        ),
        body(
            "PATCH",
            "/collections/{collection_id}",
            User,
            200,
            json!({ "name": "Walks again" }),
        ),
        row(
            "POST",
            "/collections/{collection_id}/items/{check_in_id}",
            User,
            200,
        ),
        row(
            "DELETE",
            "/collections/{collection_id}/items/{item_id}",
            User,
            204,
        ),
        row(
            "POST",
            "/collections/{collection_id}/places/{place_id}",
            User,
            200,
        ),
        row("GET", "/collections/{collection_id}/items", User, 200),
        row("GET", "/collections/{collection_id}/places", User, 200),
        row("GET", "/collections/{collection_id}/items/list", User, 200),
        row(
            "DELETE",
            "/collections/{collection_id}/places/{place_id}",
            User,
            204,
        ),
        row("DELETE", "/collections/{collection_id}", User, 204),
        row("DELETE", "/places/check-ins/{check_in_id}", User, 204),
    ]
}

fn dm_rows() -> Vec<Row> {
    vec![
        body(
            "POST",
            "/dms/requests",
            User,
            200,
            json!({ "recipient_id": 3, "text": "Hello" }),
        ),
        row("GET", "/dms/requests", User, 200),
        body(
            "PUT",
            "/dms/requests/{pending_id}",
            User,
            200,
            json!({ "status": "accepted" }),
        ),
        row("POST", "/dms/threads/{waiting_id}/accept", User, 200),
        body(
            "POST",
            "/dms/open",
            User,
            200,
            json!({ "other_user_id": 3 }),
        ),
        row("GET", "/dms/inbox", User, 200),
        row("GET", "/dms/unread-count", User, 200),
        row("GET", "/dms/threads/{thread_id}/messages", User, 200),
        body(
            "POST",
            "/dms/threads/{thread_id}/messages",
            User,
            200,
            json!({ "text": "Hi" }),
        ),
        row("POST", "/dms/threads/{thread_id}/mark-read", User, 204),
        row("GET", "/dms/threads/{thread_id}/unread-count", User, 200),
        body(
            "POST",
            "/dms/threads/{thread_id}/typing",
            User,
            204,
            json!({ "typing": true }),
        ),
        row("GET", "/dms/threads/{thread_id}/typing", User, 200),
        row("GET", "/dms/threads/{thread_id}/presence", User, 200),
        body(
            "PUT",
            "/dms/threads/{thread_id}/mute",
            User,
            200,
            json!({ "muted": true }),
        ),
        body(
            "PUT",
            "/dms/threads/{thread_id}/pin",
            User,
            200,
            json!({ "pinned": true }),
        ),
        body(
            "PUT",
            "/dms/threads/{thread_id}/archive",
            User,
            200,
            json!({ "archived": false }),
        ),
        row("POST", "/dms/messages/{message_id}/like", User, 201),
        row("DELETE", "/dms/messages/{message_id}/like", User, 204),
        row(
            "POST",
            "/dms/threads/{thread_id}/messages/{message_id}/heart",
            User,
            200,
        ),
        body(
            "POST",
            "/dms/threads/{thread_id}/messages/{message_id}/reactions",
            User,
            200,
            json!({ "emoji": "x" }),
        ),
        row(
            "GET",
            "/dms/threads/{thread_id}/messages/{message_id}/reactions",
            User,
            200,
        ),
        row(
            "DELETE",
            "/dms/threads/{thread_id}/messages/{message_id}/reactions/{emoji}",
            User,
            200,
        ),
        body(
            "POST",
            "/dms/threads/{thread_id}/forward",
            User,
            200,
            json!({ "message_id": 1, "target_thread_ids": [1] }),
        ),
        row("GET", "/dms/threads/{thread_id}/search?query=hi", User, 200),
        body(
            "POST",
            "/dms/threads/{thread_id}/share-location",
            User,
            200,
            json!({ "latitude": 1, "longitude": 2 }),
        ),
        body(
            "PUT",
            "/dms/messages/{message_id}/delivery-status",
            User,
            204,
            json!({ "message_id": 1, "status": "failed" }),
        ),
        file("/dms/upload/media", "file", png),
        file("/dms/upload/voice", "file", wav),
        file("/dms/upload/file", "file", pdf),
        row(
            "DELETE",
            "/dms/threads/{thread_id}/messages/{message_id}",
            User,
            204,
        ),
        body(
            "PUT",
            "/dms/threads/{user_id}/block",
            User,
            200,
            json!({ "blocked": true }),
        ),
        row("DELETE", "/follow/{user_id}", User, 200),
    ]
}

/// Routes the document hides on purpose.
const HIDDEN: [&str; 6] = [
    "POST /auth/request-otp",
    "POST /auth/verify-otp",
    "GET /places/search/enhanced",
    "GET /places/{place_id}/stats/enhanced",
    "GET /docs",
    "GET /openapi.json",
];

struct Stage {
    world: World,
    walker: Client,
    admin: Client,
    names: BTreeMap<&'static str, String>,
}

impl Stage {
    /// Walker (1), Other (2), Third (3) and an administrator; three places; and rows for every parameter, made as they are needed.
    async fn set() -> Stage {
        let world = World::new().await;
        let walker = world.person("Walker").await;
        let other = world.person("Other").await;
        let third = world.person("Third").await;
        let admin = world.person("Admin").await;
        world
            .execute(&format!(
                "update users set is_admin = true where id = {}",
                admin.id
            ))
            .await;
        assert_eq!((walker.id, other.id, third.id), (1, 2, 3));
        for name in ["First Cafe", "Second Cafe", "Third Cafe", "Fourth Cafe"] {
            world.place(name, 0.0).await;
        }
        walker.check_in(1, "public").await;
        other.check_in(1, "public").await;
        let thread = walker.thread_with(&other).await;
        let path = format!("/dms/threads/{thread}/messages");
        walker
            .post(&path, json!({ "text": "first" }))
            .await
            .expect(200);
        let names = [
            ("user_id", "2"),
            ("place_id", "1"),
            ("check_in_id", "1"),
            ("thread_id", "1"),
            ("message_id", "1"),
            ("collection_name", "Favorites"),
            ("emoji", "x"),
        ];
        let names = names.into_iter().map(|(k, v)| (k, v.to_owned())).collect();
        Stage {
            world,
            walker,
            admin,
            names,
        }
    }

    /// The id a parameter stands for now: most are the newest row of a table.
    async fn value(&self, name: &str, path: &str) -> String {
        let newest = |table: &str| format!("select max(id) from {table}");
        let sql = match (name, path) {
            ("photo_id", p) if p.contains("check-ins") => newest("check_in_photos"),
            ("photo_id", _) => newest("photos"),
            ("review_id", _) => newest("reviews"),
            ("ticket_id", _) => newest("support_tickets"),
            ("interest_id", _) => newest("user_interests"),
            ("comment_id", _) => newest("check_in_comments"),
            ("collection_id", _) => {
                "select max(id) from user_collections where name like '%alks%'".to_owned()
            }
            ("item_id", _) => newest("user_collection_places"),
            ("pending_id" | "waiting_id", _) => {
                let other = if name == "pending_id" {
                    3
                } else {
                    self.admin.id
                };
                self.pending_thread(other).await;
                newest("dm_threads")
            }
            _ => return self.names[name].clone(),
        };
        self.world.count(&sql).await.to_string()
    }

    /// A request of `other` that waits for the walker's answer.
    async fn pending_thread(&self, other: i64) {
        let sql = format!(
            "with t as (insert into dm_threads (user_a_id, user_b_id, initiator_id, status) values (1, {other}, {other}, 'pending') \
             on conflict (user_a_id, user_b_id) do update set status = 'pending', initiator_id = {other} returning id) \
             insert into dm_participant_states (thread_id, user_id, peer_id) select id, 1, {other} from t union all select id, {other}, 1 from t \
             on conflict do nothing"
        );
        self.world.execute(&sql).await;
    }

    async fn filled(&self, path: &str) -> String {
        let mut path = path.to_owned();
        while let Some(start) = path.find('{') {
            let end = path.find('}').expect("a closed parameter");
            let value = self.value(&path[start + 1..end], &path.clone()).await;
            path.replace_range(start..=end, &value);
        }
        path
    }

    async fn walk(&self, row: &Row) {
        let path = self.filled(row.path).await;
        let send = async |caller: &Client| match &row.send {
            Send::Nothing => caller.call(row.method, &path, None).await,
            Send::Body(body) => caller.call(row.method, &path, Some(body.clone())).await,
            Send::File(field, bytes) => {
                let texts = [
                    ("place_id", "4"),
                    ("latitude", "24.7136"),
                    ("longitude", "46.6753"),
                ]
                .map(|(k, v)| (k, v.to_owned()));
                caller.upload(&path, field, bytes(), &texts).await
            }
        };
        if row.who != Anyone {
            let refused = send(&self.world.nobody()).await;
            assert_eq!(
                refused.status, 403,
                "{} {} without a token: {}",
                row.method, row.path, refused.text
            );
        }
        if row.who == Admin {
            let refused = send(&self.walker).await;
            assert_eq!(
                refused.status, 403,
                "{} {} without rights: {}",
                row.method, row.path, refused.text
            );
        }
        let caller = match row.who {
            Anyone => &self.world.nobody(),
            User => &self.walker,
            Admin => &self.admin,
        };
        let answer = send(caller).await;
        assert_eq!(
            answer.status, row.status,
            "{} {}: {}",
            row.method, row.path, answer.text
        );
    }
}

fn all_rows() -> Vec<Row> {
    [
        system_rows(),
        people_rows(),
        place_rows(),
        check_in_rows(),
        dm_rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_answers_as_it_should() {
    let stage = Stage::set().await;
    for row in all_rows() {
        stage.walk(&row).await;
    }
}

#[test]
fn the_document_lists_exactly_these_rows() {
    let document = serde_json::to_value(circles_app::openapi::document()).unwrap();
    let mut declared = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item
            .as_object()
            .unwrap()
            .keys()
            .filter(|k| *k != "parameters")
        {
            declared.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let written = |row: &Row| {
        let path = row.path.split('?').next().unwrap();
        // One place in a path has one name, whatever the row calls it.
        let path = path
            .replace("{pending_id}", "{thread_id}")
            .replace("{waiting_id}", "{thread_id}")
            .replace("{item_id}", "{check_in_id}");
        format!("{} {path}", row.method)
    };
    let mut rows: BTreeSet<String> = all_rows()
        .iter()
        .map(written)
        .filter(|r| !HIDDEN.contains(&r.as_str()))
        .collect();
    // Walked by every sign-up.
    rows.insert("POST /onboarding/verify-otp".to_owned());
    assert_eq!(declared, rows);
    assert!(rows.len() >= 140, "{}", rows.len());
}
