//! Profiles, follows, blocks, settings, the feed, tickets.

use serde_json::{Value, json};

use crate::harness::{World, png};

#[tokio::test(flavor = "multi_thread")]
async fn profiles_show_what_they_should() {
    let world = World::new().await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    omar.follow(&sara).await;
    omar.follow(&sara).await;
    let path = format!("/users/{}", sara.id);
    let seen = omar.get(&path).await.expect(200);
    assert_eq!(
        (
            seen["followers_count"].as_i64(),
            seen["is_followed"].as_bool()
        ),
        (Some(1), Some(true))
    );
    assert!(seen.get("phone").is_none());
    assert_eq!(sara.get(&path).await.expect(200)["phone"], sara.phone);
    sara.put(
        "/settings/privacy",
        json!({ "stats_visibility": "private" }),
    )
    .await
    .expect(200);
    assert!(omar.get(&path).await.expect(200)["followers_count"].is_null());
    assert_eq!(sara.get(&path).await.expect(200)["followers_count"], 1);
    assert_eq!(
        omar.get(&format!("{path}/profile-stats")).await.expect(200)["followers_count"],
        0
    );
    sara.put(
        "/settings/privacy",
        json!({ "profile_visibility": "private" }),
    )
    .await
    .expect(200);
    for more in ["", "/check-ins", "/media", "/collections"] {
        omar.get(&format!("{path}{more}")).await.expect(403);
    }
    omar.get("/users/99999").await.expect(404);
    omar.get("/users/99999/profile-stats").await.expect(404);
    let changed = sara
        .put(
            "/settings/privacy",
            json!({ "profile_visibility": "followers" }),
        )
        .await
        .expect(200);
    assert_eq!(
        (
            changed["profile_visibility"].as_str(),
            changed.as_object().unwrap().len()
        ),
        (Some("friends"), 9)
    );
    omar.get(&path).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_cuts_every_way() {
    let world = World::new().await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let place = world.place("Cafe", 0.0).await;
    omar.follow(&sara).await;
    sara.follow(&omar).await;
    let check_in = sara.check_in(place, "public").await["id"].as_i64().unwrap();
    let thread = sara.thread_with(&omar).await;
    sara.post(
        &format!("/dms/threads/{thread}/messages"),
        json!({ "text": "bye" }),
    )
    .await
    .expect(200);
    sara.block(&omar).await;
    assert_eq!(world.count("select count(*) from follows").await, 0);
    omar.get(&format!("/users/{}", sara.id)).await.expect(404);
    assert_eq!(
        sara.get(&format!("/users/{}", omar.id)).await.expect(200)["is_blocked"],
        true
    );
    omar.get(&format!("/check-ins/{check_in}"))
        .await
        .expect(403);
    omar.post(&format!("/follow/{}", sara.id), Value::Null)
        .await
        .expect(403);
    for (who, other) in [(&sara, &omar), (&omar, &sara)] {
        who.get(&format!("/dms/threads/{thread}/messages"))
            .await
            .expect(403);
        who.post(
            &format!("/dms/threads/{thread}/messages"),
            json!({ "text": "x" }),
        )
        .await
        .expect(403);
        who.post(
            "/dms/requests",
            json!({ "recipient_id": other.id, "text": "x" }),
        )
        .await
        .expect(403);
        who.post("/dms/open", json!({ "other_user_id": other.id }))
            .await
            .expect(403);
        assert_eq!(who.get("/dms/inbox").await.expect(200)["total"], 0);
        assert_eq!(who.get("/dms/unread-count").await.expect(200)["unread"], 0);
        assert_eq!(
            who.post("/users/search", json!({})).await.expect(200),
            json!([])
        );
    }
    let here = omar
        .get(&format!("/places/{place}/whos-here"))
        .await
        .expect(200);
    assert_eq!(here["total"], 0);
    sara.put(
        &format!("/dms/threads/{}/block", sara.id),
        json!({ "blocked": true }),
    )
    .await
    .expect(400);
    sara.put(
        &format!("/dms/threads/{}/block", omar.id),
        json!({ "blocked": false }),
    )
    .await
    .expect(200);
    omar.get(&format!("/users/{}", sara.id)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn follow_lists_are_pages_newest_first() {
    let world = World::new().await;
    let (sara, omar, lina) = (
        world.person("Sara").await,
        world.person("Omar").await,
        world.person("Lina").await,
    );
    omar.follow(&sara).await;
    lina.follow(&sara).await;
    sara.follow(&lina).await;
    let followers = sara.get("/follow/followers").await.expect(200);
    let ids: Vec<i64> = followers["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|u| u["id"].as_i64().unwrap())
        .collect();
    assert_eq!(
        (ids, followers["total"].as_i64()),
        (vec![lina.id, omar.id], Some(2))
    );
    assert_eq!(followers["items"][0]["followed"], true);
    assert_eq!(followers["items"][1]["followed"], false);
    assert_eq!(
        sara.get("/follow/following?limit=1").await.expect(200)["items"][0]["followed"],
        true
    );
    sara.put(
        "/settings/privacy",
        json!({ "follower_list_visibility": "private" }),
    )
    .await
    .expect(200);
    omar.get(&format!("/follow/{}/followers", sara.id))
        .await
        .expect(403);
    omar.get(&format!("/follow/{}/following", sara.id))
        .await
        .expect(200);
    sara.post(&format!("/follow/{}", sara.id), Value::Null)
        .await
        .expect(400);
    sara.post("/follow/99999", Value::Null).await.expect(404);
    assert_eq!(
        sara.delete("/follow/99999").await.expect(200)["followed"],
        false
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_avatar_and_availability() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let one = sara
        .upload("/users/me/avatar", "file", png(), &[])
        .await
        .expect(200);
    let two = sara
        .upload("/users/me/avatar", "file", png(), &[])
        .await
        .expect(200);
    assert_ne!(one["avatar_url"], two["avatar_url"]);
    sara.upload(
        "/users/me/avatar",
        "file",
        b"GIF89a not an avatar".to_vec(),
        &[],
    )
    .await
    .expect(400);
    let mut large = png();
    large.resize(6 * 1024 * 1024, 0);
    sara.upload("/users/me/avatar", "file", large, &[])
        .await
        .expect(413);
    let off = sara
        .put(
            "/users/me",
            json!({ "availability_status": "not_available" }),
        )
        .await
        .expect(200);
    assert_eq!(off["availability_mode"], "manual");
    let mut socket = sara.socket(&format!("/ws/user/{}", sara.id)).await;
    socket.next_of("connection_established").await;
    assert_eq!(
        sara.get("/auth/me").await.expect(200)["availability_status"],
        "not_available",
        "manual is never overridden"
    );
    let on = sara
        .put("/users/me", json!({ "availability_status": "available" }))
        .await
        .expect(200);
    assert_eq!(
        (
            on["availability_mode"].as_str(),
            on["availability_status"].as_str()
        ),
        (Some("auto"), Some("available"))
    );
    socket.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_shows_what_may_be_seen() {
    let world = World::new().await;
    let (sara, omar, lina) = (
        world.person("Sara").await,
        world.person("Omar").await,
        world.person("Lina").await,
    );
    let place = world.place("Cafe", 0.0).await;
    sara.follow(&omar).await;
    let hidden = lina.check_in(place, "private").await["id"]
        .as_i64()
        .unwrap();
    let open = omar.check_in(place, "public").await["id"].as_i64().unwrap();
    omar.post(&format!("/check-ins/{open}/like"), Value::Null)
        .await
        .expect(200);
    omar.post(
        &format!("/check-ins/{open}/comments"),
        json!({ "content": "me" }),
    )
    .await
    .expect(200);
    omar.post(&format!("/places/{place}/reviews"), json!({ "rating": 5 }))
        .await
        .expect(200);
    omar.post(
        "/collections/",
        json!({ "name": "Open", "visibility": "public" }),
    )
    .await
    .expect(200);
    omar.post(
        "/collections/",
        json!({ "name": "Secret", "visibility": "private" }),
    )
    .await
    .expect(200);
    omar.follow(&lina).await;
    world.execute(&format!("insert into activities (user_id, activity_type, activity_data, check_in_id) values ({}, 'like', '{{}}', {hidden})", omar.id)).await;
    let feed = sara.get("/activity/feed").await.expect(200);
    let types: Vec<&str> = feed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["activity_type"].as_str().unwrap())
        .collect();
    assert_eq!(
        (types, feed["total"].as_i64()),
        (
            vec![
                "follow",
                "collection",
                "review",
                "comment",
                "like",
                "checkin"
            ],
            Some(6)
        )
    );
    assert_eq!(feed["items"][5]["activity_data"]["place_name"], "Cafe");
    // Who blocks the reader is not named to her, by nobody's entry.
    let block = async |blocked: bool| {
        let path = format!("/dms/threads/{}/block", sara.id);
        lina.put(&path, json!({ "blocked": blocked }))
            .await
            .expect(200);
    };
    block(true).await;
    let fewer = sara.get("/activity/feed").await.expect(200);
    assert_eq!(
        (fewer["total"].as_i64(), &fewer["items"][0]),
        (Some(5), &feed["items"][1])
    );
    block(false).await;
    let some = sara
        .get("/activity/feed?activity_types=review,follow")
        .await
        .expect(200);
    assert_eq!(some["total"], 2);
    sara.get("/activity/feed?since=nonsense").await.expect(400);
    let none = sara
        .post("/activity/feed/filtered", json!({ "user_ids": [lina.id] }))
        .await
        .expect(200);
    assert_eq!(none["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_and_tickets() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let first = sara.get("/settings/notifications").await.expect(200);
    assert_eq!(
        (
            first["follows"].as_bool(),
            first["marketing"].as_bool(),
            first.as_object().unwrap().len()
        ),
        (Some(true), Some(false), 7)
    );
    let changed = sara
        .put("/settings/notifications", json!({ "follows": false }))
        .await
        .expect(200);
    assert_eq!(
        (changed["follows"].as_bool(), changed["likes"].as_bool()),
        (Some(false), Some(true))
    );
    assert_eq!(
        sara.put("/settings/privacy", json!({ "search_visibility": "all" }))
            .await
            .expect_invalid()[1],
        "search_visibility"
    );
    sara.post("/support/tickets", json!({ "subject": "One", "body": "b" }))
        .await
        .expect(200);
    let two = sara
        .post("/support/tickets", json!({ "subject": "Two", "body": "b" }))
        .await
        .expect(200);
    assert_eq!(
        (two["status"].as_str(), two["body"].as_str()),
        (Some("open"), Some("b"))
    );
    let all = sara.get("/support/tickets").await.expect(200);
    assert_eq!(
        (all.as_array().unwrap().len(), all[0]["subject"].as_str()),
        (2, Some("Two"))
    );
    sara.get("/support/tickets?limit=201")
        .await
        .expect_invalid();
}
