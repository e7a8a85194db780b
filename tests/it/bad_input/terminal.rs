//! Nobody to ask.

use crate::desk::Desk;

const STACK: &str = "
stack: asking
environments: { live: {}, prod: { protect: true } }
default_environment: live
resources:
  logs: { type: logs.log_group, name: \"/${prefix}/app\" }
";

#[test]
fn without_a_terminal_it_wants_yes() {
    let desk = Desk::shared(STACK);
    let said = desk.expect(&["apply"], 1);
    insta::assert_snapshot!("no_terminal", desk.steady(&said));
    desk.expect(&["apply", "--json"], 64);
    desk.expect(&["apply", "--yes"], 0);
    // An empty plan asks nothing.
    desk.expect(&["apply"], 0);
    let said = desk.expect(&["destroy"], 1);
    assert!(
        said.err
            .contains("there is no terminal to ask on, and --yes was not given"),
        "{}",
        said.err
    );
    desk.expect(&["destroy", "--yes"], 0);
    assert!(
        desk.expect(&["destroy"], 0)
            .err
            .contains("Nothing to destroy.")
    );
}

#[test]
fn a_protected_environment_is_not_destroyed() {
    let desk = Desk::shared(&STACK.replace("asking", "asking-prod"));
    desk.expect(&["--env", "prod", "apply", "--yes"], 0);
    let said = desk.expect(&["--env", "prod", "destroy", "--yes"], 1);
    insta::assert_snapshot!("protected", desk.steady(&said));
    desk.edit("prod: { protect: true }", "prod: {}");
    desk.expect(&["--env", "prod", "apply", "--yes"], 0);
    desk.expect(&["--env", "prod", "destroy", "--yes"], 0);
}

#[test]
fn wrong_usage_is_64() {
    let desk = Desk::shared(STACK);
    for arguments in [
        &["frobnicate"][..],
        &["plan", "--frob"],
        &["apply", "a", "b"],
        &["outputs", "nothing"],
        &["plan", "--parallelism", "0"],
    ] {
        desk.expect(arguments, 64);
    }
    desk.expect(&["--help"], 0);
    desk.expect(&["--version"], 0);
}
