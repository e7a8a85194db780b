//! Following people.

use axum::extract::State;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use crate::activity::{self, Cause};
use crate::app::App;
use crate::auth::User;
use crate::error::{ApiError, Result};
use crate::event::{self, About};
use crate::extract::{Json, Path, Query};
use crate::page::{Page, Paging, count_of};
use crate::routes;
use crate::stamp::Stamp;
use crate::visible;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(my_followers))
        .routes(routes!(my_following))
        .routes(routes!(follow, unfollow))
        .routes(routes!(followers_of))
        .routes(routes!(following_of))
}

#[derive(Serialize, ToSchema)]
pub struct Followed {
    followed: bool,
}

/// Follows a user. Doing it again changes nothing.
#[utoipa::path(post, path = "/follow/{user_id}", tag = "follow", responses((status = 200, body = Followed)))]
async fn follow(
    State(app): State<App>,
    user: User,
    Path(user_id): Path<i64>,
) -> Result<Json<Followed>> {
    if user_id == user.id {
        return Err(ApiError::bad("Cannot follow yourself"));
    }
    let mut tx = app.db.begin().await?;
    visible::lock_pair(&mut *tx, user.id, user_id).await?;
    let known = "select exists (select 1 from users where id = $1)";
    let known: bool = sqlx::query_scalar(known)
        .bind(user_id)
        .fetch_one(&mut *tx)
        .await?;
    if !known {
        return Err(ApiError::NotFound("User"));
    }
    if visible::any_block(&mut *tx, user.id, user_id).await? {
        return Err(ApiError::forbidden("This user cannot be followed"));
    }
    let sql = "insert into follows (follower_id, followee_id) values ($1, $2) on conflict on constraint follows_pair_key do nothing returning id";
    let made: Option<i64> = sqlx::query_scalar(sql)
        .bind(user.id)
        .bind(user_id)
        .fetch_optional(&mut *tx)
        .await?;
    if let Some(id) = made {
        let cause = Cause::Follow {
            id,
            followee: user_id,
        };
        activity::record(&mut tx, user.id, cause).await?;
        let data = json!({ "follower_id": user.id, "follower_name": user.display_name(), "follower_username": user.username });
        event::notify(&mut tx, user_id, user.id, About::NewFollower, data).await?;
    }
    tx.commit().await?;
    Ok(Json(Followed { followed: true }))
}

/// Stops following; also when nothing was followed.
#[utoipa::path(delete, path = "/follow/{user_id}", tag = "follow", responses((status = 200, body = Followed)))]
async fn unfollow(
    State(app): State<App>,
    user: User,
    Path(user_id): Path<i64>,
) -> Result<Json<Followed>> {
    let mut tx = app.db.begin().await?;
    let sql = "delete from follows where follower_id = $1 and followee_id = $2 returning id";
    let gone: Option<i64> = sqlx::query_scalar(sql)
        .bind(user.id)
        .bind(user_id)
        .fetch_optional(&mut *tx)
        .await?;
    if let Some(id) = gone {
        activity::forget_follow(&mut tx, id).await?;
    }
    tx.commit().await?;
    Ok(Json(Followed { followed: false }))
}

#[derive(Serialize, ToSchema, sqlx::FromRow)]
pub struct FollowEntry {
    id: i64,
    username: Option<String>,
    name: Option<String>,
    bio: Option<String>,
    avatar_url: Option<String>,
    availability_status: String,
    is_verified: bool,
    created_at: Stamp,
    followed_at: Stamp,
    followed: bool,
    is_blocked: Option<bool>,
}

/// Which end of a follow a list shows.
#[derive(Clone, Copy)]
enum Side {
    Followers,
    Following,
}

