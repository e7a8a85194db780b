//! An instance as the stack says it.

use serde::Deserialize;

use super::storage_change::Volume;
use crate::model::Value;

#[derive(Deserialize)]
pub struct Spec {
    pub(super) identifier: String,
    pub(super) engine_version: String,
    pub(super) instance_class: String,
    pub(super) storage: i32,
    pub(super) storage_type: String,
    pub(super) iops: Option<i32>,
    pub(super) max_storage: Option<i32>,
    pub(super) db_name: Option<String>,
    pub(super) username: String,
    /// For its making alone: who gives up, moves or imports an instance has nothing but what AWS shows.
    #[serde(default)]
    pub(super) password: Value,
    pub(super) subnet_group: String,
    pub(super) security_groups: Vec<String>,
    pub(super) parameter_group: Option<String>,
    pub(super) multi_az: bool,
    pub(super) publicly_accessible: bool,
    pub(super) encrypted: bool,
    pub(super) kms_key: Option<String>,
    pub(super) backup_retention: i32,
    pub(super) backup_window: Option<String>,
    pub(super) maintenance_window: Option<String>,
    pub(super) deletion_protection: bool,
    pub(super) auto_minor_version_upgrade: bool,
    pub(super) performance_insights: Option<bool>,
    pub(super) copy_tags: bool,
    pub(super) ca_certificate: Option<String>,
}

impl Spec {
    pub(super) fn volume(&self) -> Volume<'_> {
        Volume {
            storage_type: &self.storage_type,
            size: self.storage,
            iops: self.iops,
        }
    }
}
