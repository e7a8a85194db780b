//! What is sent to change a database server, and the snapshot that its deletion leaves.

use super::instance_spec::Spec;
use super::instance_state::Live;
use crate::aws::{Aws, aws_error, refine};
use crate::kind::{Class, CloudError, Cx, Wanted};

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
    let storage = changes("storage") || changes("storage_type") || changes("iops");
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
        .set_allocated_storage(changes("storage").then_some(spec.storage))
        .set_storage_type(changes("storage_type").then(|| spec.storage_type.clone()))
        // Provisioned operations have to be named again with every change of the storage.
        .set_iops(storage.then_some(spec.iops).flatten())
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
