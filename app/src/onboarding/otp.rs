//! One-time codes. Stored as a keyed hash, good for a few minutes and a few guesses, whatever the throttles say.

use axum::extract::State;
use hmac::{Hmac, KeyInit, Mac};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use super::setup::UserBrief;
use crate::app::App;
use crate::auth::ClientIp;
use crate::bounds::Text;
use crate::error::{ApiError, Result};
use crate::extract::Json;
use crate::limits;
use crate::secret::Secret;

/// Wrong guesses one code survives.
const MAX_GUESSES: i32 = 5;
/// With throttles on, one code per phone in this many seconds.
const REQUEST_GAP: i32 = 5 * 60;

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

/// Digits and a leading plus, 10 to 15 digits.
fn normalised(phone: &str) -> Result<String> {
    let kept: String = phone
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == '+')
        .collect();
    let good = kept.strip_prefix('+').is_some_and(|digits| {
        (10..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    });
    if good {
        Ok(kept)
    } else {
        Err(ApiError::bad(
            "Phone number must start with + and have 10 to 15 digits",
        ))
    }
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
    Json(body): Json<RequestOtp>,
) -> Result<Json<OtpSent>> {
    let phone = normalised(&body.phone)?;
    let otp = &app.config.otp;
    if otp.rate_limit_enabled {
        limits::take(&app.db, &format!("otp-request:{phone}"), REQUEST_GAP, 1).await?;
    }
    let code = Secret::new(format!("{:06}", rand::rng().random_range(0..1_000_000_u32)));
    let mut tx = app.db.begin().await?;
    let used = "update otp_codes set is_used = true where phone = $1 and not is_used";
    sqlx::query(used).bind(&phone).execute(&mut *tx).await?;
    let sql = "insert into otp_codes (user_id, phone, code_hash, expires_at) \
               values ((select id from users where phone = $1), $1, $2, now() + make_interval(mins => $3::int))";
    sqlx::query(sql)
        .bind(&phone)
        .bind(hashed(&otp.secret, &phone, code.expose())?)
        .bind(otp.expiry_minutes)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    app.sms.send_code(&phone, &code, otp.expiry_minutes).await;
    let shown = otp.echo.then(|| code.expose().to_owned());
    Ok(Json(OtpSent {
        status: "sent",
        message: "Verification code sent",
        otp: shown,
    }))
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
    let otp = &app.config.otp;
    if otp.rate_limit_enabled {
        limits::take(
            &app.db,
            &format!("otp-verify-5m:{phone}:{ip}"),
            300,
            otp.burst,
        )
        .await?;
        limits::take(
            &app.db,
            &format!("otp-verify-1m:{phone}:{ip}"),
            60,
            otp.per_minute,
        )
        .await?;
    }
    spend(&app, &phone, &body.otp_code).await?;
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

/// Uses up the phone's code. A wrong guess is counted, and counted for good: its transaction is committed either way.
async fn spend(app: &App, phone: &str, code: &str) -> Result<()> {
    let given = hashed(&app.config.otp.secret, phone, code)?;
    let mut tx = app.db.begin().await?;
    let sql = "select id, code_hash from otp_codes where phone = $1 and not is_used and expires_at > now() and attempts < $2 \
               order by id desc limit 1 for update";
    let found: Option<(i64, Vec<u8>)> = sqlx::query_as(sql)
        .bind(phone)
        .bind(MAX_GUESSES)
        .fetch_optional(&mut *tx)
        .await?;
    let good = found
        .as_ref()
        .is_some_and(|(_, hash)| bool::from(hash.ct_eq(&given)));
    if let Some((id, _)) = found {
        let sql = "update otp_codes set attempts = attempts + 1, is_used = $2 where id = $1";
        sqlx::query(sql)
            .bind(id)
            .bind(good)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    if good {
        Ok(())
    } else {
        Err(ApiError::bad("Invalid or expired verification code"))
    }
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn phones_are_stripped_and_measured() {
        assert_eq!(normalised("+966 (50) 123-4567").unwrap(), "+966501234567");
        for bad in [
            "0501234567",
            "+123",
            "+1234567890123456",
            "++966501234567",
            "",
            "+96650123456+7",
        ] {
            assert!(normalised(bad).is_err(), "{bad}");
        }
    }
}
