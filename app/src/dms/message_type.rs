//! The kinds of messages.

use serde::Deserialize;
use utoipa::ToSchema;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum MessageType {
    #[default]
    Text,
    Photo,
    Video,
    Voice,
    File,
    Location,
}

impl MessageType {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            MessageType::Text => "text",
            MessageType::Photo => "photo",
            MessageType::Video => "video",
            MessageType::Voice => "voice",
            MessageType::File => "file",
            MessageType::Location => "location",
        }
    }
}
