//! One-time codes. Stored as a keyed hash, good for a few minutes and a few guesses, under the caps of `otp_caps.rs`.
//!
//! Only the newest code of a phone can be used. Every refusal of a code is the same answer after the same statements.

use axum::extract::State;
use hmac::{Hmac, KeyInit, Mac};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use sqlx::PgConnection;
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use super::otp_caps;
use super::setup::UserBrief;
use crate::app::App;
use crate::auth::ClientIp;
use crate::bounds::Text;
use crate::error::{ApiError, Result};
use crate::extract::Json;
use crate::phone;
use crate::secret::Secret;

/// Wrong guesses one code survives.
const MAX_GUESSES: i32 = 5;

#[derive(Deserialize, ToSchema)]
pub struct RequestOtp {
    /// Everything but digits and `+` is dropped; what remains is `+` and 10 to 15 digits.
    phone: String,
}

#[derive(Serialize, ToSchema)]
pub struct OtpSent {
    status: &'static str,
    message: &'static str,
    /// In debug only.
    #[serde(skip_serializing_if = "Option::is_none")]
    otp: Option<String>,
}

fn normalised(phone: &str) -> Result<String> {
    phone::normalise(phone).ok_or_else(|| ApiError::bad(phone::EXPECTED))
}

fn hashed(secret: &Secret, phone: &str, code: &str) -> Result<Vec<u8>> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).map_err(ApiError::internal)?;
    mac.update(phone.as_bytes());
    mac.update(b"\0");
    mac.update(code.as_bytes());
    Ok(mac.finalize().into_bytes().to_vec())
}

/// Sends a code to a phone. The answer is the same whether the phone is known or not.
#[utoipa::path(post, path = "/onboarding/request-otp", tag = "onboarding", responses((status = 200, body = OtpSent)))]
pub async fn request_otp(
    State(app): State<App>,
    ClientIp(address): ClientIp,
    Json(body): Json<RequestOtp>,
) -> Result<Json<OtpSent>> {
    let phone = normalised(&body.phone)?;
    let otp = &app.config.otp;
    let code = Secret::new(format!("{:06}", rand::rng().random_range(0..1_000_000_u32)));
    let mut tx = app.db.begin().await?;
    otp_caps::admit_code(&app, &mut tx, &phone, &address).await?;
    replace_code(&app, &mut tx, &phone, &code).await?;
    tx.commit().await?;
    app.sms.send_code(&phone, &code, otp.expiry_minutes).await;
    let shown = otp.echo.then(|| code.expose().to_owned());
    Ok(Json(OtpSent {
        status: "sent",
        message: "Verification code sent",
        otp: shown,
    }))
}

/// Stores the phone's new code and makes the former ones useless.
async fn replace_code(app: &App, tx: &mut PgConnection, phone: &str, code: &Secret) -> Result<()> {
    let otp = &app.config.otp;
    let used = "update otp_codes set is_used = true where phone = $1 and not is_used";
    sqlx::query(used).bind(phone).execute(&mut *tx).await?;
    let sql = "insert into otp_codes (user_id, phone, code_hash, expires_at) \
               values ((select id from users where phone = $1), $1, $2, now() + make_interval(mins => $3::int))";
    sqlx::query(sql)
        .bind(phone)
        .bind(hashed(&otp.secret, phone, code.expose())?)
        .bind(otp.expiry_minutes)
        .execute(tx)
        .await?;
    Ok(())
}

#[derive(Deserialize, ToSchema)]
pub struct VerifyOtp {
    /// Everything but digits and `+` is dropped; what remains is `+` and 10 to 15 digits.
    phone: String,
    otp_code: Text<6, 6>,
}

#[derive(Serialize, ToSchema)]
pub struct Verified {
    message: &'static str,
    user: UserBrief,
    access_token: String,
    token_type: &'static str,
    is_new_user: bool,
}

/// Trades a code for a token; the first time makes the account.
#[utoipa::path(post, path = "/onboarding/verify-otp", tag = "onboarding", responses((status = 200, body = Verified)))]
pub async fn verify_otp(
    State(app): State<App>,
    ClientIp(ip): ClientIp,
    Json(body): Json<VerifyOtp>,
) -> Result<Json<Verified>> {
    let phone = normalised(&body.phone)?;
    spend(&app, &phone, &ip, &body.otp_code).await?;
    let sql = "insert into users (phone, is_verified) values ($1, true) \
               on conflict (phone) do update set is_verified = true returning id, (xmax = 0)";
    let (id, is_new_user): (i64, bool) =
        sqlx::query_as(sql).bind(&phone).fetch_one(&app.db).await?;
    let user = UserBrief::load(&app, id).await?;
    let access_token = app.tokens.issue(id).map_err(ApiError::internal)?;
    Ok(Json(Verified {
        message: "Phone verified",
        user,
        access_token,
        token_type: "bearer",
        is_new_user,
    }))
}

/// Uses up the phone's code. A guess is counted before it is looked at, and counted for good: its transaction is committed either way.
async fn spend(app: &App, phone: &str, address: &str, code: &str) -> Result<()> {
    let given = hashed(&app.config.otp.secret, phone, code)?;
    let mut tx = app.db.begin().await?;
    otp_caps::admit_guess(app, &mut tx, phone, address).await?;
    // The newest alone: two tasks that make codes at once leave one that works, also while the version before still runs.
    let sql = "select id, code_hash from otp_codes where id = (select max(id) from otp_codes where phone = $1) \
               and not is_used and expires_at > now() and attempts < $2 for update";
    let found: Option<(i64, Vec<u8>)> = sqlx::query_as(sql)
        .bind(phone)
        .bind(MAX_GUESSES)
        .fetch_optional(&mut *tx)
        .await?;
    let admitted = otp_caps::count_guess(app, &mut tx, phone, found.is_some()).await?;
    let (id, hash) = found.unwrap_or_default();
    let good = bool::from(hash.ct_eq(&given)) && admitted;
    let sql = "update otp_codes set attempts = attempts + 1, is_used = $2 where id = $1";
    sqlx::query(sql)
        .bind(id)
        .bind(good)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    if good {
        Ok(())
    } else {
        Err(ApiError::bad("Invalid or expired verification code"))
    }
}
