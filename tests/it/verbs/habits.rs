//! What a Terraform user types works, or is answered; and a variable's value comes from where it should.

use crate::desk::{Desk, said};

const STACK: &str = "
stack: habit
variables: { days: { default: 1, one_of: [1, 3, 5, 7, 14, 30] } }
environments: { live: {}, set: { variables: { days: 5 } } }
default_environment: live
resources:
  logs: { type: logs.log_group, name: \"/${prefix}/app\", retention_days: \"${var.days}\" }
";

#[test]
fn a_terraform_session_goes_through() {
    let desk = Desk::shared(STACK);
    let plan = desk.text_of("tfplan");
    let init = desk.expect(&["init"], 0);
    assert!(
        init.all().contains("Nothing to initialise"),
        "{}",
        init.all()
    );
    desk.expect(
        &[
            "plan",
            "-input=false",
            "-var=days=3",
            &format!("-out={plan}"),
            "-no-color",
            "-lock=true",
        ],
        0,
    );
    desk.expect(&["show", "-json", &plan], 0);
    desk.expect(&["apply", "-input=false", "-auto-approve", &plan], 0);
    desk.expect(&["plan", "-detailed-exitcode", "-var", "days=3"], 0);
    desk.expect(&["plan", "-detailed-exitcode", "-var", "days=14"], 2);
    desk.expect(&["output", "-json"], 0);
    // Imported already: said, and no error.
    desk.expect(&["import", "logs", "/habit/app"], 0);
    desk.expect(&["plan", "-destroy", "-var", "days=3"], 0);
    for (typed, word) in [
        ("refresh", "circles-infra drift"),
        ("workspace", "--env NAME"),
        ("taint", "--replace ADDRESS"),
        ("force-unlock", "nothing has to be unlocked"),
        ("console", "plan --json"),
    ] {
        let said = desk.expect(&[typed], 64);
        assert!(said.err.contains(word), "{typed}: {}", said.err);
    }
    for option in ["-refresh=false", "-lock=false", "-state=x", "-chdir=x"] {
        let said = desk.expect(&["plan", option], 64);
        assert!(said.err.starts_with(option), "{}", said.err);
    }
    desk.expect(&["destroy", "-auto-approve", "-var", "days=3"], 0);
}

/// What `plan` says the retention shall be.
fn days(desk: &Desk, arguments: &[&str], process: Option<&str>) -> String {
    let mut command = desk.command(&[&["plan"], arguments].concat());
    if let Some(value) = process {
        command.env("CIRCLES_VAR_days", value);
    }
    let said = said(&mut command);
    let line = said
        .out
        .lines()
        .find(|line| line.contains("retention_days"));
    let line = line.unwrap_or_else(|| panic!("{}", said.all()));
    line.split_whitespace()
        .last()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn the_strongest_word_on_a_variable_wins() {
    let desk = Desk::shared(&STACK.replace("habit", "precedence"));
    for (name, value) in [("one.yaml", 14), ("two.json", 30)] {
        let text = if value == 14 {
            format!("days: {value}\n")
        } else {
            format!("{{\"days\": {value}}}")
        };
        std::fs::write(desk.path(name), text).expect("variables");
    }
    let (one, two) = (desk.text_of("one.yaml"), desk.text_of("two.json"));
    assert_eq!(days(&desk, &[], None), "1");
    assert_eq!(days(&desk, &[], Some("3")), "3");
    assert_eq!(days(&desk, &["--env", "set"], Some("3")), "5");
    assert_eq!(
        days(&desk, &["--env", "set", "--var-file", &one], Some("3")),
        "14"
    );
    assert_eq!(
        days(&desk, &["--var-file", &one, "--var-file", &two], None),
        "30"
    );
    assert_eq!(
        days(
            &desk,
            &["--env", "set", "--var-file", &one, "--var", "days=7"],
            Some("3")
        ),
        "7"
    );
    let said = desk.expect(&["plan", "--var", "dayz=7"], 1);
    assert!(said.err.contains("did you mean `days`"), "{}", said.err);
    let said = said_with_stray(&desk);
    assert!(said.contains("CIRCLES_VAR_dayz"), "{said}");
    desk.expect(&["plan", "--var", "days=8"], 1);
    desk.expect(&["plan", "--var", "days"], 64);
}

fn said_with_stray(desk: &Desk) -> String {
    let said = said(desk.command(&["plan"]).env("CIRCLES_VAR_dayz", "7"));
    assert_eq!(said.code, Some(0), "a warning is no error\n{}", said.all());
    said.err
}
