//! Who imports whom: no circles, so that every room can be read before those that use it. And no file too long to be read at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Longer files are split by idea.
const LONGEST: usize = 400;

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The first names after `crate::`, in `use` lines and elsewhere.
fn imports(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for rest in text.split("crate::").skip(1) {
        let list = match rest.strip_prefix('{') {
            Some(list) => list.split("};").next().unwrap_or_default(),
            None => rest
                .split(|c: char| c != '_' && !c.is_ascii_lowercase())
                .next()
                .unwrap_or_default(),
        };
        let names = list
            .split(',')
            .map(|part| part.split("::").next().unwrap_or_default().trim());
        found.extend(names.filter(|n| !n.is_empty()).map(str::to_owned));
    }
    found
}

/// Rooms that are left when those that import nothing of the rest are taken away, again and again: the circles and what hangs on them.
fn circles(mut rooms: BTreeMap<String, BTreeSet<String>>) -> BTreeMap<String, BTreeSet<String>> {
    loop {
        let known: BTreeSet<String> = rooms.keys().cloned().collect();
        for used in rooms.values_mut() {
            used.retain(|name| known.contains(name));
        }
        let before = rooms.len();
        rooms.retain(|_, used| !used.is_empty());
        if rooms.len() == before {
            return rooms;
        }
    }
}

#[test]
fn no_rooms_import_one_another_in_a_circle() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut rooms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in sources(&src) {
        let inside = path.strip_prefix(&src).expect("inside");
        let first = inside.components().next().expect("a name").as_os_str();
        let room = first.to_string_lossy().trim_end_matches(".rs").to_owned();
        if room == "lib" || room == "main" {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("text");
        let used = rooms.entry(room.clone()).or_default();
        used.extend(imports(&text));
        used.remove(&room);
    }
    assert!(rooms.len() > 30, "{rooms:?}");
    assert!(rooms["app"].contains("hub") || rooms["app"].contains("task"));
    assert_eq!(circles(rooms), BTreeMap::new());
}

#[test]
fn a_circle_is_noticed() {
    let room = |name: &str, used: &[&str]| {
        let used = used.iter().map(|u| (*u).to_owned()).collect();
        (name.to_owned(), used)
    };
    let rooms = BTreeMap::from([
        room("a", &["b"]),
        room("b", &["c"]),
        room("c", &["b", "d"]),
        room("d", &[]),
    ]);
    let left: Vec<String> = circles(rooms).into_keys().collect();
    assert_eq!(left, ["a", "b", "c"]);
    assert_eq!(
        imports(
            "use crate::hub::Topic;\nuse crate::{db, live::Live};\nlet x = crate::task::turned(y);"
        ),
        ["db", "hub", "live", "task"].map(str::to_owned).into()
    );
}

#[test]
fn no_file_is_too_long() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut long = Vec::new();
    for folder in ["src", "tests/it"] {
        for path in sources(&here.join(folder)) {
            let lines = std::fs::read_to_string(&path)
                .expect("text")
                .lines()
                .count();
            if lines > LONGEST {
                long.push(format!("{} has {lines} lines", path.display()));
            }
        }
    }
    assert_eq!(long, Vec::<String>::new());
}
