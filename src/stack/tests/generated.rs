//! What is generated from the tables: the schema for editors and the reference page.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::support::{CATALOG, loaded, pair, with};
use crate::stack::{MARK, Stack, reference, schema};

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

/// Each variable of the real stack, and a value other than its default's.
const OTHERWISE: &[(&str, &str)] = &[
    ("vpc_cidr", "10.0.0.0/17"),
    ("public_subnets", "10.0.3.0/24,10.0.4.0/24"),
    ("private_subnets", "10.0.13.0/24,10.0.14.0/24"),
    ("nat_gateways", "per_az"),
    (
        "certificate_arn",
        "arn:aws:acm:us-east-1:000000000000:certificate/1",
    ),
    ("desired_count", "3"),
    ("container_cpu", "256"),
    ("container_memory", "2048"),
    ("image_tag", "release-1"),
    (
        "image_digest",
        "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ),
    ("debug", "true"),
    ("db_instance_class", "db.t4g.medium"),
    ("db_storage", "50"),
    ("codes_per_address", "50"),
    ("db_backup_retention", "14"),
    ("log_retention", "90"),
];

/// Addresses whose own attributes are different, come or go.
fn changed(from: &Stack, to: &Stack) -> Vec<String> {
    let all: BTreeSet<&str> = [from, to]
        .into_iter()
        .flat_map(|stack| {
            stack
                .resources
                .iter()
                .map(|resource| resource.address.as_str())
        })
        .collect();
    let attributes =
        |stack: &Stack, address: &str| stack.resource(address).map(|r| r.attributes.clone());
    all.into_iter()
        .filter(|address| attributes(from, address) != attributes(to, address))
        .map(|address| {
            let sign = match (from.resource(address), to.resource(address)) {
                (None, _) => " (new)",
                (_, None) => " (gone)",
                _ => "",
            };
            format!("`{address}`{sign}")
        })
        .collect()
}

#[test]
fn the_table_of_variables_is_up_to_date() {
    let circles = include_str!("../../../stacks/circles.yaml");
    let plain = loaded(circles).stack;
    let declared: Vec<&str> = plain.variables.keys().map(String::as_str).collect();
    let mut listed: Vec<&str> = OTHERWISE.iter().map(|(name, _)| *name).collect();
    listed.sort_unstable();
    assert_eq!(listed, declared, "every variable has its line");
    let mut page = String::from(
        "# What each variable of `stacks/circles.yaml` changes\n\n\
         Addresses whose own fields change when the variable alone is given another value; what only waits for them is not listed. \
         The table is generated from the stack: run the tests with `UPDATE_DOCS=1`.\n\n\
         | variable | default | for example | changes |\n|---|---|---|---|\n",
    );
    for (name, value) in OTHERWISE {
        let other = with(circles, |ask| ask.variables = vec![pair(name, value)])
            .unwrap()
            .stack;
        let changed = changed(&plain, &other);
        assert!(!changed.is_empty(), "{name} changes nothing");
        let default = serde_json::to_string(&plain.variables[*name]).unwrap();
        page.push_str(&format!(
            "| `{name}` | `{default}` | `{value}` | {} |\n",
            changed.join(", ")
        ));
    }
    up_to_date(path(&["docs", "variables.md"]), &page);
}
