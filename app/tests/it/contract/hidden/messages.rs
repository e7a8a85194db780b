//! Direct messages.

use serde_json::json;

use super::places::WRITTEN;
use super::{Columns, NEVER, Omits, SHARED, Shows, Sight, Status, see};

/// Lists leave the thread out.
const LISTED: Columns = [Shows, Shows, Shows, Omits, Omits];
const PENDING: &str =
    "update dm_threads set status = 'pending', initiator_id = 2 where id = {thread_id}";
const LIKED: &str = "insert into dm_message_likes (message_id, user_id) values ({message_id}, 1)";
const REACTED: &str =
    "insert into dm_message_reactions (message_id, user_id, emoji) values ({message_id}, 1, 'x')";

/// Allowed with this answer, refused under a block.
fn shared(status: u16) -> Columns {
    let (good, refused) = (Status(status), Status(403));
    [good, good, good, refused, refused]
}

pub(super) fn rows() -> Vec<Sight> {
    let forward = "POST /dms/threads/{thread_id}/forward";
    let mut all = vec![
        see("POST /dms/requests", WRITTEN).with(json!({ "recipient_id": 2, "text": "hello" })),
        see("GET /dms/requests", LISTED).after(PENDING),
        see("PUT /dms/requests/{thread_id}", SHARED)
            .with(json!({ "status": "accepted" }))
            .after(PENDING),
        see("POST /dms/threads/{thread_id}/accept", shared(200)).after(PENDING),
        see("POST /dms/open", WRITTEN).with(json!({ "other_user_id": 2 })),
        // Without what was passed on to the third person's thread before.
        see("GET /dms/inbox", LISTED).after("delete from dm_messages where is_forwarded"),
        see("GET /dms/unread-count", LISTED).by("\"unread\":1"),
        see(forward, shared(200))
            .with(json!({ "message_id": "{message_id}", "target_thread_ids": ["{elsewhere_id}"] })),
        see(forward, LISTED)
            .at("/dms/threads/{elsewhere_id}/forward")
            .with(json!({ "message_id": "{elsewhere_message_id}", "target_thread_ids": ["{thread_id}"] }))
            .by("\"forwarded_count\":1"),
        // Passing on by hand what one may not read.
        see("POST /dms/threads/{thread_id}/messages", shared(200))
            .at("/dms/threads/{elsewhere_id}/messages")
            .with(json!({ "text": "look", "forwarded_from_message_id": "{message_id}" })),
        see("DELETE /dms/threads/{thread_id}/messages/{message_id}", NEVER),
    ];
    all.extend(threads());
    all.extend(marks());
    all
}

fn threads() -> Vec<Sight> {
    vec![
        see("GET /dms/threads/{thread_id}/messages", SHARED),
        see("POST /dms/threads/{thread_id}/messages", shared(200)).with(json!({ "text": "hi" })),
        see("POST /dms/threads/{thread_id}/mark-read", shared(204)),
        see("GET /dms/threads/{thread_id}/unread-count", SHARED).by("\"unread\":1"),
        see("POST /dms/threads/{thread_id}/typing", shared(204)).with(json!({ "typing": true })),
        see("GET /dms/threads/{thread_id}/typing", shared(200)),
        see("GET /dms/threads/{thread_id}/presence", shared(200)),
        see("PUT /dms/threads/{thread_id}/mute", shared(200)).with(json!({ "muted": true })),
        see("PUT /dms/threads/{thread_id}/pin", shared(200)).with(json!({ "pinned": true })),
        see("PUT /dms/threads/{thread_id}/archive", shared(200)).with(json!({ "archived": true })),
        see("GET /dms/threads/{thread_id}/search", SHARED)
            .at("/dms/threads/{thread_id}/search?query=quetzal"),
        see("POST /dms/threads/{thread_id}/share-location", shared(200))
            .with(json!({ "latitude": 1, "longitude": 2 })),
    ]
}

fn marks() -> Vec<Sight> {
    vec![
        see("POST /dms/messages/{message_id}/like", shared(201)),
        see("DELETE /dms/messages/{message_id}/like", shared(204)).after(LIKED),
        see(
            "PUT /dms/messages/{message_id}/delivery-status",
            shared(204),
        )
        .with(json!({ "status": "delivered" })),
        see(
            "POST /dms/threads/{thread_id}/messages/{message_id}/heart",
            shared(200),
        ),
        see(
            "POST /dms/threads/{thread_id}/messages/{message_id}/reactions",
            shared(200),
        )
        .with(json!({ "emoji": "x" })),
        see(
            "GET /dms/threads/{thread_id}/messages/{message_id}/reactions",
            SHARED,
        )
        .after(REACTED)
        .by("walker"),
        see(
            "DELETE /dms/threads/{thread_id}/messages/{message_id}/reactions/{emoji}",
            shared(200),
        )
        .after(REACTED),
    ]
}
