//! Checking in: one rule for the three forms of the request.

use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};
use utoipa::{IntoParams, ToSchema};

use super::model::{self, CheckIn};
use crate::activity::{self, Cause};
use crate::app::App;
use crate::auth::User;
use crate::bounds::{Id, Lat, Lng, Text};
use crate::error::{ApiError, Result};
use crate::extract::{Json, Query};
use crate::files::Awaits;
use crate::sniff::{self, Kind as FileKind};
use crate::upload::{self, Allowed, MixedForm, Pending, Upload};
use crate::upload_slots::Slot;
use crate::visible::Level;

/// Pictures people take.
pub const PHOTOS: [FileKind; 4] = [sniff::JPEG, sniff::PNG, sniff::WEBP, sniff::HEIC];
/// Photos of one request.
const MOST_PHOTOS: usize = 10;

#[derive(Deserialize, ToSchema, IntoParams)]
pub struct CheckInBody {
    #[param(inline)]
    place_id: Id,
    #[param(inline)]
    latitude: Lat,
    #[param(inline)]
    longitude: Lng,
    #[param(inline)]
    note: Option<Text<0, 500>>,
    #[param(inline)]
    visibility: Option<Level>,
}

#[derive(sqlx::FromRow)]
struct Target {
    name: String,
    has_point: bool,
    within: Option<bool>,
    default_visibility: Level,
}

/// The rules, in their order: place, cooldown, nearness.
async fn check(
    app: &App,
    tx: &mut PgConnection,
    user: &User,
    body: &CheckInBody,
) -> Result<Target> {
    let rules = &app.config.checkin;
    let sql = format!(
        "select p.name, p.latitude is not null and p.longitude is not null as has_point, {} as within, \
         (select u.checkins_default_visibility from users u where u.id = $5) as default_visibility from places p where p.id = $1",
        app.geo.within("p", "$2", "$3", "$4")
    );
    let target: Option<Target> = sqlx::query_as(&sql)
        .bind(*body.place_id)
        .bind(*body.latitude)
        .bind(*body.longitude)
        .bind(rules.max_distance_m)
        .bind(user.id)
        .fetch_optional(&mut *tx)
        .await?;
    let target = target.ok_or(ApiError::NotFound("Place"))?;
    // Two requests at once take this one after the other; the lock ends with the transaction.
    let sql = "select pg_advisory_xact_lock(hashtextextended('check-in:' || $1::text || ':' || $2::text, 22))";
    sqlx::query(sql)
        .bind(user.id)
        .bind(*body.place_id)
        .execute(&mut *tx)
        .await?;
    let sql = "select exists (select 1 from check_ins where user_id = $1 and place_id = $2 and created_at > now() - interval '5 minutes')";
    if sqlx::query_scalar(sql)
        .bind(user.id)
        .bind(*body.place_id)
        .fetch_one(&mut *tx)
        .await?
    {
        return Err(ApiError::too_many(
            "You checked in here less than 5 minutes ago",
            300,
        ));
    }
    if rules.enforce_proximity {
        if !target.has_point {
            return Err(ApiError::bad(format!(
                "{} has no coordinates, so nobody can check in there",
                target.name
            )));
        }
        if target.within != Some(true) {
            let limit = rules.max_distance_m;
            return Err(ApiError::bad(format!(
                "You must be within {limit:.0} meters of {} to check in",
                target.name
            )));
        }
    }
    Ok(target)
}

/// The id of a check-in to come: its photos are stored under it before its row.
async fn reserve(db: impl PgExecutor<'_>) -> Result<i64> {
    let sql = "select nextval(pg_get_serial_sequence('check_ins', 'id'))";
    Ok(sqlx::query_scalar(sql).fetch_one(db).await?)
}

/// Photos stored under the id reserved for their check-in.
struct Photos {
    id: i64,
    files: Pending,
}

/// Checks in, with the photos if there are any. All or nothing.
async fn check_in(
    app: &App,
    user: &User,
    body: &CheckInBody,
    prepared: Option<Photos>,
) -> Result<i64> {
    let photos = prepared.as_ref().map_or(&[][..], |p| p.files.stored());
    let mut tx = app.db.begin().await?;
    let target = check(app, &mut tx, user, body).await?;
    let visibility = body.visibility.unwrap_or(target.default_visibility);
    let note = body.note.as_deref();
    let sql = "insert into check_ins (user_id, place_id, note, visibility, latitude, longitude, created_at, expires_at, photo_url, id) \
               values ($1, $2, $3, $4, $5, $6, now(), now() + make_interval(hours => $7::int), $8, \
               coalesce($9, nextval(pg_get_serial_sequence('check_ins', 'id')))) returning id";
    let id: i64 = sqlx::query_scalar(sql)
        .bind(user.id)
        .bind(*body.place_id)
        .bind(note)
        .bind(visibility)
        .bind(*body.latitude)
        .bind(*body.longitude)
        .bind(app.config.checkin.expiry_hours)
        .bind(photos.last())
        .bind(prepared.as_ref().map(|p| p.id))
        .fetch_one(&mut *tx)
        .await?;
    if !photos.is_empty() {
        let sql = "insert into check_in_photos (check_in_id, url) select $1, u.url from unnest($2::text[]) with ordinality as u (url, n) order by n";
        sqlx::query(sql)
            .bind(id)
            .bind(photos)
            .execute(&mut *tx)
            .await?;
    }
    activity::record(&mut tx, user.id, Cause::CheckIn(id)).await?;
    if let Some(prepared) = prepared {
        prepared.files.keep();
    }
    tx.commit().await?;
    Ok(id)
}

