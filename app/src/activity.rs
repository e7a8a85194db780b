//! What people did, for those who follow them.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::auth::User;
use crate::bounds::{Id, Int};
use crate::error::{ApiError, Result};
use crate::extract::{Json, Query};
use crate::page::{Page, Paging};
use crate::routes;
use crate::stamp::{self, Stamp};

mod feed;
pub mod link;

use feed::Filter;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(feed))
        .routes(routes!(filtered))
}

/// What an entry is about. The entry holds no copy of it: what it shows is read from there, and it is gone with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    CheckIn(i64),
    Like { id: i64, check_in: i64 },
    Comment { id: i64, check_in: i64 },
    Follow { id: i64, followee: i64 },
    Review(i64),
    Collection(i64),
}

impl Cause {
    const fn kind(self) -> &'static str {
        match self {
            Cause::CheckIn(_) => "checkin",
            Cause::Like { .. } => "like",
            Cause::Comment { .. } => "comment",
            Cause::Follow { .. } => "follow",
            Cause::Review(_) => "review",
            Cause::Collection(_) => "collection",
        }
    }

    const fn id(self) -> i64 {
        match self {
            Cause::CheckIn(id)
            | Cause::Like { id, .. }
            | Cause::Comment { id, .. }
            | Cause::Follow { id, .. }
            | Cause::Review(id)
            | Cause::Collection(id) => id,
        }
    }

    /// The check-in it is about: who may not see that, does not see the entry.
    const fn check_in(self) -> Option<i64> {
        match self {
            Cause::CheckIn(id) => Some(id),
            Cause::Like { check_in, .. } | Cause::Comment { check_in, .. } => Some(check_in),
            Cause::Follow { .. } | Cause::Review(_) | Cause::Collection(_) => None,
        }
    }

    /// The ids by which the version before decides who may see it.
    fn ids(self) -> Value {
        match self {
            Cause::CheckIn(id) => json!({ "checkin_id": id }),
            Cause::Like { check_in, .. } => json!({ "checkin_id": check_in }),
            Cause::Comment { id, check_in } => {
                json!({ "comment_id": id, "checkin_id": check_in })
            }
            Cause::Follow { followee, .. } => json!({ "followee_id": followee }),
            Cause::Review(id) => json!({ "review_id": id }),
            Cause::Collection(id) => json!({ "collection_id": id }),
        }
    }
}

/// Notes an entry, in the transaction of its cause. An older entry of the same cause is replaced.
///
/// # Errors
/// The database's failure.
pub async fn record(tx: &mut PgConnection, user: i64, cause: Cause) -> Result<()> {
    forget(&mut *tx, cause.kind(), cause.id()).await?;
    let sql = "insert into activities (user_id, activity_type, activity_data, cause_id, check_in_id, owner_id, audience) \
               values ($1, $2, $3, $4, $5, (select user_id from check_ins where id = $5), \
               (select visibility from check_ins where id = $5))";
    sqlx::query(sql)
        .bind(user)
        .bind(cause.kind())
        .bind(cause.ids())
        .bind(cause.id())
        .bind(cause.check_in())
        .execute(tx)
        .await?;
    Ok(())
}

/// Removes the entry of a cause that is gone.
async fn forget(tx: &mut PgConnection, kind: &str, cause: i64) -> Result<()> {
    let sql = "delete from activities where activity_type = $1 and cause_id = $2";
    sqlx::query(sql).bind(kind).bind(cause).execute(tx).await?;
    Ok(())
}

/// # Errors
/// The database's failure.
pub async fn forget_like(tx: &mut PgConnection, id: i64) -> Result<()> {
    forget(tx, "like", id).await
}

/// # Errors
/// The database's failure.
pub async fn forget_comment(tx: &mut PgConnection, id: i64) -> Result<()> {
    forget(tx, "comment", id).await
}

/// # Errors
/// The database's failure.
pub async fn forget_follow(tx: &mut PgConnection, id: i64) -> Result<()> {
    forget(tx, "follow", id).await
}

/// # Errors
/// The database's failure.
pub async fn forget_review(tx: &mut PgConnection, id: i64) -> Result<()> {
    forget(tx, "review", id).await
}

