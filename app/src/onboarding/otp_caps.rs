//! The caps on one-time codes: per phone, per address and per task, shared by all tasks.
//!
//! ```text
//!   request-otp   codes per phone, address, task; none while the phone's guesses are used up   429 with the time left
//!   verify-otp    guesses per address, task                                                    429 with the time left
//!                 guesses per phone                                       the answer of a wrong code: nobody can probe
//! ```

use sqlx::PgConnection;

use crate::app::App;
use crate::error::Result;
use crate::limits;

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;
/// With throttles on, one code per phone in this many seconds.
const CODE_GAP: f64 = 5.0 * MINUTE;

/// At most `most` hits of `key` in any `seconds`.
struct Cap {
    key: String,
    seconds: f64,
    most: i32,
}

fn cap(key: &str, seconds: f64, most: i32) -> Cap {
    Cap {
        key: key.to_owned(),
        seconds,
        most,
    }
}

/// Seconds until one more hit fits under all `caps`; when 0, it was counted if `counted` is set.
async fn wait(db: &mut PgConnection, caps: &[Cap], counted: bool) -> Result<f64> {
    let keys: Vec<&str> = caps.iter().map(|c| c.key.as_str()).collect();
    let seconds: Vec<f64> = caps.iter().map(|c| c.seconds).collect();
    let most: Vec<i32> = caps.iter().map(|c| c.most).collect();
    let sql = "select otp_wait($1, (select array_agg(make_interval(secs => s) order by n) \
               from unnest($2::float8[]) with ordinality as t (s, n)), $3, $4)";
    Ok(sqlx::query_scalar(sql)
        .bind(keys)
        .bind(seconds)
        .bind(most)
        .bind(counted)
        .fetch_one(db)
        .await?)
}

async fn take(db: &mut PgConnection, caps: &[Cap]) -> Result<()> {
    let left = wait(db, caps, true).await?;
    if left > 0.0 {
        Err(limits::too_many(left))
    } else {
        Ok(())
    }
}

fn guesses_of_phone(app: &App, key: &str) -> [Cap; 2] {
    let caps = &app.config.otp.caps;
    [
        cap(key, HOUR, caps.guesses_per_phone_hour),
        cap(key, DAY, caps.guesses_per_phone_day),
    ]
}

/// Admits one more code for `phone`. Until the transaction ends no other code of the phone is made.
///
/// # Errors
/// 429 beyond a cap, or the database's failure.
pub async fn admit_code(
    app: &App,
    tx: &mut PgConnection,
    phone: &str,
    address: &str,
) -> Result<()> {
    // A code that nobody could use would only cost a message.
    let guesses = guesses_of_phone(app, &format!("guess phone {phone}"));
    let left = wait(tx, &guesses, false).await?;
    if left > 0.0 {
        return Err(limits::too_many(left));
    }
    let config = &app.config.otp;
    let caps = &config.caps;
    let of_phone = format!("code phone {phone}");
    let of_address = format!("code address {address}");
    let of_task = format!("code task {}", app.live.task_id);
    let mut all = vec![
        cap(&of_phone, HOUR, caps.codes_per_phone_hour),
        cap(&of_phone, DAY, caps.codes_per_phone_day),
        cap(&of_address, HOUR, caps.codes_per_address_hour),
        cap(&of_address, DAY, caps.codes_per_address_day),
        cap(&of_task, MINUTE, caps.codes_per_task_minute),
    ];
    if config.rate_limit_enabled {
        all.push(cap(&of_phone, CODE_GAP, 1));
    }
    take(tx, &all).await
}

/// Admits one more guess from `address`, whatever phone it is for.
///
/// # Errors
/// 429 beyond a cap, or the database's failure.
pub async fn admit_guess(
    app: &App,
    tx: &mut PgConnection,
    phone: &str,
    address: &str,
) -> Result<()> {
    let config = &app.config.otp;
    let caps = &config.caps;
    let of_address = format!("guess address {address}");
    let of_task = format!("guess task {}", app.live.task_id);
    let mut all = vec![
        cap(&of_address, HOUR, caps.guesses_per_address_hour),
        cap(&of_task, MINUTE, caps.guesses_per_task_minute),
    ];
    if config.rate_limit_enabled {
        let of_pair = format!("guess pair {phone} {address}");
        all.push(cap(&of_pair, 5.0 * MINUTE, config.burst));
        all.push(cap(&of_pair, MINUTE, config.per_minute));
    }
    take(tx, &all).await
}

/// Counts a guess of the phone's code; false when the phone has no guesses left. A guess while there is no `live` code cannot be
/// right, so it uses up none of them, but it costs the same time.
///
/// # Errors
/// The database's failure.
pub async fn count_guess(
    app: &App,
    tx: &mut PgConnection,
    phone: &str,
    live: bool,
) -> Result<bool> {
    let kind = if live { "guess" } else { "idle guess" };
    let caps = guesses_of_phone(app, &format!("{kind} phone {phone}"));
    Ok(wait(tx, &caps, true).await? == 0.0)
}
