//! The account behind a phone: its name, username and interests.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::User;
use crate::bounds::{List, Text, not_blank};
use crate::error::{ApiError, OnConstraint, Result};
use crate::extract::Json;
use crate::stamp::Stamp;

/// First word and the rest.
fn split_name(name: Option<&str>) -> (Option<String>, Option<String>) {
    let Some(name) = name.map(str::trim).filter(|n| !n.is_empty()) else {
        return (None, None);
    };
    match name.split_once(char::is_whitespace) {
        None => (Some(name.to_owned()), None),
        Some((first, rest)) => (Some(first.to_owned()), Some(rest.trim().to_owned())),
    }
}

#[derive(sqlx::FromRow)]
struct Account {
    id: i64,
    phone: Option<String>,
    username: Option<String>,
    name: Option<String>,
    is_verified: bool,
}

impl Account {
    async fn load(app: &App, id: i64) -> Result<Account> {
        let sql = "select id, phone, username, name, is_verified from users where id = $1";
        Ok(sqlx::query_as(sql).bind(id).fetch_one(&app.db).await?)
    }
}

#[derive(Serialize, ToSchema)]
pub struct UserBrief {
    id: i64,
    phone: Option<String>,
    username: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    is_verified: bool,
    is_onboarded: bool,
}

impl UserBrief {
    pub(super) async fn load(app: &App, id: i64) -> Result<UserBrief> {
        let a = Account::load(app, id).await?;
        let (first_name, last_name) = split_name(a.name.as_deref());
        let is_onboarded = a.username.is_some();
        Ok(UserBrief {
            id,
            phone: a.phone,
            username: a.username,
            first_name,
            last_name,
            is_verified: a.is_verified,
            is_onboarded,
        })
    }
}

