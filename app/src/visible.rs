//! Who may see what: the one home of visibility levels and blocks, as SQL conditions over column and parameter expressions.
//!
//! `public` is for everyone, `friends` for the owner and those who follow the owner, `private` for the owner. Arguments are always
//! expressions written in this crate (`c.user_id`, `$1`), never input.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::Result;

/// A visibility level. `followers` is read as `friends`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Level {
    Public,
    #[serde(alias = "followers")]
    Friends,
    Private,
}

/// True when `viewer` may see a thing of `owner` that is set to `level`. A null viewer (nobody signed in) sees public things.
#[must_use]
pub fn can_view(owner: &str, viewer: &str, level: &str) -> String {
    format!(
        "({level} = 'public' or {owner} = {viewer} or ({level} = 'friends' and exists \
         (select 1 from follows vf where vf.follower_id = {viewer} and vf.followee_id = {owner})))"
    )
}

/// True when `blocker` blocks `blocked`.
#[must_use]
pub fn blocks(blocker: &str, blocked: &str) -> String {
    format!(
        "exists (select 1 from dm_participant_states vb where vb.blocked and vb.user_id = {blocker} and vb.peer_id = {blocked})"
    )
}

/// True when neither of the two blocks the other.
#[must_use]
pub fn unblocked(one: &str, other: &str) -> String {
    format!("not ({} or {})", blocks(one, other), blocks(other, one))
}

/// True when `viewer` may see the check-in aliased `c`: its level, and no block by its owner.
#[must_use]
pub fn check_in(c: &str, viewer: &str) -> String {
    let owner = format!("{c}.user_id");
    let level = format!("{c}.visibility");
    format!(
        "({} and not {})",
        can_view(&owner, viewer, &level),
        blocks(&owner, viewer)
    )
}

/// True when a picture of the check-in aliased `c` may stand for a place in a collection: as [`check_in`], and nobody wants to be shown
/// those they block themselves.
#[must_use]
pub fn picture(c: &str, viewer: &str) -> String {
    let owner = format!("{c}.user_id");
    format!(
        "({} and {})",
        can_view(&owner, viewer, &format!("{c}.visibility")),
        unblocked(&owner, viewer)
    )
}

/// True when nothing that hides `author` from `viewer` stands between them: what a person did on a third person's page. Those who
/// block somebody keep seeing what that one did, as in follow lists.
#[must_use]
pub fn author(author: &str, viewer: &str) -> String {
    format!("not {}", blocks(author, viewer))
}

/// Whether either of two users blocks the other.
///
/// # Errors
/// The database's failure.
pub async fn any_block(db: impl sqlx::PgExecutor<'_>, one: i64, other: i64) -> Result<bool> {
    let sql = format!("select not ({})", unblocked("$1::bigint", "$2::bigint"));
    Ok(sqlx::query_scalar(&sql)
        .bind(one)
        .bind(other)
        .fetch_one(db)
        .await?)
}

/// Until the transaction ends, no follow, block or first message between the two goes past another: each sees what the one before did.
///
/// # Errors
/// The database's failure.
pub async fn lock_pair(db: impl sqlx::PgExecutor<'_>, one: i64, other: i64) -> Result<()> {
    let sql = "select pg_advisory_xact_lock(hashtextextended('pair:' || least($1, $2) || ':' || greatest($1, $2), 22))";
    sqlx::query(sql).bind(one).bind(other).execute(db).await?;
    Ok(())
}
