//! The reference page of the language, off the tables: `docs/language.md` below its introduction.

use std::fmt::Write;

use super::catalog::Catalog;
use super::document::{ENVIRONMENT, SECTIONS, SETTINGS, STATE};
use super::entry::COMMON;
use super::fit::describe;
use super::names::BUILT_INS;
use super::variables::DECLARATION;
use crate::component::COMPONENTS;
use crate::diagnostic::CODES;
use crate::kind::{Change, Field, Literal, Type};

/// The line in `docs/language.md` from which on the text is generated.
pub const MARK: &str = "<!-- from here on generated: run the tests with UPDATE_DOCS=1 -->";

/// Everything that the tables know, as Markdown.
pub fn reference(catalog: &Catalog) -> String {
    let mut out = String::new();
    section(&mut out, 2, "The file", "", SECTIONS);
    section(
        &mut out,
        2,
        "Settings",
        "At the top of the file, or in an environment, whose word wins.",
        SETTINGS,
    );
    section(
        &mut out,
        2,
        "Environments",
        "Beside the settings.",
        ENVIRONMENT,
    );
    section(&mut out, 3, "`state`", "", STATE);
    section(&mut out, 2, "Variables", "", DECLARATION);
    let _ = writeln!(out, "## Built-in names\n\n| name | what it is |\n|---|---|");
    for (name, doc) in BUILT_INS {
        let _ = writeln!(out, "| `${{{name}}}` | {doc} |");
    }
    section(&mut out, 2, "What every resource takes", "", COMMON);
    let _ = writeln!(out, "\n## Components");
    for component in COMPONENTS {
        section(
            &mut out,
            3,
            &format!("`{}`", component.name),
            component.doc,
            component.fields,
        );
        exports(&mut out, component.exports);
        if !component.existing.is_empty() {
            section(&mut out, 4, "`existing`", "", component.existing);
        }
    }
    let _ = writeln!(out, "\n## Kinds");
    for kind in catalog.iter() {
        let plain: Vec<Field> = kind
            .fields
            .iter()
            .filter(|field| !field.computed)
            .copied()
            .collect();
        let computed: Vec<Field> = kind
            .fields
            .iter()
            .filter(|field| field.computed)
            .copied()
            .collect();
        section(&mut out, 3, &format!("`{}`", kind.name), kind.doc, &plain);
        exports(&mut out, &computed);
    }
    let _ = writeln!(out, "\n## Diagnostics\n\n| code | meaning |\n|---|---|");
    for (code, doc) in CODES {
        let _ = writeln!(out, "| {code} | {} |", cell(doc));
    }
    out
}

fn section(out: &mut String, level: usize, title: &str, doc: &str, fields: &[Field]) {
    let _ = writeln!(out, "\n{} {title}\n", "#".repeat(level));
    if !doc.is_empty() {
        let _ = writeln!(out, "{doc}\n");
    }
    if fields.is_empty() {
        return;
    }
    let _ = writeln!(out, "| field | type | default | |\n|---|---|---|---|");
    rows(out, fields, "");
}

/// Parts of an object follow it, as `object.part`.
fn rows(out: &mut String, fields: &[Field], before: &str) {
    for field in fields {
        let default = match (field.required, field.default) {
            (true, _) => "**required**".to_owned(),
            (false, Some(Literal::Unset)) => "unset".to_owned(),
            (false, Some(default)) => format!(
                "`{}`",
                serde_json::to_string(&default.value()).unwrap_or_default()
            ),
            (false, None) => String::new(),
        };
        let replace = match field.change {
            Change::Replace => " A change replaces it.",
            Change::Grow => " To take one out from under what stands in it replaces both.",
            Change::Network => " Another network replaces it.",
            Change::Update | Change::Ignore => "",
        };
        let _ = writeln!(
            out,
            "| `{before}{}` | {} | {default} | {}{replace}{} |",
            field.name,
            cell(&describe(&field.ty)),
            cell(field.doc),
            cell(&accepted(field))
        );
        let inner = match field.ty {
            Type::List(item) | Type::Set(item) | Type::Map(item) => *item,
            ty => ty,
        };
        let Type::Object(parts) = inner else {
            continue;
        };
        rows(out, parts, &format!("{before}{}.", field.name));
    }
}

/// What AWS accepts as the field's text and as the keys of its map.
fn accepted(field: &Field) -> String {
    let texts = field
        .rule
        .map(|rule| format!(" AWS accepts {}.", rule.describe()));
    let keys = field
        .key_rule
        .map(|rule| format!(" AWS accepts keys of {}.", rule.describe()));
    texts.into_iter().chain(keys).collect()
}

fn exports(out: &mut String, fields: &[Field]) {
    if fields.is_empty() {
        return;
    }
    let all: Vec<String> = fields
        .iter()
        .map(|field| format!("`{}` ({})", field.name, describe(&field.ty)))
        .collect();
    let _ = writeln!(out, "\nCan be referred to: {}.", all.join(", "));
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
