//! Every case that once failed is played by every test run.

use std::path::Path;
use std::sync::Arc;

use crate::case::Case;

#[test]
fn cases_that_failed_once_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sim/fixtures");
    let mut failures = Vec::new();
    let mut played = 0;
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|ext| ext != "json") {
            continue;
        }
        played += 1;
        if let Err(failure) = Case::read(&path).play(None, &Arc::default(), false) {
            failures.push(format!("{}: {}", path.display(), failure.what));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    println!("{played} cases");
}
