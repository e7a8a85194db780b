//! What asks nobody: `validate`, `graph`, `schema`, `permissions`, `completions`.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::desk::{Desk, python, said};

/// Runs with an AWS that is not there.
fn offline(desk: &Desk, arguments: &[&str]) -> String {
    let mut command = desk.command(arguments);
    command
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY");
    let said = said(&mut command);
    assert_eq!(said.code, Some(0), "{arguments:?}\n{}", said.all());
    said.out
}

#[test]
fn no_account_is_needed() {
    let desk = Desk::shared(include_str!("../../../stacks/circles.yaml"));
    let valid = offline(&desk, &["validate"]);
    assert!(
        valid.ends_with("is right: circles/dev, 30 resources\n"),
        "{valid}"
    );
    assert!(
        offline(&desk, &["--env", "prod", "validate"])
            .ends_with("is right: circles/prod, 33 resources\n")
    );
    let dot = offline(&desk, &["graph"]);
    assert!(
        dot.starts_with("digraph") && dot.contains("\"app/service\" -> \"app/task-definition\""),
        "{dot}"
    );
    assert!(offline(&desk, &["graph", "--format", "mermaid"]).starts_with("graph RL"));
    let schema: Json = serde_json::from_str(&offline(&desk, &["schema"])).expect("JSON");
    assert!(schema["$defs"].is_object());
    let policy: Json = serde_json::from_str(&offline(&desk, &["permissions"])).expect("JSON");
    let reading: Json =
        serde_json::from_str(&offline(&desk, &["permissions", "--read-only"])).expect("JSON");
    for (name, document) in policy.as_object().expect("documents by name") {
        assert!(name.starts_with("circles-"), "{name}");
        assert_eq!(document["Version"], "2012-10-17", "{name}");
        assert!(document.to_string().len() <= 6144, "{name}");
    }
    assert_eq!(policy["circles-read"], reading["circles-read"]);
    assert_eq!(reading.as_object().map(serde_json::Map::len), Some(1));
    assert!(!reading.to_string().contains("Create"), "{reading}");
    let folder = desk.text_of("policies");
    offline(&desk, &["permissions", "--out", &folder]);
    let files = std::fs::read_dir(&folder).expect("a folder").count();
    assert_eq!(Some(files), policy.as_object().map(serde_json::Map::len));
    let trust: Json = serde_json::from_str(&offline(
        &desk,
        &[
            "permissions",
            "--trust",
            "github:acme/circles",
            "--account",
            "111122223333",
        ],
    ))
    .expect("JSON");
    assert_eq!(
        trust["Statement"][0]["Action"],
        "sts:AssumeRoleWithWebIdentity"
    );
    for shell in ["bash", "zsh", "fish"] {
        assert!(offline(&desk, &["completions", shell]).contains("circles-infra"));
    }
}

/// Files whose mistakes an editor can underline as they are typed; the others take `validate`, which knows what refers to what.
const SEEN_BY_EDITORS: [&str; 5] = ["ambiguous", "existing", "not-a-stack", "shape", "variables"];

#[test]
fn editors_take_the_schema_and_see_mistakes_by_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let right = std::fs::read_dir(root.join("examples")).expect("the examples");
    let mut right: Vec<PathBuf> = right
        .flatten()
        .map(|folder| folder.path().join("stack.yaml"))
        .filter(|file| file.exists())
        .collect();
    right.push(root.join("stacks/circles.yaml"));
    assert!(right.len() >= 6, "{right:?}");
    let wrong = SEEN_BY_EDITORS.map(|name| root.join(format!("tests/stacks-wrong/{name}.yaml")));
    let desk = Desk::shared("stack: any");
    std::fs::write(desk.path("schema.json"), offline(&desk, &["schema"])).expect("a file");
    let mut arguments = vec![
        root.join("tests/it/verbs/schema.py").display().to_string(),
        desk.text_of("schema.json"),
    ];
    arguments.extend(right.iter().chain(&wrong).map(|f| f.display().to_string()));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let counts = python(&arguments);
    for (file, complaints) in right.iter().chain(&wrong).zip(counts.lines()) {
        assert_eq!(
            complaints == "0",
            right.contains(file),
            "{}: {complaints} complaints",
            file.display()
        );
    }
}

#[test]
fn every_mistake_is_told_at_once() {
    let desk = Desk::shared(
        "
stack: wrong
regoin: us-east-1
resources:
  media: { type: s3.bucket, nmae: x }
  logs: { type: logs.log_group, name: /x, retention_days: \"soon\" }
  net: { type: network, cidr: 10.0.0.0/16, public_subnets: [10.0.1.0/24, 10.0.1.128/25] }
",
    );
    let said = desk.expect(&["validate"], 1);
    insta::assert_snapshot!("every_mistake", desk.steady(&said));
    // The same for a command that would ask AWS.
    let plan = desk.expect(&["plan"], 1);
    assert_eq!(plan.err, said.err);
}
