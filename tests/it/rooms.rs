//! The house's order: who may import whom in `src/`, read off the `use` lines and paths of each file, and how long files and functions are.

use std::path::{Path, PathBuf};

/// A room, those it may not look into, and why an exception is one.
const WALLS: &[(&str, &[&str])] = &[
    (
        "plan",
        &["aws", "engine", "tokio", "cli", "render", "session"],
    ),
    (
        "stack",
        &["aws", "engine", "tokio", "cli", "render", "session"],
    ),
    ("graph", &["aws", "engine", "tokio", "cli"]),
    (
        "component",
        &["aws", "engine", "tokio", "cli", "render", "session"],
    ),
    (
        "aws",
        &[
            "plan", "engine", "state", "render", "stack", "session", "cli",
        ],
    ),
    ("engine", &["render", "cli", "session"]),
    (
        "kind",
        &["aws", "plan", "engine", "state", "render", "cli", "session"],
    ),
    (
        "model",
        &[
            "aws", "plan", "engine", "state", "render", "cli", "session", "tokio",
        ],
    ),
    ("journal", &["aws", "engine", "render", "cli", "session"]),
    ("state", &["engine", "render", "cli", "session"]),
    ("render", &["aws", "engine", "cli"]),
    ("policy", &["engine", "tokio", "cli", "render", "session"]),
    ("session", &["cli", "render"]),
    ("sandbox", &["cli", "render", "session"]),
];

/// Doors in a wall: a file that may look into a room all the same.
const DOORS: &[(&str, &str)] = &[
    // They carry out what `state` asks of a bucket and of a table; no kind stands beside them.
    ("aws/state_bucket.rs", "state"),
    ("aws/lock_table.rs", "state"),
];

fn files(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, all);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            all.push(path);
        }
    }
}

/// Path below `src/`, and text without its tests.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    files(&root, &mut all);
    all.sort();
    all.into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a readable file");
            let name = path
                .strip_prefix(&root)
                .expect("below src")
                .display()
                .to_string();
            let product = text
                .split("\n#[cfg(test)]\nmod ")
                .next()
                .unwrap_or_default()
                .to_owned();
            (name, product)
        })
        .collect()
}

fn room(file: &str) -> &str {
    file.split('/')
        .next()
        .unwrap_or(file)
        .trim_end_matches(".rs")
}

/// Whether a text speaks of a crate's or our own module, outside comments.
fn speaks_of(text: &str, module: &str) -> Option<String> {
    let ours = format!("crate::{module}::");
    let whole = format!("crate::{module};");
    let foreign = format!("{module}::");
    text.lines()
        .find(|line| {
            let code = line.trim_start();
            if code.starts_with("//") {
                return false;
            }
            code.contains(&ours)
                || code.contains(&whole)
                || (module == "tokio" && code.contains(&foreign))
        })
        .map(|line| line.trim().to_owned())
}

