//! Direct messages over REST.

use serde_json::{Value, json};

use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn requests_respect_the_recipient() {
    let world = World::with(&[("APP_DM_ALLOW_DIRECT", "false")]).await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let ask = json!({ "recipient_id": omar.id, "text": "hello" });
    let thread = sara.post("/dms/requests", ask.clone()).await.expect(200);
    assert_eq!(
        (thread["status"].as_str(), thread["last_message"].as_str()),
        (Some("pending"), Some("hello"))
    );
    sara.post("/dms/requests", ask.clone()).await.expect(200);
    assert_eq!(
        world.count("select count(*) from dm_messages").await,
        1,
        "one note is enough"
    );
    let blank = json!({ "recipient_id": omar.id, "text": " \n" });
    sara.post("/dms/requests", blank).await.expect(400);
    // The room of a place is no way around the answer.
    let place = world.place("Cafe", 0.0).await;
    sara.check_in(place, "public").await;
    omar.check_in(place, "public").await;
    let reply = json!({ "target_user_id": omar.id, "text": "hello again" });
    let private = format!("/places/{place}/chat/private-reply");
    sara.post(&private, reply).await.expect(400);
    let path = format!("/dms/requests/{}", thread["id"]);
    let messages = format!("/dms/threads/{}/messages", thread["id"]);
    sara.post(&messages, json!({ "text": "x" }))
        .await
        .expect(400);
    sara.put(&path, json!({ "status": "accepted" }))
        .await
        .expect(400);
    omar.put(&path, json!({ "status": "maybe" }))
        .await
        .expect(400);
    assert_eq!(omar.get("/dms/requests").await.expect(200)["total"], 1);
    assert_eq!(sara.get("/dms/requests").await.expect(200)["total"], 0);
    omar.put(&path, json!({ "status": "rejected" }))
        .await
        .expect(200);
    omar.put(&path, json!({ "status": "accepted" }))
        .await
        .expect(400);
    sara.post("/dms/requests", ask.clone()).await.expect(403);
    omar.put("/settings/privacy", json!({ "dm_privacy": "no_one" }))
        .await
        .expect(200);
    sara.post("/dms/requests", ask.clone()).await.expect(403);
    omar.put("/settings/privacy", json!({ "dm_privacy": "followers" }))
        .await
        .expect(200);
    let lina = world.person("Lina").await;
    lina.post("/dms/requests", ask.clone()).await.expect(403);
    lina.post("/dms/open", json!({ "other_user_id": omar.id }))
        .await
        .expect(403);
    // Opening is asking, where those who do not follow have to ask.
    let opened = lina.post("/dms/open", json!({ "other_user_id": sara.id }));
    assert_eq!(opened.await.expect(200)["status"], "pending");
    lina.follow(&omar).await;
    assert_eq!(
        lina.post("/dms/requests", ask).await.expect(200)["status"],
        "accepted"
    );
    sara.post(
        "/dms/requests",
        json!({ "recipient_id": sara.id, "text": "me" }),
    )
    .await
    .expect(400);
    sara.post(
        "/dms/requests",
        json!({ "recipient_id": 9999, "text": "?" }),
    )
    .await
    .expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn caps_hold_across_tasks() {
    let world = World::new().await;
    let caps = [
        ("APP_DM_REQUESTS_PER_MIN", "2"),
        ("APP_DM_MESSAGES_PER_MIN", "3"),
    ];
    let (one, two) = (world.second(&caps).await, world.second(&caps).await);
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let (one, two) = (sara.at(one.address), sara.at(two.address));
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let ask = json!({ "recipient_id": omar.id, "text": "hello" });
    let thread = one.post("/dms/requests", ask.clone()).await.expect(200)["id"].clone();
    two.post("/dms/requests", ask.clone()).await.expect(200);
    one.post("/dms/requests", ask).await.expect(429);
    let path = format!("/dms/threads/{thread}/messages");
    for caller in [&one, &two, &one] {
        caller.post(&path, json!({ "text": "x" })).await.expect(200);
    }
    two.post(&path, json!({ "text": "x" })).await.expect(429);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inbox_pins_archives_and_searches() {
    let world = World::new().await;
    let (sara, omar, lina) = (
        world.person("Sara").await,
        world.person("Omar").await,
        world.person("Lina").await,
    );
    let (one, two) = (sara.thread_with(&omar).await, sara.thread_with(&lina).await);
    omar.post(
        &format!("/dms/threads/{one}/messages"),
        json!({ "text": "about trains" }),
    )
    .await
    .expect(200);
    lina.post(
        &format!("/dms/threads/{two}/messages"),
        json!({ "text": "about boats" }),
    )
    .await
    .expect(200);
    let ids = |page: Value| -> Vec<i64> {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|t| t["id"].as_i64().unwrap())
            .collect()
    };
    assert_eq!(ids(sara.get("/dms/inbox").await.expect(200)), [two, one]);
    sara.put(
        &format!("/dms/threads/{one}/pin"),
        json!({ "pinned": true }),
    )
    .await
    .expect(200);
    assert_eq!(ids(sara.get("/dms/inbox").await.expect(200)), [one, two]);
    assert_eq!(ids(sara.get("/dms/inbox?q=boats").await.expect(200)), [two]);
    assert_eq!(ids(sara.get("/dms/inbox?q=omar").await.expect(200)), [one]);
    assert_eq!(
        ids(sara.get("/dms/inbox?only_pinned=true").await.expect(200)),
        [one]
    );
    sara.put(
        &format!("/dms/threads/{two}/archive"),
        json!({ "archived": true }),
    )
    .await
    .expect(200);
    assert_eq!(ids(sara.get("/dms/inbox").await.expect(200)), [one]);
    assert_eq!(
        ids(sara
            .get("/dms/inbox?include_archived=true")
            .await
            .expect(200))
        .len(),
        2
    );
    omar.post(
        &format!("/dms/threads/{one}/typing"),
        json!({ "typing": true }),
    )
    .await
    .expect(204);
    assert_eq!(
        sara.get(&format!("/dms/threads/{one}/typing"))
            .await
            .expect(200)["typing"],
        true
    );
    let there = sara.get(&format!("/dms/threads/{one}/presence")).await;
    let there = there.expect(200);
    assert_eq!(there["online"], true);
    let active = there["last_active_at"].as_str().unwrap();
    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    assert!(active <= now.as_str(), "{active} is yet to come");
    assert_eq!(
        sara.get(&format!("/dms/threads/{two}/presence"))
            .await
            .expect(200)["online"],
        false
    );
}
