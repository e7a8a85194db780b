//! Before a release build: asks the linker whether it can fold functions of equal machine code into one (`--icf=all`, lld and gold).
//! Generated SDK code is much alike: it takes 3 MB of 41 off the program. A linker that cannot is left alone.

use std::env::var;
use std::path::Path;
use std::process::{Command, Stdio};

const FOLD: &str = "-Wl,--icf=all";

fn main() {
    println!("cargo:rerun-if-changed=tools/build.rs");
    let here = var("TARGET") == var("HOST");
    let linux = var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux");
    if var("PROFILE").is_ok_and(|profile| profile == "release") && here && linux && can_fold() {
        println!("cargo:rustc-link-arg-bins={FOLD}");
    }
}

/// Links a program of one line with it, as cargo will link ours.
fn can_fold() -> bool {
    let (Ok(folder), Ok(rustc)) = (var("OUT_DIR"), var("RUSTC")) else {
        return false;
    };
    let source = Path::new(&folder).join("probe.rs");
    if std::fs::write(&source, "fn main() {}\n").is_err() {
        return false;
    }
    let mut command = Command::new(rustc);
    command.arg(&source).args([
        "--crate-type",
        "bin",
        "-C",
        &format!("link-arg={FOLD}"),
        "-o",
    ]);
    command.arg(Path::new(&folder).join("probe"));
    if let Ok(linker) = var("RUSTC_LINKER") {
        command.arg(format!("-Clinker={linker}"));
    }
    let flags = var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    command.args(flags.split('\u{1f}').filter(|flag| !flag.is_empty()));
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}
