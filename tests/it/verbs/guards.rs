//! What stands between a plan and a loss: `protect`, `retain`, `ignore`, `when`, and resources that hold data.

use crate::desk::Desk;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_protected_is_neither_deleted_nor_replaced() {
    let desk = Desk::alone(
        "
stack: safe
resources:
  diary: { protect: true, type: logs.log_group, name: /safe/app }
  other: { type: logs.log_group, name: /safe/other }
",
    );
    desk.expect(&["apply", "--yes"], 0);
    let calls = desk.mutations().await;
    let said = desk.expect(&["destroy", "--yes"], 1);
    assert!(
        said.err
            .contains("error: diary is protected, and would be deleted"),
        "{}",
        said.err
    );
    desk.expect(&["apply", "--yes", "--replace", "diary"], 1);
    desk.edit(
        "  diary: { protect: true, type: logs.log_group, name: /safe/app }\n",
        "",
    );
    let said = desk.expect(&["apply", "--yes"], 1);
    assert!(
        said.err
            .contains("take `protect` off diary in the stack file and apply that first"),
        "{}",
        said.err
    );
    assert_eq!(
        desk.mutations().await,
        calls,
        "stopped before the first call"
    );
    // What is not protected can go by itself.
    desk.expect(&["destroy", "--yes", "--target", "other"], 0);
    desk.edit(
        "resources:\n",
        "resources:\n  diary: { type: logs.log_group, name: /safe/app }\n",
    );
    desk.expect(&["apply", "--yes"], 0);
    desk.expect(&["destroy", "--yes"], 0);
}

/// AWS itself would delete a VPC at once: the mark on it is ours.
#[test]
fn protection_outlives_its_block_and_the_state() {
    let text = "
stack: marked
resources:
  net: { protect: true, type: ec2.vpc, cidr: 10.84.0.0/16 }
  other: { type: logs.log_group, name: /marked/other }
";
    let desk = Desk::shared(text);
    desk.expect(&["apply", "--yes"], 0);
    let without = text.replace(
        "  net: { protect: true, type: ec2.vpc, cidr: 10.84.0.0/16 }\n",
        "",
    );
    desk.write(&without);
    std::fs::remove_dir_all(desk.path("state")).expect("the state");
    for verb in [&["apply", "--yes"][..], &["destroy", "--yes"]] {
        let said = desk.expect(verb, 1);
        assert!(
            said.err
                .contains("error: net is protected, and would be deleted"),
            "{verb:?}\n{}",
            said.err
        );
    }
    desk.write(&text.replace("protect: true, ", ""));
    let said = desk.expect(&["apply", "--yes"], 0);
    assert!(
        said.err
            .contains("tags.circles-infra:protect  \"true\" → (unset)"),
        "{}",
        said.err
    );
    desk.expect(&["destroy", "--yes"], 0);
}

#[test]
fn what_is_retained_stays_and_loses_our_tags() {
    let desk = Desk::shared(
        "
stack: keeping
resources:
  diary: { retain: true, type: logs.log_group, name: /keeping/app }
  net: { type: ec2.vpc, cidr: 10.82.0.0/16 }
",
    );
    desk.expect(&["apply", "--yes"], 0);
    desk.edit(
        "  diary: { retain: true, type: logs.log_group, name: /keeping/app }\n",
        "",
    );
    let plan = desk.expect(&["plan"], 0).out;
    assert!(
        plan.contains("stays in AWS (retain), and is no longer managed"),
        "{plan}"
    );
    desk.expect(&["apply", "--yes"], 0);
    let tags = "print(sorted(logs.list_tags_log_group(logGroupName='/keeping/app')['tags']))";
    assert_eq!(desk.boto(tags), "['Name']");
    desk.settled(&[]);
    desk.expect(&["destroy", "--yes"], 0);
    assert_eq!(desk.boto(tags), "['Name']");
}

