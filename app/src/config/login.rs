//! The settings of `rotate-login`, which needs none of the service's others.

use super::DbConfig;
use super::source::{ConfigError, Source};
use crate::secret::Secret;

#[derive(Debug, Clone)]
pub struct LoginConfig {
    /// Its URL has the login and the password that it is to have.
    pub db: DbConfig,
    /// The role that owns everything; both logins are members of it.
    pub role: String,
    /// Who may make roles.
    pub admin_user: String,
    pub admin_password: Secret,
}

impl LoginConfig {
    /// Reads `APP_DATABASE_URL`, `APP_DB_ROLE`, `APP_DB_ADMIN_USER` and `APP_DB_ADMIN_PASSWORD`.
    ///
    /// # Errors
    /// Each of them that is missing, by name.
    pub fn from_env() -> Result<LoginConfig, ConfigError> {
        LoginConfig::read(Source::new(std::env::vars().collect()))
    }

    /// Reads the settings out of `source`.
    ///
    /// # Errors
    /// As [`LoginConfig::from_env`].
    pub fn read(mut s: Source) -> Result<LoginConfig, ConfigError> {
        for name in [
            "DATABASE_URL",
            "DB_ROLE",
            "DB_ADMIN_USER",
            "DB_ADMIN_PASSWORD",
        ] {
            if s.text_opt(name).is_none() {
                s.problem(name, "is missing: `circles-infra secrets rotate` sets it");
            }
        }
        let mut db = DbConfig::read(&mut s);
        let config = LoginConfig {
            role: db.role.take().unwrap_or_default(),
            admin_user: s.text("DB_ADMIN_USER", ""),
            admin_password: Secret::new(s.text("DB_ADMIN_PASSWORD", "")),
            db,
        };
        s.finish(config)
    }
}