fn is_username(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[derive(Deserialize, ToSchema)]
pub struct UsernameBody {
    username: Text<3, 30>,
}

#[derive(Serialize, ToSchema)]
pub struct UsernameCheck {
    available: bool,
    message: &'static str,
}

/// Whether a username is well formed and free.
#[utoipa::path(post, path = "/onboarding/check-username", tag = "onboarding", responses((status = 200, body = UsernameCheck)))]
pub async fn check_username(
    State(app): State<App>,
    Json(body): Json<UsernameBody>,
) -> Result<Json<UsernameCheck>> {
    if !is_username(&body.username) {
        let message = "Username may only contain letters, digits and underscores";
        return Ok(Json(UsernameCheck {
            available: false,
            message,
        }));
    }
    let sql = "select exists (select 1 from users where lower(username) = lower($1))";
    let taken: bool = sqlx::query_scalar(sql)
        .bind(&*body.username)
        .fetch_one(&app.db)
        .await?;
    let message = if taken {
        "Username is already taken"
    } else {
        "Username is available"
    };
    Ok(Json(UsernameCheck {
        available: !taken,
        message,
    }))
}

#[derive(Deserialize, ToSchema)]
pub struct SetupBody {
    #[serde(deserialize_with = "not_blank")]
    first_name: Text<1, 50>,
    #[serde(deserialize_with = "not_blank")]
    last_name: Text<1, 50>,
    username: Text<3, 30>,
    #[serde(default)]
    #[schema(value_type = Vec<Text<1, 50>>, max_items = 10)]
    interests: List<Text<1, 50>, 0, 10>,
}

#[derive(Serialize, ToSchema)]
pub struct SetupUser {
    id: i64,
    phone: Option<String>,
    username: Option<String>,
    first_name: String,
    last_name: String,
    name: String,
    is_verified: bool,
    is_onboarded: bool,
}

#[derive(Serialize, ToSchema)]
pub struct SetupDone {
    message: &'static str,
    user: SetupUser,
    access_token: String,
    is_new_user: bool,
}

/// Names the account.
#[utoipa::path(post, path = "/onboarding/complete-setup", tag = "onboarding", responses((status = 200, body = SetupDone)))]
pub async fn complete_setup(
    State(app): State<App>,
    user: User,
    Json(body): Json<SetupBody>,
) -> Result<Json<SetupDone>> {
    if !is_username(&body.username) {
        return Err(ApiError::bad(
            "Username may only contain letters, digits and underscores",
        ));
    }
    let (first, last) = (
        body.first_name.trim().to_owned(),
        body.last_name.trim().to_owned(),
    );
    let name = format!("{first} {last}");
    let mut tx = app.db.begin().await?;
    let sql = "update users set name = $2, username = $3, updated_at = now() where id = $1";
    let done = sqlx::query(sql)
        .bind(user.id)
        .bind(&name)
        .bind(&*body.username)
        .execute(&mut *tx)
        .await;
    done.on_constraint("users_username_key", || {
        ApiError::bad("Username is already taken")
    })?;
    let mut interests: Vec<String> = Vec::new();
    for interest in body
        .interests
        .iter()
        .map(|i| i.trim())
        .filter(|i| !i.is_empty())
    {
        if !interests
            .iter()
            .any(|known| known.eq_ignore_ascii_case(interest))
        {
            interests.push(interest.to_owned());
        }
    }
    let sql = "insert into user_interests (user_id, name) select $1, unnest($2::text[]) on conflict do nothing";
    sqlx::query(sql)
        .bind(user.id)
        .bind(&interests)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    let account = Account::load(&app, user.id).await?;
    let access_token = app.tokens.issue(user.id).map_err(ApiError::internal)?;
    let user = SetupUser {
        id: account.id,
        phone: account.phone,
        username: account.username,
        first_name: first,
        last_name: last,
        name,
        is_verified: account.is_verified,
        is_onboarded: true,
    };
    Ok(Json(SetupDone {
        message: "Setup complete",
        user,
        access_token,
        is_new_user: false,
    }))
}

#[derive(Serialize, ToSchema)]
pub struct StatusUser {
    id: i64,
    phone: Option<String>,
    username: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    name: Option<String>,
    is_verified: bool,
    is_onboarded: bool,
    interests: Vec<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Status {
    user: StatusUser,
    onboarding_complete: bool,
}

/// How far the account has come.
#[utoipa::path(get, path = "/onboarding/status", tag = "onboarding", responses((status = 200, body = Status)))]
pub async fn status(State(app): State<App>, user: User) -> Result<Json<Status>> {
    let a = Account::load(&app, user.id).await?;
    let interests =
        sqlx::query_scalar("select name from user_interests where user_id = $1 order by id")
            .bind(user.id)
            .fetch_all(&app.db)
            .await?;
    let (first_name, last_name) = split_name(a.name.as_deref());
    let is_onboarded = a.username.is_some();
    let user = StatusUser {
        id: a.id,
        phone: a.phone,
        username: a.username,
        first_name,
        last_name,
        name: a.name,
        is_verified: a.is_verified,
        is_onboarded,
        interests,
    };
    Ok(Json(Status {
        user,
        onboarding_complete: is_onboarded,
    }))
}

#[derive(Serialize, ToSchema, sqlx::FromRow)]
pub struct Me {
    phone: Option<String>,
    id: i64,
    is_verified: bool,
    username: Option<String>,
    name: Option<String>,
    bio: Option<String>,
    avatar_url: Option<String>,
    availability_status: String,
    availability_mode: String,
    created_at: Stamp,
    followers_count: i64,
    following_count: i64,
    check_in_count: i64,
}

/// The caller.
#[utoipa::path(get, path = "/auth/me", tag = "auth", responses((status = 200, body = Me)))]
pub async fn me(State(app): State<App>, user: User) -> Result<Json<Me>> {
    let sql = "select u.phone, u.id, u.is_verified, u.username, u.name, u.bio, u.avatar_url, u.availability_status, u.availability_mode, \
        u.created_at, (select count(*) from follows f where f.followee_id = u.id) as followers_count, \
        (select count(*) from follows f where f.follower_id = u.id) as following_count, \
        (select count(*) from check_ins c where c.user_id = u.id) as check_in_count from users u where u.id = $1";
    let mut me: Me = sqlx::query_as(sql).bind(user.id).fetch_one(&app.db).await?;
    me.avatar_url = app.objects.address_opt(me.avatar_url.as_deref()).await;
    Ok(Json(me))
}

#[cfg(test)]
mod tests {
    use super::split_name;

    #[test]
    fn the_first_word_is_the_first_name() {
        let two = |a: &str, b: &str| (Some(a.to_owned()), Some(b.to_owned()));
        assert_eq!(
            split_name(Some("Sara Al Qahtani")),
            two("Sara", "Al Qahtani")
        );
        assert_eq!(split_name(Some("Sara")), (Some("Sara".into()), None));
        assert_eq!(split_name(Some("  ")), (None, None));
    }
}
