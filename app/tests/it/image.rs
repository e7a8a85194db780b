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

/// No container engine is needed to see that the build stage gets every file cargo reads: its copies are made here, without what
/// `.dockerignore` keeps out, and cargo is asked for the program's dependencies.
#[test]
fn the_dockerfile_copies_all_that_its_build_reads() {
    let app = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = app.parent().expect("the workspace");
    let read = |name: &str| std::fs::read_to_string(app.join(name)).expect("text");
    let dockerfile = read("Dockerfile").replace("\\\n", " ");
    let stage = dockerfile.split("\nFROM ").nth(1).expect("a first stage");
    let folder = tempfile::tempdir().expect("a folder");
    let shell = |line: &str| {
        let done = Command::new("sh")
            .args(["-ec", line])
            .current_dir(folder.path())
            .status();
        assert!(done.expect("sh runs").success(), "{line}");
    };
    for line in stage.lines() {
        if let Some(copied) = line.strip_prefix("COPY ") {
            let mut names: Vec<&str> = copied.split_whitespace().collect();
            let target = names.pop().expect("a target");
            for name in names {
                shell(&format!(
                    "cp -r '{}' '{target}'",
                    workspace.join(name).display()
                ));
            }
        } else if let Some(made) = line.strip_prefix("RUN mkdir ") {
            shell(&format!("mkdir {made}"));
        }
    }
    let ignored = read("Dockerfile.dockerignore");
    let rules: Vec<&str> = ignored
        .lines()
        .filter(|l| !l.starts_with('!') && !l.contains('*'))
        .collect();
    assert!(rules.contains(&"app/tests"), "{rules:?}");
    for rule in rules {
        shell(&format!("rm -r '{rule}'"));
    }
    let done = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--package",
            "circles-app",
            "--depth",
            "1",
        ])
        .current_dir(folder.path())
        .output()
        .expect("cargo runs");
    let told = String::from_utf8_lossy(&done.stdout);
    let why = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success() && told.contains("axum"),
        "{told}{why}"
    );
    // What the sources take in while they are compiled.
    for file in [
        "app/migrations",
        "app/src/docs.html",
        "app/src/places/major_cities.csv",
    ] {
        assert!(folder.path().join(file).exists(), "{file}");
    }
}
