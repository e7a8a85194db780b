//! A person's public face.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::User;
use crate::bounds::Text;
use crate::dms::uploads::FileForm;
use crate::error::{ApiError, Result};
use crate::extract::{Json, Path};
use crate::files::{self, Awaits};
use crate::presence;
use crate::sniff;
use crate::stamp::Stamp;
use crate::upload::{Allowed, Form, Pending};
use crate::visible;

#[derive(Debug, Serialize, ToSchema, sqlx::FromRow)]
pub struct PublicUser {
    id: i64,
    name: Option<String>,
    username: Option<String>,
    bio: Option<String>,
    avatar_url: Option<String>,
    availability_status: String,
    availability_mode: String,
    created_at: Stamp,
    followers_count: Option<i64>,
    following_count: Option<i64>,
    check_ins_count: Option<i64>,
    is_followed: Option<bool>,
    is_blocked: Option<bool>,
    /// One's own only.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
}

/// The user as the viewer sees them. What the statistics setting hides is null, except on one's own profile.
async fn shown(app: &App, viewer: i64, user: i64) -> Result<PublicUser> {
    let sql = format!(
        "select u.id, u.name, u.username, u.bio, u.avatar_url, u.availability_status, u.availability_mode, u.created_at, \
         case when s.ok then (select count(*) from follows f where f.followee_id = u.id) end as followers_count, \
         case when s.ok then (select count(*) from follows f where f.follower_id = u.id) end as following_count, \
         case when s.ok then (select count(*) from check_ins c where c.user_id = u.id and {seen}) end as check_ins_count, \
         exists (select 1 from follows f where f.follower_id = $1 and f.followee_id = u.id) as is_followed, {blocked} as is_blocked, \
         case when u.id = $1 then u.phone end as phone \
         from users u cross join lateral (select {stats} as ok) s where u.id = $2",
        seen = visible::check_in("c", "$1::bigint"),
        blocked = visible::blocks("$1::bigint", "u.id"),
        stats = visible::can_view("u.id", "$1::bigint", "u.stats_visibility"),
    );
    let found: Option<PublicUser> = sqlx::query_as(&sql)
        .bind(viewer)
        .bind(user)
        .fetch_optional(&app.db)
        .await?;
    let mut found = found.ok_or(ApiError::NotFound("User"))?;
    found.avatar_url = app.objects.address_opt(found.avatar_url.as_deref()).await;
    Ok(found)
}

/// Refuses unless the viewer may see the profile.
///
/// # Errors
/// 404 unknown or blocking the viewer, 403 hidden.
pub async fn visible_profile(app: &App, viewer: i64, user: i64) -> Result<()> {
    let sql = format!(
        "select {} from users u where u.id = $2 and not {}",
        visible::can_view("u.id", "$1::bigint", "u.profile_visibility"),
        visible::blocks("u.id", "$1::bigint")
    );
    let allowed: Option<bool> = sqlx::query_scalar(&sql)
        .bind(viewer)
        .bind(user)
        .fetch_optional(&app.db)
        .await?;
    match allowed {
        None => Err(ApiError::NotFound("User")),
        Some(false) => Err(ApiError::forbidden("This profile is private")),
        Some(true) => Ok(()),
    }
}

/// A user's profile.
#[utoipa::path(get, path = "/users/{user_id}", tag = "users", responses((status = 200, body = PublicUser)))]
pub async fn one(
    State(app): State<App>,
    user: User,
    Path(user_id): Path<i64>,
) -> Result<Json<PublicUser>> {
    visible_profile(&app, user.id, user_id).await?;
    Ok(Json(shown(&app, user.id, user_id).await?))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Availability {
    Available,
    NotAvailable,
}

#[derive(Deserialize, ToSchema)]
pub struct ProfileChange {
    name: Option<Text<0, 100>>,
    bio: Option<Text<0, 500>>,
    availability_status: Option<Availability>,
}

/// Changes the caller's profile. `not_available` holds until `available` hands the status back to presence.
#[utoipa::path(put, path = "/users/me", tag = "users", responses((status = 200, body = PublicUser)))]
pub async fn change(
    State(app): State<App>,
    user: User,
    Json(body): Json<ProfileChange>,
) -> Result<Json<PublicUser>> {
    let mode = body.availability_status.map(|a| {
        if a == Availability::Available {
            "auto"
        } else {
            "manual"
        }
    });
    let sql = format!(
        "update users u set name = case when $2 is null then name else nullif(btrim($2), '') end, bio = coalesce($3, bio), availability_mode = coalesce($4, availability_mode), \
         availability_status = case when $4 = 'manual' then 'not_available' \
            when $4 = 'auto' then case when {} then 'available' else 'not_available' end else availability_status end, \
         updated_at = now() where u.id = $1",
        presence::online("u.id")
    );
    sqlx::query(&sql)
        .bind(user.id)
        .bind(body.name.as_deref())
        .bind(body.bio.as_deref())
        .bind(mode)
        .execute(&app.db)
        .await?;
    Ok(Json(shown(&app, user.id, user.id).await?))
}

/// Sets the caller's picture.
#[utoipa::path(post, path = "/users/me/avatar", tag = "users", request_body(content = FileForm, content_type = "multipart/form-data"),
    responses((status = 200, body = PublicUser), (status = 413, description = "Too large")))]
pub async fn avatar(State(app): State<App>, user: User, form: Form) -> Result<Json<PublicUser>> {
    let slot = form.admit(&app, user.id)?;
    let allowed = Allowed::up_to(app.config.limits.avatar_bytes, &[sniff::JPEG, sniff::PNG]);
    let upload = form.file(&app, &slot, allowed, |_, _| {}).await?;
    let mut file = Pending::new(&app, Awaits::Row);
    let stored = file.store(&upload, &format!("avatars/{}", user.id)).await?;
    let mut tx = app.db.begin().await?;
    let sql = "update users u set avatar_url = $2, updated_at = now() from (select id, avatar_url from users where id = $1 for update) o \
               where u.id = o.id returning o.avatar_url";
    let before: Option<String> = sqlx::query_scalar(sql)
        .bind(user.id)
        .bind(&stored)
        .fetch_one(&mut *tx)
        .await?;
    let before: Vec<String> = before.into_iter().collect();
    files::release(&mut tx, &before).await?;
    file.keep();
    tx.commit().await?;
    files::sweep(&app, &before).await;
    Ok(Json(shown(&app, user.id, user.id).await?))
}
