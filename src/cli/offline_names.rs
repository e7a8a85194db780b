//! The names that a stack file gives, before AWS is asked for the account: the file is read for several callers, and where the readings
//! differ, a name is a pattern.

use std::collections::BTreeSet;

use super::failure::Failure;
use super::global::Global;
use super::offline;
use super::session::{failure, request};
use super::ui::Ui;

use crate::policy::{NamedResource, StackNames, StateLocation};
use crate::session::{self, Request};
use crate::stack::{Facts, Stack, StateSettings};

/// Callers to read the file for. One character of two derived names is the same by chance in one of 36 cases, of all in hardly any.
const ACCOUNTS: [&str; 6] = [
    "000000000000",
    "111111111111",
    "222222222222",
    "333333333333",
    "444444444444",
    "555555555555",
];
const REGIONS: [&str; 6] = [
    "us-east-1",
    "eu-west-2",
    "ap-south-1",
    "ca-central-1",
    "sa-east-1",
    "me-south-1",
];

/// What the file says about names in the environment that is asked for.
pub fn read(global: &Global, ui: &Ui) -> Result<StackNames, Failure> {
    let request = request(global)?;
    let style = offline::style(ui.err_palette);
    let explain = |error| failure(error, style);
    let first = session::check(&request).map_err(explain)?.stack;
    let region = first.region.clone().or_else(|| request.region.clone());
    let account = first.account.clone();
    let mut resources = resources(&first);
    if region.is_none() || account.is_none() {
        for (at, number) in ACCOUNTS.iter().enumerate() {
            let facts = facts(
                account.as_deref().unwrap_or(number),
                region.as_deref().unwrap_or(REGIONS[at]),
            );
            let other = session::check_with(&request, &facts)
                .map_err(explain)?
                .stack;
            merge(&mut resources, &other);
        }
    }
    let shares_prefix = shares_prefix(&request, &first).map_err(explain)?;
    Ok(StackNames {
        stack: first.name,
        environment: first.environment,
        prefix: first.prefix,
        shares_prefix,
        region,
        account,
        resources,
        existing: first.existing.iter().map(|e| e.kind.clone()).collect(),
        state: state(&first.state),
        assume_role: first.assume_role,
        rotates: first
            .services
            .iter()
            .any(|service| !service.rotate_login.is_empty()),
    })
}

fn facts(account: &str, region: &str) -> Facts {
    Facts {
        account: account.to_owned(),
        region: region.to_owned(),
        partition: "aws".to_owned(),
        zones: ["a", "b", "c"]
            .iter()
            .map(|zone| format!("{region}{zone}"))
            .collect(),
    }
}

fn resources(stack: &Stack) -> Vec<NamedResource> {
    stack
        .resources
        .iter()
        .map(|resource| NamedResource {
            kind: resource.kind.clone(),
            attributes: resource.attributes.clone(),
        })
        .collect()
}

/// One file makes the same resources for every caller, in the same order.
fn merge(resources: &mut [NamedResource], other: &Stack) {
    for (known, other) in resources.iter_mut().zip(&other.resources) {
        for (field, value) in &mut known.attributes.0 {
            *value = crate::policy::common(value, other.attributes.get(field));
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
        } => Some(StateLocation {
            bucket: bucket.clone(),
            key: key.clone(),
            region: region.clone(),
            kms_key: kms_key_id.clone(),
            lock_table: lock_table.clone(),
        }),
    }
}

/// Whether names of another environment begin as this one's do: `circles-prod-…` as `circles-…`.
fn shares_prefix(request: &Request, stack: &Stack) -> Result<bool, session::SessionError> {
    let everywhere = Request {
        environment: None,
        ..request.clone()
    };
    let beginning = format!("{}-", stack.prefix);
    let prefixes: BTreeSet<String> = session::check_everywhere(&everywhere)?
        .into_iter()
        .filter(|loaded| loaded.stack.environment != stack.environment)
        .map(|loaded| loaded.stack.prefix)
        .collect();
    Ok(prefixes.iter().any(|prefix| prefix.starts_with(&beginning)))
}
