//! A database instance as one describe shows it: which changes are still on their way, and whether it can be used. Pure.
//!
//! A change that AWS has accepted and not yet carried out sits in `PendingModifiedValues`; what is observed is the value to come, or
//! the plan would ask for it again.

use aws_sdk_rds::types::{DbInstance, PendingModifiedValues};

use super::storage_change::Volume;
use super::tags;
use crate::kind::Readiness;
use crate::model::{Attributes, Tags, Value};

#[derive(Clone)]
pub struct Live {
    pub identifier: String,
    pub status: String,
    pub tags: Tags,
    instance: Box<DbInstance>,
}

/// Statuses in which it serves connections and takes changes (RDS user guide, "Viewing Amazon RDS DB instance status").
const READY: &[&str] = &["available", "storage-optimization"];

/// Statuses out of which nothing leads. Other names that begin with `incompatible-` or `inaccessible-` belong here too.
const FAILED: &[&str] = &["failed", "restore-error", "insufficient-capacity"];

/// Statuses that somebody has to lead it out of, and how (same page).
const BLOCKED: &[(&str, &str)] = &[
    (
        "storage-full",
        "its storage is full: raise `storage` in the stack file and apply",
    ),
    (
        "incompatible-parameters",
        "its parameters do not fit its class or version: put them right in its parameter group, then reboot it (`aws rds reboot-db-instance`)",
    ),
    (
        "incompatible-option-group",
        "its option group does not fit: put it right, then reboot it (`aws rds reboot-db-instance`)",
    ),
    (
        "inaccessible-encryption-credentials-recoverable",
        "its key cannot be used: enable the key or its grant, then start it (`aws rds start-db-instance`)",
    ),
    (
        "stopped",
        "it is stopped: start it (`aws rds start-db-instance`); AWS does so after seven days",
    ),
];

impl Live {
    pub fn new(instance: DbInstance) -> Self {
        let mut instance = instance;
        // AWS answers asterisks here; an emulator may answer with the password itself.
        if let Some(pending) = &mut instance.pending_modified_values
            && pending.master_user_password.is_some()
        {
            pending.master_user_password = Some("(secret)".into());
        }
        Self {
            identifier: instance
                .db_instance_identifier()
                .unwrap_or_default()
                .to_owned(),
            status: instance.db_instance_status().unwrap_or_default().to_owned(),
            tags: tags::read(instance.tag_list()),
            instance: Box::new(instance),
        }
    }

    pub fn arn(&self) -> &str {
        self.instance.db_instance_arn().unwrap_or_default()
    }

    /// Why it is no PostgreSQL instance of its own.
    pub fn unmanageable(&self) -> Option<String> {
        let db = &self.instance;
        if let Some(engine) = db.engine().filter(|engine| *engine != "postgres") {
            return Some(format!("its engine is {engine}: this kind is PostgreSQL"));
        }
        if let Some(cluster) = db.db_cluster_identifier() {
            return Some(format!("it is a member of the cluster {cluster}"));
        }
        db.read_replica_source_db_instance_identifier()
            .or(db.read_replica_source_db_cluster_identifier())
            .map(|source| format!("it is a read replica of {source}"))
    }

    pub fn is_deleting(&self) -> bool {
        self.status == "deleting"
    }

    pub fn is_stopped(&self) -> bool {
        matches!(self.status.as_str(), "stopped" | "stopping")
    }

