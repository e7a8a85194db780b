//! One task per connection: reads frames, writes events, and closes for each of the reasons there are.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::app::App;
use crate::auth::{self, User};
use crate::db::in_time;
use crate::error::{ApiError, Result};
use crate::hub::{Seat, Topic};
use crate::presence;
use crate::stamp;

/// Longer frames than any message can be close the connection.
const MAX_FRAME: usize = 64 * 1024;
/// Small buffers, because most sockets are idle most of the time.
const BUFFER: usize = 4 * 1024;

/// Why a handshake is refused; clients read the code of the close frame, older ones look for the 403 of the former service's handshake
/// in its text.
#[derive(Debug, Clone, Copy)]
pub enum Refusal {
    BadToken,
    NotAllowed,
    Unknown,
}

impl Refusal {
    const fn frame(self) -> (u16, &'static str) {
        match self {
            Refusal::BadToken => (4401, "bad or missing token (403)"),
            Refusal::NotAllowed => (4403, "not allowed (403)"),
            Refusal::Unknown => (4404, "not found (403)"),
        }
    }
}

/// What a room does with its connection.
pub trait Room: Send + Sync + 'static {
    fn topic(&self) -> Topic;
    /// Frames for the newcomer, after the others were told.
    fn greet(&mut self, app: &App) -> impl Future<Output = Result<Vec<Value>>> + Send;
    /// A client's frame that is no ping. Frames returned go to this client alone.
    fn receive(
        &mut self,
        app: &App,
        frame: Incoming,
    ) -> impl Future<Output = Result<Vec<Value>>> + Send;
    /// Whether the connection may go on; asked now and then.
    fn still_allowed(&self, app: &App) -> impl Future<Output = Result<bool>> + Send;
    /// After the last socket of this user in the room closed.
    fn left(&self, app: &App) -> impl Future<Output = Result<()>> + Send;
}

/// A frame as the client sent it.
pub enum Incoming {
    Json(Value),
    /// No JSON object.
    Raw(String),
}

/// A handshake; a plain request is refused in the shape of all refusals.
pub struct Upgrade(pub WebSocketUpgrade);

impl<S: Send + Sync> FromRequestParts<S> for Upgrade {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let upgrade = WebSocketUpgrade::from_request_parts(parts, state).await;
        upgrade
            .map(Upgrade)
            .map_err(|_| ApiError::bad("This address takes WebSocket connections only"))
    }
}

#[derive(Deserialize)]
pub struct TokenQuery {
    token: Option<String>,
}

/// The user of the query's or header's token.
///
/// # Errors
/// The database's failure; a bad token is `None`.
pub async fn user_of(app: &App, headers: &HeaderMap, query: &TokenQuery) -> Result<Option<User>> {
    let Some(token) = query.token.as_deref().or_else(|| auth::bearer(headers)) else {
        return Ok(None);
    };
    match auth::user_of_token(app, token).await {
        Ok(user) => Ok(Some(user)),
        Err(ApiError::BadToken) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Accepts, then closes: a failed handshake cannot be read by browsers.
pub fn refuse(upgrade: WebSocketUpgrade, why: Refusal) -> Response {
    upgrade.on_upgrade(move |mut socket| async move {
        let (code, reason) = why.frame();
        close(&mut socket, code, reason).await;
    })
}

/// Accepts the connection into the room.
pub fn accept<R: Room>(upgrade: WebSocketUpgrade, app: App, user: i64, room: R) -> Response {
    upgrade
        .max_message_size(MAX_FRAME)
        .max_frame_size(MAX_FRAME)
        .read_buffer_size(BUFFER)
        .write_buffer_size(0)
        .on_upgrade(move |socket| run(socket, app, user, room))
}

async fn close(socket: &mut WebSocket, code: u16, reason: &'static str) {
    let frame = CloseFrame {
        code,
        reason: Utf8Bytes::from_static(reason),
    };
    let farewell = async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            // The client's answer completes the close; without it the code may be lost with the connection.
            while let Some(Ok(message)) = socket.recv().await {
                if matches!(message, Message::Close(_)) {
                    break;
                }
            }
        }
    };
    // A client that does not answer is left.
    let _ = timeout(Duration::from_secs(1), farewell).await;
}

