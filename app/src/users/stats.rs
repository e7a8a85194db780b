//! A person in numbers.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::User;
use crate::error::{ApiError, Result};
use crate::extract::{Json, Path};
use crate::visible;

#[derive(Default, Serialize, ToSchema, sqlx::FromRow)]
pub struct ProfileStats {
    checkins_count: i64,
    checkins_public_count: i64,
    checkins_followers_count: i64,
    checkins_private_count: i64,
    collections_count: i64,
    collections_public_count: i64,
    collections_followers_count: i64,
    collections_private_count: i64,
    followers_count: i64,
    following_count: i64,
    reviews_count: i64,
    photos_count: i64,
    total_likes_received: i64,
    total_comments_received: i64,
}

/// What is not the viewer's to see is not counted: private things only for the owner, followers' things only for followers.
fn sql() -> String {
    let checkin = visible::check_in("c", "$1::bigint");
    let collection = visible::can_view("k.user_id", "$1::bigint", "k.visibility");
    let checkins = |more: &str| {
        format!("(select count(*) from check_ins c where c.user_id = $2 and {checkin}{more})")
    };
    let collections = |more: &str| {
        format!(
            "(select count(*) from user_collections k where k.user_id = $2 and {collection}{more})"
        )
    };
    format!(
        "select {} as checkins_count, {} as checkins_public_count, {} as checkins_followers_count, {} as checkins_private_count, \
         {} as collections_count, {} as collections_public_count, {} as collections_followers_count, {} as collections_private_count, \
         (select count(*) from follows where followee_id = $2) as followers_count, \
         (select count(*) from follows where follower_id = $2) as following_count, \
         (select count(*) from reviews where user_id = $2) as reviews_count, \
         (select count(*) from photos where user_id = $2) + (select count(*) from check_in_photos f join check_ins c on c.id = f.check_in_id \
            where c.user_id = $2 and {checkin}) as photos_count, \
         (select count(*) from check_in_likes l join check_ins c on c.id = l.check_in_id where c.user_id = $2 and {checkin}) as total_likes_received, \
         (select count(*) from check_in_comments m join check_ins c on c.id = m.check_in_id where c.user_id = $2 and {checkin}) as total_comments_received",
        checkins(""),
        checkins(" and c.visibility = 'public'"),
        checkins(" and c.visibility = 'friends'"),
        checkins(" and c.visibility = 'private'"),
        collections(""),
        collections(" and k.visibility = 'public'"),
        collections(" and k.visibility = 'friends'"),
        collections(" and k.visibility = 'private'"),
    )
}

/// A user's numbers; zeros when the user hides them from the caller.
#[utoipa::path(get, path = "/users/{user_id}/profile-stats", tag = "users", responses((status = 200, body = ProfileStats)))]
pub async fn stats(
    State(app): State<App>,
    user: User,
    Path(user_id): Path<i64>,
) -> Result<Json<ProfileStats>> {
    let allowed = format!(
        "select {} and {} from users u where u.id = $2 and not {}",
        visible::can_view("u.id", "$1::bigint", "u.stats_visibility"),
        visible::can_view("u.id", "$1::bigint", "u.profile_visibility"),
        visible::blocks("u.id", "$1::bigint")
    );
    let allowed: Option<bool> = sqlx::query_scalar(&allowed)
        .bind(user.id)
        .bind(user_id)
        .fetch_optional(&app.db)
        .await?;
    if !allowed.ok_or(ApiError::NotFound("User"))? {
        return Ok(Json(ProfileStats::default()));
    }
    Ok(Json(
        sqlx::query_as(&sql())
            .bind(user.id)
            .bind(user_id)
            .fetch_one(&app.db)
            .await?,
    ))
}