/// The list of `owner` as `viewer` sees it: newest follow first, without people who block the viewer.
async fn list(
    app: &App,
    viewer: i64,
    owner: i64,
    side: Side,
    paging: &Paging,
) -> Result<Page<FollowEntry>> {
    let (mine, theirs) = match side {
        Side::Followers => ("followee_id", "follower_id"),
        Side::Following => ("follower_id", "followee_id"),
    };
    let from = format!(
        "from follows f join users u on u.id = f.{theirs} where f.{mine} = $1 and not {}",
        visible::blocks("u.id", "$2::bigint")
    );
    let total = sqlx::query_scalar(&format!("select {}", count_of(&from)))
        .bind(owner)
        .bind(viewer)
        .fetch_one(&app.db)
        .await?;
    let sql = format!(
        "select u.id, u.username, u.name, u.bio, u.avatar_url, u.availability_status, u.is_verified, u.created_at, f.created_at as followed_at, \
         exists (select 1 from follows m where m.follower_id = $2 and m.followee_id = u.id) as followed, {} as is_blocked {from} \
         order by f.created_at desc, f.id desc limit $3 offset $4",
        visible::blocks("$2::bigint", "u.id")
    );
    let rows = sqlx::query_as(&sql)
        .bind(owner)
        .bind(viewer)
        .bind(paging.limit())
        .bind(paging.offset());
    let mut entries: Vec<FollowEntry> = rows.fetch_all(&app.db).await?;
    for entry in &mut entries {
        entry.avatar_url = app.objects.address_opt(entry.avatar_url.as_deref()).await;
    }
    Ok(paging.page(entries, total))
}

/// The caller's followers.
#[utoipa::path(get, path = "/follow/followers", tag = "follow", params(Paging), responses((status = 200, body = Page<FollowEntry>)))]
async fn my_followers(
    State(app): State<App>,
    user: User,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<FollowEntry>>> {
    Ok(Json(
        list(&app, user.id, user.id, Side::Followers, &paging).await?,
    ))
}

/// Whom the caller follows.
#[utoipa::path(get, path = "/follow/following", tag = "follow", params(Paging), responses((status = 200, body = Page<FollowEntry>)))]
async fn my_following(
    State(app): State<App>,
    user: User,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<FollowEntry>>> {
    Ok(Json(
        list(&app, user.id, user.id, Side::Following, &paging).await?,
    ))
}

async fn shown_list(
    app: &App,
    viewer: i64,
    owner: i64,
    side: Side,
    paging: &Paging,
) -> Result<Page<FollowEntry>> {
    let level = match side {
        Side::Followers => "u.follower_list_visibility",
        Side::Following => "u.following_list_visibility",
    };
    let sql = format!(
        "select {} from users u where u.id = $1 and not {}",
        visible::can_view("u.id", "$2::bigint", level),
        visible::blocks("u.id", "$2::bigint")
    );
    let allowed: Option<bool> = sqlx::query_scalar(&sql)
        .bind(owner)
        .bind(viewer)
        .fetch_optional(&app.db)
        .await?;
    match allowed {
        None => Err(ApiError::NotFound("User")),
        Some(false) => Err(ApiError::forbidden("This list is private")),
        Some(true) => list(app, viewer, owner, side, paging).await,
    }
}

/// A user's followers.
#[utoipa::path(get, path = "/follow/{user_id}/followers", tag = "follow", params(Paging), responses((status = 200, body = Page<FollowEntry>)))]
async fn followers_of(
    State(app): State<App>,
    user: User,
    Path(user_id): Path<i64>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<FollowEntry>>> {
    Ok(Json(
        shown_list(&app, user.id, user_id, Side::Followers, &paging).await?,
    ))
}

/// Whom a user follows.
#[utoipa::path(get, path = "/follow/{user_id}/following", tag = "follow", params(Paging), responses((status = 200, body = Page<FollowEntry>)))]
async fn following_of(
    State(app): State<App>,
    user: User,
    Path(user_id): Path<i64>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<FollowEntry>>> {
    Ok(Json(
        shown_list(&app, user.id, user_id, Side::Following, &paging).await?,
    ))
}
