//! What guards the service itself: headers for browsers, connections that send nothing, tokens that end, a readiness that is asked often.

use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header, encode};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::client::Answer;
use crate::harness::{Socket, World};

const KEY: &[u8] = b"a jwt secret only tests may use, 32++";

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let value = answer.headers.get(name);
    value.map_or("", |v| v.to_str().unwrap())
}

/// A token of `user` that expires in so many seconds.
fn token(user: i64, seconds: i64) -> String {
    let claims =
        json!({ "sub": user.to_string(), "exp": chrono::Utc::now().timestamp() + seconds });
    encode(&Header::default(), &claims, &EncodingKey::from_secret(KEY)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_says_what_a_browser_may_do_with_it() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    for path in [
        "/health",
        "/auth/me",
        "/no/such/path",
        "/docs",
        "/docs/start.js",
        "/docs/assets/swagger-ui.css",
        "/openapi.json",
        "/places/search?limit=0",
    ] {
        let answer = sara.get(path).await;
        assert_eq!(
            header(&answer, "x-content-type-options"),
            "nosniff",
            "{path}"
        );
        assert_eq!(header(&answer, "x-frame-options"), "DENY", "{path}");
        assert_eq!(header(&answer, "referrer-policy"), "no-referrer", "{path}");
        let policy = header(&answer, "content-security-policy");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(!policy.contains("script-src 'unsafe"), "{path}: {policy}");
        assert_eq!(header(&answer, "strict-transport-security"), "", "{path}");
        let secure = sara.get_with(path, "x-forwarded-proto", "https").await;
        let hsts = header(&secure, "strict-transport-security");
        assert!(hsts.starts_with("max-age="), "{path}: {hsts}");
    }
    // The refusals that come before a handler too.
    let refused = sara.post("/health", Value::Null).await;
    assert_eq!(
        (refused.status, header(&refused, "x-frame-options")),
        (405, "DENY")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_the_document_has_no_script_inline_and_keeps_no_token() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let page = sara.get("/docs").await.text;
    for script in page.split("<script").skip(1) {
        assert!(script.trim_start().starts_with("src=\"/docs/"), "{script}");
    }
    let start = sara.get("/docs/start.js").await;
    assert!(header(&start, "content-type").starts_with("text/javascript"));
    assert!(start.text.contains("SwaggerUIBundle"));
    assert!(!start.text.contains("persistAuthorization"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_does_not_arrive_ends_its_connection() {
    let world = World::with(&[("APP_HEADER_TIMEOUT_SECONDS", "1")]).await;
    let sara = world.person("Sara").await;
    let connect = async || TcpStream::connect(world.service.address).await.unwrap();
    let ended = async |stream: &mut TcpStream| {
        let mut bytes = Vec::new();
        let read = timeout(Duration::from_secs(8), stream.read_to_end(&mut bytes)).await;
        assert!(read.is_ok(), "the connection is still open");
    };
    let mut nothing = connect().await;
    let mut half = connect().await;
    half.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n")
        .await
        .unwrap();
    let mut again = connect().await;
    let request = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
    again.write_all(request).await.unwrap();
    let mut answer = [0; 1024];
    assert!(again.read(&mut answer).await.unwrap() > 0);
    ended(&mut nothing).await;
    ended(&mut half).await;
    // A connection that waits between two requests stays; half a second head ends it as well.
    again.write_all(request).await.unwrap();
    assert!(again.read(&mut answer).await.unwrap() > 0);
    again.write_all(b"GET /hea").await.unwrap();
    ended(&mut again).await;

    // One byte now and then is no way round.
    let mut slow = connect().await;
    let drip = async {
        loop {
            if slow.write_all(b"G").await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(Duration::from_secs(8), drip)
        .await
        .expect("the connection ends");

    // Neither an idle socket nor one that is used is such a connection.
    let mut socket = sara.socket(&format!("/ws/user/{}", sara.id)).await;
    socket.next_of("connection_established").await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    socket.send(json!({ "type": "ping" })).await;
    socket.next_of("pong").await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    socket.send(json!({ "type": "ping" })).await;
    socket.next_of("pong").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_ends_with_its_token() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let url = format!("ws://{}/ws/user/{}", world.service.address, sara.id);
    let mut short = Socket::open(&format!("{url}?token={}", token(sara.id, 3))).await;
    let mut long = sara.socket(&format!("/ws/user/{}", sara.id)).await;
    short.next_of("connection_established").await;
    assert_eq!(short.close_code().await, 4401);
    long.send(json!({ "type": "ping" })).await;
    long.next_of("pong").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_is_asked_of_the_database_once_a_second() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let proxy = crate::harness::proxy::Proxy::to(&world.database.url).await;
    let config = crate::harness::server::settings(&proxy.url(&world.database.url), &[]);
    let counted = crate::harness::Service::start(config).await;
    let caller = sara.at(counted.address);
    caller.becomes_ready(200).await;
    let mut least = u64::MAX;
    for _ in 0..4 {
        let before = proxy.statements();
        let asked = futures::future::join_all((0..50).map(|_| caller.get("/readyz"))).await;
        assert!(asked.iter().all(|answer| answer.status == 200));
        least = least.min(proxy.statements() - before);
    }
    assert!(least <= 10, "{least} statements for 50 requests");
}

#[test]
fn pictures_that_unfold_to_too_much_are_refused() {
    use circles_app::sniff::{self, Class};
    let class = |bytes: &[u8]| sniff::sniff(bytes).map(|kind| kind.class);
    let mut png = crate::harness::png();
    assert_eq!(class(&png), Some(Class::Image));
    png[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    assert_eq!(class(&png), None, "60 000 x 60 000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_of_sixty_thousand_squared_is_no_avatar() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let mut large = crate::harness::png();
    large[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    sara.upload("/users/me/avatar", "file", large, &[])
        .await
        .expect(400);
    sara.upload("/users/me/avatar", "file", crate::harness::png(), &[])
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_an_upload_reports_is_one_a_message_takes() {
    let world = World::new().await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    let thread = sara.thread_with(&omar).await;
    let name = format!("{}.txt", "x".repeat(10_000));
    let part = Part::bytes(b"some words of a text".to_vec()).file_name(name);
    let uploaded = sara
        .upload_form("/dms/upload/file", Form::new().part("file", part))
        .await
        .expect(200);
    let name = uploaded["filename"].as_str().unwrap();
    assert!(name.len() <= 255 && name.ends_with(".txt"), "{name}");
    let body = json!({ "file_urls": [uploaded["url"]], "file_names": [name] });
    sara.post(&format!("/dms/threads/{thread}/messages"), body)
        .await
        .expect(200);
}
