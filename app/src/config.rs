//! Every setting, read once at start: the environment first, a `.env` file in the working folder second, the default last.
//!
//! Names carry the prefix `APP_` and ignore case. Problems are collected, so one start tells all of them.

use std::path::PathBuf;
use std::time::Duration;

use crate::secret::Secret;

mod db;
pub mod login;
mod otp;
mod route_limits;
mod source;
mod storage;
pub use db::DbConfig;
pub use otp::{OtpCaps, OtpConfig, SmsSender};
pub use route_limits::{RouteLimit, RouteLimits};
pub use source::{ConfigError, Source};
pub use storage::{S3Config, StorageConfig};

/// All settings of one running service.
#[derive(Debug, Clone)]
pub struct Config {
    /// One-time codes are echoed and `/metrics` is open; never for a service others can reach.
    pub debug: bool,
    pub port: u16,
    pub db: DbConfig,
    pub cors_origins: Vec<String>,
    pub otp: OtpConfig,
    pub jwt: JwtConfig,
    pub storage: StorageConfig,
    pub metrics_token: Option<Secret>,
    pub use_postgis: bool,
    pub checkin: CheckinConfig,
    pub external: ExternalConfig,
    pub dm: DmConfig,
    pub limits: LimitConfig,
    pub uploads: UploadConfig,
    /// Entries of feeds go after so many days.
    pub activity_days: i32,
    pub ws: WsConfig,
    /// Share of the successful requests that are written to the log, 0 to 1. Failed ones always are.
    pub log_sample: f64,
    /// How many proxies of ours stand in front and append to `X-Forwarded-For`.
    pub trusted_proxies: usize,
    /// The time an answer may take. Uploads may take longer.
    pub request_timeout: Duration,
    /// The time the head of a request may take to arrive.
    pub header_timeout: Duration,
    /// The time a stop may take before it is forced.
    pub stop_grace: Duration,
    pub made_up: MadeUp,
    /// What debug put up with, for the log.
    pub warnings: Vec<String>,
}

/// Which secrets were not set and are this run's own, until the database tells those all tasks share. In debug only.
#[derive(Debug, Clone, Copy)]
pub struct MadeUp {
    pub jwt: bool,
    pub otp: bool,
}

#[derive(Debug, Clone)]
pub struct JwtConfig {
    pub secret: Secret,
    /// Still accepted, no longer used to sign: lets a key be changed without logging everybody out.
    pub previous_secret: Option<Secret>,
    pub algorithm: jsonwebtoken::Algorithm,
    pub expiry_minutes: i64,
}

#[derive(Debug, Clone)]
pub struct CheckinConfig {
    pub enforce_proximity: bool,
    pub max_distance_m: f64,
    pub expiry_hours: i64,
    pub chat_window_hours: i64,
}

#[derive(Debug, Clone)]
pub struct ExternalConfig {
    pub foursquare: Option<FoursquareConfig>,
    pub trending_enabled: bool,
    pub trending_override: bool,
    pub trending_radius_m: f64,
    pub use_real_trending: bool,
    pub use_osm: bool,
    pub overpass_endpoints: Vec<String>,
    pub nominatim_url: String,
    pub http_timeout: Duration,
    pub overpass_timeout: Duration,
    /// Calls of all tasks together.
    pub overpass_per_min: i32,
    pub foursquare_per_min: i32,
    pub enrich_ttl_hot_days: i64,
    pub enrich_ttl_cold_days: i64,
    pub enrich_max_distance_m: f64,
    pub enrich_min_name_sim: f64,
    pub suggestions_radius_m: f64,
    pub autoseed: bool,
    pub autoseed_min_osm_count: i64,
    /// South, west, north, east of the area seeded at start; none, none is.
    pub autoseed_bbox: Option<[f64; 4]>,
}

#[derive(Debug, Clone)]
pub struct FoursquareConfig {
    pub api_key: Option<Secret>,
    pub client: Option<(String, Secret)>,
    pub api_url: String,
    pub search_url: String,
}

#[derive(Debug, Clone)]
pub struct DmConfig {
    pub requests_per_min: i32,
    pub messages_per_min: i32,
    pub allow_direct: bool,
}

#[derive(Debug, Clone)]
pub struct LimitConfig {
    pub avatar_bytes: usize,
    pub photo_bytes: usize,
    pub places_per_hour: i32,
    pub external_per_min: i32,
    /// Of the routes that write.
    pub routes: RouteLimits,
}

#[derive(Debug, Clone)]
pub struct UploadConfig {
    /// Where uploads are written while they come in.
    pub spool: PathBuf,
    /// Uploads under way at a time.
    pub per_task: usize,
    pub per_user: usize,
    /// An upload that sends nothing for this long is given up.
    pub stall: Duration,
    /// An attachment that no message names for this long is deleted.
    pub unsent: Duration,
}

