//! Who is asking. No credentials: 403. Bad, expired, or of an unknown or unverified user: 401.
//!
//! The extractors stand before the body in every handler, so that access is decided before the body is read.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, header};

use crate::app::App;
use crate::connection::Peer;
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
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
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

/// The network a caller calls from: what the last proxy of ours saw, else the peer's address. An IPv6 address counts by its first 64
/// bits, since a single customer usually has all of those that share them.
pub struct ClientIp(pub String);

impl ClientIp {
    /// Reads the address out of a request's head.
    #[must_use]
    pub fn of(headers: &HeaderMap, extensions: &Extensions, trusted_proxies: usize) -> ClientIp {
        let peer = || {
            let peer = extensions.get::<ConnectInfo<Peer>>();
            peer.map(|ConnectInfo(peer)| peer.address.ip())
        };
        let found = forwarded(headers, trusted_proxies).or_else(peer);
        ClientIp(found.map_or_else(|| "unknown".to_owned(), network))
    }
}

/// The address that the outermost proxy of ours appended. What stands further left was written by the caller, in whatever bytes.
fn forwarded(headers: &HeaderMap, trusted_proxies: usize) -> Option<IpAddr> {
    let hops: Vec<&[u8]> = headers
        .get_all("x-forwarded-for")
        .iter()
        .flat_map(|value| value.as_bytes().split(|b| *b == b','))
        .collect();
    let index = hops.len().checked_sub(trusted_proxies)?;
    let hop = std::str::from_utf8(hops.get(index)?).ok()?.trim();
    let plain = hop.trim_start_matches('[').trim_end_matches(']');
    let with_port = || hop.parse::<SocketAddr>().ok().map(|a| a.ip());
    plain.parse().ok().or_else(with_port)
}

fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

impl FromRequestParts<App> for ClientIp {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<ClientIp, ApiError> {
        Ok(ClientIp::of(
            &parts.headers,
            &parts.extensions,
            app.config.trusted_proxies,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(values: &[&[u8]], trusted: usize) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = axum::http::HeaderValue::from_bytes(value).unwrap();
            headers.append("x-forwarded-for", value);
        }
        forwarded(&headers, trusted).map(network)
    }

    #[test]
    fn only_what_our_proxies_appended_counts() {
        assert_eq!(seen(&[b"1.1.1.1, 2.2.2.2"], 1).as_deref(), Some("2.2.2.2"));
        assert_eq!(
            seen(&[b"1.1.1.1", b"2.2.2.2"], 2).as_deref(),
            Some("1.1.1.1")
        );
        assert_eq!(seen(&[b"1.1.1.1"], 2), None);
        assert_eq!(seen(&[b"1.1.1.1"], 0), None);
    }

    #[test]
    fn bytes_of_the_caller_do_not_hide_its_address() {
        assert_eq!(seen(&[b"caf\xe9, 2.2.2.2"], 1).as_deref(), Some("2.2.2.2"));
        assert_eq!(
            seen(&[b"\xff\xfe", b"2.2.2.2"], 1).as_deref(),
            Some("2.2.2.2")
        );
        assert_eq!(seen(&[b"2.2.2.2:4711"], 1).as_deref(), Some("2.2.2.2"));
    }

    #[test]
    fn one_customer_is_one_network() {
        let one = seen(&[b"2001:db8:1:2::1"], 1);
        assert_eq!(one.as_deref(), Some("2001:db8:1:2::/64"));
        assert_eq!(one, seen(&[b"[2001:db8:1:2:ffff::9]:443"], 1));
        assert_ne!(one, seen(&[b"2001:db8:1:3::1"], 1));
        assert_eq!(seen(&[b"::ffff:9.9.9.9"], 1).as_deref(), Some("9.9.9.9"));
    }
}
