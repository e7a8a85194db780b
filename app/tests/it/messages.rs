//! What a conversation holds: replies, deletions, attachments, forwards, hearts and reactions.

use serde_json::{Value, json};

use crate::harness::{World, png};

#[tokio::test(flavor = "multi_thread")]
async fn messages_replies_and_deletion() {
    let world = World::new().await;
    let (sara, omar, lina) = (
        world.person("Sara").await,
        world.person("Omar").await,
        world.person("Lina").await,
    );
    let thread = sara.thread_with(&omar).await;
    let path = format!("/dms/threads/{thread}/messages");
    let first = sara
        .post(&path, json!({ "text": "first" }))
        .await
        .expect(200);
    let reply = omar
        .post(
            &path,
            json!({ "text": "second", "reply_to_id": first["id"] }),
        )
        .await
        .expect(200);
    assert_eq!(
        (
            reply["reply_to_text"].as_str(),
            reply["reply_to_sender_name"].as_str()
        ),
        (Some("first"), Some("Sara Tester"))
    );
    for field in [
        "photo_urls",
        "file_sizes",
        "seen",
        "expires_at",
        "is_deleted_placeholder",
        "forwarded_from_user_name",
    ] {
        assert!(reply.get(field).is_some(), "{field}");
    }
    sara.post(&path, json!({ "text": "  " })).await.expect(400);
    sara.post(&path, json!({ "text": "x", "reply_to_id": 9999 }))
        .await
        .expect(400);
    let brief = json!({ "text": "soon gone", "auto_delete_duration": 5 });
    let brief = sara.post(&path, brief).await.expect(200);
    let answer = json!({ "text": "x", "reply_to_id": brief["id"] });
    omar.post(&path, answer.clone()).await.expect(200);
    let sql = format!(
        "update dm_messages set expires_at = now() - interval '1 second' where id = {}",
        brief["id"]
    );
    world.execute(&sql).await;
    omar.post(&path, answer).await.expect(400);
    world
        .execute("delete from dm_messages where text in ('soon gone', 'x')")
        .await;
    sara.post(
        &path,
        json!({ "photo_urls": ["https://elsewhere.example/a.png"] }),
    )
    .await
    .expect(400);
    sara.post(&path, json!({ "text": "x", "auto_delete_duration": 4 }))
        .await
        .expect_invalid();
    lina.get(&path).await.expect(403);
    lina.get("/dms/threads/9999/messages").await.expect(404);
    assert_eq!(
        omar.get(&format!("/dms/threads/{thread}/unread-count"))
            .await
            .expect(200),
        json!({ "unread": 1, "unread_count": 1 })
    );
    omar.post(&format!("/dms/threads/{thread}/mark-read"), Value::Null)
        .await
        .expect(204);
    assert_eq!(omar.get("/dms/unread-count").await.expect(200)["unread"], 0);
    let list = sara.get(&path).await.expect(200);
    assert_eq!(
        (
            list["items"][0]["text"].as_str(),
            list["items"][1]["seen"].as_bool()
        ),
        (Some("second"), Some(true))
    );
    assert!(list["items"][0]["seen"].is_null());
    omar.delete(&format!("{path}/{}", first["id"]))
        .await
        .expect(403);
    sara.delete(&format!("{path}/{}", first["id"]))
        .await
        .expect(204);
    sara.delete(&format!("{path}/{}", first["id"]))
        .await
        .expect(404);
    let gone = omar.get(&path).await.expect(200)["items"][1].clone();
    assert_eq!(
        (
            gone["is_deleted_placeholder"].as_bool(),
            gone["text"] == "first"
        ),
        (Some(true), false)
    );
    sara.post(&path, json!({ "text": "x", "reply_to_id": first["id"] }))
        .await
        .expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn attachments_are_ours_and_forwards_are_readable() {
    let world = World::new().await;
    let (sara, omar, lina) = (
        world.person("Sara").await,
        world.person("Omar").await,
        world.person("Lina").await,
    );
    let (one, two) = (sara.thread_with(&omar).await, sara.thread_with(&lina).await);
    let uploaded = sara
        .upload("/dms/upload/media", "file", png(), &[])
        .await
        .expect(200);
    assert_eq!(
        (
            uploaded["media_type"].as_str(),
            uploaded["content_type"].as_str()
        ),
        (Some("photos"), Some("image/png"))
    );
    sara.upload("/dms/upload/voice", "file", png(), &[])
        .await
        .expect(400);
    let with_photo = json!({ "photo_urls": [uploaded["url"]], "message_type": "photo" });
    let path = format!("/dms/threads/{one}/messages");
    omar.post(&path, with_photo.clone()).await.expect(400);
    let sent = sara.post(&path, with_photo).await.expect(200);
    assert_eq!(sent["photo_urls"], json!([uploaded["url"]]));
    let forward = json!({ "message_id": sent["id"], "target_thread_ids": [two, 9999] });
    let done = sara
        .post(&format!("/dms/threads/{one}/forward"), forward.clone())
        .await
        .expect(200);
    assert_eq!(
        done,
        json!({ "forwarded_count": 1, "failed_threads": [9999], "total_requested": 2 })
    );
    let received = lina
        .get(&format!("/dms/threads/{two}/messages"))
        .await
        .expect(200)["items"][0]
        .clone();
    assert_eq!(
        (
            received["is_forwarded"].as_bool(),
            received["forwarded_from_user_id"].as_i64()
        ),
        (Some(true), Some(sara.id))
    );
    sara.post(&format!("/dms/threads/{two}/forward"), forward.clone())
        .await
        .expect(404);
    // What fails on this side is not told as a thread's refusal.
    for sql in [
        "create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$",
        "create trigger refuse before insert on dm_messages for each row execute function refuse()",
    ] {
        world.execute(sql).await;
    }
    sara.post(&format!("/dms/threads/{one}/forward"), forward)
        .await
        .expect(500);
    world.execute("drop trigger refuse on dm_messages").await;
    let other = sara
        .post(&path, json!({ "text": "secret" }))
        .await
        .expect(200);
    let pass = json!({ "text": "look", "forwarded_from_message_id": other["id"] });
    lina.post(&format!("/dms/threads/{two}/messages"), pass)
        .await
        .expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn hearts_reactions_and_reports() {
    let world = World::new().await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let thread = sara.thread_with(&omar).await;
    let path = format!("/dms/threads/{thread}/messages");
    let id = sara
        .post(&path, json!({ "text": "hi", "auto_delete_duration": 5 }))
        .await
        .expect(200)["id"]
        .clone();
    omar.post(&format!("/dms/messages/{id}/like"), Value::Null)
        .await
        .expect(201);
    omar.post(&format!("/dms/messages/{id}/like"), Value::Null)
        .await
        .expect(409);
    let toggled = omar
        .post(&format!("{path}/{id}/heart"), Value::Null)
        .await
        .expect(200);
    assert_eq!(toggled, json!({ "liked": false, "heart_count": 0 }));
    omar.delete(&format!("/dms/messages/{id}/like"))
        .await
        .expect(404);
    let one = omar
        .post(&format!("{path}/{id}/reactions"), json!({ "emoji": "🎉" }))
        .await
        .expect(200);
    let again = omar
        .post(&format!("{path}/{id}/reactions"), json!({ "emoji": "🎉" }))
        .await
        .expect(200);
    assert_eq!(one["id"], again["id"]);
    let all = sara
        .get(&format!("{path}/{id}/reactions"))
        .await
        .expect(200);
    assert_eq!(all["🎉"][0]["user_id"], omar.id);
    omar.delete(&format!("{path}/{id}/reactions/🎉"))
        .await
        .expect(200);
    omar.delete(&format!("{path}/{id}/reactions/🎉"))
        .await
        .expect(404);
    let delivered = json!({ "message_id": id, "status": "delivered" });
    sara.put(
        &format!("/dms/messages/{id}/delivery-status"),
        delivered.clone(),
    )
    .await
    .expect(403);
    omar.put(&format!("/dms/messages/{id}/delivery-status"), delivered)
        .await
        .expect(204);
    assert_eq!(
        sara.get(&path).await.expect(200)["items"][0]["delivery_status"],
        "delivered"
    );
    world
        .execute("update dm_messages set expires_at = now() - interval '1 second'")
        .await;
    assert_eq!(
        sara.get(&path).await.expect(200)["items"][0]["is_deleted_placeholder"],
        true
    );
    omar.post(&format!("/dms/messages/{id}/like"), Value::Null)
        .await
        .expect(404);
}
