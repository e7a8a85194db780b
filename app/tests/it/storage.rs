//! Media on S3: a stand-in keeps what the real client sends over real HTTP.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::IntoResponse;

use crate::harness::{World, png};

type Kept = Arc<Mutex<HashMap<String, Bytes>>>;

async fn answer(
    State(kept): State<Kept>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> impl IntoResponse {
    let key = uri.path().to_owned();
    let mut kept = kept.lock().unwrap();
    match method {
        Method::PUT => {
            kept.insert(key, body);
            (StatusCode::OK, Bytes::new())
        }
        Method::DELETE => {
            kept.remove(&key);
            (StatusCode::NO_CONTENT, Bytes::new())
        }
        Method::HEAD => (StatusCode::OK, Bytes::new()),
        _ => kept
            .get(&key)
            .map_or((StatusCode::NOT_FOUND, Bytes::new()), |b| {
                (StatusCode::OK, b.clone())
            }),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn photos_go_to_the_bucket_and_come_back_signed_and_once() {
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
    let world = World::with(&settings).await;
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
        kept.lock().unwrap().len(),
        1,
        "the check-in's photo is gone, the attachment stays"
    );
}
