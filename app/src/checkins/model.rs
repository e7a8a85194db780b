//! A check-in as clients read it.

use chrono::Utc;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::{ApiError, Result};
use crate::stamp::Stamp;
use crate::visible;

#[derive(Debug, Serialize, ToSchema, sqlx::FromRow)]
pub struct CheckIn {
    pub id: i64,
    pub user_id: i64,
    pub place_id: i64,
    pub note: Option<String>,
    pub visibility: String,
    pub created_at: Stamp,
    pub expires_at: Stamp,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub photo_url: Option<String>,
    pub photo_urls: Vec<String>,
    #[sqlx(skip)]
    pub allowed_to_chat: bool,
}

/// SQL of [`CheckIn`]s aliased `c` as the user `$1` sees them: the exact spot is the owner's; a check-in without a photo shows the
/// place's.
pub const CHECK_INS: &str = "select c.id, c.user_id, c.place_id, c.note, c.visibility, c.created_at, c.expires_at, \
    case when c.user_id = $1 then c.latitude end as latitude, case when c.user_id = $1 then c.longitude end as longitude, \
    coalesce(c.photo_url, p.photo_url) as photo_url, \
    coalesce((select array_agg(f.url order by f.id) from check_in_photos f where f.check_in_id = c.id), \
        case when p.photo_url is not null then array[p.photo_url] end, '{}') as photo_urls \
    from check_ins c join places p on p.id = c.place_id ";

/// Makes photos readable and says whether the check-in still opens the place's chat.
pub async fn finished(app: &App, mut all: Vec<CheckIn>) -> Vec<CheckIn> {
    let window = chrono::Duration::hours(app.config.checkin.chat_window_hours);
    for c in &mut all {
        c.photo_url = app.objects.address_opt(c.photo_url.as_deref()).await;
        c.photo_urls = app.objects.addresses(&c.photo_urls).await;
        c.allowed_to_chat = Utc::now() - c.created_at.0 < window;
    }
    all
}

/// One check-in, shown to its owner.
///
/// # Errors
/// 404, or the database's failure.
pub async fn own(app: &App, owner: i64, id: i64) -> Result<CheckIn> {
    let sql = format!("{CHECK_INS} where c.id = $2");
    let found: Option<CheckIn> = sqlx::query_as(&sql)
        .bind(owner)
        .bind(id)
        .fetch_optional(&app.db)
        .await?;
    let found = found.ok_or(ApiError::NotFound("Check-in"))?;
    finished(app, vec![found])
        .await
        .pop()
        .ok_or(ApiError::NotFound("Check-in"))
}

/// The owner of a check-in.
///
/// # Errors
/// 404, 403 when it is not the user's.
pub async fn owned(app: &App, user: i64, id: i64) -> Result<()> {
    let owner: Option<i64> = sqlx::query_scalar("select user_id from check_ins where id = $1")
        .bind(id)
        .fetch_optional(&app.db)
        .await?;
    match owner {
        None => Err(ApiError::NotFound("Check-in")),
        Some(owner) if owner == user => Ok(()),
        Some(_) => Err(ApiError::forbidden("This check-in is not yours")),
    }
}

/// The owner of a check-in the viewer may see.
///
/// # Errors
/// 404, 403 when it is hidden from the viewer.
pub async fn seen(db: impl sqlx::PgExecutor<'_>, viewer: i64, id: i64) -> Result<i64> {
    let sql = format!(
        "select c.user_id, {} from check_ins c where c.id = $2",
        visible::check_in("c", "$1::bigint")
    );
    let found: Option<(i64, bool)> = sqlx::query_as(&sql)
        .bind(viewer)
        .bind(id)
        .fetch_optional(db)
        .await?;
    match found {
        None => Err(ApiError::NotFound("Check-in")),
        Some((owner, true)) => Ok(owner),
        Some((_, false)) => Err(ApiError::forbidden("This check-in is not visible to you")),
    }
}
