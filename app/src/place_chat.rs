//! The room of a place: open to people who checked in a short while ago, kept only as long as they may be in it.

pub mod private;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgExecutor;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::app::App;
use crate::auth::User;
use crate::bounds::Text;
use crate::error::{ApiError, Result};
use crate::event::{self, Event};
use crate::extract::{Json, Path, Query};
use crate::hub::Topic;
use crate::page::{Page, Paging, count_of};
use crate::routes;
use crate::stamp::{self, Stamp};
use crate::visible;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(room))
        .routes(routes!(join))
        .routes(routes!(leave))
        .routes(routes!(messages, post))
        .routes(routes!(private::private_reply))
}

/// SQL: the user `user` has a check-in at `place` inside the window of `hours` that has not expired.
#[must_use]
pub fn admitted(user: &str, place: &str, hours: &str) -> String {
    format!(
        "exists (select 1 from check_ins ac where ac.user_id = {user} and ac.place_id = {place} \
         and ac.created_at > now() - make_interval(hours => {hours}::int) and ac.expires_at > now())"
    )
}

/// Whether the user may be in the place's room now; `None` when there is no such place.
///
/// # Errors
/// The database's failure.
pub async fn gate(
    app: &App,
    db: impl PgExecutor<'_>,
    user: i64,
    place: i64,
) -> Result<Option<bool>> {
    let sql = format!(
        "select {} from places p where p.id = $2",
        admitted("$1::bigint", "p.id", "$3")
    );
    let hours = app.config.checkin.chat_window_hours;
    Ok(sqlx::query_scalar(&sql)
        .bind(user)
        .bind(place)
        .bind(hours)
        .fetch_optional(db)
        .await?)
}

async fn admit(app: &App, user: &User, place: i64) -> Result<()> {
    match gate(app, &app.db, user.id, place).await? {
        None => Err(ApiError::NotFound("Place")),
        Some(false) => Err(ApiError::forbidden(
            "Check in at this place to join its chat",
        )),
        Some(true) => Ok(()),
    }
}

#[derive(Serialize, ToSchema, sqlx::FromRow)]
pub struct Room {
    id: i64,
    place_id: i64,
    place_name: String,
    created_at: Stamp,
    expires_at: Stamp,
    active_users_count: i64,
    is_active: bool,
    has_joined: bool,
    last_message: Option<String>,
    last_message_at: Option<Stamp>,
}

async fn room_of(app: &App, user: &User, place: i64) -> Result<Room> {
    let sql = format!(
        "select p.id, p.id as place_id, p.name as place_name, w.start as created_at, now() + make_interval(hours => $3::int) as expires_at, \
         (select count(distinct c.user_id) from check_ins c where c.place_id = p.id and c.created_at > w.start and c.expires_at > now() and {0}) \
         as active_users_count, \
         exists (select 1 from check_ins c where c.place_id = p.id and c.created_at > w.start and c.expires_at > now() and {0}) as is_active, \
         j.joined as has_joined, case when j.joined then lm.text end as last_message, \
         case when j.joined then lm.created_at end as last_message_at \
         from places p cross join (select now() - make_interval(hours => $3::int) as start) w \
         cross join lateral (select {1} as joined) j \
         left join lateral (select text, created_at from place_chat_messages m where m.place_id = p.id and m.created_at > w.start \
             and {2} order by m.created_at desc limit 1) lm on true where p.id = $2",
        visible::check_in("c", "$1::bigint"),
        admitted("$1::bigint", "p.id", "$3"),
        visible::unblocked("m.user_id", "$1::bigint"),
    );
    let hours = app.config.checkin.chat_window_hours;
    let room = sqlx::query_as(&sql)
        .bind(user.id)
        .bind(place)
        .bind(hours)
        .fetch_optional(&app.db)
        .await?;
    room.ok_or(ApiError::NotFound("Place"))
}

/// The room. What was said last is told to those admitted only.
#[utoipa::path(get, path = "/places/{place_id}/chat/room", tag = "place chat", responses((status = 200, body = Room)))]
async fn room(State(app): State<App>, user: User, Path(place_id): Path<i64>) -> Result<Json<Room>> {
    Ok(Json(room_of(&app, &user, place_id).await?))
}

/// Whether the caller may come in.
#[utoipa::path(post, path = "/places/{place_id}/chat/join", tag = "place chat", responses((status = 200, body = Room)))]
async fn join(State(app): State<App>, user: User, Path(place_id): Path<i64>) -> Result<Json<Room>> {
    admit(&app, &user, place_id).await?;
    Ok(Json(room_of(&app, &user, place_id).await?))
}

/// Leaving has no effect: the room ends with the check-in.
#[utoipa::path(post, path = "/places/{place_id}/chat/leave", tag = "place chat", responses((status = 204, description = "Left")))]
async fn leave(
    State(app): State<App>,
    user: User,
    Path(place_id): Path<i64>,
) -> Result<StatusCode> {
    match gate(&app, &app.db, user.id, place_id).await? {
        Some(_) => Ok(StatusCode::NO_CONTENT),
        None => Err(ApiError::NotFound("Place")),
    }
}

/// A message of a room. `author_id` is text, as the first clients of the room wanted it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatMessage {
    id: Uuid,
    room_id: i64,
    place_id: i64,
    user_id: i64,
    author_id: String,
    author_name: String,
    author_avatar_url: Option<String>,
    text: String,
    created_at: Stamp,
    status: &'static str,
}

