//! `moved`: an address changes, and nothing in AWS but a tag.

use crate::desk::Desk;

const STACK: &str = "
stack: moving
resources:
  logs: { type: logs.log_group, name: /moving/app }
  network: { type: network, cidr: 10.81.0.0/16, public_subnets: [10.81.1.0/24], nat_gateways: none }
";

#[test]
fn a_move_is_a_retag_and_never_a_replacement() {
    let desk = Desk::shared(STACK);
    desk.expect(&["apply", "--yes"], 0);
    let ids = |desk: &Desk| -> Vec<String> {
        let list = desk.expect(&["state", "list"], 0).out;
        let mut ids: Vec<String> = list
            .lines()
            .filter_map(|line| line.split_whitespace().last().map(str::to_owned))
            .collect();
        ids.sort();
        ids
    };
    let before = ids(&desk);
    desk.edit("  logs:", "  diary:");
    desk.edit("  network:", "  net:");
    let plan = desk.expect(&["plan"], 0).out;
    assert!(plan.contains("Plan: 5 to create, 5 to delete"), "{plan}");
    desk.edit(
        "resources:",
        "moved: [{ from: logs, to: diary }, { from: network, to: net }]\nresources:",
    );
    let plan = desk.expect(&["plan", "--detailed-exitcode"], 2).out;
    assert!(plan.contains("was at logs"), "{plan}");
    assert!(plan.contains("was at network/vpc"), "{plan}");
    assert!(
        !plan.contains("to create") && !plan.contains("to replace") && !plan.contains("to delete"),
        "{plan}"
    );
    desk.expect(&["apply", "--yes"], 0);
    assert_eq!(ids(&desk), before);
    desk.settled(&[]);
    let tagged = desk.boto("print(logs.list_tags_log_group(logGroupName='/moving/app')['tags']['circles-infra:address'])");
    assert_eq!(tagged, "diary");
    desk.edit(
        "moved: [{ from: logs, to: diary }, { from: network, to: net }]",
        "tags: {}",
    );
    desk.settled(&[]);
}

const HELD: &str = "
stack: held
resources:
  config: { type: secretsmanager.secret, name: held/config, keys: { A: { generate: 20 } } }
  media: { type: s3.bucket, name: held-media }
  reader:
    type: iam.role
    name: held-reader
    assume_role_policy: { Version: '2012-10-17', Statement: [{ Effect: Allow, Principal: { Service: ecs-tasks.amazonaws.com }, Action: 'sts:AssumeRole' }] }
    inline_policies:
      read:
        Version: '2012-10-17'
        Statement:
          - { Effect: Allow, Action: 'secretsmanager:GetSecretValue', Resource: '${config.arn}' }
          - { Effect: Allow, Action: 's3:GetObject', Resource: '${media.arn}' }
outputs:
  bucket: ${media.name}
";

#[test]
fn what_others_hold_on_to_is_renamed_and_named_back() {
    let desk = Desk::shared(HELD);
    desk.expect(&["apply", "--yes"], 0);
    for address in ["config", "media"] {
        let other = format!("{address}2");
        desk.expect(&["state", "mv", address, &other], 0);
        let plan = desk.expect(&["plan"], 0).out;
        assert!(plan.contains("to delete"), "{plan}");
        desk.expect(&["outputs"], 0);
        desk.expect(&["state", "rebuild"], 0);
        desk.expect(&["state", "mv", &other, address], 0);
        desk.settled(&[]);
    }
}
