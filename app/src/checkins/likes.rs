//! Likes of check-ins.

use axum::extract::State;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::model;
use crate::activity::{self, Cause};
use crate::app::App;
use crate::auth::User;
use crate::dms::reactions::Told;
use crate::error::{ApiError, OnConstraint, Result};
use crate::event::{self, About};
use crate::extract::{Json, Path, Query};
use crate::page::{Page, Paging, count_of};
use crate::stamp::Stamp;
use crate::visible;

#[derive(Serialize, ToSchema, sqlx::FromRow)]
pub struct Like {
    id: i64,
    check_in_id: i64,
    user_id: i64,
    user_name: String,
    user_avatar_url: Option<String>,
    created_at: Stamp,
}

/// SQL, from its `from` on: the likes of the check-in that the viewer may know of.
fn rows(check_in: &str, viewer: &str) -> String {
    format!(
        "from check_in_likes l where l.check_in_id = {check_in} and {}",
        visible::author("l.user_id", viewer)
    )
}

/// SQL: how many likes of the check-in the viewer may know of.
pub fn counted(check_in: &str, viewer: &str) -> String {
    format!("(select count(*) {})", rows(check_in, viewer))
}

/// Who likes a check-in, newest first.
#[utoipa::path(get, path = "/check-ins/{check_in_id}/likes", tag = "check-ins", params(Paging), responses((status = 200, body = Page<Like>)))]
pub async fn list(
    State(app): State<App>,
    user: User,
    Path(check_in_id): Path<i64>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Like>>> {
    model::seen(&app.db, user.id, check_in_id).await?;
    let count = format!("select {}", count_of(&rows("$1", "$2::bigint")));
    let total = sqlx::query_scalar(&count)
        .bind(check_in_id)
        .bind(user.id)
        .fetch_one(&app.db)
        .await?;
    let sql = format!(
        "select l.id, l.check_in_id, l.user_id, coalesce(u.name, 'User ' || u.id) as user_name, u.avatar_url as user_avatar_url, \
         l.created_at from check_in_likes l join users u on u.id = l.user_id where l.check_in_id = $1 and {} \
         order by l.created_at desc, l.id desc limit $3 offset $4",
        visible::author("l.user_id", "$2::bigint")
    );
    let rows = sqlx::query_as(&sql)
        .bind(check_in_id)
        .bind(user.id)
        .bind(paging.limit())
        .bind(paging.offset());
    let mut likes: Vec<Like> = rows.fetch_all(&app.db).await?;
    for like in &mut likes {
        like.user_avatar_url = app
            .objects
            .address_opt(like.user_avatar_url.as_deref())
            .await;
    }
    Ok(Json(paging.page(likes, total)))
}

/// Likes a check-in; once.
#[utoipa::path(post, path = "/check-ins/{check_in_id}/like", tag = "check-ins", responses((status = 200, body = Told)))]
pub async fn like(
    State(app): State<App>,
    user: User,
    Path(check_in_id): Path<i64>,
) -> Result<Json<Told>> {
    let mut tx = app.db.begin().await?;
    let owner = model::seen(&mut *tx, user.id, check_in_id).await?;
    let sql = "insert into check_in_likes (check_in_id, user_id) values ($1, $2) returning id";
    let done = sqlx::query_scalar(sql)
        .bind(check_in_id)
        .bind(user.id)
        .fetch_one(&mut *tx)
        .await;
    let id: i64 = done.on_constraint("check_in_likes_pair_key", || {
        ApiError::bad("You already like this check-in")
    })?;
    let cause = Cause::Like {
        id,
        check_in: check_in_id,
    };
    activity::record(&mut tx, user.id, cause).await?;
    let data =
        json!({ "check_in_id": check_in_id, "user_id": user.id, "user_name": user.display_name() });
    event::notify(&mut tx, owner, user.id, About::NewLike, data).await?;
    tx.commit().await?;
    Ok(Json(Told {
        message: "Check-in liked",
    }))
}

/// Takes the like back.
#[utoipa::path(delete, path = "/check-ins/{check_in_id}/like", tag = "check-ins", responses((status = 200, body = Told)))]
pub async fn unlike(
    State(app): State<App>,
    user: User,
    Path(check_in_id): Path<i64>,
) -> Result<Json<Told>> {
    model::seen(&app.db, user.id, check_in_id).await?;
    let mut tx = app.db.begin().await?;
    let sql = "delete from check_in_likes where check_in_id = $1 and user_id = $2 returning id";
    let gone: Option<i64> = sqlx::query_scalar(sql)
        .bind(check_in_id)
        .bind(user.id)
        .fetch_optional(&mut *tx)
        .await?;
    activity::forget_like(&mut tx, gone.ok_or(ApiError::NotFound("Like"))?).await?;
    tx.commit().await?;
    Ok(Json(Told {
        message: "Like removed",
    }))
}
