//! Sending a message: one way for REST, sockets, forwards, locations and private replies.

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::message::{self, Message};
use super::message_type::MessageType;
use super::thread::{self, ThreadRow};
use super::{reactions, source};
use crate::app::App;
use crate::auth::User;
use crate::bounds::{Id, Int, Lat, List, Lng, Text};
use crate::error::{ApiError, Result};
use crate::event::{self, Event};
use crate::extract::{Json, Path};
use crate::files;
use crate::hub::Topic;
use crate::limits;
use crate::stamp::{self, Stamp};

/// Characters of the message replied to that are kept with the reply.
const REPLY_PREVIEW: usize = 200;
/// Characters of a message shown in a notification.
const NOTIFIED: usize = 100;

#[derive(Deserialize, ToSchema)]
pub struct SendBody {
    #[serde(default)]
    text: Text<0, 2000>,
    #[serde(default)]
    message_type: MessageType,
    reply_to_id: Option<Id>,
    #[serde(default)]
    #[schema(value_type = Vec<Text<1, 2000>>, max_items = 10)]
    photo_urls: List<Text<1, 2000>, 0, 10>,
    #[serde(default)]
    #[schema(value_type = Vec<Text<1, 2000>>, max_items = 5)]
    video_urls: List<Text<1, 2000>, 0, 5>,
    #[serde(default)]
    #[schema(value_type = Vec<Text<1, 2000>>, max_items = 1)]
    voice_urls: List<Text<1, 2000>, 0, 1>,
    voice_duration: Option<Int<1, 300>>,
    #[serde(default)]
    #[schema(value_type = Vec<Text<1, 2000>>, max_items = 5)]
    file_urls: List<Text<1, 2000>, 0, 5>,
    #[serde(default)]
    #[schema(value_type = Vec<Text<1, 255>>, max_items = 5)]
    file_names: List<Text<1, 255>, 0, 5>,
    #[serde(default)]
    #[schema(value_type = Vec<Int<0, { i64::MAX }>>, max_items = 5)]
    file_sizes: List<Int<0, { i64::MAX }>, 0, 5>,
    caption: Option<Text<0, 500>>,
    location_latitude: Option<Lat>,
    location_longitude: Option<Lng>,
    location_name: Option<Text<0, 200>>,
    location_address: Option<Text<0, 500>>,
    auto_delete_duration: Option<Int<5, 604_800>>,
    forwarded_from_message_id: Option<Id>,
}

/// A message to be stored. Addresses are stored values.
#[derive(Debug, Clone, Default)]
pub struct NewMessage {
    pub text: String,
    pub message_type: MessageType,
    pub reply_to_id: Option<i64>,
    pub photo_urls: Vec<String>,
    pub video_urls: Vec<String>,
    pub voice_urls: Vec<String>,
    pub voice_duration: Option<i32>,
    pub file_urls: Vec<String>,
    pub file_names: Vec<String>,
    pub file_sizes: Vec<i64>,
    pub caption: Option<String>,
    pub location: Option<(f64, f64)>,
    pub location_name: Option<String>,
    pub location_address: Option<String>,
    pub auto_delete_duration: Option<i32>,
    /// The message forwarded and who wrote it.
    pub forwarded: Option<(i64, i64)>,
}

impl NewMessage {
    fn media_count(&self) -> usize {
        self.files().len()
    }

    /// The stored values of all attachments.
    fn files(&self) -> Vec<&String> {
        let lists = [
            &self.photo_urls,
            &self.video_urls,
            &self.voice_urls,
            &self.file_urls,
        ];
        lists.into_iter().flatten().collect()
    }

    fn is_empty(&self) -> bool {
        self.text.trim().is_empty() && self.media_count() == 0 && self.location.is_none()
    }
}

/// A message that was stored.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub struct Stored {
    pub id: i64,
    pub created_at: Stamp,
}

/// Sends a message to an accepted thread.
#[utoipa::path(post, path = "/dms/threads/{thread_id}/messages", tag = "dms", responses((status = 200, body = Message)))]
pub async fn post(
    State(app): State<App>,
    user: User,
    Path(thread_id): Path<i64>,
    Json(body): Json<SendBody>,
) -> Result<Json<Message>> {
    let thread = thread::access(&app.db, thread_id, user.id).await?;
    let new = checked(&app, &user, body).await?;
    let stored = send(&app, &user, &thread, &new).await?;
    Ok(Json(message::shown(&app, user.id, stored.id).await?))
}

