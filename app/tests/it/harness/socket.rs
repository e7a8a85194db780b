//! A WebSocket client.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Longer than anything takes, shorter than a hung test.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub async fn open(url: &str) -> Socket {
        Socket(connect_async(url).await.expect("the handshake succeeds").0)
    }

    pub async fn send(&mut self, frame: Value) {
        self.send_text(&frame.to_string()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        self.0
            .send(Message::text(text))
            .await
            .expect("the frame is sent");
    }

    /// The same when the server may be gone.
    pub async fn try_send_text(&mut self, text: &str) {
        let _ = self.0.send(Message::text(text)).await;
    }

    /// The next frame.
    pub async fn next(&mut self) -> Value {
        self.next_within(PATIENCE).await
    }

    async fn next_within(&mut self, patience: Duration) -> Value {
        loop {
            match timeout(patience, self.0.next())
                .await
                .expect("a frame in time")
            {
                Some(Ok(Message::Text(text))) => {
                    return serde_json::from_str(&text).expect("frames are JSON");
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("expected a frame, got {other:?}"),
            }
        }
    }

    /// The next frame of this type; others are skipped.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        self.late(kind, PATIENCE).await
    }

    /// The same for one that may take longer.
    pub async fn late(&mut self, kind: &str, patience: Duration) -> Value {
        loop {
            let frame = self.next_within(patience).await;
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    /// A ping of the protocol, which libraries send by themselves.
    pub async fn protocol_ping(&mut self) {
        let _ = self.0.send(Message::Ping(Vec::new().into())).await;
    }

    /// The code the server closes with; frames before it are skipped.
    pub async fn close_code(&mut self) -> u16 {
        self.closed().await.0
    }

    /// The code and the words the server closes with; frames before it are skipped.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match timeout(PATIENCE, self.0.next())
                .await
                .expect("a close in time")
            {
                Some(Ok(Message::Close(Some(frame)))) => {
                    return (frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(_)) => {}
                other => panic!("expected a close, got {other:?}"),
            }
        }
    }

    /// Nothing arrives for a while.
    pub async fn silent(&mut self) {
        if let Ok(frame) = timeout(Duration::from_millis(400), self.0.next()).await {
            panic!("expected silence, got {frame:?}");
        }
    }

    pub async fn close(mut self) {
        let _ = self.0.close(None).await;
    }
}
