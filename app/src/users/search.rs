//! Finding people.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::auth::User;
use crate::bounds::{Bool, Int, Text};
use crate::error::Result;
use crate::extract::{Json, Query};
use crate::page::Paging;
use crate::places::filter::Filter;
use crate::stamp::Stamp;
use crate::visible;

#[derive(Default, Deserialize, ToSchema)]
pub struct SearchBody {
    q: Option<Text<0, 100>>,
    has_avatar: Option<Bool>,
    interests: Option<Vec<Text<0, 50>>>,
    limit: Option<Int<1, 100>>,
    offset: Option<Int<0, { i64::MAX }>>,
}

#[derive(Serialize, ToSchema, sqlx::FromRow)]
pub struct FoundUser {
    id: i64,
    name: Option<String>,
    bio: Option<String>,
    avatar_url: Option<String>,
    created_at: Stamp,
    username: Option<String>,
    availability_status: String,
    availability_mode: String,
    followed: bool,
    is_blocked: Option<bool>,
}

async fn run(
    app: &App,
    viewer: i64,
    body: &SearchBody,
    limit: i64,
    offset: i64,
) -> Result<Vec<FoundUser>> {
    let mut filter = Filter::default();
    let me = format!("{}::bigint", filter.bind(viewer));
    filter.and(format!("u.id <> {me} and u.is_verified"));
    filter.and(visible::can_view("u.id", &me, "u.search_visibility"));
    filter.and(visible::unblocked("u.id", &me));
    filter.contains(&["u.name", "u.username", "u.bio"], body.q.as_deref());
    match body.has_avatar.map(|has| *has) {
        Some(true) => filter.and("u.avatar_url is not null"),
        Some(false) => filter.and("u.avatar_url is null"),
        None => {}
    }
    let interests: Vec<String> = body
        .interests
        .iter()
        .flatten()
        .map(|i| i.trim().to_lowercase())
        .filter(|i| !i.is_empty())
        .collect();
    if !interests.is_empty() {
        let wanted = filter.bind(interests);
        filter.and(format!("exists (select 1 from user_interests i where i.user_id = u.id and lower(i.name) = any({wanted}))"));
    }
    let (limit, offset) = (filter.bind(limit), filter.bind(offset));
    let sql = format!(
        "select u.id, u.name, u.bio, u.avatar_url, u.created_at, u.username, u.availability_status, u.availability_mode, \
         exists (select 1 from follows f where f.follower_id = {me} and f.followee_id = u.id) as followed, false as is_blocked \
         from users u{{where}} order by u.created_at desc, u.id desc limit {limit} offset {offset}"
    );
    let mut found: Vec<FoundUser> = filter.rows(&app.db, &sql).await?;
    for user in &mut found {
        user.avatar_url = app.objects.address_opt(user.avatar_url.as_deref()).await;
    }
    Ok(found)
}

/// Finds people by name, username or bio.
#[utoipa::path(post, path = "/users/search", tag = "users", responses((status = 200, body = Vec<FoundUser>)))]
pub async fn by_body(
    State(app): State<App>,
    user: User,
    Json(body): Json<SearchBody>,
) -> Result<Json<Vec<FoundUser>>> {
    let (limit, offset) = (body.limit.map_or(20, |l| *l), body.offset.map_or(0, |o| *o));
    Ok(Json(run(&app, user.id, &body, limit, offset).await?))
}

#[derive(Deserialize, IntoParams)]
pub struct TextQuery {
    #[param(inline)]
    q: Option<Text<0, 100>>,
}

/// The same by query.
#[utoipa::path(get, path = "/users/search", tag = "users", params(TextQuery, Paging), responses((status = 200, body = Vec<FoundUser>)))]
pub async fn by_query(
    State(app): State<App>,
    user: User,
    Query(query): Query<TextQuery>,
    Query(paging): Query<Paging>,
) -> Result<Json<Vec<FoundUser>>> {
    let body = SearchBody {
        q: query.q,
        ..SearchBody::default()
    };
    Ok(Json(
        run(&app, user.id, &body, paging.limit(), paging.offset()).await?,
    ))
}