/// The rules a body must keep that no single field tells.
async fn checked(app: &App, user: &User, body: SendBody) -> Result<NewMessage> {
    let source = body.forwarded_from_message_id.as_ref().map(|id| **id);
    if let Some(source) = source {
        return forwarded(app, user, source, body).await;
    }
    let new = NewMessage {
        text: body.text.into_inner(),
        message_type: body.message_type,
        reply_to_id: body.reply_to_id.map(|id| *id),
        photo_urls: issued(app, user, &body.photo_urls).await?,
        video_urls: issued(app, user, &body.video_urls).await?,
        voice_urls: issued(app, user, &body.voice_urls).await?,
        voice_duration: body.voice_duration.and_then(|d| i32::try_from(*d).ok()),
        file_urls: issued(app, user, &body.file_urls).await?,
        file_names: body
            .file_names
            .into_inner()
            .into_iter()
            .map(Text::into_inner)
            .collect(),
        file_sizes: body.file_sizes.iter().map(|s| **s).collect(),
        caption: body.caption.map(Text::into_inner),
        location: body
            .location_latitude
            .map(|v| *v)
            .zip(body.location_longitude.map(|v| *v)),
        location_name: body.location_name.map(Text::into_inner),
        location_address: body.location_address.map(Text::into_inner),
        auto_delete_duration: body
            .auto_delete_duration
            .and_then(|d| i32::try_from(*d).ok()),
        forwarded: None,
    };
    if new.is_empty() {
        return Err(ApiError::bad("A message needs text or an attachment"));
    }
    Ok(new)
}

/// A message of another thread, passed on: what it says is the source's, whatever the body says.
async fn forwarded(app: &App, user: &User, source: i64, body: SendBody) -> Result<NewMessage> {
    reactions::readable(app, user, source, None).await?;
    let copy = source::load(app, source).await?;
    Ok(NewMessage {
        reply_to_id: body.reply_to_id.map(|id| *id),
        auto_delete_duration: body
            .auto_delete_duration
            .and_then(|d| i32::try_from(*d).ok()),
        ..copy
    })
}

/// Attachments must be addresses this service issued to this sender, of objects that are there.
async fn issued(app: &App, user: &User, addresses: &[Text<1, 2000>]) -> Result<Vec<String>> {
    let folder = format!("dm_media/{}/", user.id);
    let mut stored = Vec::new();
    for address in addresses {
        let own = app
            .objects
            .stored_of(address)
            .filter(|s| s.trim_start_matches("/media/").starts_with(&folder))
            .ok_or_else(not_uploaded)?;
        if !app.objects.exists(&own).await? {
            return Err(not_uploaded());
        }
        stored.push(own);
    }
    Ok(stored)
}

fn not_uploaded() -> ApiError {
    ApiError::bad("Attachments must be uploaded first")
}

/// Stores a message and tells both sides, under the sender's cap.
///
/// # Errors
/// 429 beyond the cap, 400 when the thread is not accepted or the reply's target is not there.
pub async fn send(
    app: &App,
    sender: &User,
    thread: &ThreadRow,
    new: &NewMessage,
) -> Result<Stored> {
    let mut tx = app.db.begin().await?;
    let stored = send_in(app, &mut tx, sender, thread, new).await?;
    tx.commit().await?;
    Ok(stored)
}

/// [`send`] inside a transaction of the caller.
///
/// # Errors
/// As [`send`].
pub async fn send_in(
    app: &App,
    tx: &mut PgConnection,
    sender: &User,
    thread: &ThreadRow,
    new: &NewMessage,
) -> Result<Stored> {
    if !thread.is_accepted() {
        return Err(ApiError::bad("This thread is not accepted yet"));
    }
    limits::take(
        &mut *tx,
        &format!("dm-message:{}", sender.id),
        60,
        app.config.dm.messages_per_min,
    )
    .await?;
    let stored = store(tx, sender, thread, new).await?;
    announce(app, tx, sender, thread, stored, new).await?;
    Ok(stored)
}

