//! The message that a forward passes on. What is forwarded is what was written: text and attachments come from the source alone.

use super::message_type::MessageType;
use super::send::NewMessage;
use crate::app::App;
use crate::error::{ApiError, Result};

#[derive(sqlx::FromRow)]
struct Source {
    sender_id: i64,
    text: String,
    message_type: MessageType,
    #[sqlx(json)]
    photo_urls: Vec<String>,
    #[sqlx(json)]
    video_urls: Vec<String>,
    #[sqlx(json)]
    voice_urls: Vec<String>,
    voice_duration: Option<i32>,
    #[sqlx(json)]
    file_urls: Vec<String>,
    #[sqlx(json)]
    file_names: Vec<String>,
    #[sqlx(json)]
    file_sizes: Vec<i64>,
    caption: Option<String>,
    location_latitude: Option<f64>,
    location_longitude: Option<f64>,
    location_name: Option<String>,
    location_address: Option<String>,
}

impl Source {
    fn copied(self, message: i64) -> NewMessage {
        NewMessage {
            text: self.text,
            message_type: self.message_type,
            reply_to_id: None,
            photo_urls: self.photo_urls,
            video_urls: self.video_urls,
            voice_urls: self.voice_urls,
            voice_duration: self.voice_duration,
            file_urls: self.file_urls,
            file_names: self.file_names,
            file_sizes: self.file_sizes,
            caption: self.caption,
            location: self.location_latitude.zip(self.location_longitude),
            location_name: self.location_name,
            location_address: self.location_address,
            auto_delete_duration: None,
            forwarded: Some((message, self.sender_id)),
        }
    }
}

/// A copy of a message that may be read, to be sent on.
///
/// # Errors
/// 404 when it was deleted or has disappeared, or the database's failure.
pub async fn load(app: &App, message: i64) -> Result<NewMessage> {
    let sql = "select sender_id, text, message_type, photo_urls, video_urls, voice_urls, voice_duration, file_urls, file_names, \
               file_sizes, caption, location_latitude, location_longitude, location_name, location_address from dm_messages \
               where id = $1 and deleted_at is null and (expires_at is null or expires_at > now())";
    let source: Option<Source> = sqlx::query_as(sql)
        .bind(message)
        .fetch_optional(&app.db)
        .await?;
    let source = source.ok_or(ApiError::NotFound("Message"))?;
    Ok(source.copied(message))
}
