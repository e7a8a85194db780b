//! What the other side of a thread receives when a message is changed over REST.

use serde_json::json;

use crate::event::Event;
use crate::hub::Topic;
use crate::stamp;

/// The emoji that a like stands for.
pub const HEART: &str = "❤️";

/// A reaction was added: the same frame whether it came over REST or a socket.
#[must_use]
pub fn reaction_added(thread: i64, message: i64, user: i64, reaction: &str) -> Event {
    reaction_frame("reaction", thread, message, user, reaction)
}

/// A reaction was taken back.
#[must_use]
pub fn reaction_removed(thread: i64, message: i64, user: i64, reaction: &str) -> Event {
    reaction_frame("reaction_removed", thread, message, user, reaction)
}

fn reaction_frame(kind: &str, thread: i64, message: i64, user: i64, reaction: &str) -> Event {
    let payload = json!({
        "type": kind, "message_id": message, "user_id": user, "reaction": reaction, "timestamp": stamp::frame_now(),
    });
    Event::to(Topic::Thread(thread), payload).except(user)
}

/// A message was deleted by its sender.
#[must_use]
pub fn message_deleted(thread: i64, message: i64, user: i64) -> Event {
    let payload = json!({
        "type": "message_deleted", "message_id": message, "thread_id": thread, "user_id": user,
        "timestamp": stamp::frame_now(),
    });
    Event::to(Topic::Thread(thread), payload).except(user)
}

/// A message was reported delivered or failed.
#[must_use]
pub fn delivery_status(thread: i64, message: i64, user: i64, status: &str) -> Event {
    let payload = json!({
        "type": "delivery_status", "message_id": message, "user_id": user, "status": status,
        "timestamp": stamp::frame_now(),
    });
    Event::to(Topic::Thread(thread), payload).except(user)
}
