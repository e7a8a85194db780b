//! Passing messages on, finding them, places as messages, and delivery reports.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::message::{self, Message};
use super::message_type::MessageType;
use super::send::{self, NewMessage};
use super::{frames, reactions, source, thread};
use crate::app::App;
use crate::auth::User;
use crate::bounds::{Id, Lat, List, Lng, Text};
use crate::error::{ApiError, Result};
use crate::event;
use crate::extract::{Json, Path, Query};
use crate::page::{COUNTED, Paging, count_of, is_false};
use crate::places::filter::contains;
use crate::stamp::Stamp;

#[derive(Deserialize, ToSchema)]
pub struct ForwardBody {
    message_id: Id,
    #[schema(value_type = Vec<Id>, min_items = 1, max_items = 5)]
    target_thread_ids: List<Id, 1, 5>,
}

#[derive(Serialize, ToSchema)]
pub struct Forwarded {
    forwarded_count: usize,
    failed_threads: Vec<i64>,
    total_requested: usize,
}

/// Passes a message of this thread on to others.
#[utoipa::path(post, path = "/dms/threads/{thread_id}/forward", tag = "dms", responses((status = 200, body = Forwarded)))]
pub async fn forward(
    State(app): State<App>,
    user: User,
    Path(thread_id): Path<i64>,
    Json(body): Json<ForwardBody>,
) -> Result<Json<Forwarded>> {
    let total = body.target_thread_ids.len();
    reactions::readable(&app, &user, *body.message_id, Some(thread_id)).await?;
    let new = source::load(&app, *body.message_id).await?;
    let mut failed = Vec::new();
    for target in body.target_thread_ids.iter() {
        let sent = async {
            let thread = thread::access(&app.db, **target, user.id).await?;
            send::send(&app, &user, &thread, &new).await
        };
        match sent.await {
            Ok(_) => {}
            // Ours to answer for, not this thread's refusal.
            Err(error @ (ApiError::Unavailable | ApiError::Internal)) => return Err(error),
            Err(_) => failed.push(**target),
        }
    }
    Ok(Json(Forwarded {
        forwarded_count: total - failed.len(),
        failed_threads: failed,
        total_requested: total,
    }))
}

#[derive(Deserialize, IntoParams)]
pub struct SearchQuery {
    #[param(inline)]
    query: Text<1, 100>,
}

#[derive(Serialize, ToSchema, sqlx::FromRow)]
pub struct Hit {
    message_id: i64,
    thread_id: i64,
    sender_id: i64,
    sender_name: String,
    text: String,
    created_at: Stamp,
    match_preview: String,
}

#[derive(Serialize, ToSchema)]
pub struct Hits {
    results: Vec<Hit>,
    /// Exact up to 10 000; 10 000 when there are more.
    total: i64,
    /// True when there are more than `total`; left out otherwise.
    #[serde(skip_serializing_if = "is_false")]
    #[schema(required = false)]
    total_is_minimum: bool,
    limit: i64,
    offset: i64,
}

/// Finds messages of the thread by their text.
#[utoipa::path(get, path = "/dms/threads/{thread_id}/search", tag = "dms", params(Paging, SearchQuery), responses((status = 200, body = Hits)))]
pub async fn search(
    State(app): State<App>,
    user: User,
    Path(thread_id): Path<i64>,
    Query(search): Query<SearchQuery>,
    Query(paging): Query<Paging>,
) -> Result<Json<Hits>> {
    thread::access(&app.db, thread_id, user.id).await?;
    let conditions = "from dm_messages m join users u on u.id = m.sender_id where m.thread_id = $1 and m.deleted_at is null \
                      and (m.expires_at is null or m.expires_at > now()) and (m.text ilike $2 or m.caption ilike $2)";
    let pattern = contains(&search.query);
    let count = format!("select {}", count_of(conditions));
    let total: i64 = sqlx::query_scalar(&count)
        .bind(thread_id)
        .bind(&pattern)
        .fetch_one(&app.db)
        .await?;
    let sql = format!(
        "select m.id as message_id, m.thread_id, m.sender_id, coalesce(u.name, 'User ' || u.id) as sender_name, m.text, m.created_at, \
         substr(m.text, greatest(1, strpos(lower(m.text), lower($3)) - 40), 120) as match_preview {conditions} \
         order by m.created_at desc, m.id desc limit $4 offset $5"
    );
    let results = sqlx::query_as(&sql)
        .bind(thread_id)
        .bind(&pattern)
        .bind(&*search.query)
        .bind(paging.limit())
        .bind(paging.offset())
        .fetch_all(&app.db)
        .await?;
    Ok(Json(Hits {
        results,
        total: total.min(COUNTED),
        total_is_minimum: total > COUNTED,
        limit: paging.limit(),
        offset: paging.offset(),
    }))
}

