//! The few calls to the sandbox's own API. One short request over a plain socket on this machine: no HTTP client is worth its weight here.

use std::time::Duration;

use serde_json::Value as Json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::error::SandboxError;

/// Long enough for a busy machine; the sandbox answers control calls beside everything else.
const PATIENCE: Duration = Duration::from_secs(10);

/// Ask `method /_sandbox/<path>` of the sandbox on `port` and read its JSON.
///
/// # Errors
/// [`SandboxError::Control`] when nothing answers in time, or something else than the sandbox does.
pub async fn ask(port: u16, method: &str, path: &str) -> Result<Json, SandboxError> {
    let failed = |what: String| SandboxError::Control {
        path: path.to_owned(),
        what,
    };
    let answer = timeout(PATIENCE, exchange(port, method, path))
        .await
        .map_err(|_| failed("no answer in time".to_owned()))?
        .map_err(|e| failed(e.to_string()))?;
    parse(&answer).map_err(failed)
}

async fn exchange(port: u16, method: &str, path: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!(
        "{method} /_sandbox/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

fn parse(answer: &[u8]) -> Result<Json, String> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text
        .split_once("\r\n\r\n")
        .ok_or_else(|| "not an HTTP answer".to_owned())?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status != "200" {
        return Err(format!("status {status}"));
    }
    serde_json::from_str(body).map_err(|e| format!("not JSON: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_good_answer_counts() {
        let good = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"status\": \"ok\"}";
        assert_eq!(parse(good).unwrap()["status"], "ok");
        assert!(
            parse(b"HTTP/1.1 404 Not Found\r\n\r\n{}")
                .unwrap_err()
                .contains("404")
        );
        assert!(parse(b"SSH-2.0-OpenSSH").is_err());
        assert!(
            parse(b"HTTP/1.1 200 OK\r\n\r\n<html>")
                .unwrap_err()
                .contains("JSON")
        );
    }

    #[tokio::test]
    async fn a_port_without_a_server_is_an_error() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        assert!(matches!(
            ask(port, "GET", "health").await,
            Err(SandboxError::Control { .. })
        ));
    }
}