/// Checks in at a place.
#[utoipa::path(post, path = "/places/check-ins", tag = "check-ins", responses((status = 200, body = CheckIn)))]
pub async fn create(
    State(app): State<App>,
    user: User,
    Json(body): Json<CheckInBody>,
) -> Result<Json<CheckIn>> {
    let id = check_in(&app, &user, &body, None).await?;
    Ok(Json(model::own(&app, user.id, id).await?))
}

/// Checks in, with everything in the query.
#[utoipa::path(post, path = "/check-ins", tag = "check-ins", params(CheckInBody), responses((status = 200, body = CheckIn)))]
pub async fn by_query(
    State(app): State<App>,
    user: User,
    Query(body): Query<CheckInBody>,
) -> Result<Json<CheckIn>> {
    let id = check_in(&app, &user, &body, None).await?;
    Ok(Json(model::own(&app, user.id, id).await?))
}

#[derive(ToSchema)]
#[allow(dead_code)] // documents the multipart body
pub struct FullForm {
    place_id: i64,
    latitude: f64,
    longitude: f64,
    note: Option<String>,
    visibility: Option<String>,
    #[schema(value_type = Vec<String>, format = Binary)]
    photos: Vec<Vec<u8>>,
}

/// The fields and files of the multipart form. Numbers arrive as text.
async fn read_form(
    app: &App,
    user: &User,
    form: MixedForm,
) -> Result<(CheckInBody, Vec<Upload>, Option<Slot>)> {
    let mut fields = serde_json::Map::new();
    let mut uploads = Vec::new();
    let mut form = match form {
        MixedForm::Plain(pairs) => {
            let told = pairs.into_iter().filter_map(|(n, text)| field_of(n, text));
            return Ok((body_of(told.collect())?, uploads, None));
        }
        MixedForm::Multipart(form) => form,
    };
    let slot = form.admit(app, user.id)?;
    while let Some((name, field)) = form.next(app).await? {
        if matches!(name.as_str(), "photos" | "files" | "photos[]" | "files[]") {
            if uploads.len() == MOST_PHOTOS {
                return Err(ApiError::bad(format!(
                    "At most {MOST_PHOTOS} photos can be sent at once"
                )));
            }
            let allowed = Allowed::up_to(app.config.limits.photo_bytes, &PHOTOS);
            uploads.push(upload::read_file(app, &slot, field, allowed).await?);
            continue;
        }
        fields.extend(field_of(name, upload::read_text(app, field).await?));
    }
    Ok((body_of(fields)?, uploads, Some(slot)))
}

/// A field as JSON would tell it; an empty text counts as left out.
fn field_of(name: String, text: String) -> Option<(String, Value)> {
    let number = || text.trim().parse().ok().map(Value::Number);
    match name.as_str() {
        "place_id" | "latitude" | "longitude" => {
            let value = number().unwrap_or(Value::String(text));
            Some((name, value))
        }
        _ if text.is_empty() => None,
        _ => Some((name, Value::String(text))),
    }
}

fn body_of(fields: serde_json::Map<String, Value>) -> Result<CheckInBody> {
    let bytes = serde_json::to_vec(&fields).map_err(ApiError::internal)?;
    crate::extract::parse_json(&bytes)
}

/// Checks in with photos. One bad photo fails the whole.
#[utoipa::path(post, path = "/places/check-ins/full", tag = "check-ins", request_body(content = FullForm, content_type = "multipart/form-data"),
    responses((status = 200, body = CheckIn), (status = 413, description = "Too large")))]
pub async fn full(State(app): State<App>, user: User, form: MixedForm) -> Result<Json<CheckIn>> {
    let (body, uploads, _slot) = read_form(&app, &user, form).await?;
    // Refuse before anything is stored; the rules are kept once more with the row itself.
    let mut asked = app.db.begin().await?;
    check(&app, &mut asked, &user, &body).await?;
    let id = reserve(&mut *asked).await?;
    asked.rollback().await?;
    let mut files = Pending::new(&app, Awaits::Row);
    for upload in &uploads {
        files.store(upload, &format!("checkins/{id}")).await?;
    }
    let id = check_in(&app, &user, &body, Some(Photos { id, files })).await?;
    Ok(Json(model::own(&app, user.id, id).await?))
}
