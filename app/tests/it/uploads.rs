//! Uploads stream to the storage: many at a time in little memory, within bounds, and nothing is left of those that fail.

use std::path::Path;
use std::time::Duration;

use reqwest::multipart::{Form, Part};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::postgres::Database;
use crate::harness::process::command;
use crate::harness::{Client, Process, World, png};

const MB: usize = 1024 * 1024;
const PATH: &str = "/dms/upload/file";
/// The head of the file's part.
const PART: &str =
    "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n";

/// A document of so many bytes.
fn pdf(size: usize) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    bytes.resize(size, b'x');
    bytes
}

/// An upload sent by hand: its head, the multipart head of the file, and the first bytes of it.
async fn begin(client: &Client, declared: usize, first: &[u8]) -> TcpStream {
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {}\r\n\
         content-type: multipart/form-data; boundary=b\r\ncontent-length: {declared}\r\n\r\n{PART}",
        client.token.as_deref().expect("a token")
    );
    let mut wire = TcpStream::connect(client.address).await.expect("a wire");
    wire.write_all(head.as_bytes()).await.expect("a head");
    wire.write_all(first).await.expect("the first bytes");
    wire
}

/// The status of the answer.
async fn status(mut wire: TcpStream) -> u16 {
    let mut head = vec![0; 12];
    wire.read_exact(&mut head).await.expect("an answer");
    let head = String::from_utf8(head).expect("text");
    head["HTTP/1.1 ".len()..].parse().expect("a status")
}

/// The files in a folder and those in it.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path.display().to_string());
        }
    }
    found
}

