//! What a user lets others see, and what a user wants to be told.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::auth::User;
use crate::bounds::Bool;
use crate::error::Result;
use crate::extract::Json;
use crate::routes;
use crate::visible::Level;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(privacy, set_privacy))
        .routes(routes!(notifications, set_notifications))
}

/// Who may write to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum DmPrivacy {
    Everyone,
    Followers,
    NoOne,
}

#[derive(Serialize, ToSchema, sqlx::FromRow)]
pub struct Privacy {
    dm_privacy: DmPrivacy,
    checkins_default_visibility: Level,
    collections_default_visibility: Level,
    profile_visibility: Level,
    follower_list_visibility: Level,
    following_list_visibility: Level,
    stats_visibility: Level,
    media_default_visibility: Level,
    search_visibility: Level,
}

#[derive(Deserialize, ToSchema)]
pub struct PrivacyChange {
    dm_privacy: Option<DmPrivacy>,
    checkins_default_visibility: Option<Level>,
    collections_default_visibility: Option<Level>,
    profile_visibility: Option<Level>,
    follower_list_visibility: Option<Level>,
    following_list_visibility: Option<Level>,
    stats_visibility: Option<Level>,
    media_default_visibility: Option<Level>,
    search_visibility: Option<Level>,
}

const PRIVACY: &str = "dm_privacy, checkins_default_visibility, collections_default_visibility, profile_visibility, \
    follower_list_visibility, following_list_visibility, stats_visibility, media_default_visibility, search_visibility";

/// The caller's privacy settings.
#[utoipa::path(get, path = "/settings/privacy", tag = "settings", responses((status = 200, body = Privacy)))]
async fn privacy(State(app): State<App>, user: User) -> Result<Json<Privacy>> {
    let sql = format!("select {PRIVACY} from users where id = $1");
    Ok(Json(
        sqlx::query_as(&sql)
            .bind(user.id)
            .fetch_one(&app.db)
            .await?,
    ))
}

/// Changes those given.
#[utoipa::path(put, path = "/settings/privacy", tag = "settings", responses((status = 200, body = Privacy)))]
async fn set_privacy(
    State(app): State<App>,
    user: User,
    Json(change): Json<PrivacyChange>,
) -> Result<Json<Privacy>> {
    let sql = format!(
        "update users set dm_privacy = coalesce($2, dm_privacy), \
         checkins_default_visibility = coalesce($3, checkins_default_visibility), \
         collections_default_visibility = coalesce($4, collections_default_visibility), \
         profile_visibility = coalesce($5, profile_visibility), \
         follower_list_visibility = coalesce($6, follower_list_visibility), \
         following_list_visibility = coalesce($7, following_list_visibility), \
         stats_visibility = coalesce($8, stats_visibility), \
         media_default_visibility = coalesce($9, media_default_visibility), \
         search_visibility = coalesce($10, search_visibility), updated_at = now() where id = $1 returning {PRIVACY}"
    );
    let row = sqlx::query_as(&sql)
        .bind(user.id)
        .bind(change.dm_privacy)
        .bind(change.checkins_default_visibility)
        .bind(change.collections_default_visibility)
        .bind(change.profile_visibility)
        .bind(change.follower_list_visibility)
        .bind(change.following_list_visibility)
        .bind(change.stats_visibility)
        .bind(change.media_default_visibility)
        .bind(change.search_visibility)
        .fetch_one(&app.db)
        .await?;
    Ok(Json(row))
}

#[derive(Serialize, ToSchema, sqlx::FromRow)]
pub struct Notifications {
    dm_messages: bool,
    dm_requests: bool,
    follows: bool,
    likes: bool,
    comments: bool,
    activity_summary: bool,
    marketing: bool,
}

#[derive(Deserialize, ToSchema)]
pub struct NotificationsChange {
    dm_messages: Option<Bool>,
    dm_requests: Option<Bool>,
    follows: Option<Bool>,
    likes: Option<Bool>,
    comments: Option<Bool>,
    activity_summary: Option<Bool>,
    marketing: Option<Bool>,
}

const NOTIFICATIONS: &str =
    "dm_messages, dm_requests, follows, likes, comments, activity_summary, marketing";

/// What the caller is told of; made on first read.
#[utoipa::path(get, path = "/settings/notifications", tag = "settings", responses((status = 200, body = Notifications)))]
async fn notifications(State(app): State<App>, user: User) -> Result<Json<Notifications>> {
    let sql = format!(
        "insert into notification_preferences (user_id) values ($1) \
         on conflict (user_id) do update set user_id = excluded.user_id returning {NOTIFICATIONS}"
    );
    Ok(Json(
        sqlx::query_as(&sql)
            .bind(user.id)
            .fetch_one(&app.db)
            .await?,
    ))
}

/// Changes those given.
#[utoipa::path(put, path = "/settings/notifications", tag = "settings", responses((status = 200, body = Notifications)))]
async fn set_notifications(
    State(app): State<App>,
    user: User,
    Json(change): Json<NotificationsChange>,
) -> Result<Json<Notifications>> {
    let sql = format!(
        "insert into notification_preferences as n (user_id, {NOTIFICATIONS}) \
         values ($1, coalesce($2, true), coalesce($3, true), coalesce($4, true), coalesce($5, true), coalesce($6, true), \
         coalesce($7, true), coalesce($8, false)) on conflict (user_id) do update set \
         dm_messages = coalesce($2, n.dm_messages), dm_requests = coalesce($3, n.dm_requests), follows = coalesce($4, n.follows), \
         likes = coalesce($5, n.likes), comments = coalesce($6, n.comments), \
         activity_summary = coalesce($7, n.activity_summary), marketing = coalesce($8, n.marketing) returning {NOTIFICATIONS}"
    );
    let row = sqlx::query_as(&sql)
        .bind(user.id)
        .bind(change.dm_messages.as_deref())
        .bind(change.dm_requests.as_deref())
        .bind(change.follows.as_deref())
        .bind(change.likes.as_deref())
        .bind(change.comments.as_deref())
        .bind(change.activity_summary.as_deref())
        .bind(change.marketing.as_deref())
        .fetch_one(&app.db)
        .await?;
    Ok(Json(row))
}
