//! Checking in, and what hangs on it.

use serde_json::{Value, json};

use crate::harness::{World, png};

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_in_their_order() {
    for postgis in ["true", "false"] {
        let world = World::with(&[("APP_USE_POSTGIS", postgis)]).await;
        let sara = world.person("Sara").await;
        let place = world.place("Cafe", 0.0).await;
        let body = |place: i64, lat: f64| json!({ "place_id": place, "latitude": lat, "longitude": 46.6753 });
        sara.post("/places/check-ins", body(9999, 24.7136))
            .await
            .expect(404);
        let far = sara
            .post(
                "/places/check-ins",
                body(place, 24.7136 + 520.0 / 111_194.93),
            )
            .await;
        let text = far.expect(400)["detail"].as_str().unwrap().to_owned();
        assert!(text.contains("500") && text.contains("Cafe"), "{text}");
        let near = sara
            .post(
                "/places/check-ins",
                body(place, 24.7136 + 480.0 / 111_194.93),
            )
            .await
            .expect(200);
        assert_eq!(near["visibility"], "private", "the user's own default");
        assert_eq!(
            (
                near["photo_urls"].clone(),
                near["allowed_to_chat"].as_bool()
            ),
            (json!([]), Some(true))
        );
        sara.post("/places/check-ins", body(place, 24.7136))
            .await
            .expect(429);
        world.execute("update places set latitude = null").await;
        world
            .execute("update check_ins set created_at = now() - interval '6 minutes'")
            .await;
        sara.post("/places/check-ins", body(place, 24.7136))
            .await
            .expect(400);
        assert_eq!(
            sara.post("/places/check-ins", body(place, 91.0))
                .await
                .expect_invalid(),
            ["body", "latitude"]
        );
        sara.post("/check-ins?place_id=1", Value::Null)
            .await
            .expect_invalid();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_are_one() {
    let world = World::new().await;
    let other = world.second(&[]).await;
    let sara = world.person("Sara").await;
    let place = world.place("Cafe", 0.0).await;
    let body = json!({ "place_id": place, "latitude": 24.7136, "longitude": 46.6753 });
    let elsewhere = sara.at(other.address);
    let tries = (0..8).map(|n| {
        if n % 2 == 0 {
            sara.post("/places/check-ins", body.clone())
        } else {
            elsewhere.post("/places/check-ins", body.clone())
        }
    });
    let mut statuses: Vec<u16> = futures::future::join_all(tries)
        .await
        .iter()
        .map(|a| a.status)
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 429, 429, 429, 429, 429, 429, 429]);
}