#[derive(sqlx::FromRow)]
struct ChatRow {
    id: Uuid,
    place_id: i64,
    user_id: i64,
    author_name: String,
    avatar_url: Option<String>,
    text: String,
    created_at: Stamp,
}

impl ChatRow {
    async fn shown(self, app: &App) -> ChatMessage {
        ChatMessage {
            id: self.id,
            room_id: self.place_id,
            place_id: self.place_id,
            user_id: self.user_id,
            author_id: self.user_id.to_string(),
            author_name: self.author_name,
            author_avatar_url: app.objects.address_opt(self.avatar_url.as_deref()).await,
            text: self.text,
            created_at: self.created_at,
            status: "sent",
        }
    }
}

/// Stores what an admitted user says, and tells the room.
///
/// # Errors
/// 400 blank text, 403 not admitted, 404 no such place, 429 beyond the cap of messages.
pub async fn say(app: &App, user: &User, place: i64, text: &str) -> Result<ChatMessage> {
    if text.trim().is_empty() {
        return Err(ApiError::bad("Message text cannot be empty"));
    }
    admit(app, user, place).await?;
    let mut tx = app.db.begin().await?;
    crate::limits::take(
        &mut *tx,
        &format!("place-chat:{}", user.id),
        60,
        app.config.dm.messages_per_min * 3,
    )
    .await?;
    let sql = "with m as (insert into place_chat_messages (id, place_id, user_id, text, created_at) values ($1, $2, $3, $4, clock_timestamp()) \
               returning id, place_id, user_id, text, created_at) \
               select m.*, coalesce(u.name, 'User ' || u.id) as author_name, u.avatar_url from m join users u on u.id = m.user_id";
    let row: ChatRow = sqlx::query_as(sql)
        .bind(Uuid::new_v4())
        .bind(place)
        .bind(user.id)
        .bind(text)
        .fetch_one(&mut *tx)
        .await?;
    let message = row.shown(app).await;
    let mut body = serde_json::to_value(&message).map_err(ApiError::internal)?;
    body["created_at"] = json!(stamp::frame(message.created_at.0));
    event::emit(
        &mut *tx,
        &Event::to(
            Topic::Place(place),
            json!({ "type": "message", "message": body }),
        )
        .by(user.id),
    )
    .await?;
    tx.commit().await?;
    Ok(message)
}

#[derive(Deserialize, IntoParams)]
struct MessagesQuery {
    /// ISO 8601; only later messages.
    #[param(value_type = Option<chrono::DateTime<chrono::Utc>>)]
    since: Option<String>,
}

/// What was said within the window, oldest first, for those admitted.
#[utoipa::path(get, path = "/places/{place_id}/chat/messages", tag = "place chat", params(Paging<200, 50>, MessagesQuery),
    responses((status = 200, body = Page<ChatMessage>)))]
async fn messages(
    State(app): State<App>,
    user: User,
    Path(place_id): Path<i64>,
    Query(paging): Query<Paging<200, 50>>,
    Query(query): Query<MessagesQuery>,
) -> Result<Json<Page<ChatMessage>>> {
    admit(&app, &user, place_id).await?;
    let since = match query.since.as_deref() {
        None => None,
        Some(text) => Some(
            stamp::parse(text).ok_or_else(|| ApiError::bad("since must be an ISO 8601 time"))?,
        ),
    };
    let conditions = format!(
        "from place_chat_messages m join users u on u.id = m.user_id where m.place_id = $1 \
         and m.created_at > now() - make_interval(hours => $2::int) and ($3::timestamptz is null or m.created_at > $3) and {}",
        visible::unblocked("m.user_id", "$4::bigint")
    );
    let hours = app.config.checkin.chat_window_hours;
    let count = format!("select {}", count_of(&conditions));
    let total = sqlx::query_scalar(&count)
        .bind(place_id)
        .bind(hours)
        .bind(since)
        .bind(user.id)
        .fetch_one(&app.db)
        .await?;
    let sql = format!(
        "select m.id, m.place_id, m.user_id, m.text, m.created_at, coalesce(u.name, 'User ' || u.id) as author_name, u.avatar_url \
         {conditions} order by m.created_at, m.id limit $5 offset $6"
    );
    let rows: Vec<ChatRow> = sqlx::query_as(&sql)
        .bind(place_id)
        .bind(hours)
        .bind(since)
        .bind(user.id)
        .bind(paging.limit())
        .bind(paging.offset())
        .fetch_all(&app.db)
        .await?;
    let items = futures::future::join_all(rows.into_iter().map(|r| r.shown(&app))).await;
    Ok(Json(paging.page(items, total)))
}

#[derive(Deserialize, ToSchema)]
struct SayBody {
    text: Text<1, 2000>,
}

/// Says something in the room.
#[utoipa::path(post, path = "/places/{place_id}/chat/messages", tag = "place chat", responses((status = 200, body = ChatMessage)))]
async fn post(
    State(app): State<App>,
    user: User,
    Path(place_id): Path<i64>,
    Json(body): Json<SayBody>,
) -> Result<Json<ChatMessage>> {
    Ok(Json(say(&app, &user, place_id, &body.text).await?))
}
