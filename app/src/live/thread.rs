//! `/ws/dms/{thread_id}`: the two people of an accepted thread.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use super::socket::{self, Incoming, Refusal, Room, TokenQuery, Upgrade, error_frame};
use crate::app::App;
use crate::auth::User;
use crate::dms::send::{self, NewMessage};
use crate::dms::thread::{self, ThreadRow};
use crate::dms::{frames, participant, reactions};
use crate::error::{ApiError, Result};
use crate::event::{self, Event};
use crate::extract::{Path, Query};
use crate::hub::Topic;
use crate::presence;
use crate::stamp;

const LONGEST: usize = 2000;

struct Conversation {
    user: User,
    thread: i64,
    other: i64,
}

pub(super) async fn connect(
    State(app): State<App>,
    Path(thread_id): Path<i64>,
    Query(token): Query<TokenQuery>,
    headers: HeaderMap,
    Upgrade(upgrade): Upgrade,
) -> Result<Response> {
    let Some(caller) = socket::caller_of(&app, &headers, &token).await? else {
        return Ok(socket::refuse(upgrade, Refusal::BadToken));
    };
    match thread::access(&app.db, thread_id, caller.user.id).await {
        Ok(thread) if thread.is_accepted() => {
            let room = Conversation {
                user: caller.user.clone(),
                thread: thread_id,
                other: thread.other(caller.user.id),
            };
            Ok(socket::accept(upgrade, app, &caller, room))
        }
        Ok(_) | Err(ApiError::Forbidden(_)) => Ok(socket::refuse(upgrade, Refusal::NotAllowed)),
        Err(ApiError::NotFound(_)) => Ok(socket::refuse(upgrade, Refusal::Unknown)),
        Err(error) => Err(error),
    }
}

fn person(id: i64, name: Option<&String>, avatar: Option<&String>) -> Value {
    json!({ "id": id, "name": name, "avatar_url": avatar })
}

impl Conversation {
    /// The thread as it is now: every frame is checked anew.
    async fn current(&self, app: &App) -> Result<ThreadRow> {
        let thread = thread::access(&app.db, self.thread, self.user.id).await?;
        if thread.is_accepted() {
            Ok(thread)
        } else {
            Err(ApiError::bad("This thread is not accepted"))
        }
    }

    async fn message(&self, app: &App, frame: &Value) -> Result<()> {
        let text = frame["text"].as_str().unwrap_or_default();
        if text.trim().is_empty() {
            return Err(ApiError::bad("Message text cannot be empty"));
        }
        if text.chars().count() > LONGEST {
            return Err(ApiError::bad("Message text is longer than 2000 characters"));
        }
        let thread = self.current(app).await?;
        let new = NewMessage {
            text: text.to_owned(),
            ..NewMessage::default()
        };
        send::send(app, &self.user, &thread, &new).await?;
        Ok(())
    }

    async fn typing(&self, app: &App, typing: bool) -> Result<()> {
        self.current(app).await?;
        participant::type_now(app, self.thread, self.user.id, self.other, typing).await
    }

    async fn mark_read(&self, app: &App) -> Result<()> {
        self.current(app).await?;
        let at = participant::read_now(&app.db, self.thread, self.user.id, self.other).await?;
        event::emit(
            &app.db,
            &participant::receipt(self.thread, self.user.id, at),
        )
        .await
    }

    async fn reaction(&self, app: &App, frame: &Value) -> Result<()> {
        let message = frame["message_id"]
            .as_i64()
            .ok_or(ApiError::bad("message_id is required"))?;
        let reaction = frame["reaction"].as_str().unwrap_or(frames::HEART);
        if !(1..=10).contains(&reaction.chars().count()) {
            return Err(ApiError::bad("reaction must have 1 to 10 characters"));
        }
        reactions::readable(app, &self.user, message, Some(self.thread)).await?;
        let added = frames::reaction_added(self.thread, message, self.user.id, reaction);
        event::emit(&app.db, &added).await
    }
}

impl Room for Conversation {
    fn topic(&self) -> Topic {
        Topic::Thread(self.thread)
    }

    async fn greet(&mut self, app: &App) -> Result<Vec<Value>> {
        let here = json!({ "type": "presence", "user_id": self.user.id, "online": true, "timestamp": stamp::frame_now() });
        event::emit(&app.db, &Event::to(self.topic(), here).except(self.user.id)).await?;
        let sql = "select id, name, avatar_url from users where id in ($1, $2) order by id <> $1";
        let rows: Vec<(i64, Option<String>, Option<String>)> = sqlx::query_as(sql)
            .bind(self.user.id)
            .bind(self.other)
            .fetch_all(&app.db)
            .await?;
        let mut participants = Vec::new();
        for (id, name, avatar) in rows {
            let avatar = app.objects.address_opt(avatar.as_deref()).await;
            participants.push(person(id, name.as_ref(), avatar.as_ref()));
        }
        let online = presence::is_online(&app.db, self.other).await?;
        let now = stamp::frame_now();
        Ok(vec![
            json!({ "type": "connection_established", "thread_id": self.thread, "user_id": self.user.id, "timestamp": now }),
            json!({ "type": "thread_info", "participants": participants, "other_user_online": online, "timestamp": now }),
        ])
    }

    async fn receive(&mut self, app: &App, frame: Incoming) -> Result<Vec<Value>> {
        let Incoming::Json(frame) = frame else {
            return Ok(vec![error_frame("Malformed JSON")]);
        };
        match frame["type"].as_str().unwrap_or_default() {
            "message" => self.message(app, &frame).await?,
            "typing" => {
                self.typing(app, frame["typing"].as_bool().unwrap_or(true))
                    .await?
            }
            "typing_stop" => self.typing(app, false).await?,
            "mark_read" => self.mark_read(app).await?,
            "reaction" => self.reaction(app, &frame).await?,
            _ => return Ok(vec![error_frame("Unknown message type")]),
        }
        Ok(Vec::new())
    }

    async fn still_allowed(&self, app: &App) -> Result<bool> {
        match self.current(app).await {
            Ok(_) => Ok(true),
            Err(ApiError::Forbidden(_) | ApiError::NotFound(_) | ApiError::BadRequest(_)) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    async fn left(&self, app: &App) -> Result<()> {
        event::emit(&app.db, &presence::left(self.topic(), self.user.id)).await
    }
}