#[tokio::test(flavor = "multi_thread")]
async fn photos_are_judged_by_signature_and_go_with_their_rows() {
    let world = World::new().await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let place = world.place("Cafe", 0.0).await;
    let id = sara.check_in(place, "public").await["id"].as_i64().unwrap();
    let path = format!("/places/check-ins/{id}/photo");
    omar.upload(&path, "file", png(), &[]).await.expect(403);
    sara.upload("/places/check-ins/999/photo", "file", png(), &[])
        .await
        .expect(404);
    sara.upload(&path, "file", b"\x7fELF a program, really".to_vec(), &[])
        .await
        .expect(400);
    sara.upload(&path, "file", Vec::new(), &[])
        .await
        .expect(400);
    sara.upload(&path, "other", png(), &[])
        .await
        .expect_invalid();
    let mut large = png();
    large.resize(11 * 1024 * 1024, 0);
    sara.upload(&path, "file", large, &[]).await.expect(413);
    sara.upload(&path, "file", png(), &[]).await.expect(200);
    let two = sara.upload(&path, "file", png(), &[]).await.expect(200);
    let urls = two["photo_urls"].as_array().unwrap();
    assert_eq!((urls.len(), &two["photo_url"]), (2, &urls[1]));
    let address = urls[0].as_str().unwrap();
    assert!(
        address.ends_with(".png") && !address.contains("evil"),
        "{address}"
    );
    let file = address.strip_prefix("http://localhost:8000").unwrap();
    let served = sara.get(file).await;
    assert_eq!(
        (served.status, &served.headers["x-content-type-options"]),
        (200, &"nosniff".parse().unwrap())
    );
    assert_eq!(served.headers["content-type"], "image/png");
    let media = omar
        .get(&format!("/users/{}/media", sara.id))
        .await
        .expect(200);
    assert_eq!(
        (media["total"].as_i64(), &media["items"][0]),
        (Some(2), &urls[1])
    );
    sara.delete(&path).await.expect(204);
    sara.get(file).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_check_in_is_all_or_nothing() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let place = world.place("Cafe", 0.0).await;
    let texts = [
        ("place_id", place.to_string()),
        ("latitude", "24.7136".into()),
        ("longitude", "46.6753".into()),
        ("visibility", "followers".into()),
    ];
    sara.upload(
        "/places/check-ins/full",
        "files",
        b"no picture at all".to_vec(),
        &texts,
    )
    .await
    .expect(400);
    assert_eq!(world.count("select count(*) from check_ins").await, 0);
    let made = sara
        .upload("/places/check-ins/full", "files", png(), &texts)
        .await
        .expect(200);
    assert_eq!(
        (
            made["visibility"].as_str(),
            made["photo_urls"].as_array().unwrap().len()
        ),
        (Some("friends"), 1)
    );
    let own = format!(
        "select count(*) from check_in_photos where url like '%checkins/{}/%'",
        made["id"]
    );
    assert_eq!(world.count(&own).await, 1);
    assert_eq!(
        sara.upload("/places/check-ins/full", "photos", png(), &texts[..1])
            .await
            .expect_invalid(),
        ["body", "latitude"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn likes_comments_and_their_answers() {
    let world = World::new().await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let place = world.place("Cafe", 0.0).await;
    let id = sara.check_in(place, "public").await["id"].as_i64().unwrap();
    let like = format!("/check-ins/{id}/like");
    omar.post(&like, Value::Null).await.expect(200);
    omar.post(&like, Value::Null).await.expect(400);
    let detail = omar.get(&format!("/check-ins/{id}")).await.expect(200);
    assert_eq!(
        (
            detail["likes_count"].as_i64(),
            detail["is_liked_by_user"].as_bool()
        ),
        (Some(1), Some(true))
    );
    omar.delete(&like).await.expect(200);
    omar.delete(&like).await.expect(404);
    let comments = format!("/check-ins/{id}/comments");
    let first = omar
        .post(&comments, json!({ "content": "first" }))
        .await
        .expect(200);
    assert_eq!(first["updated_at"], first["created_at"]);
    let reply = sara
        .post(
            &comments,
            json!({ "content": "thanks", "reply_to_id": first["id"] }),
        )
        .await
        .expect(200);
    assert_eq!(
        (
            reply["reply_to_text"].as_str(),
            reply["reply_to_user_name"].as_str()
        ),
        (Some("first"), Some("Omar Tester"))
    );
    sara.post(&comments, json!({ "content": "?", "reply_to_id": 99999 }))
        .await
        .expect(404);
    let threaded = sara
        .get(&format!("{comments}?threaded=true"))
        .await
        .expect(200);
    assert_eq!(
        (
            threaded["total"].as_i64(),
            threaded["items"].as_array().unwrap().len()
        ),
        (Some(2), 1)
    );
    assert_eq!(threaded["items"][0]["replies"][0]["content"], "thanks");
    omar.delete(&format!("{comments}/{}", reply["id"]))
        .await
        .expect(403);
    sara.delete(&format!("{comments}/{}", first["id"]))
        .await
        .expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exact_spot_is_the_owners() {
    let world = World::new().await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let place = world.place("Cafe", 0.0).await;
    sara.check_in(place, "public").await;
    let path = format!("/users/{}/check-ins", sara.id);
    assert!(omar.get(&path).await.expect(200)["items"][0]["latitude"].is_null());
    assert_eq!(
        sara.get(&path).await.expect(200)["items"][0]["latitude"],
        24.7136
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_check_in_without_photos_may_come_as_a_plain_form() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let place = world.place("Cafe", 0.0).await.to_string();
    let path = "/places/check-ins/full";
    let spot = [
        ("place_id", place.as_str()),
        ("latitude", "24.7136"),
        ("longitude", "46.6753"),
    ];
    let nowhere = [("place_id", place.as_str()), ("note", "")];
    assert_eq!(
        sara.post_form(path, &nowhere).await.expect_invalid(),
        ["body", "latitude"]
    );
    world.nobody().post_form(path, &spot).await.expect(403);
    let all = [
        &spot[..],
        &[("note", "a+plain%20form"), ("visibility", "followers")],
    ]
    .concat();
    let made = sara.post_form(path, &all).await.expect(200);
    assert_eq!(
        (&made["note"], &made["visibility"]),
        (&json!("a plain form"), &json!("friends"))
    );
    assert_eq!(made["photo_urls"], json!([]));
}
