//! The wrong account, the wrong region, the wrong environment.

use crate::desk::{Desk, said};

const BOUND: &str = "
stack: bound
environments:
  dev: {}
  prod: { account: \"111122223333\" }
  here: { account: \"000000000000\" }
default_environment: prod
resources:
  logs: { type: logs.log_group, name: /bound/app }
";

#[test]
fn an_environment_is_bound_to_its_account() {
    let desk = Desk::shared(BOUND);
    for verb in [&["plan"][..], &["apply", "--yes"], &["destroy", "--yes"]] {
        let said = desk.expect(verb, 1);
        assert!(said.err.contains("error: environment prod belongs to account 111122223333, but the credentials are of account 000000000000"), "{}", said.err);
    }
    let said = desk.expect(&["--env", "dev", "plan"], 1);
    assert!(
        said.err
            .contains("account 000000000000 belongs to another environment of this stack"),
        "{}",
        said.err
    );
    desk.expect(&["--env", "here", "plan"], 0);
    let said = desk.expect(&["--env", "prdo", "plan"], 1);
    assert!(said.err.contains("prod"), "{}", said.err);
    assert!(!desk.path("state").exists());
}

#[test]
fn a_region_is_named_once() {
    let desk = Desk::shared(
        "
stack: placed
region: eu-west-1
resources:
  logs: { type: logs.log_group, name: /placed/app }
",
    );
    let said = desk.expect(&["plan", "--region", "us-east-1"], 1);
    assert!(
        said.err
            .contains("--region us-east-1, but the stack file says eu-west-1"),
        "{}",
        said.err
    );
    // The file wins over the shell.
    let plan = desk.expect(&["plan"], 0);
    assert!(plan.err.contains("eu-west-1"), "{}", plan.err);
    desk.expect(&["plan", "--region", ""], 64);
}

#[test]
fn without_a_region_it_says_where_to_name_one() {
    let desk = Desk::shared(super::STACK);
    let said = said(desk.command(&["plan"]).env_remove("AWS_REGION"));
    insta::assert_snapshot!("no_region", desk.steady(&said));
}
