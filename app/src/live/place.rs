//! `/ws/places/{place_id}/chat`: people who checked in a short while ago.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use super::socket::{self, Incoming, Refusal, Room, TokenQuery, Upgrade, error_frame};
use crate::app::App;
use crate::auth::User;
use crate::error::{ApiError, Result};
use crate::event::{self, Event};
use crate::extract::{Path, Query};
use crate::hub::Topic;
use crate::place_chat::{self, private};
use crate::presence;
use crate::stamp;

const LONGEST: usize = 2000;

struct Chat {
    user: User,
    place: i64,
}

pub(super) async fn connect(
    State(app): State<App>,
    Path(place_id): Path<i64>,
    Query(token): Query<TokenQuery>,
    headers: HeaderMap,
    Upgrade(upgrade): Upgrade,
) -> Result<Response> {
    let Some(caller) = socket::caller_of(&app, &headers, &token).await? else {
        return Ok(socket::refuse(upgrade, Refusal::BadToken));
    };
    match place_chat::gate(&app, &app.db, caller.user.id, place_id).await? {
        Some(true) => {
            let room = Chat {
                user: caller.user.clone(),
                place: place_id,
            };
            Ok(socket::accept(upgrade, app, &caller, room))
        }
        // Nobody has checked in at a place that is not there.
        Some(false) | None => Ok(socket::refuse(upgrade, Refusal::NotAllowed)),
    }
}

impl Chat {
    async fn say(&self, app: &App, text: &str) -> Result<()> {
        if text.chars().count() > LONGEST {
            return Err(ApiError::bad("Message text is longer than 2000 characters"));
        }
        place_chat::say(app, &self.user, self.place, text).await?;
        Ok(())
    }

    async fn typing(&self, app: &App, frame: &Value) -> Result<()> {
        if place_chat::gate(app, &app.db, self.user.id, self.place).await? != Some(true) {
            return Err(ApiError::forbidden(
                "Check in at this place to join its chat",
            ));
        }
        let typing = frame["typing"].as_bool().unwrap_or(true);
        let payload = json!({
            "type": "typing", "user_id": self.user.id, "user_name": self.user.display_name(), "typing": typing,
            "timestamp": stamp::frame_now(),
        });
        event::emit(
            &app.db,
            &Event::to(self.topic(), payload)
                .except(self.user.id)
                .by(self.user.id),
        )
        .await
    }

    async fn reply_private(&self, app: &App, frame: &Value) -> Result<Value> {
        let target = frame["target_user_id"]
            .as_i64()
            .ok_or(ApiError::bad("target_user_id is required"))?;
        let text = frame["text"].as_str().unwrap_or_default();
        if !presence::is_in_room(&app.db, target, self.topic()).await? {
            return Err(ApiError::bad("This user is not in the room"));
        }
        let quoted = frame["context"]["text"].as_str();
        let sent =
            private::reply_privately(app, &self.user, self.place, target, text, quoted).await?;
        Ok(private::private_reply_sent(&sent, target))
    }
}

impl Room for Chat {
    fn topic(&self) -> Topic {
        Topic::Place(self.place)
    }

    async fn greet(&mut self, app: &App) -> Result<Vec<Value>> {
        Ok(vec![json!({
            "type": "connection_established", "place_id": self.place, "user_id": self.user.id,
            "window_hours": app.config.checkin.chat_window_hours,
        })])
    }

    async fn receive(&mut self, app: &App, frame: Incoming) -> Result<Vec<Value>> {
        let frame = match frame {
            // Text that is no JSON is something said, as it always was in this room.
            Incoming::Raw(text) => {
                self.say(app, &text).await?;
                return Ok(Vec::new());
            }
            Incoming::Json(frame) => frame,
        };
        match frame["type"].as_str().unwrap_or_default() {
            "message" => {
                self.say(app, frame["text"].as_str().unwrap_or_default())
                    .await?
            }
            "typing" => self.typing(app, &frame).await?,
            "reply_private" => return Ok(vec![self.reply_private(app, &frame).await?]),
            _ => return Ok(vec![error_frame("Unknown message type")]),
        }
        Ok(Vec::new())
    }

    async fn still_allowed(&self, app: &App) -> Result<bool> {
        Ok(place_chat::gate(app, &app.db, self.user.id, self.place).await? == Some(true))
    }

    async fn left(&self, _: &App) -> Result<()> {
        Ok(())
    }
}
