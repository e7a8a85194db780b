//! The settings of the database, which every command shares.

use std::time::Duration;

use super::source::Source;
use crate::secret::Secret;

#[derive(Debug, Clone)]
pub struct DbConfig {
    pub url: Secret,
    /// The role that owns everything, when logins change: every connection takes it on.
    pub role: Option<String>,
    /// Connections of one task, the listener not counted. Two generations of two tasks must fit `max_connections`.
    pub pool_size: u32,
    /// How long a request waits for a connection before it is answered 503.
    pub acquire_timeout: Duration,
    /// After which the server ends a statement; the request is answered 503.
    pub statement_timeout: Duration,
    /// After which the server ends a statement that waits for somebody else's lock: sooner, because then others wait behind it.
    pub lock_timeout: Duration,
}

impl DbConfig {
    pub(super) fn read(s: &mut Source) -> DbConfig {
        DbConfig {
            url: Secret::new(s.text(
                "DATABASE_URL",
                "postgresql://postgres@localhost:5432/circles",
            )),
            role: s.text_opt("DB_ROLE"),
            pool_size: s.number("DB_POOL_SIZE", 15),
            acquire_timeout: s.seconds("DB_ACQUIRE_TIMEOUT_SECONDS", 3.0),
            statement_timeout: s.seconds("DB_STATEMENT_TIMEOUT_SECONDS", 15.0),
            lock_timeout: s.seconds("DB_LOCK_TIMEOUT_SECONDS", 5.0),
        }
    }
}