/// Waits until so many files are there: what is left of a request goes in its own time.
async fn holds(folder: &Path, count: usize) {
    for _ in 0..200 {
        if files(folder).len() == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{:?}", files(folder));
}

async fn local(more: &[(&str, &str)]) -> (tempfile::TempDir, World) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("text").to_owned();
    let mut settings = vec![
        ("APP_STORAGE_BACKEND", "local"),
        ("APP_LOCAL_FOLDER", path.as_str()),
    ];
    settings.extend(more);
    let world = World::with(&settings).await;
    (folder, world)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_and_a_task_receive_so_many_at_a_time_and_the_rest_is_told_when_to_come_back() {
    let (_folder, world) =
        local(&[("APP_UPLOADS_PER_TASK", "3"), ("APP_UPLOADS_PER_USER", "2")]).await;
    let (sara, omar, lina) = (
        world.person("Sara").await,
        world.person("Omar").await,
        world.person("Lina").await,
    );
    let mut held = vec![
        begin(&sara, MB, &pdf(1000)).await,
        begin(&sara, MB, &pdf(1000)).await,
    ];
    under_way(&lina, 2).await;
    let refused = until(&sara, 429).await;
    assert!(is_honest(&refused), "{refused:?}");
    held.push(begin(&omar, MB, &pdf(1000)).await);
    under_way(&lina, 3).await;
    let refused = until(&lina, 503).await;
    assert!(is_honest(&refused), "{refused:?}");
    // Other requests are answered as ever.
    lina.get("/auth/me").await.expect(200);
    // Slots of those who go are free again.
    drop(held);
    let body = until(&lina, 200).await;
    assert_eq!(body.1["file_size"], 1000);
    until(&sara, 200).await;
}

/// Waits until the task receives so many uploads.
async fn under_way(client: &Client, count: usize) {
    let line = format!("uploads_under_way {count}");
    for _ in 0..200 {
        let metrics = client.get("/metrics").await;
        if metrics.text.lines().any(|l| l == line) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never {line}");
}

/// Uploads until the status is this one; uploads that begin or end take their time to.
async fn until(client: &Client, status: u16) -> (Option<u64>, Value) {
    for _ in 0..100 {
        let answer = client.upload(PATH, "file", pdf(1000), &[]).await;
        if answer.status == status {
            let wait = answer.headers.get("retry-after");
            let wait = wait.and_then(|w| w.to_str().ok()?.parse().ok());
            return (wait, answer.body);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never {status}");
}

fn is_honest((wait, body): &(Option<u64>, Value)) -> bool {
    wait.is_some_and(|seconds| (1..=120).contains(&seconds)) && body["detail"].is_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_an_upload_that_fails() {
    let (folder, world) = local(&[("APP_UPLOAD_STALL_SECONDS", "0.5")]).await;
    let sara = world.person("Sara").await;
    // Its socket is lost, after it began to be written.
    let wire = begin(&sara, MB, &pdf(100_000)).await;
    holds(folder.path(), 1).await;
    drop(wire);
    holds(folder.path(), 0).await;
    // It stalls; the client is told, once nothing more was sent for a while.
    let wire = begin(&sara, MB, &pdf(100_000)).await;
    assert_eq!(status(wire).await, 400);
    holds(folder.path(), 0).await;
    // It is shorter than its head tells.
    let mut wire = begin(&sara, MB, &pdf(100_000)).await;
    holds(folder.path(), 1).await;
    wire.shutdown().await.expect("an end");
    holds(folder.path(), 0).await;
    // It is too large, and of another type than its name tells.
    let large = sara.upload(PATH, "file", pdf(50 * MB + 1), &[]).await;
    large.expect(413);
    let mut program = b"\x7fELF\x02\x01\x01".to_vec();
    program.resize(MB, 0);
    let form = Form::new().part("file", Part::bytes(program).file_name("a.pdf"));
    sara.upload_form(PATH, form).await.expect(400);
    holds(folder.path(), 0).await;
    assert_eq!(world.count("select count(*) from file_deletions").await, 0);
    let made = sara.upload(PATH, "file", pdf(MB), &[]).await.expect(200);
    assert_eq!(made["file_size"], MB);
    holds(folder.path(), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_has_a_cap_of_its_own() {
    let (folder, world) = local(&[]).await;
    let sara = world.person("Sara").await;
    let mut picture = png();
    picture.resize(10 * MB + 1, 0);
    let path = "/dms/upload/media";
    let refused = sara.upload(path, "file", picture.clone(), &[]).await;
    assert!(refused.text.contains("10 MB"), "{}", refused.text);
    refused.expect(413);
    picture.truncate(10 * MB);
    sara.upload(path, "file", picture, &[]).await.expect(200);
    holds(folder.path(), 1).await;
}

/// Resident memory of a process in bytes.
fn resident(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status.lines().find(|l| l.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|l| l.split_whitespace().nth(1));
    kilobytes
        .expect("memory")
        .parse::<usize>()
        .expect("a number")
        * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn many_slow_uploads_take_little_memory_and_all_arrive() {
    const UPLOADS: usize = 20;
    const SIZE: usize = 8 * MB;
    let database = Database::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("text");
    let mut start = command(&database.url, &[]);
    start.env("APP_LOCAL_FOLDER", path);
    let task = Process::of(start).await;
    let people = [
        task.client().sign_up("Sara").await,
        task.client().sign_up("Omar").await,
    ];
    let before = resident(task.id());
    let end = b"\r\n--b--\r\n";
    let mut wires = Vec::new();
    for n in 0..UPLOADS {
        let declared = PART.len() + SIZE + end.len();
        wires.push(begin(&people[n % 2], declared, &pdf(1000)).await);
    }
    // All at once, a piece after the other, up to the last piece.
    let piece = vec![b'x'; MB];
    for _ in 0..7 {
        for wire in &mut wires {
            wire.write_all(&piece).await.expect("a piece");
        }
    }
    let started = std::time::Instant::now();
    while files(folder.path()).len() < UPLOADS {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "not all at once"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let grown = resident(task.id()).saturating_sub(before);
    assert!(grown < UPLOADS * SIZE / 3, "{} MB more", grown / MB);
    people[0].get("/auth/me").await.expect(200);
    let rest = vec![b'x'; SIZE - 7 * MB - 1000];
    for mut wire in wires {
        wire.write_all(&rest).await.expect("the rest");
        wire.write_all(end).await.expect("the end");
        assert_eq!(status(wire).await, 200);
    }
    assert_eq!(files(folder.path()).len(), UPLOADS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_leaves_nothing() {
    let database = Database::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    // No file of the program grows beyond a megabyte; the signal that would end it is ignored, as that of a full disk is none.
    let mut start = std::process::Command::new("sh");
    let script = "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\"";
    start
        .arg("-c")
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_circles-app"));
    let variables = crate::harness::server::variables(&database.url, &[]);
    start
        .envs(variables)
        .env("APP_STORAGE_BACKEND", "local")
        .env("APP_LOCAL_FOLDER", folder.path())
        .env("RUST_LOG", "off")
        .current_dir("/");
    let task = Process::of(start).await;
    let sara = task.client().sign_up("Sara").await;
    let refused = sara.upload(PATH, "file", pdf(4 * MB), &[]).await;
    assert!(refused.headers.contains_key("retry-after"), "{refused:?}");
    refused.expect(503);
    holds(folder.path(), 0).await;
    sara.upload(PATH, "file", pdf(1000), &[]).await.expect(200);
    holds(folder.path(), 1).await;
}
