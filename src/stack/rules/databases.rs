//! Databases and secrets: pairs of fields that RDS and Secrets Manager refuse (RDS API reference, CreateDBInstance; user guide, "Amazon RDS
//! DB instance storage"; Secrets Manager API reference, DeleteSecret).

use super::Seen;
use crate::diagnostic::code;
use crate::kind::{DailyWindow, WeeklyWindow};
use crate::model::Value;
use crate::stack::checked::Resource;
use crate::stack::desk::Desk;

/// From this size on PostgreSQL's gp3 volumes are striped and their IOPS can be set.
const STRIPED: i64 = 400;

pub fn check(desk: &mut Desk<'_>, seen: &Seen<'_>) {
    for instance in seen.of_kind("rds.db_instance") {
        windows(desk, seen, instance);
        storage(desk, seen, instance);
        family(desk, seen, instance);
    }
    for secret in seen.of_kind("secretsmanager.secret") {
        let window = secret.attributes.get("recovery_window").as_int();
        if let Some(days) = window.filter(|days| (1..7).contains(days)) {
            desk.error(
                code::OUT_OF_BOUNDS,
                seen.span(secret, "recovery_window"),
                format!("a recovery window must be 7 to 30 days, or 0 for none; this is {days}"),
            )
            .help("write `7`, or `0` to delete secrets at once");
        }
    }
}

fn windows(desk: &mut Desk<'_>, seen: &Seen<'_>, instance: &Resource) {
    let backup = seen.text(instance, "backup_window");
    let maintenance = seen.text(instance, "maintenance_window");
    let backup = backup.as_deref().and_then(DailyWindow::parse);
    let maintenance = maintenance.as_deref().and_then(WeeklyWindow::parse);
    if let (Some(backup), Some(maintenance)) = (backup, maintenance)
        && backup.overlaps(maintenance)
    {
        desk.error(
            code::CONTRADICTION,
            seen.span(instance, "backup_window"),
            "the backup window must not overlap the maintenance window",
        )
        .and(
            seen.span(instance, "maintenance_window"),
            "the maintenance window",
        )
        .help("move one of the two");
    }
}

fn storage(desk: &mut Desk<'_>, seen: &Seen<'_>, instance: &Resource) {
    let number = |field: &str| instance.attributes.get(field).as_int();
    let ty = instance.attributes.text("storage_type").unwrap_or("gp3");
    let Some(storage) = number("storage") else {
        return;
    };
    let mut refuse = |field: &str, message: String, help: String| {
        desk.error(code::CONTRADICTION, seen.span(instance, field), message)
            .help(help);
    };
    if let Some(most) = number("max_storage")
        && most * 10 < storage * 11
    {
        let least = (storage * 11 + 9) / 10;
        refuse(
            "max_storage",
            format!(
                "`max_storage` must be at least 10 % above `storage` ({storage} GiB); this is {most}"
            ),
            format!("write `max_storage: {least}` or more"),
        );
    }
    match (ty, number("iops")) {
        ("gp2", Some(_)) => refuse(
            "iops",
            "`gp2` storage has no provisioned `iops`".into(),
            "leave it out, or write `storage_type: gp3`".into(),
        ),
        ("gp3", Some(_)) if storage < STRIPED => refuse(
            "iops",
            format!(
                "`gp3` storage has provisioned `iops` from {STRIPED} GiB on; this is {storage}"
            ),
            "leave `iops` out: below that, it is 3000".into(),
        ),
        ("gp3", Some(iops)) if !(12_000..=64_000).contains(&iops) => refuse(
            "iops",
            format!(
                "`gp3` storage from {STRIPED} GiB on has 12000 to 64000 `iops`; this is {iops}"
            ),
            "write `iops: 12000`, or leave it out".into(),
        ),
        ("io1" | "io2", None) => refuse(
            "storage_type",
            format!("`{ty}` storage needs `iops`"),
            "add `iops: 1000` or more".into(),
        ),
        ("io1" | "io2", Some(_)) if storage < 100 => refuse(
            "storage",
            format!("`{ty}` storage starts at 100 GiB; this is {storage}"),
            "write `storage: 100` or more".into(),
        ),
        ("io1", Some(iops)) if iops > storage * 50 => refuse(
            "iops",
            format!(
                "`io1` storage has at most 50 `iops` for each GiB; this is {iops} for {storage}"
            ),
            format!("write `iops: {}` or less, or more storage", storage * 50),
        ),
        ("io2", Some(iops)) if iops > storage * 1000 => refuse(
            "iops",
            format!(
                "`io2` storage has at most 1000 `iops` for each GiB; this is {iops} for {storage}"
            ),
            format!("write `iops: {}` or less, or more storage", storage * 1000),
        ),
        _ => {}
    }
}

/// A parameter group is for one major version.
fn family(desk: &mut Desk<'_>, seen: &Seen<'_>, instance: &Resource) {
    let group = match instance.attributes.get("parameter_group") {
        value @ Value::Expr(_) => seen.target(value),
        _ => None,
    };
    let family = group.and_then(|group| seen.text(group, "family"));
    let version = seen.text(instance, "engine_version");
    if let (Some(group), Some(family), Some(version)) = (group, family, version)
        && let Some(major) = version.split('.').next()
        && family.starts_with("postgres")
        && family != format!("postgres{major}")
    {
        desk.error(
            code::CONTRADICTION,
            seen.span(instance, "engine_version"),
            format!("version {version} does not fit the parameter group's family `{family}`"),
        )
        .and(seen.span(group, "family"), "the family")
        .help(format!("write `family: postgres{major}`"));
    }
}
