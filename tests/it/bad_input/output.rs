//! Standard output that nobody reads, or that is full.

use std::fs::OpenOptions;
use std::process::Stdio;

use super::STACK;
use crate::desk::Desk;

#[test]
fn a_reader_that_goes_away_is_an_exit_code() {
    let desk = Desk::shared(STACK);
    for arguments in [&["schema"][..], &["plan"], &["validate"]] {
        let mut child = desk
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("its end");
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(141), "{arguments:?}\n{err}");
        assert!(!err.contains("error") && !err.contains("panic"), "{err}");
    }
}

#[test]
fn an_apply_whose_output_nobody_reads_is_carried_out_in_order() {
    let desk = Desk::shared(&STACK.replace("stack: bad", "stack: bad-pipe"));
    let arguments = &["apply", "--yes", "--json"][..];
    {
        let mut child = desk
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program runs");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("its end");
        assert_eq!(output.status.code(), Some(141), "{arguments:?}");
    }
    desk.expect(&["apply", "--yes"], 0);
    desk.settled(&[]);
    desk.expect(&["destroy", "--yes"], 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_output_is_an_error() {
    let desk = Desk::shared(STACK);
    let full = OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let output = desk
        .command(&["plan"])
        .stdout(full)
        .output()
        .expect("the program runs");
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(
        err.contains("error: cannot write to standard output: No space left on device"),
        "{err}"
    );
}
