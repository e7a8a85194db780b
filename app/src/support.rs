//! Support tickets.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::auth::{Admin, User};
use crate::bounds::Text;
use crate::error::{ApiError, Result};
use crate::extract::{Json, Path, Query};
use crate::page::Paging;
use crate::routes;
use crate::stamp::Stamp;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(all))
        .routes(routes!(settle))
}

#[derive(Serialize, ToSchema, sqlx::FromRow)]
pub struct Ticket {
    id: i64,
    user_id: i64,
    subject: String,
    body: String,
    status: String,
    created_at: Stamp,
    updated_at: Stamp,
}

const TICKET: &str = "id, user_id, subject, message as body, status, created_at, updated_at";

#[derive(Deserialize, ToSchema)]
struct TicketBody {
    subject: Text<1, 200>,
    body: Text<1, 5000>,
}

/// Opens a ticket.
#[utoipa::path(post, path = "/support/tickets", tag = "support", responses((status = 200, body = Ticket)))]
async fn create(
    State(app): State<App>,
    user: User,
    Json(body): Json<TicketBody>,
) -> Result<Json<Ticket>> {
    let sql = format!(
        "insert into support_tickets (user_id, subject, message) values ($1, $2, $3) returning {TICKET}"
    );
    let query = sqlx::query_as(&sql)
        .bind(user.id)
        .bind(&*body.subject)
        .bind(&*body.body);
    Ok(Json(query.fetch_one(&app.db).await?))
}

/// The caller's tickets, newest first.
#[utoipa::path(get, path = "/support/tickets", tag = "support", params(Paging<200, 50>), responses((status = 200, body = Vec<Ticket>)))]
async fn list(
    State(app): State<App>,
    user: User,
    Query(paging): Query<Paging<200, 50>>,
) -> Result<Json<Vec<Ticket>>> {
    let sql = format!(
        "select {TICKET} from support_tickets where user_id = $1 order by created_at desc, id desc limit $2 offset $3"
    );
    let query = sqlx::query_as(&sql)
        .bind(user.id)
        .bind(paging.limit())
        .bind(paging.offset());
    Ok(Json(query.fetch_all(&app.db).await?))
}

/// Everybody's tickets, newest first.
#[utoipa::path(get, path = "/support/admin/tickets", tag = "support", params(Paging<500, 100>), responses((status = 200, body = Vec<Ticket>)))]
async fn all(
    State(app): State<App>,
    _: Admin,
    Query(paging): Query<Paging<500, 100>>,
) -> Result<Json<Vec<Ticket>>> {
    let sql = format!(
        "select {TICKET} from support_tickets order by created_at desc, id desc limit $1 offset $2"
    );
    Ok(Json(
        sqlx::query_as(&sql)
            .bind(paging.limit())
            .bind(paging.offset())
            .fetch_all(&app.db)
            .await?,
    ))
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TicketStatus {
    Open,
    Closed,
}

#[derive(Deserialize, IntoParams)]
struct SettleQuery {
    #[param(inline)]
    status: TicketStatus,
}

/// Opens or closes a ticket.
#[utoipa::path(put, path = "/support/admin/tickets/{ticket_id}", tag = "support", params(SettleQuery), responses((status = 200, body = Ticket)))]
async fn settle(
    State(app): State<App>,
    _: Admin,
    Path(ticket_id): Path<i64>,
    Query(query): Query<SettleQuery>,
) -> Result<Json<Ticket>> {
    let status = match query.status {
        TicketStatus::Open => "open",
        TicketStatus::Closed => "closed",
    };
    let sql = format!(
        "update support_tickets set status = $2, updated_at = now() where id = $1 returning {TICKET}"
    );
    let row = sqlx::query_as(&sql)
        .bind(ticket_id)
        .bind(status)
        .fetch_optional(&app.db)
        .await?;
    Ok(Json(row.ok_or(ApiError::NotFound("Ticket"))?))
}