#[derive(Debug, Clone)]
pub struct WsConfig {
    pub send_timeout: Duration,
    /// A connection without a ping for this long is closed.
    pub idle: Duration,
    pub sweep: Duration,
    /// Sockets one person may have open, on all tasks together.
    pub per_user: i64,
}

const OVERPASS: &str = "https://overpass-api.de/api/interpreter,https://overpass.kumi.systems/api/interpreter,https://overpass.private.coffee/api/interpreter";
const ORIGINS: &str =
    "http://localhost:3000,http://127.0.0.1:3000,http://localhost:5173,http://127.0.0.1:5173";
/// The shortest signing or hashing secret, in bytes, outside debug.
const MIN_SECRET: usize = 32;
const MEGABYTE: usize = 1024 * 1024;

impl Config {
    /// Reads the process environment and a `.env` file beside it.
    ///
    /// # Errors
    /// Every unreadable value and every missing secret, in one message that names the settings but never their values.
    pub fn from_env() -> Result<Config, ConfigError> {
        let entries = dotenvy::dotenv_iter().ok();
        let file = entries.into_iter().flatten().filter_map(Result::ok);
        Config::read(Source::layered(file, std::env::vars()))
    }

    /// Reads the settings out of `source`.
    ///
    /// # Errors
    /// As [`Config::from_env`].
    pub fn read(mut s: Source) -> Result<Config, ConfigError> {
        let debug = s.bool("DEBUG", false);
        let storage = storage::read(&mut s, debug);
        let spool = storage::spool(&mut s, &storage);
        let config = Config {
            debug,
            port: s.number("PORT", 8000),
            db: DbConfig::read(&mut s),
            cors_origins: s.list("CORS_ALLOWED_ORIGINS", ORIGINS),
            otp: otp::read(&mut s, debug),
            jwt: read_jwt(&mut s, debug),
            storage,
            metrics_token: s.secret("METRICS_TOKEN"),
            use_postgis: s.bool("USE_POSTGIS", false),
            checkin: CheckinConfig {
                enforce_proximity: s.bool("CHECKIN_ENFORCE_PROXIMITY", true),
                max_distance_m: s.number("CHECKIN_MAX_DISTANCE_METERS", 500.0),
                expiry_hours: s.number("CHECKIN_EXPIRY_HOURS", 24),
                chat_window_hours: s.number("PLACE_CHAT_WINDOW_HOURS", 12),
            },
            external: read_external(&mut s),
            dm: DmConfig {
                requests_per_min: s.number("DM_REQUESTS_PER_MIN", 5),
                messages_per_min: s.number("DM_MESSAGES_PER_MIN", 20),
                allow_direct: s.bool("DM_ALLOW_DIRECT", true),
            },
            limits: LimitConfig {
                avatar_bytes: s.number::<usize>("AVATAR_MAX_MB", 5) * MEGABYTE,
                photo_bytes: s.number::<usize>("PHOTO_MAX_MB", 10) * MEGABYTE,
                places_per_hour: s.number("PLACES_PER_HOUR", 60),
                external_per_min: s.number("EXTERNAL_PER_MIN", 20),
                routes: route_limits::read(&mut s),
            },
            uploads: UploadConfig {
                spool,
                per_task: s.number("UPLOADS_PER_TASK", 64),
                per_user: s.number("UPLOADS_PER_USER", 16),
                stall: s.seconds("UPLOAD_STALL_SECONDS", 30.0),
                unsent: s.seconds("UNSENT_UPLOAD_SECONDS", 24.0 * 3600.0),
            },
            activity_days: s.number("ACTIVITY_DAYS", 90),
            ws: WsConfig {
                send_timeout: s.seconds("WS_SEND_TIMEOUT_SECONDS", 5.0),
                idle: s.seconds("WS_IDLE_SECONDS", 120.0),
                sweep: s.seconds("WS_SWEEP_SECONDS", 30.0),
                per_user: s.number("WS_SOCKETS_PER_USER", 64),
            },
            log_sample: read_log_sample(&mut s, debug),
            trusted_proxies: s.number("TRUSTED_PROXIES", 1),
            // The longest that is meant to be: three mirrors of the map, 25 seconds each.
            request_timeout: s.seconds("REQUEST_TIMEOUT_SECONDS", 120.0),
            header_timeout: s.seconds("HEADER_TIMEOUT_SECONDS", 15.0),
            stop_grace: s.seconds("STOP_GRACE_SECONDS", 25.0),
            made_up: MadeUp {
                jwt: debug && s.secret("JWT_SECRET_KEY").is_none(),
                otp: debug && s.secret("OTP_SECRET_KEY").is_none(),
            },
            warnings: Vec::new(),
        };
        let warnings = s.warnings();
        s.finish(Config { warnings, ..config })
    }
}

/// All in debug, a tenth otherwise. `LOG_SAMPLE_RATE` is the older name.
fn read_log_sample(s: &mut Source, debug: bool) -> f64 {
    let older = s.number("LOG_SAMPLE_RATE", if debug { 1.0 } else { 0.1 });
    let share = s.number("LOG_SAMPLE", older);
    if !(0.0..=1.0).contains(&share) {
        s.problem("LOG_SAMPLE", "must be a number from 0 to 1");
    }
    share
}

