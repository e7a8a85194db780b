//! One stack in all of its environments.

use std::collections::BTreeMap;

use super::desk::Desk;
use super::document::Document;
use super::load::load;
use super::parse;
use super::request::{LoadRequest, Loaded};
use super::source::Sources;
use crate::diagnostic::{Diagnostic, Severity, code};

/// The names of the file's environments, and which is the default one. Of a file that cannot be read, none.
fn environments(request: &LoadRequest<'_>) -> (Vec<String>, Option<String>) {
    let mut sources = Sources::default();
    let file = sources.add(request.file, request.text);
    let mut desk = Desk::new(&sources);
    let Some(root) = parse::parse(&sources, file, &mut desk.report) else {
        return (Vec::new(), None);
    };
    let Some(document) = Document::read(&mut desk, &root) else {
        return (Vec::new(), None);
    };
    let entries = document.map(&mut desk, "environments");
    let names = entries.iter().map(|entry| entry.key.text.clone()).collect();
    let default = document.text(&mut desk, "default_environment");
    (names, default.map(|(name, _)| name))
}

/// Loads the stack in the environment asked for; where none is, in every one, the default one last.
///
/// # Errors
/// All that is wrong in any of them, each problem once.
pub fn load_everywhere(request: &LoadRequest<'_>) -> Result<Vec<Loaded>, Vec<Diagnostic>> {
    let (mut names, default) = environments(request);
    let known = default.as_ref().is_none_or(|name| names.contains(name));
    if request.environment.is_some() || names.is_empty() || !known {
        return load(request).map(|loaded| vec![loaded]);
    }
    names.sort_by_key(|name| Some(name) == default.as_ref());
    let mut right = Vec::new();
    let mut found: Vec<(String, Diagnostic)> = Vec::new();
    for name in &names {
        let here = LoadRequest {
            environment: Some(name),
            ..*request
        };
        match load(&here) {
            Ok(mut loaded) => {
                let warnings = std::mem::take(&mut loaded.stack.warnings);
                found.extend(warnings.into_iter().map(|one| (name.clone(), one)));
                right.push(loaded);
            }
            Err(report) => {
                // Variables are given for the environment that is worked in; another one may have its values elsewhere.
                let given = |one: &Diagnostic| {
                    one.code != code::NO_VALUE || default.as_ref().is_none_or(|d| d == name)
                };
                let report = report.into_iter().filter(given);
                found.extend(report.map(|one| (name.clone(), one)));
            }
        }
    }
    let wrong = found.iter().any(|(_, one)| one.severity == Severity::Error);
    let report = once(found, &names);
    if wrong || right.is_empty() {
        return Err(report);
    }
    if let Some(last) = right.last_mut() {
        last.stack.warnings = report;
    }
    Ok(right)
}

/// Each problem once; one that not every environment has names those that do.
fn once(found: Vec<(String, Diagnostic)>, all: &[String]) -> Vec<Diagnostic> {
    let mut order: Vec<Diagnostic> = Vec::new();
    let mut places: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (name, one) in found {
        let at = order.iter().position(|known| *known == one);
        let at = at.unwrap_or_else(|| {
            order.push(one);
            order.len() - 1
        });
        let names = places.entry(at).or_default();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for (at, names) in places {
        if names.len() < all.len() {
            order[at]
                .message
                .push_str(&format!(" (in environment {})", names.join(", ")));
        }
    }
    Diagnostic::sort(&mut order);
    order.sort_by_key(|one| one.severity != Severity::Error);
    order
}
