//! `state …` and `history`.

use serde_json::Value as Json;

use crate::desk::Desk;

const STACK: &str = "
stack: kept
resources:
  net: { type: ec2.vpc, cidr: 10.86.0.0/16 }
  group: { type: ec2.security_group, vpc_id: \"${net.id}\", name: kept-sg, description: one }
  logs: { type: logs.log_group, name: /kept/app, retention_days: 7 }
  keys: { type: secretsmanager.secret, name: kept/keys, keys: { A: { generate: 20 } } }
";

fn desk(name: &str) -> Desk {
    let desk = Desk::shared(&STACK.replace("kept", name));
    desk.expect(&["apply", "--yes"], 0);
    desk
}

#[test]
fn what_is_remembered_is_listed_and_shown() {
    let desk = desk("kept-one");
    let list = desk.expect(&["state", "list"], 0);
    insta::assert_snapshot!("state_list", desk.steady(&list));
    assert_eq!(
        desk.expect(&["state", "list", "net"], 0)
            .out
            .lines()
            .count(),
        1
    );
    let json: Json =
        serde_json::from_str(&desk.expect(&["state", "list", "--json"], 0).out).expect("JSON");
    assert_eq!(json.as_array().map(Vec::len), Some(4));
    let shown = desk.expect(&["state", "show", "group"], 0);
    insta::assert_snapshot!("state_show", desk.steady(&shown));
    let shown = desk.expect(&["state", "show", "keys"], 0).out;
    assert!(shown.contains("(secret)"), "{shown}");
    let unknown = desk.expect(&["state", "show", "grup"], 64);
    assert!(unknown.err.contains("is group meant?"), "{}", unknown.err);
}

#[test]
fn a_resource_is_moved_let_go_and_taken_over() {
    let desk = desk("kept-two");
    let moved = desk.expect(&["state", "mv", "group", "crew"], 0);
    assert!(
        moved.err.contains("The stack file has nothing at crew yet"),
        "{}",
        moved.err
    );
    let back = desk.expect(&["state", "mv", "crew", "group"], 0);
    assert!(!back.err.contains("The stack file"), "{}", back.err);
    desk.settled(&[]);
    desk.expect(&["state", "mv", "group", "logs"], 1);
    desk.expect(&["state", "mv", "nothing", "else"], 1);
    let gone = desk.expect(&["state", "rm", "logs"], 0);
    assert_eq!(
        gone.out,
        "logs (/kept-two/app) stays in AWS, and is no longer managed\n"
    );
    let plan = desk.expect(&["plan"], 0).out;
    assert!(plan.contains("logs cannot be made: logs.log_group /kept-two/app has its name and is not of this stack"), "{plan}");
    assert!(
        plan.contains("take that one over: circles-infra state import logs /kept-two/app"),
        "{plan}"
    );
    let said = desk.expect(&["apply", "--yes"], 1);
    assert!(said.err.contains("nothing was changed"), "{}", said.err);
    desk.expect(&["state", "import", "logs", "/kept-two/app"], 0);
    desk.settled(&[]);
    let again = desk.expect(&["state", "import", "logs", "/kept-two/app"], 0);
    assert!(
        again.out.ends_with("is managed at logs already\n"),
        "{}",
        again.out
    );
    let other = desk.expect(&["state", "import", "logs", "/kept-two/other"], 1);
    assert!(
        other.err.contains("logs is /kept-two/app already"),
        "{}",
        other.err
    );
    desk.expect(&["state", "import", "elsewhere", "/kept-two/app"], 1);
    desk.expect(&["state", "rm", "nothing"], 1);
}

#[test]
fn another_stacks_resource_is_not_taken_over() {
    let owner = desk("kept-three");
    let taker = Desk::shared(
        "
stack: taker
resources:
  logs: { type: logs.log_group, name: /kept-three/app }
",
    );
    let plan = taker.expect(&["plan"], 0).out;
    assert!(
        plan.contains("has its name and belongs to logs in default of stack kept-three"),
        "{plan}"
    );
    let said = taker.expect(&["state", "import", "logs", "/kept-three/app"], 1);
    assert!(
        said.err.contains("belongs to logs of stack kept-three"),
        "{}",
        said.err
    );
    owner.settled(&[]);
}

#[test]
fn a_state_is_made_anew_from_what_is_there() {
    let desk = desk("kept-four");
    let before = desk.expect(&["state", "list"], 0).out;
    std::fs::remove_dir_all(desk.path("state")).expect("a lost state");
    desk.settled(&[]);
    let rebuilt = desk.expect(&["state", "rebuild"], 0).out;
    assert!(
        rebuilt.contains(
            "State rebuilt: 4 adopted, 0 forgotten, 0 as before. Nothing was changed in AWS."
        ),
        "{rebuilt}"
    );
    assert_eq!(desk.expect(&["state", "list"], 0).out, before);
    desk.boto("logs.delete_log_group(logGroupName='/kept-four/app')");
    let rebuilt = desk.expect(&["state", "rebuild"], 0).out;
    assert!(
        rebuilt.contains("0 adopted, 1 forgotten, 3 as before"),
        "{rebuilt}"
    );
}

#[test]
fn history_says_what_ran_and_what_it_did() {
    let desk = desk("kept-five");
    desk.edit("retention_days: 7", "retention_days: 14");
    desk.expect(&["apply", "--yes", "--replace", "group"], 0);
    desk.expect(&["state", "mv", "logs", "diary"], 0);
    desk.expect(&["destroy", "--yes"], 0);
    let all = desk.expect(&["history"], 0).out;
    let told: Vec<Vec<&str>> = all
        .lines()
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|word| !word.is_empty())
                .collect()
        })
        .collect();
    let did: Vec<(&str, &str)> = told.iter().map(|words| (words[1], words[2])).collect();
    assert_eq!(
        did,
        [
            ("destroy", "4 deleted"),
            ("state mv", "1 changed"),
            ("apply", "1 changed, 1 replaced"),
            ("apply", "4 created"),
        ]
    );
    let of_group = desk.expect(&["history", "group"], 0).out;
    let deeds: Vec<&str> = of_group
        .lines()
        .filter(|line| line.starts_with("    "))
        .map(str::trim)
        .collect();
    assert_eq!(
        deeds,
        ["group: deleted", "group: replaced", "group: created"]
    );
    let json: Json =
        serde_json::from_str(&desk.expect(&["history", "--json"], 0).out).expect("JSON");
    assert_eq!(json[0]["doing"], "destroy");
    let none = desk.expect(&["history", "nothing"], 0).out;
    assert_eq!(none, "No run is remembered that changed nothing.\n");
}
