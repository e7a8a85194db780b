//! What a person can repeat has a limit: every route that writes, frames, sockets, threads with strangers.

use serde_json::{Value, json};

use circles_app::config::{Config, Source};

use crate::harness::World;
use crate::harness::server::variables;

/// The settings of a deployment: without what the tests raise.
fn plain_config() -> Config {
    let mut found = variables("postgresql://nobody@localhost/none", &[]);
    found.remove("APP_ROUTE_LIMIT_SCALE");
    Config::read(Source::new(found)).expect("good settings")
}

#[test]
fn every_route_that_writes_has_a_limit() {
    let limits = plain_config().limits.routes;
    let document = serde_json::to_value(circles_app::router::document()).unwrap();
    let mut without = Vec::new();
    let mut seen = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            if matches!(method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE") {
                seen += 1;
                if limits.get(&method, path).is_none() {
                    without.push(format!("{method} {path}"));
                }
            }
        }
    }
    assert!(seen > 70, "the document is read");
    assert_eq!(without, Vec::<String>::new());
    assert_eq!(limits.get("POST", "/no/such/route"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_counts_one_person_on_all_tasks_and_says_how_long_it_takes() {
    let more = [
        ("APP_ROUTE_LIMIT_SCALE", "1"),
        ("APP_ROUTE_LIMITS", "POST /support/tickets=4/3600"),
    ];
    let world = World::with(&more).await;
    let second = world.second(&more).await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let ticket = json!({ "subject": "Help", "body": "Please" });
    for n in 0..4 {
        let address = if n % 2 == 0 {
            world.service.address
        } else {
            second.address
        };
        sara.at(address)
            .post("/support/tickets", ticket.clone())
            .await
            .expect(200);
    }
    world
        .execute("update rate_hits set at = at - interval '59 minutes'")
        .await;
    let refused = sara
        .at(second.address)
        .post("/support/tickets", ticket.clone())
        .await;
    let left: u32 = refused.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    refused.expect(429);
    assert!((1..=60).contains(&left), "{left}");
    assert_eq!(world.count("select count(*) from support_tickets").await, 4);
    omar.post("/support/tickets", ticket).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn likes_taken_back_and_given_again_end() {
    let world = World::with(&[("APP_ROUTE_LIMIT_SCALE", "1")]).await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let place = world.place("Cafe", 0.0).await;
    let visit = sara.check_in(place, "public").await["id"].clone();
    let path = format!("/check-ins/{visit}/like");
    let mut given = 0;
    for _ in 0..30 {
        given += usize::from(omar.post(&path, Value::Null).await.status == 200);
        omar.delete(&path).await;
    }
    assert!((1..=20).contains(&given), "{given}");
    // She hears of it once.
    let told =
        "select count(*) from live_events where payload ->> 'notification_type' = 'new_like'";
    assert_eq!(world.count(told).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn follows_taken_back_and_given_again_are_told_once() {
    let world = World::new().await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    for _ in 0..5 {
        omar.follow(&sara).await;
        omar.delete(&format!("/follow/{}", sara.id))
            .await
            .expect(200);
    }
    let told =
        "select count(*) from live_events where payload ->> 'notification_type' = 'new_follower'";
    assert_eq!(world.count(told).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_typing_frames_are_a_handful() {
    let world = World::new().await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let thread = sara.thread_with(&omar).await;
    let mut socket = sara.socket(&format!("/ws/dms/{thread}")).await;
    socket.next_of("thread_info").await;
    for n in 0..1000 {
        socket
            .send(json!({ "type": "typing", "typing": n % 2 == 0 }))
            .await;
    }
    // The answer to a ping comes after all that was sent before it.
    socket.send(json!({ "type": "ping" })).await;
    socket.next_of("pong").await;
    let events = "select count(*) from live_events where payload ->> 'type' = 'typing'";
    let seen = world.count(events).await;
    assert!((1..=30).contains(&seen), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_frames_ends_the_connection() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let mut socket = sara.socket(&format!("/ws/user/{}", sara.id)).await;
    for _ in 0..4000 {
        socket.try_send_text("{\"type\":\"ping\"}").await;
    }
    assert_eq!(socket.close_code().await, 1008);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_has_so_many_sockets_on_all_tasks() {
    let more = [("APP_WS_SOCKETS_PER_USER", "3")];
    let world = World::with(&more).await;
    let second = world.second(&more).await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let path = format!("/ws/user/{}", sara.id);
    let mut open = Vec::new();
    for n in 0..3 {
        let there = if n == 0 {
            second.address
        } else {
            world.service.address
        };
        let mut socket = sara.at(there).socket(&path).await;
        socket.next_of("connection_established").await;
        open.push(socket);
    }
    assert_eq!(sara.socket(&path).await.close_code().await, 4429);
    assert_eq!(
        sara.at(second.address)
            .socket(&path)
            .await
            .close_code()
            .await,
        4429
    );
    let mut other = omar.socket(&format!("/ws/user/{}", omar.id)).await;
    other.next_of("connection_established").await;
    open.pop().unwrap().close().await;
    let count = format!(
        "select count(*) from live_sockets where user_id = {}",
        sara.id
    );
    world.counts(&count, 2).await;
    let mut again = sara.socket(&path).await;
    again.next_of("connection_established").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_threads_with_strangers_obeys_the_cap_of_requests() {
    let world = World::with(&[("APP_DM_REQUESTS_PER_MIN", "5")]).await;
    let sara = world.person("Sara").await;
    let mut statuses = Vec::new();
    let mut strangers = Vec::new();
    for n in 0..8 {
        let stranger = world.person(&format!("Stranger{n}")).await;
        let body = json!({ "other_user_id": stranger.id });
        statuses.push(sara.post("/dms/open", body).await.status);
        strangers.push(stranger);
    }
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429, 429]);
    // What is open may be opened again, and counts no more.
    let body = json!({ "other_user_id": strangers[0].id });
    sara.post("/dms/open", body).await.expect(200);
    let more = json!({ "recipient_id": strangers[7].id, "text": "hello" });
    sara.post("/dms/requests", more).await.expect(429);
    // Nothing was written: the stranger's inbox is empty, the opener's is not.
    let theirs = strangers[0].get("/dms/inbox").await.expect(200);
    assert_eq!(theirs["total"], 0, "{theirs}");
    assert_eq!(sara.get("/dms/inbox").await.expect(200)["total"], 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_direct_messages_opening_is_asking() {
    let world = World::with(&[("APP_DM_ALLOW_DIRECT", "false")]).await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let body = json!({ "other_user_id": omar.id });
    let thread = sara.post("/dms/open", body).await.expect(200);
    assert_eq!(thread["status"], "pending");
    let path = format!("/dms/threads/{}/messages", thread["id"]);
    sara.post(&path, json!({ "text": "hello" }))
        .await
        .expect(400);
    // The one note of a request goes with it.
    let note = json!({ "recipient_id": omar.id, "text": "may I?" });
    sara.post("/dms/requests", note.clone()).await.expect(200);
    sara.post("/dms/requests", note).await.expect(200);
    assert_eq!(world.count("select count(*) from dm_messages").await, 1);
    // Those who follow need not ask.
    let adam = world.person("Adam").await;
    adam.follow(&omar).await;
    let body = json!({ "other_user_id": omar.id });
    let thread = adam.post("/dms/open", body).await.expect(200);
    assert_eq!(thread["status"], "accepted");
}