#[test]
fn an_ignored_field_is_somebody_elses_and_when_decides_on_existence() {
    let desk = Desk::shared("
stack: choosing
variables: { days: { default: 7 }, extra: { default: null } }
resources:
  diary: { ignore: [retention_days], type: logs.log_group, name: /choosing/app, retention_days: \"${var.days}\" }
  maybe: { when: \"${var.extra}\", type: logs.log_group, name: /choosing/maybe }
");
    desk.expect(&["apply", "--yes"], 0);
    desk.settled(&["--var", "days=30"]);
    desk.boto("logs.put_retention_policy(logGroupName='/choosing/app', retentionInDays=3)");
    desk.settled(&[]);
    desk.expect(&["apply", "--yes", "--var", "extra=true"], 0);
    desk.settled(&["--var", "extra=true"]);
    let said = desk.expect(&["plan", "--var", "extra=yes"], 1);
    assert!(said.err.contains("is the text `yes`"), "{}", said.err);
    let said = desk.expect(&["apply", "--yes", "--var", "extra=false"], 0);
    assert!(said.err.contains("Applied: 1 deleted"), "{}", said.err);
    // An empty text is as if it were not given.
    desk.settled(&["--var", "extra="]);
}

/// A database, a bucket and a secret.
const DATA: &str = "
stack: hoard
environments: { live: {}, play: { ephemeral: true } }
default_environment: live
resources:
  network: { type: network, cidr: 10.83.0.0/16, private_subnets: [10.83.1.0/24, 10.83.2.0/24], nat_gateways: none }
  files: { type: s3.bucket, name: \"${prefix}-files-${suffix}\" }
  keys: { type: secretsmanager.secret, name: \"${prefix}/keys\", keys: { A: { generate: 20 } } }
  db: { type: postgres, network: \"${network}\", version: \"16\", instance_class: db.t4g.micro, skip_final_snapshot: true }
";

#[test]
fn data_is_not_lost_without_its_own_word() {
    let desk = Desk::shared(DATA);
    desk.expect(&["apply", "--yes"], 0);
    desk.edit(
        "  files: { type: s3.bucket, name: \"${prefix}-files-${suffix}\" }\n",
        "",
    );
    desk.edit("  keys: {", "  keys2: {");
    desk.edit("${prefix}/keys", "${prefix}/keys2");
    let said = desk.expect(&["apply", "--yes"], 1);
    for address in ["files", "keys"] {
        let sentence = format!("{address} holds data, which would be lost when it is deleted");
        assert!(said.err.contains(&sentence), "{}", said.err);
        assert!(
            said.err
                .contains(&format!("if that is meant: --allow-delete {address}"))
        );
    }
    desk.expect(&["apply", "--yes", "--allow-delete", "files"], 1);
    desk.expect(
        &[
            "apply",
            "--yes",
            "--allow-delete",
            "files",
            "--allow-delete",
            "keys",
        ],
        0,
    );
    let said = desk.expect(&["apply", "--yes", "--replace", "db"], 1);
    assert!(
        said.err.contains("--allow-replace db/instance"),
        "{}",
        said.err
    );
    desk.settled(&[]);
    // Said for the whole component, it holds for what stands below it.
    desk.expect(
        &[
            "apply",
            "--yes",
            "--replace",
            "db/instance",
            "--allow-replace",
            "db",
        ],
        0,
    );
    desk.settled(&[]);
    desk.expect(&["destroy", "--yes"], 0);
}

#[test]
fn an_ephemeral_environment_asks_for_no_word() {
    let desk = Desk::shared(DATA);
    desk.expect(&["--env", "play", "apply", "--yes"], 0);
    desk.edit(
        "  files: { type: s3.bucket, name: \"${prefix}-files-${suffix}\" }\n",
        "",
    );
    desk.expect(&["--env", "play", "apply", "--yes"], 0);
    desk.expect(&["--env", "play", "apply", "--yes", "--replace", "keys"], 0);
    desk.expect(&["--env", "play", "destroy", "--yes"], 0);
}

#[test]
fn data_is_not_lost_because_another_kind_takes_its_address() {
    let desk = Desk::shared(
        "
stack: swapped
resources:
  thing: { type: s3.bucket, name: \"swapped-${suffix}\" }
",
    );
    desk.expect(&["apply", "--yes"], 0);
    desk.edit(
        "type: s3.bucket, name: \"swapped-${suffix}\"",
        "type: logs.log_group, name: /swapped/app",
    );
    let said = desk.expect(&["apply", "--yes"], 1);
    assert!(said.err.contains("--allow-replace thing"), "{}", said.err);
    desk.expect(&["apply", "--yes", "--allow-replace", "thing"], 0);
    desk.expect(&["destroy", "--yes"], 0);
}