async fn run<R: Room>(mut socket: WebSocket, app: App, user: i64, mut room: R) {
    let _open = app.live.hold();
    let topic = room.topic();
    let seat = app.live.hub.join(topic, user);
    let id = seat.socket;
    app.metrics.sockets.inc();
    let limit = app.config.request_timeout;
    let opened = presence::opened(&app.db, &app.live, id, user, topic);
    let ended = match in_time(limit, opened).await {
        Ok(()) => talk(&mut socket, &app, &mut room, seat).await,
        Err(_) => End::Unavailable,
    };
    if let Some((code, reason)) = ended.frame() {
        close(&mut socket, code, reason).await;
    }
    app.live.hub.leave(topic, id);
    app.metrics.sockets.dec();
    match in_time(limit, presence::closed(&app.db, id, user, topic)).await {
        Ok(true) => {
            if let Err(error) = in_time(limit, room.left(&app)).await {
                tracing::debug!(cause = ?error, "a leave could not be told");
            }
        }
        Ok(false) => {}
        // The row is swept up when this task's sockets are counted anew.
        Err(error) => tracing::debug!(cause = ?error, "a socket's end could not be noted"),
    }
}

enum End {
    /// The client is gone or too slow to be told anything.
    Gone,
    Idle,
    Stopping,
    NotAllowed,
    Unavailable,
}

impl End {
    const fn frame(&self) -> Option<(u16, &'static str)> {
        match self {
            End::Gone => None,
            End::Idle => Some((1000, "no ping")),
            End::Stopping => Some((1001, "going away")),
            End::NotAllowed => Some((4403, "not allowed (403)")),
            End::Unavailable => Some((1013, "try again later")),
        }
    }
}

async fn talk<R: Room>(socket: &mut WebSocket, app: &App, room: &mut R, mut seat: Seat) -> End {
    let Ok(greetings) = in_time(app.config.request_timeout, room.greet(app)).await else {
        return End::Unavailable;
    };
    for frame in greetings {
        if send(socket, app, frame.to_string().into()).await.is_err() {
            return End::Gone;
        }
    }
    let stopping = app.live.stopped();
    tokio::pin!(stopping);
    let mut sweep =
        tokio::time::interval_at(Instant::now() + app.config.ws.sweep, app.config.ws.sweep);
    let mut pinged = Instant::now();
    loop {
        tokio::select! {
            message = socket.recv() => {
                match hear(socket, app, room, message).await {
                    Ok(Heard::Ping) => pinged = Instant::now(),
                    Ok(Heard::Other) => {}
                    Err(end) => return end,
                }
            }
            frame = seat.frames.recv() => {
                let Some(frame) = frame else { return End::Gone };
                if send(socket, app, frame).await.is_err() {
                    return End::Gone;
                }
            }
            _ = sweep.tick() => {
                if pinged.elapsed() >= app.config.ws.idle {
                    return End::Idle;
                }
                if matches!(in_time(app.config.request_timeout, room.still_allowed(app)).await, Ok(false)) {
                    return End::NotAllowed;
                }
            }
            () = &mut stopping => return End::Stopping,
        }
    }
}

/// What came. Only the application's own ping shows that the client is still looked at: its other frames, and the protocol's pings,
/// which its library sends by itself, keep nothing open.
enum Heard {
    Ping,
    Other,
}

async fn hear<R: Room>(
    socket: &mut WebSocket,
    app: &App,
    room: &mut R,
    message: Option<Result<Message, axum::Error>>,
) -> Result<Heard, End> {
    let text = match message {
        Some(Ok(Message::Text(text))) => text.to_string(),
        Some(Ok(Message::Binary(bytes))) => String::from_utf8_lossy(&bytes).into_owned(),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(Heard::Other),
        Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
    };
    let incoming = match serde_json::from_str::<Value>(&text) {
        Ok(value) if value.is_object() => Incoming::Json(value),
        _ => Incoming::Raw(text),
    };
    if let Incoming::Json(frame) = &incoming
        && frame["type"] == "ping"
    {
        let pong = json!({ "type": "pong", "timestamp": stamp::frame_now() });
        send(socket, app, pong.to_string().into()).await?;
        return Ok(Heard::Ping);
    }
    let answers = in_time(app.config.request_timeout, room.receive(app, incoming))
        .await
        .unwrap_or_else(|error| vec![error_frame(&error.detail())]);
    for frame in answers {
        send(socket, app, frame.to_string().into()).await?;
    }
    Ok(Heard::Other)
}

async fn send(socket: &mut WebSocket, app: &App, frame: Arc<str>) -> Result<(), End> {
    let sent = timeout(
        app.config.ws.send_timeout,
        socket.send(Message::Text((*frame).into())),
    )
    .await;
    if matches!(sent, Ok(Ok(()))) {
        Ok(())
    } else {
        Err(End::Gone)
    }
}

/// The frame that says something was wrong with the client's.
#[must_use]
pub fn error_frame(detail: &str) -> Value {
    json!({ "type": "error", "detail": detail, "timestamp": stamp::frame_now() })
}