    /// The storage as it is, or as a change that is accepted will make it.
    pub(super) fn volume(&self) -> Volume<'_> {
        let (db, pending) = (&self.instance, self.pending());
        let storage_type = pending.and_then(|p| p.storage_type()).or(db.storage_type());
        let size = pending.and_then(|p| p.allocated_storage());
        Volume {
            storage_type: storage_type.unwrap_or_default(),
            size: size.or(db.allocated_storage()).unwrap_or_default(),
            iops: pending.and_then(|p| p.iops()).or(db.iops()),
        }
    }

    pub fn is_protected(&self) -> bool {
        self.instance.deletion_protection() == Some(true)
    }

    /// AWS takes no final snapshot of an instance in these (API reference, DeleteDBInstance).
    pub fn is_beyond_snapshots(&self) -> bool {
        matches!(
            self.status.as_str(),
            "failed" | "incompatible-restore" | "incompatible-network"
        )
    }

    pub fn engine_version(&self) -> &str {
        self.pending()
            .and_then(PendingModifiedValues::engine_version)
            .or(self.instance.engine_version())
            .unwrap_or_default()
    }

    fn pending(&self) -> Option<&PendingModifiedValues> {
        self.instance.pending_modified_values()
    }

    /// Long: one line a field of the table.
    pub fn observed(&self) -> Attributes {
        let db = &self.instance;
        let pending = self.pending();
        let volume = self.volume();
        let text = |text: Option<&str>| Value::from(text);
        let groups: Vec<&str> = db
            .vpc_security_groups()
            .iter()
            .filter(|group| group.status() != Some("removing"))
            .filter_map(|group| group.vpc_security_group_id())
            .collect();
        let endpoint = db.endpoint();
        let subnet_group = db
            .db_subnet_group()
            .and_then(|group| group.db_subnet_group_name());
        let parameter_group = db.db_parameter_groups().first();
        Attributes::new([
            ("identifier", Value::text(&self.identifier)),
            ("engine_version", Value::text(self.engine_version())),
            (
                "instance_class",
                text(
                    pending
                        .and_then(|p| p.db_instance_class())
                        .or(db.db_instance_class()),
                ),
            ),
            ("storage", volume.size.into()),
            ("storage_type", Value::text(volume.storage_type)),
            ("iops", volume.iops.into()),
            ("max_storage", db.max_allocated_storage().into()),
            ("db_name", text(db.db_name())),
            ("username", text(db.master_username())),
            ("subnet_group", text(subnet_group)),
            ("security_groups", groups.into()),
            (
                "parameter_group",
                text(parameter_group.and_then(|group| group.db_parameter_group_name())),
            ),
            (
                "parameter_status",
                text(parameter_group.and_then(|group| group.parameter_apply_status())),
            ),
            (
                "multi_az",
                pending.and_then(|p| p.multi_az()).or(db.multi_az()).into(),
            ),
            ("zones", Value::List(zones(db))),
            ("publicly_accessible", db.publicly_accessible().into()),
            ("encrypted", db.storage_encrypted().into()),
            ("kms_key", text(db.kms_key_id())),
            (
                "backup_retention",
                pending
                    .and_then(|p| p.backup_retention_period())
                    .or(db.backup_retention_period())
                    .into(),
            ),
            ("backup_window", text(db.preferred_backup_window())),
            (
                "maintenance_window",
                text(db.preferred_maintenance_window()),
            ),
            ("deletion_protection", self.is_protected().into()),
            (
                "auto_minor_version_upgrade",
                db.auto_minor_version_upgrade().into(),
            ),
            (
                "performance_insights",
                db.performance_insights_enabled().unwrap_or(false).into(),
            ),
            (
                "copy_tags",
                db.copy_tags_to_snapshot().unwrap_or(false).into(),
            ),
            (
                "ca_certificate",
                text(
                    pending
                        .and_then(|p| p.ca_certificate_identifier())
                        .or(db.ca_certificate_identifier()),
                ),
            ),
            ("arn", text(db.db_instance_arn())),
            (
                "endpoint_address",
                text(endpoint.and_then(|endpoint| endpoint.address())),
            ),
            (
                "endpoint_port",
                endpoint.and_then(|endpoint| endpoint.port()).into(),
            ),
        ])
    }

    pub fn readiness(&self) -> Readiness {
        let status = self.status.as_str();
        let pending = self.pending().map(on_their_way).unwrap_or_default();
        match status {
            "deleting" => Readiness::Going("deleting".into()),
            // Full is the end only while nobody is making room.
            "storage-full" if pending.contains(&"storage") => {
                Readiness::NotYet("storage full, more on its way".into())
            }
            _ if let Some((_, way_out)) = BLOCKED.iter().find(|(name, _)| *name == status) => {
                Readiness::Blocked((*way_out).to_owned())
            }
            _ if FAILED.contains(&status)
                || status.starts_with("incompatible-")
                || status.starts_with("inaccessible-") =>
            {
                Readiness::Broken(status.to_owned())
            }
            _ if READY.contains(&status) && pending.is_empty() => match self.instance.endpoint() {
                Some(_) => Readiness::Ready,
                None => Readiness::NotYet("no endpoint yet".into()),
            },
            // After a change the status reads `available` for a while yet; one that was deferred waits for the maintenance window.
            _ if READY.contains(&status) => {
                Readiness::Deferred(format!("{status}, still to change: {}", pending.join(", ")))
            }
            _ => Readiness::NotYet(status.to_owned()),
        }
    }
}

/// What an immediate change leaves here until it is carried out. The CA certificate is not among them: it may wait for a maintenance
/// window that somebody else chose, and nothing depends on it.
fn on_their_way(pending: &PendingModifiedValues) -> Vec<&'static str> {
    [
        ("instance class", pending.db_instance_class.is_some()),
        ("storage", pending.allocated_storage.is_some()),
        ("storage type", pending.storage_type.is_some()),
        ("iops", pending.iops.is_some()),
        ("engine version", pending.engine_version.is_some()),
        ("password", pending.master_user_password.is_some()),
        ("multi-AZ", pending.multi_az.is_some()),
        ("port", pending.port.is_some()),
        (
            "backup retention",
            pending.backup_retention_period.is_some(),
        ),
        ("subnet group", pending.db_subnet_group_name.is_some()),
        ("identifier", pending.db_instance_identifier.is_some()),
    ]
    .into_iter()
    .filter_map(|(name, waits)| waits.then_some(name))
    .collect()
}

/// Where it stands; a standby's zone, too.
fn zones(db: &DbInstance) -> Vec<Value> {
    let zones = [db.availability_zone(), db.secondary_availability_zone()];
    zones.into_iter().flatten().map(Value::text).collect()
}

#[cfg(test)]
mod tests;
