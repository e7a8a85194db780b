//! What RDS accepts as names, sizes and windows (API reference: CreateDBInstance, CreateDBSubnetGroup, CreateDBParameterGroup; user guide,
//! "Quotas and constraints", "Parameter groups").

use crate::kind::{DailyWindow, TextRule, WeeklyWindow};

pub const IDENTIFIER: TextRule = TextRule::length(1, 63).of("-").check(identifier);
pub const GROUP_NAME: TextRule = TextRule::length(1, 255).of("-").check(|name| {
    if name.to_lowercase().starts_with("default") && name.len() == 7 {
        return Some("it must not be `default`, which is reserved");
    }
    identifier(name)
});
pub const SUBNET_GROUP_NAME: TextRule = TextRule::length(1, 255).of("._- ").check(|name| {
    name.eq_ignore_ascii_case("default")
        .then_some("it must not be `default`, which is reserved")
});

fn identifier(name: &str) -> Option<&'static str> {
    if name.ends_with('-') || name.contains("--") {
        return Some("it must not end with a hyphen or contain two in a row");
    }
    letter_first(name)
}

fn letter_first(name: &str) -> Option<&'static str> {
    (!name.starts_with(|c: char| c.is_ascii_alphabetic())).then_some("it must start with a letter")
}

/// Databases that PostgreSQL and RDS keep for themselves.
const RESERVED_DATABASES: &[&str] = &["template0", "template1", "rdsadmin"];

pub const DATABASE: TextRule = TextRule::length(1, 63).of("_").check(|name| {
    if RESERVED_DATABASES.contains(&name.to_lowercase().as_str()) {
        return Some("this name is reserved by PostgreSQL or RDS");
    }
    (!name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
        .then_some("it must start with a letter or `_`")
});

/// Words that PostgreSQL or RDS reserve.
const RESERVED_USERS: &[&str] = &[
    "admin",
    "all",
    "current_user",
    "public",
    "rds_superuser",
    "rdsadmin",
    "rdsrepladmin",
    "rdstopmgr",
    "rds_replication",
    "rds_password",
    "rds_iam",
    "session_user",
    "user",
];

pub const USER: TextRule = TextRule::length(1, 63).of("_").check(|name| {
    let name = name.to_lowercase();
    if RESERVED_USERS.contains(&name.as_str())
        || name.starts_with("pg_")
        || name.starts_with("postgres_admin")
    {
        return Some("this name is reserved by PostgreSQL or RDS");
    }
    letter_first(&name)
});

pub const CLASS: TextRule = TextRule::length(1, 64)
    .lowercase(".-")
    .check(|class| {
        let parts: Vec<&str> = class.split('.').collect();
        let is_class = class == "db.serverless"
            || (parts.len() >= 3 && parts[0] == "db" && parts.iter().all(|part| !part.is_empty()));
        (!is_class).then_some("it must be a class of RDS, `db.FAMILY.SIZE`")
    })
    .example("db.t4g.small");

/// `hh:mm-hh:mm`, at least 30 minutes (CreateDBInstance, PreferredBackupWindow).
pub const BACKUP_WINDOW: TextRule = TextRule::length(1, 64)
    .check(|text| match DailyWindow::parse(text) {
        None => Some("it must be a time of day, `hh:mm-hh:mm`, in 24-hour UTC"),
        Some(window) => (window.minutes() < 30).then_some("it must be at least 30 minutes long"),
    })
    .example("03:00-03:30");

/// `ddd:hh:mm-ddd:hh:mm`, at least 30 minutes and less than a day (CreateDBInstance, PreferredMaintenanceWindow).
pub const MAINTENANCE_WINDOW: TextRule = TextRule::length(1, 64)
    .check(|text| match WeeklyWindow::parse(text) {
        None => Some("it must be a time of the week, `ddd:hh:mm-ddd:hh:mm`, in 24-hour UTC"),
        Some(window) if window.minutes() < 30 => Some("it must be at least 30 minutes long"),
        Some(window) => (window.minutes() >= 1440).then_some("it must be shorter than 24 hours"),
    })
    .example("sun:04:00-sun:04:30");

pub const FAMILY: TextRule = TextRule::length(1, 255).check(|family| {
    let is_postgres = family
        .strip_prefix("postgres")
        .is_some_and(|major| !major.is_empty() && major.bytes().all(|b| b.is_ascii_digit()));
    (!is_postgres).then_some("it must be PostgreSQL's family and major version, `postgres15`")
});

pub const PARAMETER: TextRule = TextRule::length(1, 255)
    .lowercase("_.")
    .example("max_connections");
pub const DESCRIPTION: TextRule = TextRule::length(1, 255);
pub const CERTIFICATE_AUTHORITY: TextRule = TextRule::length(1, 64)
    .of("-")
    .check(|name| {
        (!name.starts_with("rds-ca-")).then_some("it must be the name of a certificate authority")
    })
    .example("rds-ca-rsa2048-g1");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_have_their_form_and_length() {
        for right in ["03:00-03:30", "23:45-00:15"] {
            assert_eq!(BACKUP_WINDOW.broken_by(right), None, "{right}");
        }
        for wrong in [
            "3:00-3:30",
            "03:00-03:10",
            "24:00-01:00",
            "03:00",
            "",
            "03:00-03:00",
        ] {
            assert!(BACKUP_WINDOW.broken_by(wrong).is_some(), "{wrong}");
        }
        for right in ["sun:04:00-sun:04:30", "Sun:23:45-Mon:00:15"] {
            assert_eq!(MAINTENANCE_WINDOW.broken_by(right), None, "{right}");
        }
        for wrong in [
            "sunday:04:00-sunday:05:00",
            "sun:04:00-sun:04:10",
            "sun:04:00-tue:04:00",
            "sunday",
        ] {
            assert!(MAINTENANCE_WINDOW.broken_by(wrong).is_some(), "{wrong}");
        }
    }

    #[test]
    fn reserved_names_are_refused() {
        for wrong in ["rdsrepladmin", "RDSADMIN", "pg_monitor", "1x", "admin"] {
            assert!(USER.broken_by(wrong).is_some(), "{wrong}");
        }
        assert_eq!(USER.broken_by("postgres"), None);
        for wrong in ["template1", "9a"] {
            assert!(DATABASE.broken_by(wrong).is_some(), "{wrong}");
        }
        for (class, fits) in [
            ("db.t4g.small", true),
            ("t4g.micro", false),
            ("db.t4g", false),
            ("db.serverless", true),
        ] {
            assert_eq!(CLASS.broken_by(class).is_none(), fits, "{class}");
        }
    }
}
