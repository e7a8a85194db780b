//! What is sent to change a database server, and the snapshot that its deletion leaves.

use super::instance_spec::Spec;
use super::instance_state::Live;
use super::storage_change::storage_change;
use crate::aws::{Aws, aws_error, refine};
use crate::kind::{Class, CloudError, Cx, Wanted};
use crate::model::version::is_downgrade;

/// One `ModifyDBInstance` with everything that changed. The class, storage and windows are sent only when they do: a value that is
/// sent anew may start a modification of its own.
///
/// Long: one line a field that can be changed.
pub(super) async fn modify(
    aws: &Aws,
    cx: &Cx,
    live: &Live,
    wanted: &Wanted<Spec>,
) -> Result<Live, CloudError> {
    let spec = &wanted.spec;
    let changes = |field: &str| wanted.changes(field);
    check_changeable(live, wanted)?;
    let storage = match changes("storage") || changes("storage_type") || changes("iops") {
        true => storage_change(&live.volume(), &spec.volume())?,
        false => Default::default(),
    };
    let password = match changes("password") {
        true => Some(cx.reveal(&spec.password).await?),
        false => None,
    };
    let call = aws
        .rds
        .modify_db_instance()
        .db_instance_identifier(&live.identifier)
        .apply_immediately(true)
        .set_engine_version(changes("engine_version").then(|| spec.engine_version.clone()))
        .set_allow_major_version_upgrade(
            is_major(live.engine_version(), &spec.engine_version).then_some(true),
        )
        .set_db_instance_class(changes("instance_class").then(|| spec.instance_class.clone()))
        .set_allocated_storage(storage.allocated)
        .set_storage_type(storage.storage_type.map(str::to_owned))
        .set_iops(storage.iops)
        .set_max_allocated_storage(spec.max_storage.filter(|_| changes("max_storage")))
        .set_vpc_security_group_ids(
            changes("security_groups").then(|| spec.security_groups.clone()),
        )
        .set_db_parameter_group_name(
            spec.parameter_group
                .clone()
                .filter(|_| changes("parameter_group")),
        )
        .set_multi_az(changes("multi_az").then_some(spec.multi_az))
        .set_publicly_accessible(changes("publicly_accessible").then_some(spec.publicly_accessible))
        .set_backup_retention_period(changes("backup_retention").then_some(spec.backup_retention))
        .set_preferred_backup_window(
            spec.backup_window
                .clone()
                .filter(|_| changes("backup_window")),
        )
        .set_preferred_maintenance_window(
            spec.maintenance_window
                .clone()
                .filter(|_| changes("maintenance_window")),
        )
        .set_deletion_protection(changes("deletion_protection").then_some(spec.deletion_protection))
        .set_auto_minor_version_upgrade(
            changes("auto_minor_version_upgrade").then_some(spec.auto_minor_version_upgrade),
        )
        .set_enable_performance_insights(
            spec.performance_insights
                .filter(|_| changes("performance_insights")),
        )
        .set_copy_tags_to_snapshot(changes("copy_tags").then_some(spec.copy_tags))
        .set_ca_certificate_identifier(
            spec.ca_certificate
                .clone()
                .filter(|_| changes("ca_certificate")),
        )
        .set_master_user_password(password.as_ref().map(|secret| secret.expose().to_owned()));
    let answer = cx
        .call("rds:ModifyDBInstance", async {
            let error = match call.send().await {
                Ok(answer) => return Ok(answer.db_instance),
                Err(error) => aws_error("rds:ModifyDBInstance", error).scrub(&password),
            };
            // Nothing left to change: an earlier attempt got through.
            let nothing = refine(
                error,
                "InvalidParameterCombination",
                "No modifications were requested",
                Class::Exists,
            );
            if nothing.is(Class::Exists) {
                Ok(None)
            } else {
                Err(nothing)
            }
        })
        .await?;
    Ok(answer.map_or_else(
        || live.clone(),
        |instance| {
            let mut now = Live::new(instance);
            now.tags.clone_from(&live.tags);
            now
        },
    ))
}

/// What RDS refuses whatever is sent, or accepts only after somebody has started the instance: no wait mends it.
fn check_changeable(live: &Live, wanted: &Wanted<Spec>) -> Result<(), CloudError> {
    let refuse = |code, sentence| {
        Err(CloudError::new(
            "rds:ModifyDBInstance",
            Class::Invalid,
            code,
            sentence,
        ))
    };
    let name = &live.identifier;
    if live.is_stopped() {
        return refuse(
            "Stopped",
            format!(
                "the database {name} is {}, and RDS changes no stopped database: start it with `aws rds start-db-instance --db-instance-identifier {name}`, then run the same command again",
                live.status
            ),
        );
    }
    let (from, to) = (live.engine_version(), wanted.spec.engine_version.as_str());
    if wanted.changes("engine_version") && is_downgrade(to, from) {
        return refuse(
            "Downgrade",
            format!(
                "the database {name} runs version {from}, and RDS never goes back to {to}: write a version that is not older"
            ),
        );
    }
    Ok(())
}

/// Whether going from one version to the other leaves PostgreSQL's major version (`15.7` to `16`).
fn is_major(from: &str, to: &str) -> bool {
    let major = |version: &str| version.split('.').next().map(str::to_owned);
    major(from) != major(to)
}

/// The last snapshot's name, or `None` where the stack lets it be skipped. Without knowing, the data is kept.
pub(super) fn final_snapshot(cx: &Cx, live: &Live) -> Result<Option<String>, CloudError> {
    let refuse = |code, sentence: String| {
        Err(CloudError::new(
            "rds:DeleteDBInstance",
            Class::Invalid,
            code,
            sentence,
        ))
    };
    let name = &live.identifier;
    if live.is_protected() {
        return refuse(
            "DeletionProtection",
            format!(
                "the database {name} has deletion protection: set `deletion_protection: false` (or `protect: false`), apply that, and delete it then"
            ),
        );
    }
    if cx.last.get("skip_final_snapshot").as_bool() == Some(true) {
        return Ok(None);
    }
    if live.is_beyond_snapshots() {
        return refuse(
            "NoFinalSnapshot",
            format!(
                "the database {name} is {} and AWS takes no last snapshot of it: set `skip_final_snapshot: true` to delete it without one",
                live.status
            ),
        );
    }
    let token: String = cx.token.chars().take(8).collect();
    Ok(Some(format!("{name}-final-{token}")))
}

/// Why a stopped database stays: RDS takes no snapshot of one.
pub(super) fn stopped(live: &Live, mut refused: CloudError) -> CloudError {
    refused.class = Class::Invalid;
    refused.message = format!(
        "the database {0} is {1} ({2}): start it with `aws rds start-db-instance --db-instance-identifier {0}`, or set `skip_final_snapshot: true`, then run the same command again",
        live.identifier, live.status, refused.message
    );
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_major_version_is_told_from_a_minor_one() {
        assert!(is_major("15.7", "16"));
        assert!(is_major("15.7", "16.2"));
        assert!(!is_major("15.7", "15.8"));
        assert!(!is_major("15.7", "15"));
    }
}