/// # Errors
/// The database's failure.
pub async fn forget_collection(tx: &mut PgConnection, id: i64) -> Result<()> {
    forget(tx, "collection", id).await
}

/// Removes all entries about a check-in that is gone.
///
/// # Errors
/// The database's failure.
pub async fn forget_check_in(tx: &mut PgConnection, id: i64) -> Result<()> {
    let sql = "delete from activities where check_in_id = $1";
    sqlx::query(sql).bind(id).execute(tx).await?;
    Ok(())
}

/// Follows a check-in whose visibility changed.
///
/// # Errors
/// The database's failure.
pub async fn follow_visibility(tx: &mut PgConnection, check_in: i64) -> Result<()> {
    let sql = "update activities a set audience = c.visibility from check_ins c where c.id = $1 and a.check_in_id = c.id";
    sqlx::query(sql).bind(check_in).execute(tx).await?;
    Ok(())
}

#[derive(Serialize, ToSchema, sqlx::FromRow)]
pub struct Entry {
    id: i64,
    user_id: i64,
    user_name: String,
    user_avatar_url: Option<String>,
    activity_type: String,
    #[schema(value_type = Object)]
    activity_data: Value,
    created_at: Stamp,
}

fn time(name: &str, text: Option<&str>) -> Result<Option<DateTime<Utc>>> {
    match text.filter(|t| !t.is_empty()) {
        None => Ok(None),
        Some(text) => stamp::parse(text)
            .map(Some)
            .ok_or_else(|| ApiError::bad(format!("{name} must be an ISO 8601 time"))),
    }
}

#[derive(Deserialize, IntoParams)]
struct FeedQuery {
    /// Comma list of checkin, like, comment, follow, review, collection.
    activity_types: Option<String>,
    #[param(value_type = Option<DateTime<Utc>>)]
    since: Option<String>,
    #[param(value_type = Option<DateTime<Utc>>)]
    until: Option<String>,
}

/// What the people the caller follows did, newest first.
#[utoipa::path(get, path = "/activity/feed", tag = "activity", params(Paging, FeedQuery), responses((status = 200, body = Page<Entry>)))]
async fn feed(
    State(app): State<App>,
    user: User,
    Query(paging): Query<Paging>,
    Query(query): Query<FeedQuery>,
) -> Result<Json<Page<Entry>>> {
    let types = query
        .activity_types
        .as_deref()
        .filter(|t| !t.trim().is_empty());
    let filter = Filter {
        types: types.map(|t| t.split(',').map(|part| part.trim().to_owned()).collect()),
        users: None,
        since: time("since", query.since.as_deref())?,
        until: time("until", query.until.as_deref())?,
    };
    let (items, total) =
        feed::entries(&app, user.id, &filter, paging.limit(), paging.offset()).await?;
    Ok(Json(paging.page(items, total)))
}

#[derive(Deserialize, ToSchema)]
struct FilterBody {
    activity_types: Option<Vec<String>>,
    user_ids: Option<Vec<Id>>,
    #[schema(value_type = Option<DateTime<Utc>>)]
    since: Option<String>,
    #[schema(value_type = Option<DateTime<Utc>>)]
    until: Option<String>,
    limit: Option<Int<1, 100>>,
    offset: Option<Int<0, { i64::MAX }>>,
}

/// The feed, narrowed down.
#[utoipa::path(post, path = "/activity/feed/filtered", tag = "activity", responses((status = 200, body = Page<Entry>)))]
async fn filtered(
    State(app): State<App>,
    user: User,
    Json(body): Json<FilterBody>,
) -> Result<Json<Page<Entry>>> {
    let filter = Filter {
        since: time("since", body.since.as_deref())?,
        until: time("until", body.until.as_deref())?,
        types: body.activity_types.filter(|t| !t.is_empty()),
        users: body
            .user_ids
            .filter(|u| !u.is_empty())
            .map(|ids| ids.into_iter().map(|id| *id).collect()),
    };
    let (limit, offset) = (body.limit.map_or(20, |l| *l), body.offset.map_or(0, |o| *o));
    let (items, total) = feed::entries(&app, user.id, &filter, limit, offset).await?;
    Ok(Json(Page::new(items, total, limit, offset)))
}
