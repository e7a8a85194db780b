//! Media on S3: a stand-in keeps what the real client sends over real HTTP.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::IntoResponse;

use reqwest::multipart::{Form, Part};

use crate::harness::{Client, World, png};

#[derive(Default)]
struct Bucket {
    objects: HashMap<String, Bytes>,
    /// How many more it takes before it refuses.
    room: Option<usize>,
}

type Kept = Arc<Mutex<Bucket>>;

async fn answer(
    State(kept): State<Kept>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> impl IntoResponse {
    let key = uri.path().to_owned();
    let mut kept = kept.lock().unwrap();
    match method {
        Method::PUT if kept.room == Some(0) => (StatusCode::FORBIDDEN, Bytes::new()),
        Method::PUT => {
            kept.room = kept.room.map(|room| room - 1);
            kept.objects.insert(key, body);
            (StatusCode::OK, Bytes::new())
        }
        Method::DELETE => {
            kept.objects.remove(&key);
            (StatusCode::NO_CONTENT, Bytes::new())
        }
        Method::HEAD => (StatusCode::OK, Bytes::new()),
        _ => kept
            .objects
            .get(&key)
            .map_or((StatusCode::NOT_FOUND, Bytes::new()), |b| {
                (StatusCode::OK, b.clone())
            }),
    }
}

async fn world() -> (Kept, World) {
    let kept = Kept::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let stand_in = Router::new().fallback(answer).with_state(kept.clone());
    tokio::spawn(async move { axum::serve(listener, stand_in).await });
    let settings = [
        ("APP_STORAGE_BACKEND", "s3"),
        ("S3_BUCKET", "media"),
        ("S3_REGION", "eu-west-1"),
        ("APP_S3_ENDPOINT_URL", endpoint.as_str()),
        ("APP_S3_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("APP_S3_SECRET_ACCESS_KEY", "a secret"),
        ("APP_S3_USE_PATH_STYLE", "true"),
    ];
    (kept, World::with(&settings).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn photos_go_to_the_bucket_and_come_back_signed_and_once() {
    let (kept, world) = world().await;
    let sara = world.person("Sara").await;
    sara.get("/readyz").await.expect(200);
    let place = world.place("Cafe", 0.0).await;
    let id = sara.check_in(place, "public").await["id"].clone();
    let path = format!("/places/check-ins/{id}/photo");
    let made = sara.upload(&path, "file", png(), &[]).await.expect(200);
    assert_eq!(
        made["photo_urls"].as_array().unwrap().len(),
        1,
        "once, not signed and bare"
    );
    let url = made["photo_urls"][0].as_str().unwrap();
    assert!(
        url.contains("X-Amz-Signature=") && url.contains("X-Amz-Expires=3600"),
        "{url}"
    );
    assert_eq!(
        reqwest::get(url).await.unwrap().bytes().await.unwrap(),
        png()
    );
    let stored: String = sqlx::query_scalar("select url from check_in_photos")
        .fetch_one(&world.db)
        .await
        .unwrap();
    assert!(stored.starts_with("checkins/"), "{stored}");
    // An attachment's signed address is recognised as ours.
    let omar = world.person("Omar").await;
    let thread = sara.thread_with(&omar).await;
    let uploaded = sara
        .upload("/dms/upload/media", "file", png(), &[])
        .await
        .expect(200);
    let body = serde_json::json!({ "photo_urls": [uploaded["url"]] });
    sara.post(&format!("/dms/threads/{thread}/messages"), body)
        .await
        .expect(200);
    sara.delete(&path).await.expect(204);
    assert_eq!(
        kept.lock().unwrap().objects.len(),
        1,
        "the check-in's photo is gone, the attachment stays"
    );
}

/// A check-in at the place with two photos.
async fn check_in_with_two(sara: &Client, place: i64) -> u16 {
    let mut form = Form::new();
    for (name, value) in [
        ("place_id", place.to_string()),
        ("latitude", "24.7136".to_owned()),
        ("longitude", "46.6753".to_owned()),
    ] {
        form = form.text(name, value);
    }
    for _ in 0..2 {
        form = form.part("photos", Part::bytes(png()).file_name("a.png"));
    }
    let answer = sara.upload_form("/places/check-ins/full", form).await;
    answer.status
}

/// What was stored for a request that failed is taken out again, in its own time.
async fn is_left_with(kept: &Kept, objects: usize) {
    for _ in 0..100 {
        if kept.lock().unwrap().objects.len() == objects {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{:?}", kept.lock().unwrap().objects.keys());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_fails_in_the_middle_keeps_nothing() {
    let (kept, world) = world().await;
    let sara = world.person("Sara").await;
    let place = world.place("Cafe", 0.0).await;
    kept.lock().unwrap().room = Some(1);
    assert_eq!(check_in_with_two(&sara, place).await, 503);
    assert_eq!(kept.lock().unwrap().room, Some(0), "it took the first");
    is_left_with(&kept, 0).await;
    assert_eq!(world.count("select count(*) from check_ins").await, 0);
    kept.lock().unwrap().room = None;
    assert_eq!(check_in_with_two(&sara, place).await, 200);
    is_left_with(&kept, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_whose_row_cannot_be_written_is_not_kept() {
    let (kept, world) = world().await;
    let sara = world.person("Sara").await;
    let place = world.place("Cafe", 0.0).await;
    let other = world.place("Elsewhere", 0.0).await;
    let id = sara.check_in(other, "public").await["id"].clone();
    let reviews = format!("/places/{place}/reviews");
    let review = sara.post(&reviews, serde_json::json!({ "rating": 4 }));
    let review = review.await.expect(200)["id"].clone();
    world
        .execute("create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$")
        .await;
    for (when, table) in [
        ("insert", "check_in_photos"),
        ("insert", "photos"),
        ("update of avatar_url", "users"),
    ] {
        let sql = format!(
            "create trigger refuse before {when} on {table} for each row execute function refuse()"
        );
        world.execute(&sql).await;
    }
    assert_eq!(check_in_with_two(&sara, place).await, 500);
    for path in [
        format!("/places/check-ins/{id}/photo"),
        format!("/places/reviews/{review}/photos"),
        "/users/me/avatar".to_owned(),
    ] {
        sara.upload(&path, "file", png(), &[]).await.expect(500);
    }
    is_left_with(&kept, 0).await;
    for table in ["check_in_photos", "photos", "users"] {
        world
            .execute(&format!("drop trigger refuse on {table}"))
            .await;
    }
    sara.upload("/users/me/avatar", "file", png(), &[])
        .await
        .expect(200);
    is_left_with(&kept, 1).await;
}
