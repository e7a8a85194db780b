//! What is generated from the tables: the schema for editors and the reference page.

use std::path::PathBuf;

use super::support::CATALOG;
use crate::stack::{MARK, reference, schema};

fn path(parts: &[&str]) -> PathBuf {
    std::iter::once(env!("CARGO_MANIFEST_DIR"))
        .chain(parts.iter().copied())
        .collect()
}

/// Compares a file with what it should hold; with `UPDATE_DOCS` set, writes it.
fn up_to_date(path: PathBuf, wanted: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, wanted).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == wanted,
        "{} is out of date: run the tests with UPDATE_DOCS=1",
        path.display()
    );
}

#[test]
fn the_reference_page_is_up_to_date() {
    let path = path(&["docs", "language.md"]);
    let page = std::fs::read_to_string(&path).unwrap();
    let introduction = page.split(MARK).next().unwrap().trim_end().to_owned();
    up_to_date(
        path,
        &format!("{introduction}\n\n{MARK}\n{}", reference(&CATALOG)),
    );
}

#[test]
fn the_schema_beside_the_stacks_is_up_to_date() {
    let text = serde_json::to_string_pretty(&schema(&CATALOG)).unwrap();
    up_to_date(path(&["stacks", "stack.schema.json"]), &format!("{text}\n"));
}

#[test]
fn the_schema_knows_every_key_of_every_type() {
    let schema = schema(&CATALOG);
    let types = schema
        .pointer("/properties/resources/additionalProperties/allOf")
        .unwrap()
        .as_array()
        .unwrap();
    assert_eq!(
        types.len(),
        CATALOG.iter().count() + crate::component::COMPONENTS.len()
    );
    for ty in types {
        let keys = ty.pointer("/then/properties").unwrap().as_object().unwrap();
        assert!(
            keys.contains_key("depends_on") && keys.contains_key("type"),
            "{ty}"
        );
    }
    assert_eq!(
        schema.pointer("/properties/stack/description").unwrap(),
        "The stack's name."
    );
}
