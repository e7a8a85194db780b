//! `state import` for every kind: one stack with all the samples is made, given up resource by resource, and taken over again by what AWS
//! calls each of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::samples::{self, Sample};
use crate::desk::Desk;

/// The samples' own specs as a stack file (JSON is YAML), with the secret that they read.
fn stack() -> Json {
    let mut resources = Map::new();
    for sample in samples::all() {
        let mut spec = written(&sample.spec);
        spec["type"] = sample.kind.into();
        if let Some(besides) = (!sample.besides.is_empty()).then_some(&sample.besides) {
            spec["depends_on"] = json!(besides);
        }
        resources.insert(sample.address.into(), spec);
    }
    // A stack says a network by its first address.
    resources["subnet"]["cidr"] = "10.20.1.0/24".into();
    // The other table has the subnet that both samples name.
    resources["way-out"]["subnets"] = json!(["${subnet-c.id}"]);
    resources.insert(
        "db-master".into(),
        json!({
            "type": "secretsmanager.secret", "name": "contract/master", "recovery_window": 0,
            "keys": {"PASSWORD": {"generate": 24}, "URL": {"generate": 24}},
        }),
    );
    json!({
        "stack": "contract", "region": "eu-central-1", "default_environment": "dev",
        "environments": {"dev": {"ephemeral": true}}, "resources": resources,
    })
}

/// A secret's reference as a stack file has it.
fn written(spec: &Json) -> Json {
    match spec {
        Json::Object(map) if map.contains_key("$expr") => {
            let parts = map["$expr"].as_array().into_iter().flatten();
            let text = parts.map(|part| match part.get("secret") {
                Some(secret) => {
                    let word = |name: &str| secret[name].as_str().unwrap_or_default().to_owned();
                    format!("${{{}.keys.{}}}", word("address"), word("key"))
                }
                None => part["text"].as_str().unwrap_or_default().to_owned(),
            });
            text.collect::<String>().into()
        }
        Json::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), written(value)))
            .collect::<Map<_, _>>()
            .into(),
        Json::Array(items) => items.iter().map(written).collect::<Vec<_>>().into(),
        // EC2 takes no apostrophes; the kinds themselves do not look.
        Json::String(text) => text.replace('\'', "").into(),
        other => other.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_imported_by_its_id() {
    let desk = Desk::alone(&stack().to_string());
    desk.expect(&["apply", "--yes"], 0);
    let rows = desk.expect(&["--quiet", "state", "list", "--json"], 0).out;
    let rows: Vec<BTreeMap<String, Json>> = serde_json::from_str(&rows).expect("rows");
    let ids: BTreeMap<&str, &str> = rows
        .iter()
        .filter_map(|row| Some((row["address"].as_str()?, row["id"].as_str()?)))
        .collect();
    // One of each kind.
    let mut kinds = BTreeSet::new();
    let mut taken: Vec<Sample> = samples::all();
    taken.retain(|sample| sample.tested && kinds.insert(sample.kind));
    let known: BTreeSet<String> = circles_infra::aws::tables()
        .iter()
        .map(|kind| kind.name().to_string())
        .collect();
    assert_eq!(
        kinds
            .iter()
            .map(|kind| (*kind).to_owned())
            .collect::<BTreeSet<_>>(),
        known,
        "every kind has a sample"
    );
    let mut give_up = vec!["state", "rm"];
    give_up.extend(taken.iter().map(|sample| sample.address));
    desk.expect(&give_up, 0);
    let left = desk.expect(&["--quiet", "state", "list"], 0).out;
    let before = desk.mutations().await;
    for sample in &taken {
        assert!(
            !left
                .lines()
                .any(|line| line.split_whitespace().next() == Some(sample.address)),
            "{} is given up\n{left}",
            sample.address
        );
        let id = ids[sample.address];
        let said = desk.expect(&["state", "import", sample.address, id], 0);
        let row = format!("{id} ({}) is managed at {}", sample.kind, sample.address);
        assert!(said.out.contains(&row), "{row}\n{}", said.all());
        // Twice is once.
        let again = desk.expect(&["state", "import", sample.address, id], 0);
        assert!(
            again.out.contains(&format!("{row} already")),
            "{row}\n{}",
            again.all()
        );
    }
    assert!(
        desk.mutations().await >= before + taken.len() / 2,
        "importing gives our tags"
    );
    desk.settled(&[]);
    desk.expect(&["destroy", "--yes"], 0);
}
