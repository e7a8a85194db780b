//! Who is asking. No credentials: 403. Bad, expired, or of an unknown or unverified user: 401.
//!
//! The extractors stand before the body in every handler, so that access is decided before the body is read.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use crate::app::App;
use crate::error::ApiError;

/// A signed-in, verified user.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct User {
    pub id: i64,
    pub name: Option<String>,
    pub username: Option<String>,
    pub is_verified: bool,
    pub is_admin: bool,
}

/// A user, or nobody. Bad credentials are still refused.
pub struct MaybeUser(pub Option<User>);

/// A user with administrator rights; others get 403.
pub struct Admin(pub User);

impl User {
    /// What others read where a name must stand.
    #[must_use]
    pub fn display_name(&self) -> String {
        self.name
            .clone()
            .unwrap_or_else(|| format!("User {}", self.id))
    }
}

/// The token of an `Authorization` header, `None` when there is no bearer token in it.
#[must_use]
pub fn bearer(headers: &axum::http::HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The verified user a token speaks of.
///
/// # Errors
/// [`ApiError::BadToken`], or the database's failure.
pub async fn user_of_token(app: &App, token: &str) -> Result<User, ApiError> {
    let id = app.tokens.user_id(token).ok_or(ApiError::BadToken)?;
    let user: Option<User> =
        sqlx::query_as("select id, name, username, is_verified, is_admin from users where id = $1")
            .bind(id)
            .fetch_optional(&app.db)
            .await?;
    user.filter(|u| u.is_verified).ok_or(ApiError::BadToken)
}

impl FromRequestParts<App> for User {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<User, ApiError> {
        let token = bearer(&parts.headers).ok_or(ApiError::NotAuthenticated)?;
        let user = user_of_token(app, token).await?;
        crate::trace::set_user(user.id);
        Ok(user)
    }
}

impl FromRequestParts<App> for MaybeUser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<MaybeUser, ApiError> {
        match bearer(&parts.headers) {
            None => Ok(MaybeUser(None)),
            Some(_) => User::from_request_parts(parts, app)
                .await
                .map(|u| MaybeUser(Some(u))),
        }
    }
}

impl FromRequestParts<App> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Admin, ApiError> {
        let user = User::from_request_parts(parts, app).await?;
        if user.is_admin {
            Ok(Admin(user))
        } else {
            Err(ApiError::forbidden("Administrator rights required"))
        }
    }
}

/// The caller's address: what the last proxy of ours saw, else the peer's.
pub struct ClientIp(pub String);

impl FromRequestParts<App> for ClientIp {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<ClientIp, ApiError> {
        let hops: Vec<&str> = parts
            .headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|v| v.to_str().ok())
            .flat_map(|v| v.split(','))
            .map(str::trim)
            .collect();
        let trusted = app.config.trusted_proxies;
        // Each proxy of ours appends the address it saw; anything further left was written by the caller.
        if trusted > 0
            && let Some(ip) = hops.len().checked_sub(trusted).and_then(|i| hops.get(i))
        {
            return Ok(ClientIp((*ip).to_owned()));
        }
        let peer = parts
            .extensions
            .get::<axum::extract::ConnectInfo<std::net::SocketAddr>>();
        Ok(ClientIp(peer.map_or_else(
            || "unknown".to_owned(),
            |c| c.0.ip().to_string(),
        )))
    }
}
