//! Reviews: one per person and place; the place's rating is their mean.

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use crate::activity::{self, Cause};
use crate::app::App;
use crate::auth::{MaybeUser, User};
use crate::bounds::{Rating, Text};
use crate::checkins::create::PHOTOS;
use crate::error::{ApiError, Result};
use crate::extract::{Json, Path, Query};
use crate::files::{self, Awaits};
use crate::page::{Page, Paging, count_of};
use crate::places::photos::Photo;
use crate::routes;
use crate::stamp::Stamp;
use crate::upload::{Allowed, Form, Pending};
use crate::visible;

const CAPTION: usize = 500;

pub fn router() -> OpenApiRouter<App> {
    let uploads = OpenApiRouter::new()
        .routes(routes!(add_photo))
        .layer(DefaultBodyLimit::max(64 * 1024 * 1024));
    OpenApiRouter::new()
        .routes(routes!(upsert, list))
        .routes(routes!(remove))
        .routes(routes!(remove_photo))
        .routes(routes!(mine))
        .merge(uploads)
}

#[derive(Serialize, ToSchema, sqlx::FromRow)]
pub struct Review {
    id: i64,
    user_id: i64,
    place_id: i64,
    rating: f64,
    text: Option<String>,
    created_at: Stamp,
}

#[derive(Deserialize, ToSchema)]
struct ReviewBody {
    rating: Rating,
    text: Option<Text<0, 5000>>,
}

/// The place's rating becomes the mean of its reviews; null when there are none.
async fn recompute(tx: &mut PgConnection, place: i64) -> Result<()> {
    let sql = "update places set rating = (select avg(rating) from reviews where place_id = $1) where id = $1";
    sqlx::query(sql).bind(place).execute(tx).await?;
    Ok(())
}

/// Locks the place, so that its reviews change one after the other and the mean counts them all.
async fn lock_place(tx: &mut PgConnection, place: i64) -> Result<()> {
    let sql = "select id from places where id = $1 for no key update";
    let known: Option<i64> = sqlx::query_scalar(sql)
        .bind(place)
        .fetch_optional(tx)
        .await?;
    known.map(drop).ok_or(ApiError::NotFound("Place"))
}

/// Reviews a place; a second time changes the first.
#[utoipa::path(post, path = "/places/{place_id}/reviews", tag = "reviews", responses((status = 200, body = Review)))]
async fn upsert(
    State(app): State<App>,
    user: User,
    Path(place_id): Path<i64>,
    Json(body): Json<ReviewBody>,
) -> Result<Json<Review>> {
    let mut tx = app.db.begin().await?;
    lock_place(&mut tx, place_id).await?;
    let sql = "insert into reviews (user_id, place_id, rating, text) values ($1, $2, $3, $4) on conflict on constraint reviews_pair_key \
               do update set rating = excluded.rating, text = excluded.text returning id, user_id, place_id, rating, text, created_at";
    let review: Review = sqlx::query_as(sql)
        .bind(user.id)
        .bind(place_id)
        .bind(*body.rating)
        .bind(body.text.as_deref())
        .fetch_one(&mut *tx)
        .await?;
    recompute(&mut tx, place_id).await?;
    activity::record(&mut tx, user.id, Cause::Review(review.id)).await?;
    tx.commit().await?;
    Ok(Json(review))
}

