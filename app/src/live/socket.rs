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

use super::frame_limits::{Admission, FrameLimits};
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

/// Seconds a socket may stay open, however long its token is good.
const LONGEST_SOCKET: u64 = 30 * 24 * 3600;

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

/// Who opens a socket, and until when the token is good: the socket ends with it.
pub struct Caller {
    pub user: User,
    expires: Instant,
}

/// The user of the query's or header's token.
///
/// # Errors
/// The database's failure; a bad token is `None`.
pub async fn caller_of(
    app: &App,
    headers: &HeaderMap,
    query: &TokenQuery,
) -> Result<Option<Caller>> {
    let token = query.token.as_deref().or_else(|| auth::bearer(headers));
    let Some((token, verified)) = token.and_then(|t| Some((t, app.tokens.verify(t)?))) else {
        return Ok(None);
    };
    let left = verified.expires - chrono::Utc::now().timestamp();
    let left = u64::try_from(left).unwrap_or(0).min(LONGEST_SOCKET);
    let expires = Instant::now() + Duration::from_secs(left);
    match auth::user_of_token(app, token).await {
        Ok(user) => Ok(Some(Caller { user, expires })),
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
pub fn accept<R: Room>(upgrade: WebSocketUpgrade, app: App, caller: &Caller, room: R) -> Response {
    let (user, expires) = (caller.user.id, caller.expires);
    upgrade
        .max_message_size(MAX_FRAME)
        .max_frame_size(MAX_FRAME)
        .read_buffer_size(BUFFER)
        .write_buffer_size(0)
        .on_upgrade(move |socket| run(socket, app, user, expires, room))
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

async fn run<R: Room>(mut socket: WebSocket, app: App, user: i64, expires: Instant, mut room: R) {
    let _open = app.live.hold();
    let topic = room.topic();
    let seat = app.live.hub.join(topic, user);
    let id = seat.socket;
    app.metrics.sockets.inc();
    let limit = app.config.request_timeout;
    let most = app.config.ws.per_user;
    let opened = presence::opened(&app.db, &app.live, most, (id, user, topic));
    let ended = match in_time(limit, opened).await {
        Ok(true) => {
            let mut talk = Talk {
                socket: &mut socket,
                app: &app,
                room: &mut room,
                frames: FrameLimits::new(),
            };
            talk.run(seat, expires).await
        }
        Ok(false) => End::TooManySockets,
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
    /// The client is gone or takes no more frames: nothing can be sent to it.
    Gone,
    /// More frames waited for the client than are kept for it.
    Lagging,
    /// The client sends more than it may.
    Flooding,
    Idle,
    Stopping,
    Expired,
    NotAllowed,
    TooManySockets,
    Unavailable,
}

impl End {
    const fn frame(&self) -> Option<(u16, &'static str)> {
        match self {
            End::Gone => None,
            End::Lagging => Some((1013, "too slow, connect again")),
            End::Flooding => Some((1008, "too many frames")),
            End::Idle => Some((1000, "no ping")),
            End::Stopping => Some((1001, "going away")),
            End::Expired => Some((4401, "the token has expired (403)")),
            End::NotAllowed => Some((4403, "not allowed (403)")),
            End::TooManySockets => Some((4429, "too many connections")),
            End::Unavailable => Some((1013, "try again later")),
        }
    }
}

/// What came. Only the application's own ping shows that the client is still looked at: its other frames, and the protocol's pings,
/// which its library sends by itself, keep nothing open.
enum Heard {
    Ping,
    Other,
}

/// One connection while it is open.
struct Talk<'a, R> {
    socket: &'a mut WebSocket,
    app: &'a App,
    room: &'a mut R,
    frames: FrameLimits,
}

impl<R: Room> Talk<'_, R> {
    async fn run(&mut self, mut seat: Seat, expires: Instant) -> End {
        let app = self.app;
        let limit = app.config.request_timeout;
        let Ok(greetings) = in_time(limit, self.room.greet(app)).await else {
            return End::Unavailable;
        };
        if let Err(end) = self.send_all(greetings).await {
            return end;
        }
        let stopping = app.live.stopped();
        tokio::pin!(stopping);
        let expired = tokio::time::sleep_until(expires);
        tokio::pin!(expired);
        let mut sweep =
            tokio::time::interval_at(Instant::now() + app.config.ws.sweep, app.config.ws.sweep);
        let mut pinged = Instant::now();
        loop {
            tokio::select! {
                message = self.socket.recv() => match self.hear(message).await {
                    Ok(Heard::Ping) => pinged = Instant::now(),
                    Ok(Heard::Other) => {}
                    Err(end) => return end,
                },
                frame = seat.frames.recv() => {
                    // The frames that were kept have been sent by now.
                    let Some(frame) = frame else { return End::Lagging };
                    if let Err(end) = self.send(frame).await {
                        return end;
                    }
                }
                _ = sweep.tick() => {
                    if pinged.elapsed() >= app.config.ws.idle {
                        return End::Idle;
                    }
                    if matches!(in_time(limit, self.room.still_allowed(app)).await, Ok(false)) {
                        return End::NotAllowed;
                    }
                }
                () = &mut expired => return End::Expired,
                () = &mut stopping => return End::Stopping,
            }
        }
    }

    async fn hear(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<Heard, End> {
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
        let kind = match &incoming {
            Incoming::Json(frame) => frame["type"].as_str().unwrap_or_default(),
            Incoming::Raw(_) => "",
        };
        let answers = match self.frames.admit(kind) {
            Admission::Flood => return Err(End::Flooding),
            Admission::Ignore => return Ok(Heard::Other),
            Admission::Refuse => vec![error_frame("Too many frames, slow down")],
            Admission::Pass if kind == "ping" => {
                let pong = json!({ "type": "pong", "timestamp": stamp::frame_now() });
                self.send_all(vec![pong]).await?;
                return Ok(Heard::Ping);
            }
            Admission::Pass => {
                let limit = self.app.config.request_timeout;
                in_time(limit, self.room.receive(self.app, incoming))
                    .await
                    .unwrap_or_else(|error| vec![error_frame(&error.detail())])
            }
        };
        self.send_all(answers).await?;
        Ok(Heard::Other)
    }

    async fn send_all(&mut self, frames: Vec<Value>) -> Result<(), End> {
        for frame in frames {
            self.send(frame.to_string().into()).await?;
        }
        Ok(())
    }

    async fn send(&mut self, frame: Arc<str>) -> Result<(), End> {
        let sending = self.socket.send(Message::Text((*frame).into()));
        match timeout(self.app.config.ws.send_timeout, sending).await {
            Ok(Ok(())) => Ok(()),
            // The close frame may get through after all: the client's buffer may be empty again.
            Err(_) => Err(End::Lagging),
            Ok(Err(_)) => Err(End::Gone),
        }
    }
}

/// The frame that says something was wrong with the client's.
#[must_use]
pub fn error_frame(detail: &str) -> Value {
    json!({ "type": "error", "detail": detail, "timestamp": stamp::frame_now() })
}
