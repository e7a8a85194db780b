//! A database that goes away, a pool that is full.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::proxy::Proxy;
use crate::harness::server::settings;
use crate::harness::{Service, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_wire_gives_503_and_heals_by_itself() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let omar = world.person("Omar").await;
    let thread = sara.thread_with(&omar).await;
    let proxy = Proxy::to(&world.database.url).await;
    let more = [("APP_DB_ACQUIRE_TIMEOUT_SECONDS", "1")];
    let behind = Service::start(settings(&proxy.url(&world.database.url), &more)).await;
    let (near, far) = (sara.clone(), omar.at(behind.address));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut socket = far.socket(&format!("/ws/dms/{thread}")).await;
    socket.next_of("thread_info").await;
    far.get("/readyz").await.expect(200);

    proxy.cut();
    let refused = far.get("/auth/me").await;
    assert!(refused.headers.contains_key("retry-after"), "{refused:?}");
    refused.expect(503);
    let started = Instant::now();
    far.get("/health").await.expect(200);
    assert!(
        started.elapsed() < Duration::from_millis(200),
        "health waits for nobody"
    );
    let ready = far.get("/readyz").await.expect(503);
    assert_eq!(
        (ready["database"].as_bool(), ready["storage"].as_bool()),
        (Some(false), Some(true))
    );
    // Said while the wire is cut, heard once it is mended.
    near.post(
        &format!("/dms/threads/{thread}/messages"),
        json!({ "text": "missed?" }),
    )
    .await
    .expect(200);

    proxy.mend();
    let mut healed = false;
    for _ in 0..50 {
        if far.get("/readyz").await.status == 200 {
            healed = true;
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(healed, "the service did not recover");
    far.get("/auth/me").await.expect(200);
    assert_eq!(
        socket.next_of("message").await["message"]["text"],
        "missed?"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_pool_gives_503_with_retry_after() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let place = world.place("Cafe", 0.0).await;
    let small = world
        .second(&[
            ("APP_DB_POOL_SIZE", "1"),
            ("APP_DB_ACQUIRE_TIMEOUT_SECONDS", "0.3"),
        ])
        .await;
    let caller = sara.at(small.address);
    tokio::time::sleep(Duration::from_millis(500)).await;
    // The one connection waits for a lock somebody else holds.
    let mut holder = world.db.begin().await.unwrap();
    sqlx::query("select 1 from places where id = $1 for update")
        .bind(place)
        .execute(&mut *holder)
        .await
        .unwrap();
    let path = format!("/places/{place}/reviews");
    let waiting = caller.post(&path, json!({ "rating": 3 }));
    let refused = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let answer = caller.get("/auth/me").await;
        holder.rollback().await.unwrap();
        answer
    };
    let (waited, refused) = tokio::join!(waiting, refused);
    assert!(refused.headers.contains_key("retry-after"));
    refused.expect(503);
    waited.expect(200);
    caller.get("/auth/me").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_task_carries_on_when_one_dies() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let second = world.second(&[]).await;
    let elsewhere = sara.at(second.address);
    tokio::time::sleep(Duration::from_millis(300)).await;
    elsewhere.get("/auth/me").await.expect(200);
    world.service.kill();
    for _ in 0..20 {
        elsewhere.get("/auth/me").await.expect(200);
    }
}
