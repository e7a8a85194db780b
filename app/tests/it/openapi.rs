//! The document: a snapshot, and the page that shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

use crate::harness::World;

#[test]
fn the_document_is_as_it_was() {
    let document = serde_json::to_value(circles_app::router::document()).unwrap();
    assert_eq!(document["openapi"].as_str().map(|v| &v[..3]), Some("3.1"));
    assert_eq!(document["info"]["title"], "Circles - Social Location App");
    assert_eq!(document["info"]["version"], "1.0.0");
    assert_eq!(
        document["components"]["securitySchemes"]["HTTPBearer"]["scheme"],
        "bearer"
    );
    let text = serde_json::to_string_pretty(&document).unwrap();
    assert!(
        !text.to_lowercase().contains("email"),
        "email login must not appear"
    );
    insta::assert_snapshot!("openapi", text);
}

#[test]
fn every_reference_leads_somewhere() {
    let document = serde_json::to_value(circles_app::router::document()).unwrap();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(
            document["components"]["schemas"].get(name).is_some(),
            "{name}"
        );
    }
}

/// Every operation of the document: method, path and itself.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((method.clone(), path.clone(), operation));
        }
    }
    all
}

#[test]
fn the_document_is_valid() {
    let document = serde_json::to_value(circles_app::router::document()).unwrap();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let here = format!("{method} {path}");
        let id = operation["operationId"].as_str().expect(&here);
        assert!(ids.insert(id.to_owned()), "{here}: {id} is taken");
        let responses = operation["responses"].as_object().unwrap();
        assert!(!responses.is_empty(), "{here}");
        for (status, response) in responses {
            let words = response["description"].as_str().unwrap_or_default();
            assert!(!words.is_empty(), "{here}: {status} is not described");
        }
        let mut names = BTreeSet::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let key = |of: &str| parameter[of].as_str().expect(&here).to_owned();
            let (name, place) = (key("name"), key("in"));
            if place == "path" {
                assert!(path.contains(&format!("{{{name}}}")), "{here}: {name}");
                assert_eq!(parameter["required"], true, "{here}: {name}");
            }
            assert!(names.insert((name.clone(), place)), "{here}: {name} twice");
        }
        for name in path.split('{').skip(1).filter_map(|p| p.split('}').next()) {
            let key = (name.to_owned(), "path".to_owned());
            assert!(names.contains(&key), "{here}: {name} is not described");
        }
    }
}

#[test]
fn who_must_sign_in_may_be_refused_in_every_known_way() {
    let document = serde_json::to_value(circles_app::router::document()).unwrap();
    for (method, path, operation) in operations(&document) {
        if operation.get("security").is_none() {
            continue;
        }
        for status in ["400", "401", "403", "404", "422", "429", "503"] {
            let told = operation["responses"].get(status);
            assert!(told.is_some(), "{method} {path}: {status}");
        }
    }
}

/// The names of the types in `text` that describe themselves to the document.
fn described(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut derives = false;
    for line in text.lines() {
        derives |= line.trim_start().starts_with("#[derive(") && line.contains("ToSchema");
        let mut words = line.split_whitespace().skip_while(|w| w.starts_with("pub"));
        if derives && matches!(words.next(), Some("struct" | "enum")) {
            let name = words.next().unwrap_or_default();
            let end = name.find(|c: char| !c.is_alphanumeric());
            names.push(name[..end.unwrap_or(name.len())].to_owned());
            derives = false;
        }
    }
    names
}

#[test]
fn no_two_types_have_one_name_in_the_document() {
    // The document keeps one of them, and says of the other's operations what is not so.
    let mut found: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut folders = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|e| e != "rs") {
                continue;
            }
            for name in described(&std::fs::read_to_string(&path).unwrap()) {
                let before = found.insert(name.clone(), path.clone());
                assert!(before.is_none(), "{name}: {before:?} and {path:?}");
            }
        }
    }
    assert!(found.len() > 100, "the sources are read");
    let document = serde_json::to_value(circles_app::router::document()).unwrap();
    for kept in ["UsernameCheck", "ProfileChange", "CheckInChange"] {
        assert!(document["components"]["schemas"].get(kept).is_some());
        assert!(found.contains_key(kept));
    }
}

#[test]
fn choices_and_times_are_described() {
    let document = serde_json::to_value(circles_app::router::document()).unwrap();
    let parameter = |path: &str, name: &str| {
        let all = document["paths"][path]["get"]["parameters"].as_array();
        let found = all.unwrap().iter().find(|p| p["name"] == name).unwrap();
        found["schema"].to_string()
    };
    let budget = parameter("/places/trending", "price_budget");
    assert!(budget.contains(r#"["$","$$","$$$"]"#), "{budget}");
    let window = parameter("/places/trending", "time_window");
    assert!(window.contains(r#""30d""#), "{window}");
    for name in ["since", "until"] {
        let time = parameter("/activity/feed", name);
        assert!(time.contains("date-time"), "{time}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_needs_no_network() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let page = sara.get("/docs").await;
    assert_eq!(page.status, 200);
    assert!(
        !page.text.contains("//cdn") && !page.text.contains("https://"),
        "{}",
        page.text
    );
    for part in page
        .text
        .split(['"', '\''])
        .filter(|p| p.starts_with("/docs/"))
    {
        sara.get(part).await.expect(200);
    }
}
