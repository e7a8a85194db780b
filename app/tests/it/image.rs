//! The image archive: the same bytes for the same program, and it runs once unpacked.

use std::path::Path;
use std::process::Command;

use crate::harness::postgres::Database;

fn build(to: &Path, rds_ca: &Path) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/image/build.py");
    let done = Command::new("python3")
        .args([
            script,
            "--binary",
            env!("CARGO_BIN_EXE_circles-app"),
            "--output",
        ])
        .arg(to)
        .arg("--rds-ca")
        .arg(rds_ca)
        .output()
        .expect("python3 runs");
    let (out, err) = (
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr),
    );
    if done.status.success() {
        out.into_owned()
    } else {
        format!("refused: {err}")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_archive_is_reproducible_and_runs_unpacked() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    // Any certificate will do in the place of those of RDS, which are not at hand without a network.
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=in-their-place",
            "-keyout",
        ])
        .arg(at("key.pem"))
        .arg("-out")
        .arg(at("ca.pem"))
        .output();
    assert!(made.expect("openssl runs").status.success());
    let told = build(&at("one.tar"), &at("ca.pem"));
    assert!(told.contains("linux/amd64"), "{told}");
    build(&at("two.tar"), &at("ca.pem"));
    let bytes = |name: &str| std::fs::read(at(name)).expect("an archive");
    assert!(bytes("one.tar") == bytes("two.tar"), "two builds differ");

    let missing = build(&at("three.tar"), &at("nowhere.pem"));
    assert!(
        missing.starts_with("refused: error: ") && missing.contains("nowhere.pem"),
        "{missing}"
    );
    let key = build(&at("three.tar"), &at("key.pem"));
    assert!(key.contains("no bundle of certificates"), "{key}");
    assert!(!at("three.tar").exists());

    let database = Database::empty().await;
    let check = concat!(env!("CARGO_MANIFEST_DIR"), "/image/check.py");
    let done = Command::new("python3")
        .arg(check)
        .arg(at("one.tar"))
        .env("CIRCLES_TEST_DATABASE_URL", &database.url)
        .output()
        .expect("python3 runs");
    assert!(
        done.status.success(),
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}
