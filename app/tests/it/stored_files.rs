//! Files live exactly as long as something shows them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use circles_app::app::App;
use circles_app::files;
use serde_json::{Value, json};

use crate::harness::postgres::Database;
use crate::harness::process::command;
use crate::harness::server::settings;
use crate::harness::{Client, Process, World, png};

/// Uploads a picture and sends it; the message's id.
async fn send_photo(from: &Client, thread: i64, url: &Value, more: Value) -> i64 {
    let mut body = json!({ "text": "look", "photo_urls": [url] });
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    let path = format!("/dms/threads/{thread}/messages");
    let sent = from.post(&path, body).await.expect(200);
    sent["id"].as_i64().expect("an id")
}

async fn upload(from: &Client) -> Value {
    let made = from.upload("/dms/upload/media", "file", png(), &[]).await;
    made.expect(200)["url"].clone()
}

/// The path of a file in this service, of its address.
fn path(url: &Value) -> &str {
    let url = url.as_str().expect("an address");
    &url[url.find("/media/").expect("a local file")..]
}

async fn gone(client: &Client, url: &Value) {
    for _ in 0..200 {
        if client.get(path(url)).await.status == 404 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{url} is still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_with_the_last_message_that_shows_it() {
    let world = World::new().await;
    let (sara, omar, lina) = (
        world.person("Sara").await,
        world.person("Omar").await,
        world.person("Lina").await,
    );
    let thread = sara.thread_with(&omar).await;
    let other = omar.thread_with(&lina).await;
    let url = upload(&sara).await;
    let first = send_photo(&sara, thread, &url, json!({})).await;
    let forward = json!({ "message_id": first, "target_thread_ids": [other] });
    let passed = format!("/dms/threads/{thread}/forward");
    let done = omar.post(&passed, forward).await.expect(200);
    assert_eq!(done["forwarded_count"], 1);
    let delete = async |by: &Client, thread: i64, message: i64| {
        let path = format!("/dms/threads/{thread}/messages/{message}");
        by.delete(&path).await.expect(204);
    };
    delete(&sara, thread, first).await;
    sara.get(path(&url)).await.expect(200);
    let shown = lina
        .get(&format!("/dms/threads/{other}/messages"))
        .await
        .expect(200);
    let copy = shown["items"][0]["id"].as_i64().expect("an id");
    assert_eq!(shown["items"][0]["photo_urls"][0], url);
    delete(&omar, other, copy).await;
    gone(&sara, &url).await;
    // Its address is no attachment any more.
    let body = json!({ "photo_urls": [url] });
    let again = format!("/dms/threads/{thread}/messages");
    sara.post(&again, body).await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_when_its_message_disappears_and_when_it_is_never_sent() {
    let world = World::new().await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let thread = sara.thread_with(&omar).await;
    let (short, stays, unsent) = (
        upload(&sara).await,
        upload(&sara).await,
        upload(&sara).await,
    );
    send_photo(&sara, thread, &short, json!({ "auto_delete_duration": 5 })).await;
    send_photo(&sara, thread, &stays, json!({})).await;
    world
        .execute("update dm_messages set expires_at = now() - interval '1 second' where expires_at is not null")
        .await;
    world
        .execute("update file_deletions set due_at = now() - interval '1 second'")
        .await;
    world.execute("update job_turns set next_at = now()").await;
    gone(&sara, &short).await;
    gone(&sara, &unsent).await;
    sara.get(path(&stays)).await.expect(200);
    world
        .counts(
            "select count(*) from file_deletions where deleted_at is null",
            0,
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_go_with_what_shows_them_and_a_sweep_takes_no_other() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let place = world.place("Cafe", 0.0).await;
    let visit = sara.check_in(place, "public").await["id"].clone();
    let photo = format!("/places/check-ins/{visit}/photo");
    let made = sara.upload(&photo, "file", png(), &[]).await.expect(200);
    let of_visit = made["photo_urls"][0].clone();
    let rating = json!({ "rating": 4 });
    let review = sara.post(&format!("/places/{place}/reviews"), rating).await;
    let review = review.expect(200)["id"].clone();
    let photo = format!("/places/reviews/{review}/photos");
    let of_review = sara.upload(&photo, "file", png(), &[]).await.expect(200)["url"].clone();
    let avatar = async || {
        let made = sara.upload("/users/me/avatar", "file", png(), &[]).await;
        made.expect(200)["avatar_url"].clone()
    };
    let (old, new) = (avatar().await, avatar().await);
    gone(&sara, &old).await;
    // All are due, and shown.
    world
        .execute("update file_deletions set due_at = now() where deleted_at is null")
        .await;
    world.execute("update job_turns set next_at = now()").await;
    world
        .counts(
            "select count(*) from file_deletions where deleted_at is null",
            0,
        )
        .await;
    for url in [&of_visit, &of_review, &new] {
        sara.get(path(url)).await.expect(200);
    }
    sara.delete(&format!("/places/{place}/reviews/me"))
        .await
        .expect(204);
    gone(&sara, &of_review).await;
    sara.delete(&format!("/places/check-ins/{visit}"))
        .await
        .expect(204);
    gone(&sara, &of_visit).await;
    sara.get(path(&new)).await.expect(200);
}

/// A bucket that never answers a deletion while it is told to hang.
#[derive(Default)]
struct Bucket {
    objects: HashMap<String, Bytes>,
    hangs: bool,
    asked_to_delete: usize,
}

type Shared = Arc<Mutex<Bucket>>;

async fn answer(State(bucket): State<Shared>, method: Method, uri: Uri, body: Bytes) -> StatusCode {
    let key = uri.path().to_owned();
    let hangs = {
        let mut bucket = bucket.lock().expect("a bucket");
        bucket.asked_to_delete += usize::from(method == Method::DELETE);
        method == Method::DELETE && bucket.hangs
    };
    if hangs {
        std::future::pending::<()>().await;
    }
    let mut bucket = bucket.lock().expect("a bucket");
    match method {
        Method::PUT => {
            bucket.objects.insert(key, body);
            StatusCode::OK
        }
        Method::DELETE => {
            bucket.objects.remove(&key);
            StatusCode::NO_CONTENT
        }
        _ => StatusCode::OK,
    }
}

async fn bucket() -> (Shared, String) {
    let bucket = Shared::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let stand_in = Router::new().fallback(answer).with_state(bucket.clone());
    tokio::spawn(async move { axum::serve(listener, stand_in).await });
    (bucket, endpoint)
}

fn on_s3(endpoint: &str) -> [(&str, &str); 7] {
    [
        ("APP_STORAGE_BACKEND", "s3"),
        ("S3_BUCKET", "media"),
        ("S3_REGION", "eu-west-1"),
        ("APP_S3_ENDPOINT_URL", endpoint),
        ("APP_S3_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("APP_S3_SECRET_ACCESS_KEY", "a secret"),
        ("APP_S3_USE_PATH_STYLE", "true"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_killed_between_commit_and_delete_leaves_the_file_to_the_next_sweep() {
    let (bucket, endpoint) = bucket().await;
    let database = Database::new().await;
    let variables = on_s3(&endpoint);
    let mut start = command(&database.url, &variables);
    start.env("APP_STORAGE_BACKEND", "s3");
    let mut task = Process::of(start).await;
    let (sara, omar) = (
        task.client().sign_up("Sara").await,
        task.client().sign_up("Omar").await,
    );
    let thread = sara.thread_with(&omar).await;
    let url = upload(&sara).await;
    let message = send_photo(&sara, thread, &url, json!({})).await;
    assert_eq!(bucket.lock().expect("a bucket").objects.len(), 1);
    bucket.lock().expect("a bucket").hangs = true;
    let deletion = {
        let (sara, path) = (
            sara.clone(),
            format!("/dms/threads/{thread}/messages/{message}"),
        );
        tokio::spawn(async move { sara.try_delete(&path).await })
    };
    // The deletion is committed, since only then the bucket is asked.
    for _ in 0..400 {
        if bucket.lock().expect("a bucket").asked_to_delete > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    assert!(bucket.lock().expect("a bucket").asked_to_delete > 0);
    task.kill();
    assert!(deletion.await.expect("an end").is_none(), "nobody answered");
    assert_eq!(bucket.lock().expect("a bucket").objects.len(), 1);
    bucket.lock().expect("a bucket").hangs = false;
    let next = App::new(settings(&database.url, &variables))
        .await
        .expect("parts");
    // The killed task's connection may still hold the row.
    for _ in 0..100 {
        files::sweep_due(&next).await.expect("swept");
        if bucket.lock().expect("a bucket").objects.is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the file is still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_the_storage_refuses_is_tried_again() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let (_bucket, endpoint) = bucket().await;
    let nowhere = endpoint.replace("http://127.0.0.1", "http://127.0.0.2");
    let away = App::new(settings(&world.database.url, &on_s3(&nowhere)))
        .await
        .expect("parts");
    let stored = format!("avatars/{}/old.png", sara.id);
    let sql = format!("insert into file_deletions (stored) values ('{stored}')");
    // The service's own sweep would take it for a file of its own storage.
    world.service.begin_stop();
    world.execute(&sql).await;
    files::sweep_due(&away).await.expect_err("nobody is there");
    let waits = "select count(*) from file_deletions where attempts > 0 and due_at > now() and deleted_at is null";
    assert_eq!(world.count(waits).await, 1);
    world
        .execute("update file_deletions set due_at = now()")
        .await;
    let back = App::new(settings(&world.database.url, &on_s3(&endpoint)))
        .await
        .expect("parts");
    files::sweep_due(&back).await.expect("swept");
    let done = "select count(*) from file_deletions where deleted_at is not null";
    assert_eq!(world.count(done).await, 1);
}