#[test]
fn no_room_looks_where_it_may_not() {
    let mut broken = Vec::new();
    for (file, text) in sources() {
        if file.contains("/tests") {
            continue;
        }
        let walls = WALLS.iter().filter(|(name, _)| *name == room(&file));
        for module in walls.flat_map(|(_, walls)| walls.iter()) {
            let door = DOORS.contains(&(file.as_str(), *module));
            if let Some(line) = speaks_of(&text, module).filter(|_| !door) {
                broken.push(format!("{file}: {line}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Service and name of every kind. Files that services' kinds share have names of their own here; a kind's file is one that `src/aws.rs`
/// lists.
fn kinds(all: &[(String, String)]) -> Vec<(String, String)> {
    let list = all.iter().find(|(file, _)| file == "aws.rs");
    let (_, list) = list.expect("the list of kinds");
    let kinds: Vec<(String, String)> = list
        .lines()
        .filter_map(|line| {
            line.trim()
                .strip_prefix("erase::<")?
                .split(',')
                .next()
                .map(str::to_owned)
        })
        .filter_map(|path| {
            let mut parts = path.split("::");
            Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
        })
        .collect();
    assert!(kinds.len() >= 20, "{kinds:?}");
    kinds
}

/// What of its AWS resource a kind cannot say, and why: in its file's header, in a paragraph of its own.
#[test]
fn every_kind_says_what_it_leaves_out() {
    let all = sources();
    let mut silent = Vec::new();
    for (service, kind) in kinds(&all) {
        let name = format!("aws/{service}/{kind}.rs");
        let (_, text) = all
            .iter()
            .find(|(file, _)| *file == name)
            .expect("its file");
        let header: Vec<&str> = text
            .lines()
            .map_while(|line| line.strip_prefix("//!").map(str::trim))
            .collect();
        let said = header
            .split(|line| line.is_empty())
            .map(|paragraph| paragraph.join(" "))
            .find_map(|paragraph| Some(paragraph.strip_prefix("Left out: ")?.to_owned()));
        let each_has_its_reason =
            |said: &str| said.split("; ").all(|part| part.contains(", because "));
        if !said.is_some_and(|said| said == "nothing." || each_has_its_reason(&said)) {
            silent.push(name);
        }
    }
    assert!(
        silent.is_empty(),
        "say `Left out: …, because …; …, because ….` or `Left out: nothing.` in the header of {silent:?}"
    );
}

#[test]
fn no_kind_knows_another() {
    let all = sources();
    let kinds = kinds(&all);
    let mut broken = Vec::new();
    for (service, kind) in &kinds {
        let of = format!("aws/{service}/{kind}");
        let mine = |file: &str| file == format!("{of}.rs") || file.starts_with(&format!("{of}/"));
        for (file, text) in all.iter().filter(|(file, _)| mine(file)) {
            for (theirs, other) in kinds.iter().filter(|(_, other)| other != kind) {
                let near = theirs == service && speaks_of_sibling(text, other);
                let far = speaks_of(text, &format!("aws::{theirs}::{other}")).is_some();
                if near || far {
                    broken.push(format!("{file} knows {theirs}::{other}"));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

fn speaks_of_sibling(text: &str, kind: &str) -> bool {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .any(|line| line.contains(&format!("super::{kind}::")))
}

/// A file of one idea stays under this many lines, or its header gives the reason (`//! Long: …`).
const LONGEST_FILE: usize = 400;
/// The same for a function and the comment above it (`/// Long: …`). Some 60 are meant; what is a list of fields or cases may run on.
const LONGEST_FUNCTION: usize = 80;

#[test]
fn what_is_long_gives_its_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    files(&root.join("src"), &mut paths);
    files(&root.join("tests"), &mut paths);
    let mut broken = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let lines: Vec<&str> = text.lines().collect();
        let name = path.strip_prefix(root).expect("below the root").display();
        let reasoned = |line: &&str| line.starts_with("//! Long: ");
        if lines.len() > LONGEST_FILE && !lines.iter().take(20).any(reasoned) {
            broken.push(format!("{name}: {} lines", lines.len()));
        }
        for (at, function, length) in functions(&lines) {
            if length > LONGEST_FUNCTION && !gives_its_reason(&lines[..at]) {
                broken.push(format!("{name}:{}: {function}, {length} lines", at + 1));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Where each function begins, its signature's first line, and how many lines it has. Read off the layout that rustfmt gives.
fn functions<'a>(lines: &[&'a str]) -> Vec<(usize, &'a str, usize)> {
    let mut all = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let words: Vec<&str> = code.split_whitespace().collect();
        let Some(keyword) = words.iter().position(|word| *word == "fn") else {
            continue;
        };
        let plain = |word: &&str| {
            ["pub", "async", "const", "extern"].contains(word)
                || word.starts_with("pub(")
                || word.ends_with(')')
        };
        if !words[..keyword].iter().all(plain) {
            continue;
        }
        let indent = &line[..line.len() - code.len()];
        let end = format!("{indent}}}");
        let opens = lines[at..]
            .iter()
            .find(|line| line.ends_with([';', '{', '}']));
        if opens.is_none_or(|line| !line.ends_with('{')) {
            continue;
        }
        let body = lines[at..].iter().position(|line| **line == end);
        all.extend(body.map(|length| (at, code, length + 1)));
    }
    all
}

/// Whether the comment right above says why.
fn gives_its_reason(above: &[&str]) -> bool {
    above
        .iter()
        .rev()
        .map(|line| line.trim_start())
        .take_while(|line| line.starts_with("//") || line.starts_with("#["))
        .any(|line| line.starts_with("/// Long: "))
}
