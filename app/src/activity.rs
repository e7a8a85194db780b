//! What people did, for those who follow them.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgExecutor;
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
use crate::visible;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(feed))
        .routes(routes!(filtered))
}

/// The kinds of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Checkin,
    Like,
    Comment,
    Follow,
    Review,
    Collection,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Kind::Checkin => "checkin",
            Kind::Like => "like",
            Kind::Comment => "comment",
            Kind::Follow => "follow",
            Kind::Review => "review",
            Kind::Collection => "collection",
        }
    }
}

/// Notes an entry. `check_in` is the check-in it is about: who may not see that, does not see the entry.
///
/// # Errors
/// The database's failure.
pub async fn record(
    db: impl PgExecutor<'_>,
    user: i64,
    kind: Kind,
    data: Value,
    check_in: Option<i64>,
) -> Result<()> {
    let sql = "insert into activities (user_id, activity_type, activity_data, check_in_id) values ($1, $2, $3, $4)";
    sqlx::query(sql)
        .bind(user)
        .bind(kind.name())
        .bind(data)
        .bind(check_in)
        .execute(db)
        .await?;
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

#[derive(Default)]
struct Filter {
    types: Option<Vec<String>>,
    users: Option<Vec<i64>>,
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
}

fn time(name: &str, text: Option<&str>) -> Result<Option<DateTime<Utc>>> {
    match text.filter(|t| !t.is_empty()) {
        None => Ok(None),
        Some(text) => stamp::parse(text)
            .map(Some)
            .ok_or_else(|| ApiError::bad(format!("{name} must be an ISO 8601 time"))),
    }
}

async fn entries(
    app: &App,
    viewer: i64,
    filter: &Filter,
    limit: i64,
    offset: i64,
) -> Result<(Vec<Entry>, i64)> {
    let conditions = format!(
        "from activities a join users u on u.id = a.user_id left join check_ins c on c.id = a.check_in_id \
         left join user_collections k on a.activity_type = 'collection' and k.id = (a.activity_data ->> 'collection_id')::bigint \
         where a.user_id in (select followee_id from follows where follower_id = $1) and {unblocked} \
         and ($2::text[] is null or a.activity_type = any($2)) and ($3::bigint[] is null or a.user_id = any($3)) \
         and ($4::timestamptz is null or a.created_at >= $4) and ($5::timestamptz is null or a.created_at <= $5) \
         and (a.check_in_id is null or (c.id is not null and {check_in})) \
         and (a.activity_type <> 'collection' or (k.id is not null and {collection})) \
         and (a.activity_type <> 'follow' or {named})",
        unblocked = visible::unblocked("a.user_id", "$1::bigint"),
        check_in = visible::check_in("c", "$1::bigint"),
        // Who is followed stands in the entry by name.
        named = visible::unblocked("(a.activity_data ->> 'followee_id')::bigint", "$1::bigint"),
        collection = visible::can_view("k.user_id", "$1::bigint", "k.visibility"),
    );
    let total = sqlx::query_scalar(&format!("select count(*) {conditions}"))
        .bind(viewer)
        .bind(&filter.types)
        .bind(&filter.users)
        .bind(filter.since)
        .bind(filter.until)
        .fetch_one(&app.db)
        .await?;
    let sql = format!(
        "select a.id, a.user_id, coalesce(u.name, 'User ' || u.id) as user_name, u.avatar_url as user_avatar_url, a.activity_type, \
         a.activity_data, a.created_at {conditions} order by a.created_at desc, a.id desc limit $6 offset $7"
    );
    let mut rows: Vec<Entry> = sqlx::query_as(&sql)
        .bind(viewer)
        .bind(&filter.types)
        .bind(&filter.users)
        .bind(filter.since)
        .bind(filter.until)
        .bind(limit)
        .bind(offset)
        .fetch_all(&app.db)
        .await?;
    for entry in &mut rows {
        entry.user_avatar_url = app
            .objects
            .address_opt(entry.user_avatar_url.as_deref())
            .await;
    }
    Ok((rows, total))
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
    let (items, total) = entries(&app, user.id, &filter, paging.limit(), paging.offset()).await?;
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
    let (items, total) = entries(&app, user.id, &filter, limit, offset).await?;
    Ok(Json(Page {
        items,
        total,
        limit,
        offset,
    }))
}
