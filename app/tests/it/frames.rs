//! Changes of messages made over REST reach the sockets of the other side, on every task; and what a forward says.

use serde_json::{Value, json};

use crate::harness::{Client, Socket, World};

async fn send(client: &Client, thread: i64, body: Value) -> Value {
    client
        .post(&format!("/dms/threads/{thread}/messages"), body)
        .await
        .expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_a_message_reaches_the_other_side() {
    let world = World::new().await;
    let second = world.second(&[]).await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let thread = sara.thread_with(&omar).await;
    let id = send(&sara, thread, json!({ "text": "hello" })).await["id"].clone();
    let mut socket: Socket = sara
        .at(second.address)
        .socket(&format!("/ws/dms/{thread}"))
        .await;
    socket.next_of("thread_info").await;

    let in_thread = format!("/dms/threads/{thread}/messages/{id}");
    let heart = json!("❤️");
    let steps: [(&str, String, Value, &str, &Value); 6] = [
        (
            "POST",
            format!("/dms/messages/{id}/like"),
            Value::Null,
            "reaction",
            &heart,
        ),
        (
            "DELETE",
            format!("/dms/messages/{id}/like"),
            Value::Null,
            "reaction_removed",
            &heart,
        ),
        (
            "POST",
            format!("{in_thread}/heart"),
            Value::Null,
            "reaction",
            &heart,
        ),
        (
            "POST",
            format!("{in_thread}/heart"),
            Value::Null,
            "reaction_removed",
            &heart,
        ),
        (
            "POST",
            format!("{in_thread}/reactions"),
            json!({ "emoji": "x" }),
            "reaction",
            &json!("x"),
        ),
        (
            "DELETE",
            format!("{in_thread}/reactions/x"),
            Value::Null,
            "reaction_removed",
            &json!("x"),
        ),
    ];
    for (method, path, body, kind, reaction) in steps {
        let answer = omar.call(method, &path, Some(body)).await;
        assert!(
            (200..300).contains(&answer.status),
            "{path}: {}",
            answer.text
        );
        let frame = socket.next().await;
        assert_eq!(frame["type"], kind, "{path}: {frame}");
        assert_eq!(
            (&frame["message_id"], &frame["user_id"], &frame["reaction"]),
            (&id, &json!(omar.id), reaction)
        );
        assert!(frame["timestamp"].is_string(), "{frame}");
    }
    // An emoji that is there already is no change.
    for _ in 0..2 {
        let body = json!({ "emoji": "y" });
        let path = format!("{in_thread}/reactions");
        omar.post(&path, body).await.expect(200);
    }
    let delivered = json!({ "status": "delivered" });
    omar.put(&format!("/dms/messages/{id}/delivery-status"), delivered)
        .await
        .expect(204);
    assert_eq!(socket.next().await["reaction"], "y");
    let frame = socket.next().await;
    assert_eq!(
        (&frame["type"], &frame["status"]),
        (&json!("delivery_status"), &json!("delivered"))
    );

    let own = send(&omar, thread, json!({ "text": "mistake" })).await["id"].clone();
    assert_eq!(socket.next().await["type"], "message");
    omar.delete(&format!("/dms/threads/{thread}/messages/{own}"))
        .await
        .expect(204);
    let frame = socket.next().await;
    assert_eq!(
        (&frame["type"], &frame["message_id"]),
        (&json!("message_deleted"), &own)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forward_says_what_its_source_says() {
    let world = World::new().await;
    let (victim, forger) = (world.person("Victim").await, world.person("Forger").await);
    let reader = world.person("Reader").await;
    let source = victim.thread_with(&forger).await;
    let id = send(&victim, source, json!({ "text": "good morning" })).await["id"].clone();
    let target = forger.thread_with(&reader).await;
    let forged = json!({
        "text": "I stole the money", "caption": "really", "forwarded_from_message_id": id,
        "location_latitude": 1.0, "location_longitude": 1.0, "location_name": "the bank",
    });
    send(&forger, target, forged).await;
    let read = reader
        .get(&format!("/dms/threads/{target}/messages"))
        .await
        .expect(200);
    let message = &read["items"][0];
    assert_eq!(
        (
            &message["text"],
            &message["is_forwarded"],
            &message["forwarded_from_user_name"]
        ),
        (
            &json!("good morning"),
            &json!(true),
            &json!("Victim Tester")
        )
    );
    for field in ["caption", "location_latitude", "location_name"] {
        assert!(message[field].is_null(), "{field}: {message}");
    }
    // What its writer has deleted can no longer be passed on.
    victim
        .delete(&format!("/dms/threads/{source}/messages/{id}"))
        .await
        .expect(204);
    let path = format!("/dms/threads/{target}/messages");
    let late = json!({ "text": "x", "forwarded_from_message_id": id });
    forger.post(&path, late).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attachment_must_be_there() {
    let world = World::new().await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let thread = sara.thread_with(&omar).await;
    let uploaded = sara
        .upload("/dms/upload/media", "file", crate::harness::png(), &[])
        .await
        .expect(200);
    let url = uploaded["url"].as_str().unwrap().to_owned();
    let invented = format!("{}/0123456789abcdef.png", url.rsplit_once('/').unwrap().0);
    let path = format!("/dms/threads/{thread}/messages");
    for field in ["photo_urls", "video_urls", "voice_urls", "file_urls"] {
        let body = json!({ field: [invented] });
        sara.post(&path, body).await.expect(400);
    }
    sara.post(&path, json!({ "photo_urls": [url] }))
        .await
        .expect(200);
}
