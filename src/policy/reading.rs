//! A checked stack to names; several readings of one file, for callers that are not known, to
//! patterns.

use super::names::{NamedResource, StackNames, StateLocation, common};
use crate::stack::{Stack, StateSettings};

impl StackNames {
    /// `account`, `region`: those that the reading is for, where they are certain.
    pub fn of(stack: &Stack, account: Option<&str>, region: Option<&str>) -> Self {
        let resources = stack.resources.iter().map(|resource| NamedResource {
            kind: resource.kind.clone(),
            attributes: resource.attributes.clone(),
        });
        let rotates = |service: &crate::stack::ServiceInfo| !service.rotate_login.is_empty();
        Self {
            stack: stack.name.clone(),
            environment: stack.environment.clone(),
            prefix: stack.prefix.clone(),
            shares_prefix: true,
            region: region.map(str::to_owned),
            account: account.map(str::to_owned),
            resources: resources.collect(),
            existing: stack.existing.iter().map(|e| e.kind.clone()).collect(),
            state: state(&stack.state),
            assume_role: stack.assume_role.clone(),
            rotates: stack.services.iter().any(rotates),
        }
    }

    /// Leaves what another reading of the same file says, too. One file makes the same resources
    /// for every caller, in the same order.
    pub fn keep_common(&mut self, other: &Stack) {
        for (known, other) in self.resources.iter_mut().zip(&other.resources) {
            for (field, value) in &mut known.attributes.0 {
                *value = common(value, other.attributes.get(field));
            }
        }
    }
}

fn state(settings: &StateSettings) -> Option<StateLocation> {
    match settings {
        StateSettings::Local { .. } => None,
        StateSettings::S3 {
            bucket,
            key,
            region,
            kms_key_id,
            lock_table,
            account: _,
        } => Some(StateLocation {
            bucket: bucket.clone(),
            key: key.clone(),
            region: region.clone(),
            kms_key: kms_key_id.clone(),
            lock_table: lock_table.clone(),
        }),
    }
}
