//! Sockets: greetings, gates, what crosses between people and between two tasks, presence, and the stop.

use serde_json::json;

use crate::harness::{Socket, World};

async fn pair(world: &World) -> (crate::harness::Client, crate::harness::Client, i64) {
    let sara = world.person("Sara").await;
    let omar = world.person("Omar").await;
    let thread = sara.thread_with(&omar).await;
    (sara, omar, thread)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_on_one_task() {
    let world = World::new().await;
    let (sara, omar, thread) = pair(&world).await;
    let path = format!("/ws/dms/{thread}");
    let mut s = sara.socket(&path).await;
    assert_eq!(s.next().await["type"], "connection_established");
    let info = s.next().await;
    assert_eq!(
        (info["type"].as_str(), info["other_user_online"].as_bool()),
        (Some("thread_info"), Some(false))
    );
    assert_eq!(info["participants"][0]["id"], sara.id);
    assert_eq!(info["participants"][1]["id"], omar.id);

    let mut o = omar.socket(&path).await;
    assert_eq!(o.next().await["type"], "connection_established");
    assert_eq!(o.next().await["other_user_online"], true);
    let presence = s.next_of("presence").await;
    assert_eq!(
        (presence["user_id"].as_i64(), presence["online"].as_bool()),
        (Some(omar.id), Some(true))
    );

    s.send(json!({ "type": "ping" })).await;
    let pong = s.next().await;
    assert!(
        pong["type"] == "pong" && pong["timestamp"].as_str().unwrap().ends_with("+00:00"),
        "{pong}"
    );

    s.send(json!({ "type": "message", "text": "hello" })).await;
    let (echo, heard) = (s.next_of("message").await, o.next_of("message").await);
    assert_eq!(echo, heard);
    assert_eq!(heard["message"]["text"], "hello");
    assert_eq!(heard["message"]["sender_info"]["id"], sara.id);
    let id = heard["message"]["id"].as_i64().unwrap();

    o.send(json!({ "type": "typing", "typing": true })).await;
    assert_eq!(s.next_of("typing").await["user_id"], omar.id);
    o.send(json!({ "type": "mark_read" })).await;
    assert_eq!(s.next_of("read_receipt").await["user_id"], omar.id);
    o.send(json!({ "type": "reaction", "message_id": id }))
        .await;
    let reaction = s.next_of("reaction").await;
    assert_eq!(
        (
            reaction["message_id"].as_i64(),
            reaction["reaction"].as_str()
        ),
        (Some(id), Some("❤️"))
    );
    o.send(json!({ "type": "reaction", "message_id": id + 999 }))
        .await;
    assert!(
        o.next_of("error").await["detail"]
            .as_str()
            .unwrap()
            .contains("not found")
    );
    for bad in [
        "not json",
        r#"{"type":"dance"}"#,
        r#"{"type":"message","text":"  "}"#,
    ] {
        o.send_text(bad).await;
        assert_eq!(o.next_of("error").await["type"], "error", "{bad}");
    }
    o.close().await;
    assert_eq!(s.next_of("presence").await["online"], false);
    let seen = sara
        .get(&format!("/dms/threads/{thread}/messages"))
        .await
        .expect(200);
    assert_eq!(seen["items"][0]["seen"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_and_presence_cross_between_two_tasks() {
    let world = World::new().await;
    let other = world.second(&[]).await;
    let (sara, omar, thread) = pair(&world).await;
    let omar = omar.at(other.address);
    let path = format!("/ws/dms/{thread}");
    let mut s = sara.socket(&path).await;
    s.next_of("thread_info").await;
    let mut notices = omar.socket(&format!("/ws/user/{}", omar.id)).await;
    assert_eq!(notices.next().await["type"], "connection_established");
    let mut o = omar.socket(&path).await;
    assert_eq!(o.next_of("thread_info").await["other_user_online"], true);
    assert_eq!(s.next_of("presence").await["online"], true);
    o.send(json!({ "type": "message", "text": "from the other task" }))
        .await;
    assert_eq!(
        s.next_of("message").await["message"]["text"],
        "from the other task"
    );
    let long = "x".repeat(1990);
    let message_path = format!("/dms/threads/{thread}/messages");
    sara.post(&message_path, json!({ "text": long }))
        .await
        .expect(200);
    o.next_of("message").await;
    assert_eq!(
        o.next_of("message").await["message"]["text"],
        long,
        "longer than a notification may be with its frame"
    );
    let notice = notices.next_of("dm_notification").await;
    assert_eq!(
        notice["message"]["message_text"].as_str().unwrap().len(),
        103
    );
    assert_eq!(notice["message"]["sender_id"], sara.id);
    // Available while a socket is open on any task.
    let me = omar.at(world.service.address);
    assert_eq!(
        me.get("/auth/me").await.expect(200)["availability_status"],
        "available"
    );
    notices.close().await;
    o.close().await;
    assert_eq!(s.next_of("presence").await["online"], false);
    assert_eq!(
        me.get("/auth/me").await.expect(200)["availability_status"],
        "not_available"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_close_with_their_code() {
    let world = World::new().await;
    let (sara, omar, thread) = pair(&world).await;
    let lina = world.person("Lina").await;
    let place = world.place("Cafe", 0.0).await;
    let cases = [
        (None, format!("/ws/dms/{thread}"), 4401),
        (Some(&lina), format!("/ws/dms/{thread}"), 4403),
        (Some(&lina), "/ws/dms/999999".to_owned(), 4404),
        (Some(&lina), format!("/ws/user/{}", sara.id), 4401),
        (Some(&lina), format!("/ws/places/{place}/chat"), 4403),
        (None, format!("/ws/places/{place}/chat"), 4401),
    ];
    for (who, path, code) in cases {
        let mut socket = match who {
            Some(person) => person.socket(&path).await,
            None => Socket::open(&format!("ws://{}{path}?token=bad", world.service.address)).await,
        };
        let (told, words) = socket.closed().await;
        assert_eq!(told, code, "{path}");
        assert!(words.contains("(403)"), "{path}: {words}");
    }
    let mut s = sara.socket(&format!("/ws/dms/{thread}")).await;
    s.next_of("thread_info").await;
    omar.block(&sara).await;
    s.send(json!({ "type": "message", "text": "still there?" }))
        .await;
    assert!(
        s.next_of("error").await["detail"]
            .as_str()
            .unwrap()
            .contains("blocked")
    );
    sara.socket(&format!("/ws/dms/{thread}"))
        .await
        .close_code()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_room_of_a_place() {
    let world = World::with(&[("APP_WS_SWEEP_SECONDS", "0.3")]).await;
    let other = world.second(&[("APP_WS_SWEEP_SECONDS", "0.3")]).await;
    let sara = world.person("Sara").await;
    let omar = world.person("Omar").await.at(other.address);
    let place = world.place("Cafe", 0.0).await;
    // Two matching check-ins are as good as one.
    let first = sara.check_in(place, "public").await;
    world
        .execute("update check_ins set created_at = created_at - interval '1 hour'")
        .await;
    sara.check_in(place, "private").await;
    omar.check_in(place, "public").await;
    let path = format!("/ws/places/{place}/chat");
    let mut s = sara.socket(&path).await;
    let greeting = s.next().await;
    assert_eq!(
        (
            greeting["place_id"].as_i64(),
            greeting["window_hours"].as_i64()
        ),
        (Some(place), Some(12))
    );
    let mut o = omar.socket(&path).await;
    o.next_of("connection_established").await;
    s.send(json!({ "type": "message", "text": "who is here?" }))
        .await;
    let (echo, heard) = (s.next_of("message").await, o.next_of("message").await);
    assert_eq!(echo, heard);
    assert_eq!(heard["message"]["author_id"], sara.id.to_string());
    assert_eq!(heard["message"]["id"].as_str().unwrap().len(), 36);
    o.send_text("plain words").await;
    assert_eq!(s.next_of("message").await["message"]["text"], "plain words");
    s.send(json!({ "type": "message", "text": "x".repeat(2001) }))
        .await;
    s.next_of("error").await;
    o.send(json!({ "type": "typing", "typing": true })).await;
    assert_eq!(s.next_of("typing").await["user_id"], omar.id);
    s.send(json!({ "type": "reply_private", "target_user_id": omar.id, "text": "hi you", "context": { "text": "plain words" } })).await;
    let sent = s.next_of("private_reply_sent").await;
    let messages = omar
        .get(&format!("/dms/threads/{}/messages", sent["thread_id"]))
        .await
        .expect(200);
    let text = messages["items"][0]["text"].as_str().unwrap();
    assert!(
        text.starts_with("[Cafe]") && text.contains("> plain words") && text.ends_with("hi you"),
        "{text}"
    );
    let history = omar
        .get(&format!("/places/{place}/chat/messages"))
        .await
        .expect(200);
    assert_eq!(
        (
            history["total"].as_i64(),
            history["items"][0]["text"].as_str()
        ),
        (Some(2), Some("who is here?"))
    );
    // The gate is asked again while connected.
    world
        .execute(&format!(
            "update check_ins set expires_at = now() where user_id = {}",
            sara.id
        ))
        .await;
    s.send(json!({ "type": "message", "text": "too late" }))
        .await;
    s.next_of("error").await;
    assert_eq!(s.close_code().await, 4403);
    assert_eq!(first["allowed_to_chat"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn follows_likes_and_comments_notify_unless_silenced() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let omar = world.person("Omar").await;
    let place = world.place("Cafe", 0.0).await;
    let check_in = sara.check_in(place, "public").await["id"].as_i64().unwrap();
    let mut s = sara.socket(&format!("/ws/user/{}", sara.id)).await;
    s.next_of("connection_established").await;
    omar.follow(&sara).await;
    let notice = s.next_of("notification").await;
    assert_eq!(
        (
            notice["notification_type"].as_str(),
            notice["data"]["follower_id"].as_i64()
        ),
        (Some("new_follower"), Some(omar.id))
    );
    omar.post(&format!("/check-ins/{check_in}/like"), json!({}))
        .await
        .expect(200);
    assert_eq!(s.next().await["notification_type"], "new_like");
    sara.put(
        "/settings/notifications",
        json!({ "comments": false, "dm_messages": false }),
    )
    .await
    .expect(200);
    omar.post(
        &format!("/check-ins/{check_in}/comments"),
        json!({ "content": "nice" }),
    )
    .await
    .expect(200);
    let thread = omar.thread_with(&sara).await;
    omar.post(
        &format!("/dms/threads/{thread}/messages"),
        json!({ "text": "hi" }),
    )
    .await
    .expect(200);
    s.silent().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_closes_with_1001_and_idle_connections_with_1000() {
    let world = World::with(&[
        ("APP_WS_IDLE_SECONDS", "0.5"),
        ("APP_WS_SWEEP_SECONDS", "0.2"),
    ])
    .await;
    let sara = world.person("Sara").await;
    let path = format!("/ws/user/{}", sara.id);
    let mut idle = sara.socket(&path).await;
    assert_eq!(idle.close_code().await, 1000);
    let other = world.second(&[]).await;
    let mut open = sara.at(other.address).socket(&path).await;
    open.next_of("connection_established").await;
    let mut more = Vec::new();
    for _ in 0..60 {
        more.push(sara.at(other.address).socket(&path).await);
    }
    world.counts("select count(*) from live_sockets", 61).await;
    other.begin_stop();
    assert_eq!(open.close_code().await, 1001);
    let closing = more.iter_mut().map(|socket| socket.close_code());
    let codes = futures::future::join_all(closing).await;
    assert!(codes.iter().all(|code| *code == 1001), "{codes:?}");
    tokio::time::timeout(std::time::Duration::from_secs(10), other.stop())
        .await
        .expect("a stop within its grace");
    // The end of each was noted before the database's pool closed.
    assert_eq!(world.count("select count(*) from live_sockets").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_task_takes_its_sockets_out_of_presence() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    // A task that was killed leaves its rows behind and beats no more.
    const DEAD: &str = "00000000-0000-0000-0000-000000000001";
    let born = format!("insert into live_tasks (id, beat_at) values ('{DEAD}', now())");
    world.execute(&born).await;
    let ghost = format!(
        "select socket_opened('00000000-0000-0000-0000-000000000002', '{DEAD}', {}, 'u:{}')",
        sara.id, sara.id
    );
    world.execute(&ghost).await;
    assert_eq!(
        sara.get("/auth/me").await.expect(200)["availability_status"],
        "available"
    );
    let silent = format!(
        "update live_tasks set beat_at = now() - interval '40 seconds' where id = '{DEAD}'"
    );
    world.execute(&silent).await;
    let left = "select (select count(*) from live_tasks where beat_at < now() - interval '30 seconds') \
                + (select count(*) from live_sockets)";
    world.counts(left, 0).await;
    assert_eq!(
        sara.get("/auth/me").await.expect(200)["availability_status"],
        "not_available"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_was_taken_for_dead_is_back_with_its_sockets() {
    let world = World::new().await;
    let (sara, _omar, thread) = pair(&world).await;
    let mut socket = sara.socket(&format!("/ws/dms/{thread}")).await;
    assert_eq!(socket.next().await["type"], "connection_established");
    // Another task has reaped it: its sockets are gone, and so is the presence of who held them.
    let sql = format!(
        "with gone as (delete from live_tasks) update users set availability_status = 'not_available' where id = {}",
        sara.id
    );
    world.execute(&sql).await;
    world.counts("select count(*) from live_sockets", 1).await;
    assert_eq!(
        sara.get("/auth/me").await.expect(200)["availability_status"],
        "available"
    );
}