/// The row of a message, and its thread brought to the top.
///
/// # Errors
/// 400 when the reply's target is missing, deleted, disappeared or elsewhere.
pub async fn store(
    tx: &mut PgConnection,
    sender: &User,
    thread: &ThreadRow,
    new: &NewMessage,
) -> Result<Stored> {
    let reply_text = match new.reply_to_id {
        None => None,
        Some(id) => Some(reply_preview(tx, thread.id, id).await?),
    };
    files::hold(tx, &new.files()).await?;
    let sql = "insert into dm_messages (thread_id, sender_id, text, message_type, reply_to_id, reply_to_text, photo_urls, video_urls, \
        voice_urls, voice_duration, file_urls, file_names, file_sizes, caption, location_latitude, location_longitude, location_name, \
        location_address, auto_delete_duration, expires_at, forwarded_from_message_id, forwarded_from_user_id, is_forwarded, created_at) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, \
        now() + make_interval(secs => $19), $20, $21, $20 is not null, clock_timestamp()) returning id, created_at";
    let stored: Stored = sqlx::query_as(sql)
        .bind(thread.id)
        .bind(sender.id)
        .bind(&new.text)
        .bind(new.message_type.name())
        .bind(new.reply_to_id)
        .bind(reply_text)
        .bind(json!(new.photo_urls))
        .bind(json!(new.video_urls))
        .bind(json!(new.voice_urls))
        .bind(new.voice_duration)
        .bind(json!(new.file_urls))
        .bind(json!(new.file_names))
        .bind(json!(new.file_sizes))
        .bind(&new.caption)
        .bind(new.location.map(|l| l.0))
        .bind(new.location.map(|l| l.1))
        .bind(&new.location_name)
        .bind(&new.location_address)
        .bind(new.auto_delete_duration)
        .bind(new.forwarded.map(|f| f.0))
        .bind(new.forwarded.map(|f| f.1))
        .fetch_one(&mut *tx)
        .await?;
    sqlx::query("update dm_threads set updated_at = now() where id = $1")
        .bind(thread.id)
        .execute(&mut *tx)
        .await?;
    Ok(stored)
}

async fn reply_preview(tx: &mut PgConnection, thread: i64, message: i64) -> Result<String> {
    let sql = "select coalesce(nullif(left(text, $3), ''), caption, '[' || message_type || ']') from dm_messages \
               where id = $1 and thread_id = $2 and deleted_at is null and (expires_at is null or expires_at > now())";
    let size = i32::try_from(REPLY_PREVIEW).unwrap_or(i32::MAX);
    let found = sqlx::query_scalar(sql)
        .bind(message)
        .bind(thread)
        .bind(size)
        .fetch_optional(tx)
        .await?;
    found.ok_or_else(|| ApiError::bad("The message replied to was not found in this thread"))
}

/// Tells the thread's sockets, and the other person unless they muted the thread or want no such notifications.
///
/// # Errors
/// The database's failure.
pub async fn announce(
    app: &App,
    tx: &mut PgConnection,
    sender: &User,
    thread: &ThreadRow,
    stored: Stored,
    new: &NewMessage,
) -> Result<()> {
    let avatar: Option<String> = sqlx::query_scalar("select avatar_url from users where id = $1")
        .bind(sender.id)
        .fetch_one(&mut *tx)
        .await?;
    let avatar = app.objects.address_opt(avatar.as_deref()).await;
    let at = stamp::frame(stored.created_at.0);
    let frame = json!({
        "type": "message",
        "message": {
            "id": stored.id, "thread_id": thread.id, "sender_id": sender.id, "text": new.text, "created_at": at,
            "message_type": new.message_type.name(), "has_media": new.media_count() > 0, "reply_to_id": new.reply_to_id,
            "sender_info": { "id": sender.id, "name": sender.name, "avatar_url": avatar },
        },
        "timestamp": stamp::frame_now(),
    });
    if thread.is_accepted() {
        event::emit(&mut *tx, &Event::to(Topic::Thread(thread.id), frame)).await?;
    }
    let other = thread.other(sender.id);
    let wanted = "select not exists (select 1 from dm_participant_states where thread_id = $1 and user_id = $2 and muted) \
                  and not exists (select 1 from notification_preferences where user_id = $2 and not dm_messages)";
    let wanted: bool = sqlx::query_scalar(wanted)
        .bind(thread.id)
        .bind(other)
        .fetch_one(&mut *tx)
        .await?;
    if wanted {
        event::emit(
            tx,
            &Event::to(
                Topic::User(other),
                notification(sender, thread, stored, new),
            ),
        )
        .await?;
    }
    Ok(())
}

fn notification(sender: &User, thread: &ThreadRow, stored: Stored, new: &NewMessage) -> Value {
    let mut short: String = new.text.chars().take(NOTIFIED).collect();
    if new.text.chars().count() > NOTIFIED {
        short.push_str("...");
    }
    let line = if short.is_empty() {
        format!("sent a {}", new.message_type.name())
    } else {
        short.clone()
    };
    json!({
        "type": "dm_notification",
        "thread_id": thread.id,
        "message": {
            "sender_id": sender.id, "sender_name": sender.name, "sender_username": sender.username,
            "thread_id": thread.id, "message_id": stored.id, "message_text": short,
            "has_media": new.media_count() > 0, "media_count": new.media_count(), "is_reply": new.reply_to_id.is_some(),
            "timestamp": stamp::frame(stored.created_at.0), "caption": new.caption,
            "message": format!("{}: {line}", sender.display_name()),
        },
        "timestamp": stamp::frame_now(),
    })
}
