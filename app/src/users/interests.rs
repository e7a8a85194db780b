//! What a person likes.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::User;
use crate::bounds::Text;
use crate::error::{ApiError, OnConstraint, Result};
use crate::extract::{Json, Path};
use crate::stamp::Stamp;

#[derive(Serialize, ToSchema, sqlx::FromRow)]
pub struct Interest {
    id: i64,
    user_id: i64,
    name: String,
    created_at: Stamp,
}

/// The caller's interests.
#[utoipa::path(get, path = "/users/me/interests", tag = "users", responses((status = 200, body = Vec<Interest>)))]
pub async fn list(State(app): State<App>, user: User) -> Result<Json<Vec<Interest>>> {
    let sql =
        "select id, user_id, name, created_at from user_interests where user_id = $1 order by id";
    Ok(Json(
        sqlx::query_as(sql).bind(user.id).fetch_all(&app.db).await?,
    ))
}

#[derive(Deserialize, ToSchema)]
pub struct InterestBody {
    name: Text<1, 50>,
}

/// Adds an interest.
#[utoipa::path(post, path = "/users/me/interests", tag = "users", responses((status = 200, body = Interest)))]
pub async fn add(
    State(app): State<App>,
    user: User,
    Json(body): Json<InterestBody>,
) -> Result<Json<Interest>> {
    let name = body.name.trim();
    if name.is_empty() {
        return Err(ApiError::bad("Interest cannot be blank"));
    }
    let sql = "insert into user_interests (user_id, name) values ($1, $2) returning id, user_id, name, created_at";
    let row = sqlx::query_as(sql)
        .bind(user.id)
        .bind(name)
        .fetch_one(&app.db)
        .await;
    Ok(Json(
        row.on_constraint("user_interests_name_key", || {
            ApiError::bad("You already have this interest")
        })?,
    ))
}

/// Removes an interest.
#[utoipa::path(delete, path = "/users/me/interests/{interest_id}", tag = "users", responses((status = 204, description = "Removed")))]
pub async fn remove(
    State(app): State<App>,
    user: User,
    Path(interest_id): Path<i64>,
) -> Result<StatusCode> {
    let sql = "delete from user_interests where id = $1 and user_id = $2";
    let done = sqlx::query(sql)
        .bind(interest_id)
        .bind(user.id)
        .execute(&app.db)
        .await?;
    if done.rows_affected() == 0 {
        Err(ApiError::NotFound("Interest"))
    } else {
        Ok(StatusCode::NO_CONTENT)
    }
}