fn read_jwt(s: &mut Source, debug: bool) -> JwtConfig {
    use jsonwebtoken::Algorithm;
    let algorithm = match s.text("JWT_ALGORITHM", "HS256").as_str() {
        "HS256" => Algorithm::HS256,
        "HS384" => Algorithm::HS384,
        "HS512" => Algorithm::HS512,
        _ => {
            s.problem("JWT_ALGORITHM", "must be HS256, HS384 or HS512");
            Algorithm::HS256
        }
    };
    JwtConfig {
        secret: signing_secret(s, "JWT_SECRET_KEY", debug),
        previous_secret: s.secret("JWT_SECRET_KEY_PREVIOUS"),
        algorithm,
        expiry_minutes: s.number("JWT_EXPIRY_MINUTES", 10080),
    }
}

/// A secret that must be real outside debug. In debug a missing one is made up; see [`MadeUp`].
fn signing_secret(s: &mut Source, name: &str, debug: bool) -> Secret {
    match s.secret(name) {
        Some(secret) if debug || secret.expose().len() >= MIN_SECRET => secret,
        Some(_) => {
            s.problem(name, "is shorter than 32 bytes; outside debug it must be a real secret (`openssl rand -hex 32` makes one)");
            Secret::new(String::new())
        }
        None if debug => {
            s.warn(
                name,
                "is not set: debug makes one up and keeps it in the database",
            );
            Secret::random()
        }
        None => {
            s.problem(
                name,
                "is not set; outside debug it is required (`openssl rand -hex 32` makes one)",
            );
            Secret::new(String::new())
        }
    }
}

fn read_external(s: &mut Source) -> ExternalConfig {
    let bbox: Vec<f64> = s
        .list("AUTOSEED_BBOX", "")
        .iter()
        .filter_map(|part| part.trim().parse().ok())
        .collect();
    let name_sim = s
        .text_opt("ENRICH_MIN_NAME_SIM")
        .or_else(|| s.text_opt("ENRICH_MIN_NAME_SIMILARITY"));
    ExternalConfig {
        foursquare: read_foursquare(s),
        trending_enabled: s.bool("FSQ_TRENDING_ENABLED", true),
        trending_override: s.bool("FSQ_TRENDING_OVERRIDE", true),
        trending_radius_m: s.number("FSQ_TRENDING_RADIUS_M", 5000.0),
        use_real_trending: s.bool("FSQ_USE_REAL_TRENDING", true),
        use_osm: s.bool("USE_OPENSTREETMAP", true),
        overpass_endpoints: s.list("OVERPASS_ENDPOINTS", OVERPASS),
        nominatim_url: s.text("NOMINATIM_URL", "https://nominatim.openstreetmap.org"),
        http_timeout: s.seconds("HTTP_TIMEOUT_SECONDS", 30.0),
        overpass_timeout: s.seconds("OVERPASS_TIMEOUT_SECONDS", 25.0),
        overpass_per_min: s.number("OVERPASS_PER_MIN", 30),
        foursquare_per_min: s.number("FOURSQUARE_PER_MIN", 120),
        enrich_ttl_hot_days: s.number("ENRICH_TTL_HOT_DAYS", 14),
        enrich_ttl_cold_days: s.number("ENRICH_TTL_COLD_DAYS", 60),
        enrich_max_distance_m: s.number("ENRICH_MAX_DISTANCE_M", 150.0),
        enrich_min_name_sim: name_sim.and_then(|v| v.parse().ok()).unwrap_or(0.65),
        suggestions_radius_m: s.number("EXTERNAL_SUGGESTIONS_RADIUS_M", 10000.0),
        autoseed: s.bool("AUTOSEED_ENABLED", true),
        autoseed_min_osm_count: s.number("AUTOSEED_MIN_OSM_COUNT", 500),
        autoseed_bbox: <[f64; 4]>::try_from(bbox).ok(),
    }
}

fn read_foursquare(s: &mut Source) -> Option<FoursquareConfig> {
    let real = |v: &String| !v.is_empty() && v != "demo_key_for_testing";
    let api_key = s
        .text_opt("FOURSQUARE_API_KEY")
        .filter(real)
        .map(Secret::new);
    let id = s.text_opt("FOURSQUARE_CLIENT_ID").filter(real);
    let secret = s
        .text_opt("FOURSQUARE_CLIENT_SECRET")
        .filter(real)
        .map(Secret::new);
    let client = id.zip(secret);
    if api_key.is_none() && client.is_none() {
        return None;
    }
    Some(FoursquareConfig {
        api_key,
        client,
        api_url: s.text("FOURSQUARE_API_URL", "https://api.foursquare.com"),
        search_url: s.text("FOURSQUARE_SEARCH_URL", "https://places-api.foursquare.com"),
    })
}
