//! The rows of the system, of people, and of their messages.

use serde_json::json;

use super::Who::{Admin, Anyone, User};
use super::{Row, body, file, row};
use crate::harness::png;

fn wav() -> Vec<u8> {
    b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0".to_vec()
}

fn pdf() -> Vec<u8> {
    b"%PDF-1.7 a document".to_vec()
}

pub(super) fn system_rows() -> Vec<Row> {
    vec![
        row("GET", "/health", Anyone, 200),
        row("GET", "/readyz", Anyone, 200),
        row("GET", "/metrics", Anyone, 200),
        row("GET", "/docs", Anyone, 200),
        row("GET", "/openapi.json", Anyone, 200),
        row("GET", "/", Anyone, 200),
        body(
            "POST",
            "/onboarding/request-otp",
            Anyone,
            200,
            json!({ "phone": "+966555555555" }),
        ),
        body(
            "POST",
            "/onboarding/check-username",
            Anyone,
            200,
            json!({ "username": "free_name" }),
        ),
        body(
            "POST",
            "/onboarding/complete-setup",
            User,
            200,
            json!({ "first_name": "A", "last_name": "B", "username": "walker", "interests": ["Cafe"] }),
        ),
        row("GET", "/onboarding/status", User, 200),
        row("GET", "/auth/me", User, 200),
        body("POST", "/auth/request-otp", Anyone, 400, json!({})),
        body("POST", "/auth/verify-otp", Anyone, 400, json!({})),
        row("GET", "/settings/privacy", User, 200),
        body(
            "PUT",
            "/settings/privacy",
            User,
            200,
            json!({ "media_default_visibility": "followers" }),
        ),
        row("GET", "/settings/notifications", User, 200),
        body(
            "PUT",
            "/settings/notifications",
            User,
            200,
            json!({ "marketing": true }),
        ),
        row("GET", "/activity/feed", User, 200),
        body(
            "POST",
            "/activity/feed/filtered",
            User,
            200,
            json!({ "activity_types": ["checkin"] }),
        ),
        body(
            "POST",
            "/support/tickets",
            User,
            200,
            json!({ "subject": "Help", "body": "Please" }),
        ),
        row("GET", "/support/tickets", User, 200),
        row("GET", "/support/admin/tickets", Admin, 200),
        row(
            "PUT",
            "/support/admin/tickets/{ticket_id}?status=closed",
            Admin,
            200,
        ),
    ]
}

pub(super) fn people_rows() -> Vec<Row> {
    vec![
        body("POST", "/users/search", User, 200, json!({ "q": "o" })),
        row("GET", "/users/search?q=o", User, 200),
        row("GET", "/users/{user_id}", User, 200),
        body("PUT", "/users/me", User, 200, json!({ "bio": "walks" })),
        file("/users/me/avatar", "file", png),
        row("GET", "/users/{user_id}/check-ins", User, 200),
        row("GET", "/users/{user_id}/media", User, 200),
        row("GET", "/users/{user_id}/collections", User, 200),
        row("GET", "/users/{user_id}/profile-stats", User, 200),
        row("GET", "/users/{user_id}/random-place-photos", User, 200),
        row("GET", "/users/me/interests", User, 200),
        body(
            "POST",
            "/users/me/interests",
            User,
            200,
            json!({ "name": "Chess" }),
        ),
        row("DELETE", "/users/me/interests/{interest_id}", User, 204),
        row("POST", "/follow/{user_id}", User, 200),
        row("GET", "/follow/followers", User, 200),
        row("GET", "/follow/following", User, 200),
        row("GET", "/follow/{user_id}/followers", User, 200),
        row("GET", "/follow/{user_id}/following", User, 200),
    ]
}

pub(super) fn dm_rows() -> Vec<Row> {
    vec![
        body(
            "POST",
            "/dms/requests",
            User,
            200,
            json!({ "recipient_id": 3, "text": "Hello" }),
        ),
        row("GET", "/dms/requests", User, 200),
        body(
            "PUT",
            "/dms/requests/{pending_id}",
            User,
            200,
            json!({ "status": "accepted" }),
        ),
        row("POST", "/dms/threads/{waiting_id}/accept", User, 200),
        body(
            "POST",
            "/dms/open",
            User,
            200,
            json!({ "other_user_id": 3 }),
        ),
        row("GET", "/dms/inbox", User, 200),
        row("GET", "/dms/unread-count", User, 200),
        row("GET", "/dms/threads/{thread_id}/messages", User, 200),
        body(
            "POST",
            "/dms/threads/{thread_id}/messages",
            User,
            200,
            json!({ "text": "Hi" }),
        ),
        row("POST", "/dms/threads/{thread_id}/mark-read", User, 204),
        row("GET", "/dms/threads/{thread_id}/unread-count", User, 200),
        body(
            "POST",
            "/dms/threads/{thread_id}/typing",
            User,
            204,
            json!({ "typing": true }),
        ),
        row("GET", "/dms/threads/{thread_id}/typing", User, 200),
        row("GET", "/dms/threads/{thread_id}/presence", User, 200),
        body(
            "PUT",
            "/dms/threads/{thread_id}/mute",
            User,
            200,
            json!({ "muted": true }),
        ),
        body(
            "PUT",
            "/dms/threads/{thread_id}/pin",
            User,
            200,
            json!({ "pinned": true }),
        ),
        body(
            "PUT",
            "/dms/threads/{thread_id}/archive",
            User,
            200,
            json!({ "archived": false }),
        ),
        row("POST", "/dms/messages/{message_id}/like", User, 201),
        row("DELETE", "/dms/messages/{message_id}/like", User, 204),
        row(
            "POST",
            "/dms/threads/{thread_id}/messages/{message_id}/heart",
            User,
            200,
        ),
        body(
            "POST",
            "/dms/threads/{thread_id}/messages/{message_id}/reactions",
            User,
            200,
            json!({ "emoji": "x" }),
        ),
        row(
            "GET",
            "/dms/threads/{thread_id}/messages/{message_id}/reactions",
            User,
            200,
        ),
        row(
            "DELETE",
            "/dms/threads/{thread_id}/messages/{message_id}/reactions/{emoji}",
            User,
            200,
        ),
        body(
            "POST",
            "/dms/threads/{thread_id}/forward",
            User,
            200,
            json!({ "message_id": 1, "target_thread_ids": [1] }),
        ),
        row("GET", "/dms/threads/{thread_id}/search?query=hi", User, 200),
        body(
            "POST",
            "/dms/threads/{thread_id}/share-location",
            User,
            200,
            json!({ "latitude": 1, "longitude": 2 }),
        ),
        body(
            "PUT",
            "/dms/messages/{message_id}/delivery-status",
            User,
            204,
            json!({ "message_id": 1, "status": "failed" }),
        ),
        file("/dms/upload/media", "file", png),
        file("/dms/upload/voice", "file", wav),
        file("/dms/upload/file", "file", pdf),
        row(
            "DELETE",
            "/dms/threads/{thread_id}/messages/{message_id}",
            User,
            204,
        ),
        body(
            "PUT",
            "/dms/threads/{user_id}/block",
            User,
            200,
            json!({ "blocked": true }),
        ),
        row("DELETE", "/follow/{user_id}", User, 200),
    ]
}
