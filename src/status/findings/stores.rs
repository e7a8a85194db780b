//! What is wrong with databases and secrets, and whether a service stands or falls with it.

use super::{Finding, Severity};
use crate::secrets::{KeyRow, SecretRow, Standing};
use crate::status::Database;

/// RDS states in which a database answers (RDS user guide, "Viewing Amazon RDS DB instance status").
const ANSWERING: &[&str] = &[
    "available",
    "backing-up",
    "configuring-enhanced-monitoring",
    "configuring-iam-database-auth",
    "configuring-log-exports",
    "maintenance",
    "modifying",
    "storage-config-upgrade",
    "storage-initialization",
    "storage-optimization",
];

/// RDS states that end by themselves.
const PASSING: &[&str] = &[
    "converting-to-vpc",
    "creating",
    "moving-to-vpc",
    "rebooting",
    "renaming",
    "resetting-master-credentials",
    "starting",
    "upgrading",
];

pub fn database_finding(database: &Database, region: &str, wanted: bool) -> Option<Finding> {
    let (at, name) = (&database.address, &database.name);
    let severe = |text: String, next: String| Finding {
        severity: if wanted {
            Severity::Outage
        } else {
            Severity::Warning
        },
        ..Finding::outage(at, text, next)
    };
    let Some(state) = &database.state else {
        return Some(if database.made {
            severe(
                format!("RDS has no instance {name} any more"),
                "circles-infra plan".into(),
            )
        } else {
            Finding::warning(at, "it is not made yet", "circles-infra apply")
        });
    };
    let status = state.status.as_str();
    if ANSWERING.contains(&status) {
        return None;
    }
    let instance = format!("--region {region} --db-instance-identifier {name}");
    let next = match status {
        "stopped" => format!("aws rds start-db-instance {instance}"),
        "stopping" => format!("aws rds start-db-instance {instance}, when it has stopped"),
        "storage-full" => "a larger `storage` in the stack file, then circles-infra apply".into(),
        "incompatible-parameters" => {
            format!("reset the parameter, then aws rds reboot-db-instance {instance}")
        }
        status if status.starts_with("inaccessible-encryption") => {
            format!("switch its KMS key on again, then aws rds start-db-instance {instance}")
        }
        status if PASSING.contains(&status) => "circles-infra status, in some minutes".into(),
        _ => {
            format!(
                "aws rds describe-events --region {region} --source-type db-instance --source-identifier {name}"
            )
        }
    };
    Some(severe(
        format!("the database does not answer: it is {status}"),
        next,
    ))
}

/// `running`: the tasks that are wanted run; without the secret no other one starts.
pub fn secret_finding(secret: &SecretRow, made: bool, running: bool) -> Option<Finding> {
    let at = &secret.address;
    let effect = if running {
        "running tasks go on, and no new one can start"
    } else {
        "no task can start without it"
    };
    let (text, next) = match &secret.standing {
        Standing::Absent if !made => return None,
        Standing::Absent => (
            format!("it is gone: {effect}"),
            "circles-infra apply".to_owned(),
        ),
        Standing::InRecovery { until } => (
            format!("it was deleted, and can be restored until {until}: {effect}"),
            "circles-infra apply".to_owned(),
        ),
        Standing::Live { version: None, .. } => (
            format!("it has no value: {effect}"),
            "circles-infra apply".to_owned(),
        ),
        Standing::Live { foreign: true, .. } => (
            format!("its value is no JSON object, so it has no keys: {effect}"),
            "circles-infra secrets list".to_owned(),
        ),
        Standing::Live { .. } => {
            let unset = |row: &&KeyRow| !row.set && row.source.ends_with("required");
            let key = &secret.keys.iter().find(unset)?.key;
            (
                format!("its key {key} is not set"),
                format!("circles-infra secrets set {key}"),
            )
        }
    };
    Some(Finding::warning(at, text, next))
}
