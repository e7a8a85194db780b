//! `docs/sockets.md` names every frame and every close code of the sources, and no others.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sockets.md");
    std::fs::read_to_string(path).unwrap()
}

/// The words between `start` and the next quotation mark.
fn quoted(text: &str, start: &str) -> Vec<String> {
    let parts = text.split(start).skip(1);
    parts
        .filter_map(|part| part.split('"').next())
        .filter(|word| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        })
        .map(str::to_owned)
        .collect()
}

/// The first cells of the rows under a line that starts with `heading`.
fn first_cells(text: &str, heading: &str) -> BTreeSet<String> {
    let mut cells = BTreeSet::new();
    for section in text.split(heading).skip(1) {
        let rows = section.lines().skip_while(|line| !line.starts_with('|'));
        for row in rows.take_while(|line| line.starts_with('|')) {
            let cell = row.trim_matches('|').split('|').next().unwrap().trim();
            if cell.starts_with('`') {
                cells.insert(cell.trim_matches('`').to_owned());
            }
        }
    }
    cells
}

#[test]
fn every_frame_of_the_service_is_described() {
    let mut sent = BTreeSet::new();
    for (path, text) in sources() {
        // Features of the map and schemas of the document have types as well.
        if path
            .iter()
            .any(|part| part == "external" || part == "openapi")
        {
            continue;
        }
        sent.extend(quoted(&text, "\"type\": \""));
        sent.extend(quoted(&text, "reaction_frame(\""));
    }
    assert!(sent.len() > 10, "{sent:?}");
    assert_eq!(sent, first_cells(&document(), "From the service:\n"));
}

#[test]
fn every_frame_of_a_client_is_described() {
    let mut taken: BTreeSet<String> = ["ping".to_owned()].into();
    for (path, text) in sources() {
        if path.ends_with("live/thread.rs") || path.ends_with("live/place.rs") {
            for line in text.lines().map(str::trim).filter(|l| l.contains("=>")) {
                if let Some(word) = line.strip_prefix('"').and_then(|l| l.split('"').next()) {
                    taken.insert(word.to_owned());
                }
            }
        }
    }
    assert!(taken.len() > 5, "{taken:?}");
    assert_eq!(taken, first_cells(&document(), "From the client:\n"));
}

#[test]
fn every_close_code_is_described() {
    let (_, text) = sources()
        .into_iter()
        .find(|(path, _)| path.ends_with("live/socket.rs"))
        .unwrap();
    let codes = |text: &str, before: &str| -> BTreeSet<u16> {
        let parts = text.split(before).skip(1);
        let digits = parts.map(|p| {
            p.chars()
                .take_while(char::is_ascii_digit)
                .collect::<String>()
        });
        digits.filter_map(|d| d.parse().ok()).collect()
    };
    let mut sent = codes(&text, "Some((");
    sent.extend(codes(&text, "=> ("));
    assert!(sent.len() > 6, "{sent:?}");
    let document = document();
    let section = document.split("## Close codes").nth(1).unwrap();
    let section = section.split("## ").next().unwrap();
    assert_eq!(sent, codes(section, "\n| "));
}
