//! Blocks: nothing slips past one that is being set, and the blocked see nothing of the blocker, on other people's pages neither.

use serde_json::{Value, json};

use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn no_follow_outlives_a_block_set_at_the_same_time() {
    let world = World::new().await;
    let second = world.second(&[]).await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let omar_there = omar.at(second.address);
    let follow = format!("/follow/{}", sara.id);
    let back = format!("/follow/{}", omar.id);
    let block = format!("/dms/threads/{}/block", omar.id);
    for round in 0..40 {
        let (blocked, followed, followed_back) = tokio::join!(
            sara.put(&block, json!({ "blocked": true })),
            omar_there.post(&follow, Value::Null),
            sara.post(&back, Value::Null),
        );
        blocked.expect(200);
        for answer in [followed, followed_back] {
            assert!([200, 403].contains(&answer.status), "{}", answer.text);
        }
        let left = world.count("select count(*) from follows").await;
        assert_eq!(left, 0, "round {round}");
        sara.put(&block, json!({ "blocked": false }))
            .await
            .expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_thread_is_opened_past_a_block_set_at_the_same_time() {
    let world = World::new().await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let block = format!("/dms/threads/{}/block", omar.id);
    for _ in 0..20 {
        let body = json!({ "recipient_id": sara.id, "text": "hello" });
        let (blocked, asked) = tokio::join!(
            sara.put(&block, json!({ "blocked": true })),
            omar.post("/dms/requests", body),
        );
        blocked.expect(200);
        assert!([200, 403].contains(&asked.status), "{}", asked.text);
        sara.put(&block, json!({ "blocked": false }))
            .await
            .expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blocked_see_nothing_of_the_blocker_on_a_third_persons_page() {
    let world = World::new().await;
    let (owner, blocker) = (world.person("Owner").await, world.person("Blocker").await);
    let (blocked, other) = (world.person("Blocked").await, world.person("Other").await);
    let place = world.place("Cafe", 0.0).await;
    let visit = owner.check_in(place, "public").await["id"].clone();
    let at = format!("/check-ins/{visit}");
    let comments = format!("{at}/comments");
    for person in [&blocker, &other] {
        person
            .post(&format!("{at}/like"), Value::Null)
            .await
            .expect(200);
        let rating = json!({ "rating": 4, "text": "good" });
        person
            .post(&format!("/places/{place}/reviews"), rating)
            .await
            .expect(200);
    }
    let first = json!({ "content": "by the blocker" });
    let first = blocker.post(&comments, first).await.expect(200)["id"].clone();
    let reply = json!({ "content": "an answer", "reply_to_id": first });
    other.post(&comments, reply).await.expect(200);
    blocker.block(&blocked).await;

    let lists = [
        format!("{at}/likes"),
        comments.clone(),
        format!("{comments}?threaded=true"),
        format!("/places/{place}/reviews"),
    ];
    for list in &lists {
        let seen = blocked.get(list).await.expect(200);
        assert_eq!(seen["total"], 1, "{list}");
        assert_eq!(seen["items"].as_array().map(Vec::len), Some(1), "{list}");
        let text = seen.to_string();
        let named = format!("\"user_id\":{}", blocker.id);
        for trace in ["Blocker", "by the blocker", named.as_str()] {
            assert!(!text.contains(trace), "{list}: {trace} in {text}");
        }
        let others = owner.get(list).await.expect(200);
        assert_eq!(others["total"], 2, "{list}");
    }
    for numbers in [at.clone(), format!("{at}/stats")] {
        let seen = blocked.get(&numbers).await.expect(200);
        assert_eq!(
            (&seen["likes_count"], &seen["comments_count"]),
            (&json!(1), &json!(1))
        );
        let seen = owner.get(&numbers).await.expect(200);
        assert_eq!(
            (&seen["likes_count"], &seen["comments_count"]),
            (&json!(2), &json!(2))
        );
    }
    let reply = json!({ "content": "to whom?", "reply_to_id": first });
    blocked.post(&comments, reply).await.expect(404);

    // A message of the blocker that somebody passes on does not name its author.
    let source = blocker.thread_with(&other).await;
    let sent = blocker
        .post(
            &format!("/dms/threads/{source}/messages"),
            json!({ "text": "pass it on" }),
        )
        .await
        .expect(200);
    let target = other.thread_with(&blocked).await;
    let pass = json!({ "message_id": sent["id"], "target_thread_ids": [target] });
    other
        .post(&format!("/dms/threads/{source}/forward"), pass)
        .await
        .expect(200);
    let read = blocked
        .get(&format!("/dms/threads/{target}/messages"))
        .await
        .expect(200);
    let message = &read["items"][0];
    assert_eq!(message["is_forwarded"], true, "{message}");
    assert!(message["forwarded_from_user_name"].is_null(), "{message}");
    assert!(message["forwarded_from_user_id"].is_null(), "{message}");
}
