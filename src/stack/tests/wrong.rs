//! Every wrong stack under `tests/stacks-wrong/`, and what is said about it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::support::{Ask, pair, with};
use crate::diagnostic::{CODES, Style, code, render};

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "stacks-wrong"]
        .iter()
        .collect()
}

fn files() -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    all.sort();
    all
}

#[test]
fn every_wrong_stack_is_told_what_to_write_instead() {
    for (name, text) in files() {
        let Err(report) = with(&text, |request| request.file = name.clone()) else {
            panic!("{name} was accepted");
        };
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name.trim_end_matches(".yaml"), report);
        });
    }
}

#[test]
fn every_code_has_a_wrong_stack() {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut see = |ask: &Ask, text: &str| {
        let report = ask.load(text).unwrap_err();
        seen.extend(report.into_iter().map(|diagnostic| diagnostic.code));
    };
    let stray = Ask {
        process: vec![pair("CIRCLES_VAR_stray", "x")],
        ..Ask::default()
    };
    for (_, text) in files() {
        see(&stray, &text);
    }
    // These need a request that disagrees with the file.
    let mut elsewhere = Ask::default();
    elsewhere.facts.region = "eu-west-1".into();
    see(
        &elsewhere,
        "stack: demo\nregion: us-east-1\nresources: {}\n",
    );
    let all: BTreeSet<String> = CODES.iter().map(|(code, _)| (*code).to_owned()).collect();
    let missing: Vec<_> = all.difference(&seen).collect();
    assert!(missing.is_empty(), "no wrong stack has {missing:?}");
    assert!(seen.contains(code::REGION_CLASH));
}

#[test]
fn colour_says_the_same() {
    let ask = Ask::default();
    let text = "stack: demo\nresourcs: {}\n";
    let report = ask.load(text).unwrap_err();
    let texts = ask.request(text).texts();
    let plain = render(&report, &texts, Style::Plain);
    let colour = render(&report, &texts, Style::Colour);
    assert!(colour.contains("\u{1b}["));
    let mut stripped = String::new();
    let mut rest = colour.as_str();
    while let Some(start) = rest.find("\u{1b}[") {
        stripped.push_str(&rest[..start]);
        let after = &rest[start..];
        rest = &after[after.find('m').unwrap() + 1..];
    }
    stripped.push_str(rest);
    assert_eq!(stripped, plain);
}

#[test]
fn no_text_makes_the_reader_panic() {
    // Every beginning of every wrong stack and of the real one, and each with one byte put in.
    let circles = include_str!("../../../stacks/circles.yaml");
    let all = files()
        .into_iter()
        .map(|(_, text)| text)
        .chain([circles[..2000].to_owned()]);
    for text in all {
        for (at, _) in text.char_indices().step_by(7) {
            let _ = with(&text[..at], |_| {});
            for extra in ["\"", "{", "${", "é", "\t", ": "] {
                if at % 49 == 0 {
                    let _ = with(&format!("{}{extra}{}", &text[..at], &text[at..]), |_| {});
                }
            }
        }
    }
}
