//! A database that goes away, a pool that is full.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use circles_app::db;
use serde_json::json;

use crate::harness::postgres::{Database, db_config};
use crate::harness::proxy::Proxy;
use crate::harness::server::settings;
use crate::harness::{Client, Service, World};

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
    // The listener notices at once; what was found out of the database is good for a second.
    let mut ready = far.becomes_ready(503).await;
    for _ in 0..100 {
        if ready["database"] == false {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        ready = far.becomes_ready(503).await;
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn connections_the_server_ends_cost_a_503_at_most() {
    let world = World::new().await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let thread = sara.thread_with(&omar).await;
    let mut socket = omar.socket(&format!("/ws/dms/{thread}")).await;
    socket.next_of("thread_info").await;
    let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
               where datname = current_database() and application_name = 'circles-app'";
    for round in 0..3 {
        let calls = (0..12).map(|_| sara.get("/activity/feed"));
        let (ended, answers) = tokio::join!(world.count(end), futures::future::join_all(calls));
        assert!(ended >= 1, "round {round}");
        for answer in answers {
            let told = answer.headers.contains_key("retry-after");
            let good = answer.status == 200 || (answer.status == 503 && told);
            assert!(good, "{answer:?}");
        }
    }
    // It recovers by itself: requests at once or nearly so, events as soon as the listener is back.
    let mut status = 0;
    for _ in 0..100 {
        status = sara.get("/readyz").await.status;
        if status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(status, 200);
    sara.post(
        &format!("/dms/threads/{thread}/messages"),
        json!({ "text": "still here?" }),
    )
    .await
    .expect(200);
    assert_eq!(
        socket.next_of("message").await["message"]["text"],
        "still here?"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_on_a_full_pool_is_refused_politely_and_forgotten() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let place = world.place("Cafe", 0.0).await;
    let more = [
        ("APP_DB_POOL_SIZE", "2"),
        ("APP_DB_ACQUIRE_TIMEOUT_SECONDS", "0.5"),
    ];
    let small = world.second(&more).await;
    let caller = sara.at(small.address);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut holder = world.db.begin().await.unwrap();
    sqlx::query("select 1 from places where id = $1 for update")
        .bind(place)
        .execute(&mut *holder)
        .await
        .unwrap();
    let path = format!("/places/{place}/reviews");
    // More requests than connections, all of them waiting for the same lock; it is held until the first is refused.
    let refusals = AtomicU32::new(0);
    let call = async || {
        let answer = caller.post(&path, json!({ "rating": 3 })).await;
        refusals.fetch_add(u32::from(answer.status == 503), Ordering::SeqCst);
        answer
    };
    let release = async {
        while refusals.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        caller.get("/health").await.expect(200);
        holder.rollback().await.unwrap();
    };
    let calls = futures::future::join_all((0..10).map(|_| call()));
    let (answers, ()) = tokio::join!(calls, release);
    for answer in answers {
        let told = answer.headers.contains_key("retry-after");
        let good = answer.status == 200 || (answer.status == 503 && told);
        assert!(good, "{answer:?}");
    }
    for _ in 0..5 {
        caller.get("/auth/me").await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_connection_limits_what_it_waits_for() {
    let database = Database::new().await;
    let config = db_config(&database.url);
    let patient = db::patient(&config, Duration::from_secs(600));
    for (pool, statement, lock) in [
        (db::pool(&config), "15s", "5s"),
        (db::listener_pool(&config), "15s", "5s"),
        (db::pool(&patient), "10min", "10min"),
    ] {
        let pool = pool.expect("a pool");
        for (setting, limit) in [
            ("statement_timeout", statement),
            ("lock_timeout", lock),
            ("idle_in_transaction_session_timeout", "1min"),
        ] {
            let told: String = sqlx::query_scalar(&format!("show {setting}"))
                .fetch_one(&pool)
                .await
                .unwrap();
            assert_eq!(told, limit, "{setting}");
        }
    }
}

/// The caller, at a task with a single connection, and where a review is posted.
async fn alone(world: &World, limits: [(&str, &str); 2]) -> (Service, Client, String) {
    let sara = world.person("Sara").await;
    let place = world.place("Cafe", 0.0).await;
    let more = [limits[0], limits[1], ("APP_DB_POOL_SIZE", "1")];
    let task = world.second(&more).await;
    let caller = sara.at(task.address);
    tokio::time::sleep(Duration::from_millis(300)).await;
    caller.get("/auth/me").await.expect(200);
    (task, caller, format!("/places/{place}/reviews"))
}

/// The review is refused, and its connection is free for the next request.
async fn is_let_go(world: &World, caller: &Client, path: &str) {
    let started = Instant::now();
    let refused = caller.post(path, json!({ "rating": 3 })).await;
    assert!(refused.headers.contains_key("retry-after"), "{refused:?}");
    refused.expect(503);
    let took = started.elapsed();
    assert!(took >= Duration::from_secs(1), "it did not wait: {took:?}");
    caller.get("/auth/me").await.expect(200);
    let busy = "select count(*) from pg_stat_activity where datname = current_database() \
                and application_name = 'circles-app' and state = 'active'";
    world.counts(busy, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_is_stuck_is_ended_and_its_connection_serves_the_next() {
    let world = World::new().await;
    let limits = [
        ("APP_DB_STATEMENT_TIMEOUT_SECONDS", "1"),
        ("APP_DB_LOCK_TIMEOUT_SECONDS", "600"),
    ];
    let (_task, caller, path) = alone(&world, limits).await;
    let slow = "create function stuck() returns trigger language plpgsql as \
                $$ begin perform pg_sleep(3600); return new; end $$";
    world.execute(slow).await;
    world
        .execute(
            "create trigger stuck before insert on reviews for each row execute function stuck()",
        )
        .await;
    is_let_go(&world, &caller, &path).await;
    world.execute("drop trigger stuck on reviews").await;
    caller.post(&path, json!({ "rating": 3 })).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_waits_for_a_lock_is_ended_sooner() {
    let world = World::new().await;
    let limits = [
        ("APP_DB_STATEMENT_TIMEOUT_SECONDS", "600"),
        ("APP_DB_LOCK_TIMEOUT_SECONDS", "1"),
    ];
    let (_task, caller, path) = alone(&world, limits).await;
    let mut holder = world.db.begin().await.unwrap();
    sqlx::query("select 1 from places for update")
        .execute(&mut *holder)
        .await
        .unwrap();
    is_let_go(&world, &caller, &path).await;
    holder.rollback().await.unwrap();
    caller.post(&path, json!({ "rating": 3 })).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wire_that_falls_silent_is_given_up_and_replaced() {
    let world = World::new().await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let thread = sara.thread_with(&omar).await;
    let proxy = Proxy::to(&world.database.url).await;
    let more = [
        ("APP_DB_POOL_SIZE", "2"),
        ("APP_DB_ACQUIRE_TIMEOUT_SECONDS", "1"),
        ("APP_REQUEST_TIMEOUT_SECONDS", "2"),
    ];
    let behind = Service::start(settings(&proxy.url(&world.database.url), &more)).await;
    let far = omar.at(behind.address);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut socket = far.socket(&format!("/ws/dms/{thread}")).await;
    socket.next_of("thread_info").await;
    // Used just now, so that they are not tried before they are used again; and back in the pool.
    let calls = (0..8).map(|_| far.get("/auth/me"));
    futures::future::join_all(calls).await;
    tokio::time::sleep(Duration::from_millis(400)).await;

    proxy.freeze();
    let calls = (0..8).map(|_| far.get("/auth/me"));
    for answer in futures::future::join_all(calls).await {
        assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
        answer.expect(503);
    }
    far.get("/health").await.expect(200);
    far.get("/readyz").await.expect(503);

    // Another database took over, say: the old connections are not to be waited for.
    proxy.thaw();
    let mut ready = far.get("/readyz").await;
    for _ in 0..300 {
        if ready.status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        ready = far.get("/readyz").await;
    }
    ready.expect(200);
    let calls = (0..8).map(|_| far.get("/auth/me"));
    for answer in futures::future::join_all(calls).await {
        answer.expect(200);
    }
    let alive = "select count(*) from live_tasks where beat_at > now() - interval '10 seconds'";
    world.counts(alive, 2).await;
    sara.post(
        &format!("/dms/threads/{thread}/messages"),
        json!({ "text": "still there?" }),
    )
    .await
    .expect(200);
    // The listener takes its wire for dead after twenty seconds, and then catches up.
    let message = socket.late("message", Duration::from_secs(45)).await;
    assert_eq!(message["message"]["text"], "still there?");
}
