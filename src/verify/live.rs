//! The live chat: a thread's socket, through whatever stands in front of the service.

use futures::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::report::{Problem, failed};
use super::service::{Person, Service};

/// A bad or missing token.
const UNAUTHORISED: u16 = 4401;

struct Socket<'a> {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    service: &'a Service,
}

/// Greeting, ping, a message that both see; and no entry without a token.
pub async fn thread(
    service: &Service,
    one: &Person,
    other: &Person,
    thread: i64,
) -> Result<((), String), Problem> {
    let path = format!("/ws/dms/{thread}");
    refused(service, &path).await?;
    let mut mine = open(service, &path, one).await?;
    mine.next_of("connection_established").await?;
    let mut theirs = open(service, &path, other).await?;
    theirs.next_of("connection_established").await?;
    mine.send(json!({"type": "ping"})).await?;
    mine.next_of("pong").await?;
    mine.send(json!({"type": "message", "text": "circles-infra verify, live"}))
        .await?;
    for (socket, who) in [(&mut mine, "sender"), (&mut theirs, "other")] {
        let heard = socket.next_of("message").await?;
        if heard["message"]["text"] != "circles-infra verify, live" {
            return Err(failed(format!("the {who} hears another message")));
        }
    }
    mine.close().await;
    theirs.close().await;
    Ok(((), "greeting, ping, a message on both sides".into()))
}

async fn open<'a>(
    service: &'a Service,
    path: &str,
    person: &Person,
) -> Result<Socket<'a>, Problem> {
    let url = service.socket(&format!("{path}?token={}", person.token));
    match timeout(service.patience, connect_async(url)).await {
        Ok(Ok((stream, _))) => Ok(Socket { stream, service }),
        Ok(Err(error)) => Err(failed(format!("the socket does not open: {}", why(&error)))),
        Err(_) => Err(failed("the socket does not open in time")),
    }
}

/// Without the address, which holds a token.
fn why(error: &Error) -> String {
    match error {
        Error::Http(answer) => format!("the handshake is answered {}", answer.status()),
        Error::Io(error) => error.to_string(),
        Error::ConnectionClosed | Error::AlreadyClosed => "it is closed at once".into(),
        _ => "the handshake fails".into(),
    }
}

/// Without a token the handshake fails, or the socket is closed at once with the code that says why.
async fn refused(service: &Service, path: &str) -> Result<(), Problem> {
    let url = service.socket(path);
    let opened = timeout(service.patience, connect_async(url)).await;
    let mut stream = match opened {
        Ok(Ok((stream, _))) => stream,
        Ok(Err(Error::Http(answer))) if matches!(answer.status().as_u16(), 401 | 403) => {
            return Ok(());
        }
        Ok(Err(error)) => return Err(failed(format!("the socket does not open: {}", why(&error)))),
        Err(_) => return Err(failed("the socket does not open in time")),
    };
    loop {
        match timeout(service.patience, stream.next()).await {
            Ok(Some(Ok(Message::Close(Some(frame))))) if u16::from(frame.code) == UNAUTHORISED => {
                return Ok(());
            }
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
            _ => {
                return Err(failed("a socket without a token is not closed with 4401"));
            }
        }
    }
}

impl Socket<'_> {
    async fn send(&mut self, frame: Json) -> Result<(), Problem> {
        self.stream
            .send(Message::text(frame.to_string()))
            .await
            .map_err(|e| failed(format!("the socket takes nothing: {}", why(&e))))
    }

    /// The next frame of this type; others are skipped.
    async fn next_of(&mut self, kind: &str) -> Result<Json, Problem> {
        let wait = async {
            while let Some(Ok(message)) = self.stream.next().await {
                if let Message::Text(text) = message
                    && let Ok(frame) = serde_json::from_str::<Json>(&text)
                    && frame["type"] == kind
                {
                    return Some(frame);
                }
            }
            None
        };
        match timeout(self.service.patience, wait).await {
            Ok(Some(frame)) => Ok(frame),
            Ok(None) => Err(failed(format!("the socket ends before a {kind} frame"))),
            Err(_) => Err(failed(format!("no {kind} frame arrives in time"))),
        }
    }

    async fn close(mut self) {
        // Whoever is gone already need not be told.
        let _ = self.stream.close(None).await;
    }
}
