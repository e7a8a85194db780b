//! `/ws/user/{user_id}`: everything that concerns one person.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use super::socket::{self, Incoming, Refusal, Room, TokenQuery, Upgrade, error_frame};
use crate::app::App;
use crate::error::Result;
use crate::extract::{Path, Query};
use crate::hub::Topic;
use crate::stamp;

struct Inbox {
    user: i64,
}

pub(super) async fn connect(
    State(app): State<App>,
    Path(user_id): Path<i64>,
    Query(token): Query<TokenQuery>,
    headers: HeaderMap,
    Upgrade(upgrade): Upgrade,
) -> Result<Response> {
    match socket::caller_of(&app, &headers, &token).await? {
        Some(caller) if caller.user.id == user_id => {
            let room = Inbox { user: user_id };
            Ok(socket::accept(upgrade, app, &caller, room))
        }
        _ => Ok(socket::refuse(upgrade, Refusal::BadToken)),
    }
}

impl Room for Inbox {
    fn topic(&self) -> Topic {
        Topic::User(self.user)
    }

    async fn greet(&mut self, _: &App) -> Result<Vec<Value>> {
        let now = stamp::frame_now();
        Ok(vec![
            json!({ "type": "connection_established", "user_id": self.user, "timestamp": now }),
        ])
    }

    async fn receive(&mut self, _: &App, frame: Incoming) -> Result<Vec<Value>> {
        let text = match frame {
            Incoming::Raw(_) => "Malformed JSON",
            Incoming::Json(_) => "Unknown message type",
        };
        Ok(vec![error_frame(text)])
    }

    async fn still_allowed(&self, _: &App) -> Result<bool> {
        Ok(true)
    }

    async fn left(&self, _: &App) -> Result<()> {
        Ok(())
    }
}
