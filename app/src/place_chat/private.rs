//! Answering somebody of a room by direct message.

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{admit, gate};
use crate::app::App;
use crate::auth::User;
use crate::bounds::{Id, Text};
use crate::dms::message::{self, Message};
use crate::dms::requests::{fresh_status, may_write, ready_thread, take_request};
use crate::dms::send::{self, NewMessage, Stored};
use crate::dms::thread;
use crate::error::{ApiError, Result};
use crate::extract::{Json, Path};

/// Characters of a quoted message carried into a private reply.
const QUOTED: usize = 200;

/// What a private reply made.
pub struct PrivateReply {
    pub thread_id: i64,
    pub message: Stored,
}

/// Answers somebody of the room by direct message: a line names the place, and the quoted text goes along.
///
/// # Errors
/// 400 self, too long, or an own request that waits for its answer, 403 when either is not admitted, by the other's setting or a block, 404 unknown, 429 beyond the cap.
pub async fn reply_privately(
    app: &App,
    user: &User,
    place: i64,
    target: i64,
    text: &str,
    quoted: Option<&str>,
) -> Result<PrivateReply> {
    if target == user.id {
        return Err(ApiError::bad("Cannot reply to yourself"));
    }
    if text.trim().is_empty() || text.chars().count() > 2000 {
        return Err(ApiError::bad("Text must have 1 to 2000 characters"));
    }
    admit(app, user, place).await?;
    let mut tx = app.db.begin().await?;
    let follows = may_write(&mut tx, user.id, target).await?;
    if gate(app, &mut *tx, target, place).await? != Some(true) {
        return Err(ApiError::forbidden("This user is not in the place's chat"));
    }
    let sent = deliver_reply(app, &mut tx, user, place, target, text, quoted, follows).await?;
    tx.commit().await?;
    Ok(sent)
}

#[allow(clippy::too_many_arguments)] // one call site; a struct would only rename the list
async fn deliver_reply(
    app: &App,
    tx: &mut PgConnection,
    user: &User,
    place: i64,
    target: i64,
    text: &str,
    quoted: Option<&str>,
    follows: bool,
) -> Result<PrivateReply> {
    let name: String = sqlx::query_scalar("select name from places where id = $1")
        .bind(place)
        .fetch_one(&mut *tx)
        .await?;
    let fresh = fresh_status(app, follows);
    if thread::of_pair(&mut *tx, user.id, target).await?.is_none() {
        // It opens a thread like any request.
        take_request(app, &mut *tx, user.id).await?;
    }
    let (thread, store) = ready_thread(tx, user, target, fresh).await?;
    if !store {
        return Err(ApiError::bad("This thread is not accepted yet"));
    }
    let quote = quoted
        .map(|q| q.chars().take(QUOTED).collect::<String>())
        .filter(|q| !q.trim().is_empty());
    let quote = quote.map(|q| format!("> {q}\n")).unwrap_or_default();
    let new = NewMessage {
        text: format!("[{name}]\n{quote}{text}"),
        ..NewMessage::default()
    };
    let cap = app.config.dm.messages_per_min;
    crate::limits::take(&mut *tx, &format!("dm-message:{}", user.id), 60, cap).await?;
    let message = send::store(tx, user, &thread, &new).await?;
    send::announce(app, tx, user, &thread, message, &new).await?;
    Ok(PrivateReply {
        thread_id: thread.id,
        message,
    })
}

#[derive(Deserialize, ToSchema)]
pub struct PrivateBody {
    target_user_id: Id,
    text: Text<1, 2000>,
    context_text: Option<Text<0, 2000>>,
}

/// Answers somebody of the room by direct message.
#[utoipa::path(post, path = "/places/{place_id}/chat/private-reply", tag = "place chat", responses((status = 200, body = Message)))]
pub async fn private_reply(
    State(app): State<App>,
    user: User,
    Path(place_id): Path<i64>,
    Json(body): Json<PrivateBody>,
) -> Result<Json<Message>> {
    let quoted = body.context_text.as_deref();
    let sent = reply_privately(
        &app,
        &user,
        place_id,
        *body.target_user_id,
        &body.text,
        quoted,
    )
    .await?;
    Ok(Json(message::shown(&app, user.id, sent.message.id).await?))
}

/// The frame that answers a private reply over the socket.
#[must_use]
pub fn private_reply_sent(sent: &PrivateReply, target: i64) -> Value {
    json!({
        "type": "private_reply_sent", "thread_id": sent.thread_id, "message_id": sent.message.id, "target_user_id": target,
    })
}
