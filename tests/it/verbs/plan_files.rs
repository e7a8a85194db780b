//! Plan files: carried out as they were shown, and in no other world.

use crate::desk::{Desk, said};

const STACK: &str = "
stack: filed
variables: { text: { default: one }, days: { default: 7 } }
environments: { live: {}, side: {} }
default_environment: live
resources:
  logs: { type: logs.log_group, name: \"/${prefix}/app\", retention_days: \"${var.days}\" }
  other: { type: logs.log_group, name: \"/${prefix}/other\" }
  keys: { type: secretsmanager.secret, name: \"${prefix}/${var.text}\", keys: { A: { generate: 20 } } }
";

fn desk(name: &str) -> Desk {
    Desk::shared(&STACK.replace("filed", name))
}

#[test]
fn a_plan_file_knows_its_variables_and_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let desk = desk("filed-one");
    let file = desk.text_of("plan");
    std::fs::write(desk.path("vars.yaml"), "days: 14\n").expect("variables");
    let vars = desk.text_of("vars.yaml");
    let mut command = desk.command(&["plan", "-out", &file, "--var-file", &vars]);
    let planned = said(command.env("CIRCLES_VAR_text", "two"));
    assert_eq!(planned.code, Some(0), "{}", planned.all());
    let mode = desk
        .path("plan")
        .metadata()
        .expect("the file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::remove_file(desk.path("vars.yaml")).expect("removed");
    let shown = desk.expect(&["show", &file], 0);
    assert_eq!(shown.out, planned.out);
    desk.expect(&["apply", &file], 1);
    let done = desk.expect(&["apply", "--yes", &file], 0);
    assert!(done.err.contains("Applied: 3 created"), "{}", done.err);
    let days = desk.boto("print([g['retentionInDays'] for g in logs.describe_log_groups(logGroupNamePrefix='/filed-one/app')['logGroups']])");
    assert_eq!(days, "[14]");
    // Once is enough.
    let again = desk.expect(&["apply", "--yes", &file], 73);
    assert!(
        again
            .err
            .contains("since the plan was made, something has changed about"),
        "{}",
        again.err
    );
}

#[test]
fn a_change_elsewhere_does_not_matter_and_one_of_what_it_touches_does() {
    let desk = desk("filed-two");
    desk.expect(&["apply", "--yes"], 0);
    let file = desk.text_of("plan");
    desk.expect(&["plan", "--out", &file, "--var", "days=30"], 0);
    desk.boto("logs.put_retention_policy(logGroupName='/filed-two/other', retentionInDays=3)");
    let done = desk.expect(&["apply", "--yes", &file], 0);
    assert!(done.err.contains("Applied: 1 updated"), "{}", done.err);
    let other = "print([g.get('retentionInDays') for g in logs.describe_log_groups(logGroupNamePrefix='/filed-two/other')['logGroups']])";
    assert_eq!(
        desk.boto(other),
        "[3]",
        "what was not in the plan is not done"
    );
    desk.expect(&["plan", "--out", &file, "--var", "days=60"], 0);
    desk.boto("logs.put_retention_policy(logGroupName='/filed-two/app', retentionInDays=5)");
    let refused = desk.expect(&["apply", "--yes", &file], 73);
    assert!(
        refused.err.contains("something has changed about logs"),
        "{}",
        refused.err
    );
    assert!(
        refused
            .err
            .contains("hint: plan again, and look at what is new")
    );
}

#[test]
fn it_is_refused_in_another_world() {
    let desk = desk("filed-three");
    let file = desk.text_of("plan");
    desk.expect(&["plan", "--out", &file], 0);
    let refused = |arguments: &[&str], word: &str| {
        let said = desk.expect(arguments, 73);
        assert!(said.err.contains(word), "{}", said.err);
    };
    refused(
        &["apply", "--yes", &file, "--env", "side"],
        "for environment live, and this is side",
    );
    refused(
        &["apply", "--yes", &file, "--var", "days=5"],
        "the stack file or its variables have changed",
    );
    refused(
        &["apply", "--yes", &file, "--region", "eu-west-1"],
        "for region us-east-1, and this is eu-west-1",
    );
    let text = std::fs::read_to_string(&file).expect("the plan");
    let elsewhere = text.replace("000000000000", "111122223333");
    std::fs::write(desk.path("elsewhere"), elsewhere).expect("a plan");
    refused(
        &["apply", "--yes", &desk.text_of("elsewhere")],
        "for account 111122223333",
    );
    desk.edit("days: { default: 7 }", "days: { default: 14 }");
    refused(
        &["apply", "--yes", &file],
        "the stack file or its variables have changed",
    );
    assert!(
        desk.state().iter().all(|(path, _)| path.ends_with("lock")),
        "nothing but the lock was written"
    );
}

#[test]
fn losing_data_can_be_permitted_when_applying() {
    let desk = desk("filed-four");
    desk.expect(&["apply", "--yes"], 0);
    let file = desk.text_of("plan");
    desk.expect(&["plan", "--out", &file, "--var", "text=two"], 0);
    let refused = desk.expect(&["apply", "--yes", &file], 1);
    assert!(
        refused
            .err
            .contains("if that is meant: --allow-replace keys"),
        "{}",
        refused.err
    );
    desk.expect(&["apply", "--yes", &file, "--allow-replace", "keys"], 0);
    desk.settled(&["--var", "text=two"]);
}

#[test]
fn what_is_no_plan_file_is_said_so_before_anybody_is_asked() {
    let desk = desk("filed-five");
    std::fs::write(desk.path("junk"), "{").expect("junk");
    for verb in [&["apply", "--yes"][..], &["show"]] {
        let junk = desk.text_of("junk");
        let arguments = [verb, &[junk.as_str()]].concat();
        let said = desk.expect(&arguments, 64);
        assert!(said.err.starts_with("error: "), "{}", said.err);
        assert!(said.err.contains("is not a plan file"), "{}", said.err);
    }
    desk.expect(&["apply", "--yes", &desk.text_of("none")], 1);
}
