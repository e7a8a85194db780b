//! What travels between tasks, who is too slow for it, and who is taken for gone.

use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::postgres::PgListener;
use tokio::net::TcpSocket;

use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn notifications_carry_ids_and_the_longest_message_arrives() {
    let world = World::new().await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let thread = sara.thread_with(&omar).await;
    let mut socket = omar.socket(&format!("/ws/dms/{thread}")).await;
    socket.next_of("thread_info").await;
    let mut listener = PgListener::connect_with(&world.db).await.unwrap();
    listener.listen(circles_app::event::CHANNEL).await.unwrap();
    // 2000 characters of four bytes each: more than a notification holds.
    let text = "🧭".repeat(2000);
    sara.post(
        &format!("/dms/threads/{thread}/messages"),
        json!({ "text": text }),
    )
    .await
    .expect(200);
    let heard = socket.next_of("message").await;
    assert_eq!(heard["message"]["text"], text.as_str());
    for _ in 0..2 {
        let notice = listener.recv().await.unwrap();
        let (id, topic) = notice.payload().split_once(' ').expect("an id and a topic");
        id.parse::<i64>().expect("an id");
        assert!(
            [format!("t:{thread}"), format!("u:{}", omar.id)].contains(&topic.to_owned()),
            "{topic}"
        );
    }
}

/// Says something long to a thread, as a task does.
async fn shout(world: &World, thread: i64, n: usize) {
    let sql = "with e as (insert into live_events (topic, payload) values ($1, $2) returning id) \
               select pg_notify($3, e.id || ' ' || $1) from e";
    sqlx::query(sql)
        .bind(format!("t:{thread}"))
        .bind(json!({ "type": "shout", "n": n, "text": "x".repeat(200_000) }))
        .bind(circles_app::event::CHANNEL)
        .execute(&world.db)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_is_dropped_and_the_other_hears_all() {
    let world = World::with(&[("APP_WS_SEND_TIMEOUT_SECONDS", "1")]).await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let thread = sara.thread_with(&omar).await;
    let mut quick = sara.socket(&format!("/ws/dms/{thread}")).await;
    quick.next_of("thread_info").await;
    // A handshake over a wire with a small buffer, and then nothing is read any more.
    let wire = TcpSocket::new_v4().unwrap();
    wire.set_recv_buffer_size(4096).unwrap();
    let wire = wire.connect(world.service.address).await.unwrap();
    let token = omar.token.as_deref().unwrap();
    let url = format!(
        "ws://{}/ws/dms/{thread}?token={token}",
        world.service.address
    );
    let (slow, _) = tokio_tungstenite::client_async(url, wire).await.unwrap();
    quick.next_of("presence").await;
    let open = format!(
        "select count(*) from live_sockets where user_id = {}",
        omar.id
    );
    world.counts(&open, 1).await;
    // More than the system's own buffers hold.
    for n in 0..60 {
        shout(&world, thread, n).await;
        assert_eq!(quick.next_of("shout").await["n"], n);
    }
    world.counts(&open, 0).await;
    shout(&world, thread, 60).await;
    assert_eq!(quick.next_of("shout").await["n"], 60);
    drop(slow);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_was_dropped_and_reads_again_is_closed_with_a_code() {
    let world = World::with(&[("APP_WS_SEND_TIMEOUT_SECONDS", "60")]).await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let thread = sara.thread_with(&omar).await;
    let path = format!("/ws/dms/{thread}");
    let mut slow = omar.socket(&path).await;
    slow.next_of("thread_info").await;
    let mut quick = sara.socket(&path).await;
    quick.next_of("thread_info").await;
    // More than the system's buffers and the queue of the connection hold together.
    for n in 0..150 {
        shout(&world, thread, n).await;
        assert_eq!(quick.next_of("shout").await["n"], n);
    }
    // What was kept for it comes first.
    assert_eq!(slow.next_of("shout").await["n"], 0);
    assert_eq!(slow.close_code().await, 1013);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_applications_own_ping_keeps_a_socket_open() {
    let world = World::with(&[
        ("APP_WS_IDLE_SECONDS", "1.5"),
        ("APP_WS_SWEEP_SECONDS", "0.1"),
    ])
    .await;
    let sara = world.person("Sara").await;
    let path = format!("/ws/user/{}", sara.id);
    let (mut loud, mut kept) = (sara.socket(&path).await, sara.socket(&path).await);
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(3) {
        loud.protocol_ping().await;
        loud.try_send_text("not a ping").await;
        kept.send(json!({ "type": "ping" })).await;
        kept.next_of("pong").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(loud.close_code().await, 1000);
    kept.send(json!({ "type": "ping" })).await;
    kept.next_of("pong").await;
}