#[derive(Deserialize, ToSchema)]
pub struct LocationBody {
    latitude: Lat,
    longitude: Lng,
    name: Option<Text<0, 200>>,
    address: Option<Text<0, 500>>,
}

/// Sends a location.
#[utoipa::path(post, path = "/dms/threads/{thread_id}/share-location", tag = "dms", responses((status = 200, body = Message)))]
pub async fn share_location(
    State(app): State<App>,
    user: User,
    Path(thread_id): Path<i64>,
    Json(body): Json<LocationBody>,
) -> Result<Json<Message>> {
    let thread = thread::access(&app.db, thread_id, user.id).await?;
    let name = body.name.map(Text::into_inner);
    let new = NewMessage {
        text: name.as_deref().map_or_else(
            || "Shared a location".to_owned(),
            |n| format!("Shared a location: {n}"),
        ),
        message_type: MessageType::Location,
        location: Some((*body.latitude, *body.longitude)),
        location_name: name,
        location_address: body.address.map(Text::into_inner),
        ..NewMessage::default()
    };
    let stored = send::send(&app, &user, &thread, &new).await?;
    Ok(Json(message::shown(&app, user.id, stored.id).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    Delivered,
    Failed,
}

#[derive(Deserialize, ToSchema)]
pub struct DeliveryBody {
    message_id: Option<Id>,
    status: Delivery,
    failure_reason: Option<Text<0, 500>>,
}

/// Reports what became of a message: the recipient says delivered, the sender failed.
#[utoipa::path(put, path = "/dms/messages/{message_id}/delivery-status", tag = "dms", responses((status = 204, description = "Noted")))]
pub async fn delivery_status(
    State(app): State<App>,
    user: User,
    Path(message_id): Path<i64>,
    Json(body): Json<DeliveryBody>,
) -> Result<StatusCode> {
    if body.message_id.is_some_and(|id| *id != message_id) {
        return Err(ApiError::bad(
            "The body speaks of another message than the path",
        ));
    }
    let thread = reactions::readable(&app, &user, message_id, None).await?;
    let sender: i64 = sqlx::query_scalar("select sender_id from dm_messages where id = $1")
        .bind(message_id)
        .fetch_one(&app.db)
        .await?;
    let (sql, status, reason) = match body.status {
        Delivery::Delivered if sender != user.id => (
            "update dm_messages set delivery_status = 'delivered', delivered_at = coalesce(delivered_at, now()), failure_reason = $2 where id = $1",
            "delivered",
            None,
        ),
        Delivery::Failed if sender == user.id => (
            "update dm_messages set delivery_status = 'failed', failed_at = now(), failure_reason = $2 where id = $1",
            "failed",
            body.failure_reason.map(Text::into_inner),
        ),
        Delivery::Delivered => {
            return Err(ApiError::forbidden(
                "Only the recipient may mark a message delivered",
            ));
        }
        Delivery::Failed => {
            return Err(ApiError::forbidden(
                "Only the sender may mark a message failed",
            ));
        }
    };
    let mut tx = app.db.begin().await?;
    sqlx::query(sql)
        .bind(message_id)
        .bind(reason)
        .execute(&mut *tx)
        .await?;
    let change = frames::delivery_status(thread, message_id, user.id, status);
    event::emit(&mut *tx, &change).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
