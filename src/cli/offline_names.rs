//! The names that a stack file gives, before AWS is asked for the account: the file is read for
//! several callers, and where the readings differ, a name is a pattern.

use super::failure::Failure;
use super::global::Global;
use super::offline;
use super::session::{failure, request};
use super::ui::Ui;
use crate::policy::StackNames;
use crate::session::{self, Request};
use crate::stack::{Facts, Stack};

/// Callers to read the file for. One character of two derived names is the same by chance in one of
/// 36 cases, of all in hardly any.
const CALLERS: [(&str, &str); 6] = [
    ("000000000000", "us-east-1"),
    ("111111111111", "eu-west-2"),
    ("222222222222", "ap-south-1"),
    ("333333333333", "ca-central-1"),
    ("444444444444", "sa-east-1"),
    ("555555555555", "me-south-1"),
];

/// What the file says about names in the environment that is asked for.
pub fn read(global: &Global, ui: &Ui) -> Result<StackNames, Failure> {
    let request = request(global)?;
    let style = offline::style(ui.err_palette);
    let explain = |error| failure(error, style);
    let first = session::check(&request).map_err(explain)?.stack;
    let region = first.region.as_deref().or(request.region.as_deref());
    let account = first.account.as_deref();
    let mut names = StackNames::of(&first, account, region);
    if region.is_none() || account.is_none() {
        for (number, other) in CALLERS {
            let facts = facts(account.unwrap_or(number), region.unwrap_or(other));
            let reading = session::check_with(&request, &facts).map_err(explain)?;
            names.keep_common(&reading.stack);
        }
    }
    names.shares_prefix = shares_prefix(&request, &first).map_err(explain)?;
    Ok(names)
}

fn facts(account: &str, region: &str) -> Facts {
    let zones = ["a", "b", "c"].iter();
    Facts {
        account: account.to_owned(),
        region: region.to_owned(),
        partition: "aws".to_owned(),
        zones: zones.map(|zone| format!("{region}{zone}")).collect(),
        limited_zones: Vec::new(),
    }
}

/// Whether names of another environment begin as this one's do: `circles-prod-…` as `circles-…`.
fn shares_prefix(request: &Request, stack: &Stack) -> Result<bool, session::SessionError> {
    let everywhere = Request {
        environment: None,
        ..request.clone()
    };
    let beginning = format!("{}-", stack.prefix);
    let all = session::check_everywhere(&everywhere)?;
    Ok(all
        .iter()
        .filter(|loaded| loaded.stack.environment != stack.environment)
        .any(|loaded| loaded.stack.prefix.starts_with(&beginning)))
}
