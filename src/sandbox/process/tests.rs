use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use super::*;

fn place() -> (tempfile::TempDir, Place) {
    let folder = tempfile::tempdir().unwrap();
    let place = Place {
        module: "realism",
        folder: folder.path().to_path_buf(),
    };
    (folder, place)
}

fn write_down(place: &Place, pid: u32, port: u16, instance: &str) {
    let running = Running {
        pid,
        port,
        instance: instance.to_owned(),
        layer: "layer".to_owned(),
    };
    fs::write(place.record(), serde_json::to_string(&running).unwrap()).unwrap();
}

/// A server that answers every request with this health, until the test ends.
fn answering(pid: u32, instance: &str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let body = format!(
        r#"{{"instance": "{instance}", "pid": {pid}, "uptime_seconds": 1.5, "clock_factor": 0.0}}"#
    );
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = write!(stream, "HTTP/1.1 200 OK\r\n\r\n{body}");
        }
    });
    port
}

/// Some other process, ended when dropped.
struct Sleeper(std::process::Child);

impl Sleeper {
    fn new() -> Self {
        Self(
            std::process::Command::new("sleep")
                .arg("300")
                .spawn()
                .unwrap(),
        )
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_server_that_answers_as_itself_is_alive() {
    let (_folder, place) = place();
    assert!(place.alive().await.is_none(), "nothing is written down");
    let pid = std::process::id();
    write_down(&place, pid, answering(pid, "mine"), "mine");
    let (running, health) = place.alive().await.unwrap();
    assert_eq!((running.pid, health.uptime_seconds), (pid, 1.5));
}

#[tokio::test]
async fn a_stale_record_is_no_server() {
    let (_folder, place) = place();
    let pid = std::process::id();
    let port = answering(pid, "somebody else's");
    write_down(&place, pid, port, "mine");
    assert!(
        place.alive().await.is_none(),
        "the port is another server's"
    );
    write_down(&place, pid + 1, answering(pid, "mine"), "mine");
    assert!(place.alive().await.is_none(), "the process id is another's");
    fs::write(place.record(), "{\"pid\": ").unwrap();
    assert!(place.alive().await.is_none(), "the record is torn");
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    write_down(&place, pid, free, "mine");
    assert!(place.alive().await.is_none(), "nobody listens");
}

#[tokio::test]
async fn a_process_that_has_ended_is_no_server() {
    let (_folder, place) = place();
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let pid = child.id();
    let port = answering(pid, "mine");
    child.wait().unwrap();
    write_down(&place, pid, port, "mine");
    assert!(place.alive().await.is_none());
}

#[tokio::test]
async fn stopping_nothing_clears_the_stale_record_and_hits_nobody() {
    let (_folder, place) = place();
    let mut sleeper = Sleeper::new();
    let port = answering(sleeper.0.id(), "somebody else's");
    write_down(&place, sleeper.0.id(), port, "mine");
    assert!(!place.stop().await.unwrap());
    assert!(!place.record().exists());
    assert!(
        sleeper.0.try_wait().unwrap().is_none(),
        "another process was ended"
    );
}

#[tokio::test]
async fn a_start_that_fails_shows_the_log() {
    let (folder, place) = place();
    let python = folder.path().join("python");
    fs::write(
        &python,
        "#!/bin/sh\necho 'No module named moto' >&2\nexit 3\n",
    )
    .unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    let error = place
        .start(&python, folder.path(), &[])
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("No module named moto") && error.contains("server.log"),
        "{error}"
    );
    assert!(!place.record().exists());
}