/// A place's reviews, newest first.
#[utoipa::path(get, path = "/places/{place_id}/reviews", tag = "reviews", params(Paging), responses((status = 200, body = Page<Review>)))]
async fn list(
    State(app): State<App>,
    MaybeUser(viewer): MaybeUser,
    Path(place_id): Path<i64>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Review>>> {
    let viewer = viewer.map(|user| user.id);
    let shown = visible::author("r.user_id", "$2::bigint");
    let from = format!("from reviews r where r.place_id = p.id and {shown}");
    let count = format!("select {} from places p where p.id = $1", count_of(&from));
    let total: Option<i64> = sqlx::query_scalar(&count)
        .bind(place_id)
        .bind(viewer)
        .fetch_optional(&app.db)
        .await?;
    let total = total.ok_or(ApiError::NotFound("Place"))?;
    let sql = format!(
        "select r.id, r.user_id, r.place_id, r.rating, r.text, r.created_at from reviews r where r.place_id = $1 and {shown} \
         order by r.created_at desc, r.id desc limit $3 offset $4"
    );
    let rows = sqlx::query_as(&sql)
        .bind(place_id)
        .bind(viewer)
        .bind(paging.limit())
        .bind(paging.offset());
    Ok(Json(paging.page(rows.fetch_all(&app.db).await?, total)))
}

/// Removes the caller's review of a place.
#[utoipa::path(delete, path = "/places/{place_id}/reviews/me", tag = "reviews", responses((status = 204, description = "Removed")))]
async fn remove(
    State(app): State<App>,
    user: User,
    Path(place_id): Path<i64>,
) -> Result<StatusCode> {
    let mut tx = app.db.begin().await?;
    lock_place(&mut tx, place_id).await?;
    let sql = "select f.url from photos f join reviews r on r.id = f.review_id where r.user_id = $1 and r.place_id = $2";
    let removed: Vec<String> = sqlx::query_scalar(sql)
        .bind(user.id)
        .bind(place_id)
        .fetch_all(&mut *tx)
        .await?;
    let sql = "delete from reviews where user_id = $1 and place_id = $2 returning id";
    let id: Option<i64> = sqlx::query_scalar(sql)
        .bind(user.id)
        .bind(place_id)
        .fetch_optional(&mut *tx)
        .await?;
    let id = id.ok_or(ApiError::NotFound("Review"))?;
    activity::forget_review(&mut tx, id).await?;
    recompute(&mut tx, place_id).await?;
    files::release(&mut tx, &removed).await?;
    tx.commit().await?;
    files::sweep(&app, &removed).await;
    Ok(StatusCode::NO_CONTENT)
}

/// The caller's reviews, newest first.
#[utoipa::path(get, path = "/places/me/reviews", tag = "reviews", params(Paging), responses((status = 200, body = Page<Review>)))]
async fn mine(
    State(app): State<App>,
    user: User,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Review>>> {
    let count = format!("select {}", count_of("from reviews where user_id = $1"));
    let total = sqlx::query_scalar(&count)
        .bind(user.id)
        .fetch_one(&app.db)
        .await?;
    let sql = "select id, user_id, place_id, rating, text, created_at from reviews where user_id = $1 \
               order by created_at desc, id desc limit $2 offset $3";
    let rows = sqlx::query_as(sql)
        .bind(user.id)
        .bind(paging.limit())
        .bind(paging.offset());
    Ok(Json(paging.page(rows.fetch_all(&app.db).await?, total)))
}

/// The place of the caller's own review.
async fn owned(app: &App, user: i64, review: i64) -> Result<i64> {
    let sql = "select user_id, place_id from reviews where id = $1";
    let found: Option<(i64, i64)> = sqlx::query_as(sql)
        .bind(review)
        .fetch_optional(&app.db)
        .await?;
    match found {
        None => Err(ApiError::NotFound("Review")),
        Some((owner, place)) if owner == user => Ok(place),
        Some(_) => Err(ApiError::forbidden("This review is not yours")),
    }
}

#[derive(ToSchema)]
#[allow(dead_code)] // documents the multipart body
struct PhotoForm {
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    caption: Option<String>,
}

#[derive(Deserialize, IntoParams)]
struct CaptionQuery {
    /// For clients that do not put it into the form; the form's wins.
    caption: Option<String>,
}

/// Adds a photo to a review.
#[utoipa::path(post, path = "/places/reviews/{review_id}/photos", tag = "reviews", params(CaptionQuery), request_body(content = PhotoForm, content_type = "multipart/form-data"),
    responses((status = 200, body = Photo), (status = 413, description = "Too large")))]
async fn add_photo(
    State(app): State<App>,
    user: User,
    Path(review_id): Path<i64>,
    Query(query): Query<CaptionQuery>,
    form: Form,
) -> Result<Json<Photo>> {
    let place_id = owned(&app, user.id, review_id).await?;
    let shortened = |text: &str| text.chars().take(CAPTION).collect::<String>();
    let mut caption = query
        .caption
        .as_deref()
        .filter(|c| !c.is_empty())
        .map(shortened);
    let slot = form.admit(&app, user.id)?;
    let allowed = Allowed::up_to(app.config.limits.photo_bytes, &PHOTOS);
    let upload = form
        .file(&app, &slot, allowed, |name, value| {
            if name == "caption" && !value.is_empty() {
                caption = Some(shortened(&value));
            }
        })
        .await?;
    let mut file = Pending::new(&app, Awaits::Row);
    let stored = file.store(&upload, &format!("reviews/{review_id}")).await?;
    let mut tx = app.db.begin().await?;
    let sql = "insert into photos (user_id, place_id, review_id, url, caption) values ($1, $2, $3, $4, $5) \
               returning id, user_id, place_id, review_id, url, caption, created_at";
    let query = sqlx::query_as(sql)
        .bind(user.id)
        .bind(place_id)
        .bind(review_id)
        .bind(&stored)
        .bind(caption);
    let mut photo: Photo = query.fetch_one(&mut *tx).await?;
    file.keep();
    tx.commit().await?;
    photo.url = app.objects.address(&stored).await;
    Ok(Json(photo))
}

/// Removes a photo of the caller's review.
#[utoipa::path(delete, path = "/places/reviews/{review_id}/photos/{photo_id}", tag = "reviews", responses((status = 204, description = "Removed")))]
async fn remove_photo(
    State(app): State<App>,
    user: User,
    Path((review_id, photo_id)): Path<(i64, i64)>,
) -> Result<StatusCode> {
    owned(&app, user.id, review_id).await?;
    let mut tx = app.db.begin().await?;
    let sql = "delete from photos where id = $1 and review_id = $2 returning url";
    let file: Option<String> = sqlx::query_scalar(sql)
        .bind(photo_id)
        .bind(review_id)
        .fetch_optional(&mut *tx)
        .await?;
    let removed = [file.ok_or(ApiError::NotFound("Photo"))?];
    files::release(&mut tx, &removed).await?;
    tx.commit().await?;
    files::sweep(&app, &removed).await;
    Ok(StatusCode::NO_CONTENT)
}
