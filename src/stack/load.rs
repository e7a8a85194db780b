//! From a request to a stack, step by step.

use std::collections::BTreeMap;

use super::checked::Stack;
use super::desk::Desk;
use super::document::{self, Document};
use super::environment::{self, Environment};
use super::identifier::check_name;
use super::names::Scope;
use super::node::{Entry, Key, Node};
use super::parse;
use super::place::{place, region_clash};
use super::reading::Reading;
use super::request::{Facts, LoadRequest, Loaded};
use super::settings;
use super::source::Sources;
use super::suggest::did_you_mean;
use super::variables::{self, Given};
use crate::diagnostic::{Diagnostic, Severity, code};

/// Reads, checks and expands a stack. Either all that is wrong, or a stack (its `warnings` within).
pub fn load(request: &LoadRequest<'_>) -> Result<Loaded, Vec<Diagnostic>> {
    let mut sources = Sources::default();
    let file = sources.add(request.file, request.text);
    let var_files: Vec<u16> = request
        .variable_files
        .iter()
        .map(|file| sources.add(&file.name, &file.text))
        .collect();
    let mut desk = Desk::new(&sources);
    let root = parse::parse(&sources, file, &mut desk.report);
    let files = var_files
        .into_iter()
        .filter_map(|file| parse::parse(&sources, file, &mut desk.report))
        .collect();
    let stack = root.and_then(|root| read(&mut desk, request, &root, files));
    let has_errors = desk.has_errors();
    let mut report = desk.report;
    Diagnostic::sort(&mut report);
    match stack {
        Some(mut stack) if !has_errors => {
            stack.warnings = report;
            let texts = sources.texts();
            Ok(Loaded { stack, texts })
        }
        _ => {
            report.sort_by_key(|diagnostic| diagnostic.severity != Severity::Error);
            Err(report)
        }
    }
}

fn read(
    desk: &mut Desk<'_>,
    request: &LoadRequest<'_>,
    root: &Node,
    files: Vec<Node>,
) -> Option<Stack> {
    let document = Document::read(desk, root)?;
    let name = stack_name(desk, &document);
    let environment = environment::choose(desk, &document, request.environment);
    if let Some(environment) = &environment {
        environment::check_others(desk, &document, &environment.name);
    }
    let declared = variables::declarations(desk, document.get("variables"), request.sandbox);
    let environment = environment?;
    let here = environment
        .entries
        .iter()
        .find(|entry| entry.key.text == "variables");
    let given = Given {
        arguments: request.variables,
        files,
        environment: here.map(|entry| document::as_map(desk, &entry.value)),
        process: request.process,
    };
    let values = variables::values(desk, &declared, &given);
    let early = BTreeMap::from([("env", environment.name.clone()), ("stack", name.clone())]);
    let scope = Scope::settings(request.catalog, &values, early);
    let settings = settings::settings(desk, &scope, &document, &environment, &name);
    let facts = match request.facts {
        Some(facts) => facts.clone(),
        None => Facts::placeholder(&settings),
    };
    region_clash(desk, &settings, &facts);
    let place = place(&name, &environment, &settings, facts);
    let resources = overlaid(desk, &document, &environment);
    let reading = Reading {
        request,
        document: &document,
        environment: &environment,
        settings: &settings,
        place: &place,
        variables: &values,
        resources: &resources,
    };
    reading.stack(desk)
}

fn stack_name(desk: &mut Desk<'_>, document: &Document<'_>) -> String {
    let Some((text, span)) = document.text(desk, "stack") else {
        return "stack".into();
    };
    let key = Key { text, span };
    // With a name that is refused every AWS name made of it would be reported too.
    match check_name(desk, &key, "a stack") {
        true => key.text,
        false => "stack".into(),
    }
}

/// The resources with the environment's fields laid over them.
fn overlaid(
    desk: &mut Desk<'_>,
    document: &Document<'_>,
    environment: &Environment<'_>,
) -> Vec<Entry> {
    let mut resources = document.map(desk, "resources").to_vec();
    let over = environment
        .entries
        .iter()
        .find(|entry| entry.key.text == "resources");
    for entry in over
        .map(|entry| document::as_map(desk, &entry.value))
        .unwrap_or_default()
    {
        let Some(base) = resources.iter_mut().find(|e| e.key.text == entry.key.text) else {
            let known = resources.iter().map(|entry| entry.key.text.as_str());
            desk.error(
                code::UNKNOWN_RESOURCE,
                entry.key.span,
                format!("there is no resource `{}`", entry.key.text),
            )
            .help_if(did_you_mean(&entry.key.text, known));
            continue;
        };
        let ty = entry
            .value
            .as_map()
            .unwrap_or_default()
            .iter()
            .find(|e| e.key.text == "type");
        if let Some(ty) = ty {
            desk.error(
                code::CONTRADICTION,
                ty.key.span,
                "an environment cannot change what a resource is",
            )
            .help("declare a second resource, and switch both with `when`");
            continue;
        }
        if document::as_map(desk, &entry.value).is_empty() {
            continue;
        }
        base.value.overlay(&entry.value);
    }
    resources
}
