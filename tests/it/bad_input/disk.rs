//! No room, and folders that cannot be written.

use std::process::{Command, Stdio};

use super::STACK;
use crate::desk::{Desk, said};

/// The program with files that may not grow beyond so many blocks of 512 or 1024 bytes: as a full disk, without one.
fn cramped(desk: &Desk, blocks: u32, arguments: &[&str]) -> crate::standing::Said {
    let inner = desk.command(arguments);
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("ulimit -f {blocks}; exec \"$0\" \"$@\""))
        .arg(inner.get_program())
        .args(inner.get_args())
        .stdin(Stdio::null())
        .env_clear();
    for (name, value) in inner.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    said(&mut command)
}

#[test]
fn a_full_disk_is_a_sentence_and_the_next_run_goes_on() {
    let desk = Desk::shared(&STACK.replace("stack: bad", "stack: bad-disk"));
    for blocks in [0, 1, 2, 4] {
        let said = cramped(&desk, blocks, &["apply", "--yes"]);
        assert_eq!(said.code, Some(1), "{blocks} blocks\n{}", said.all());
        assert!(
            said.err.contains("there is no room for it: make some"),
            "{}",
            said.err
        );
    }
    desk.expect(&["apply", "--yes"], 0);
    desk.settled(&[]);
    let names = "print(len([g for g in ec2.describe_security_groups()['SecurityGroups'] if g['GroupName'] == 'bad-disk-sg']))";
    assert_eq!(desk.boto(names), "1", "nothing was made twice");
    desk.expect(&["destroy", "--yes"], 0);
}

#[test]
fn a_state_folder_that_cannot_be_made() {
    let desk = Desk::shared(STACK);
    std::fs::write(desk.path("state"), "a file").expect("a file");
    let said = desk.expect(&["apply", "--yes"], 1);
    assert!(
        said.err
            .contains("CIRCLES_STATE_DIR say where the state is kept"),
        "{}",
        said.err
    );
    assert!(
        !said.err.contains("creating"),
        "nothing was begun\n{}",
        said.err
    );
}

#[test]
fn no_stack_file() {
    let desk = Desk::shared(STACK);
    std::fs::remove_file(desk.path("stack.yaml")).expect("removed");
    let said = desk.expect(&["plan"], 1);
    insta::assert_snapshot!("no_stack_file", desk.steady(&said));
}
