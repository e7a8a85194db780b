//! A request that is refused leaves its connection usable.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::World;

/// Reads one answer with a `content-length`; its head and its body.
async fn answer(wire: &mut TcpStream) -> (String, Value) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        let read = wire.read(&mut byte).await.expect("the connection stands");
        assert_eq!(
            read,
            1,
            "the connection ended after {}",
            String::from_utf8_lossy(&head)
        );
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).expect("text").to_lowercase();
    let length = head
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.split("\r\n").next());
    let mut body = vec![0; length.expect("a length").parse().expect("a number")];
    wire.read_exact(&mut body).await.expect("a body");
    (head, serde_json::from_slice(&body).expect("JSON"))
}

/// A refused request's body comes late and is large; the connection serves the next request all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_does_not_end_the_connection() {
    let world = World::new().await;
    world.person("Sara").await;
    let mut wire = TcpStream::connect(world.service.address)
        .await
        .expect("a connection");
    for (line, status) in [
        ("POST /support/tickets", "403"),
        ("POST /users/me/avatar", "403"),
        ("POST /nowhere", "404"),
        ("PATCH /health", "405"),
        ("POST /dms/threads/x/messages", "403"),
    ] {
        let size = 300_000;
        let head = format!(
            "{line} HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: {size}\r\n\r\n"
        );
        wire.write_all(head.as_bytes()).await.expect("a head");
        tokio::time::sleep(Duration::from_millis(50)).await;
        for _ in 0..3 {
            wire.write_all(&vec![b'x'; size / 3])
                .await
                .expect("a piece");
        }
        let (head, body) = answer(&mut wire).await;
        assert!(
            head.starts_with(&format!("http/1.1 {status}")),
            "{line}: {head}"
        );
        assert!(!head.contains("connection: close"), "{line}: {head}");
        assert!(body["detail"].is_string(), "{line}: {body}");
    }
    wire.write_all(b"GET /health HTTP/1.1\r\nhost: test\r\n\r\n")
        .await
        .expect("a head");
    assert_eq!(answer(&mut wire).await.1["status"], "ok");
}
