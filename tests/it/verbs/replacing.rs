//! Replacements: the new one first where both can stand, the old one first where they cannot, and who holds the old one follows.

use crate::desk::Desk;

const STACK: &str = "
stack: swap
variables: { cidr: { default: 10.84.0.0/16 }, text: { default: one }, port: { default: 80 } }
resources:
  net: { type: ec2.vpc, cidr: \"${var.cidr}\" }
  sub: { type: ec2.subnet, vpc_id: \"${net.id}\", cidr: 10.84.1.0/24, availability_zone: us-east-1a }
  group: { type: ec2.security_group, vpc_id: \"${net.id}\", name: swap-sg, description: \"${var.text}\" }
  user:
    type: ec2.security_group
    vpc_id: ${net.id}
    name: swap-user
    description: user
    ingress: [{ protocol: tcp, from_port: 1, to_port: 1, security_group: \"${group.id}\" }]
  target: { type: elbv2.target_group, name: swap-tg, vpc_id: \"${net.id}\", port: \"${var.port}\" }
  logs: { type: logs.log_group, name: /swap/app }
";

/// The lines of a run, in which one comes before the other.
fn before(text: &str, first: &str, second: &str) {
    let at = |what: &str| {
        text.lines()
            .position(|line| line.starts_with(what))
            .unwrap_or_else(|| panic!("no {what}\n{text}"))
    };
    assert!(at(first) < at(second), "{first} before {second}\n{text}");
}

#[test]
fn each_in_the_order_that_aws_allows() {
    let desk = Desk::shared(STACK);
    desk.expect(&["apply", "--yes"], 0);
    let vars = ["--var", "text=two", "--var", "port=81"];
    let with = |more: &[&'static str]| [more, &vars[..]].concat();
    // Create first: names get the generation, and the holder lets go in between.
    let said = desk.expect(&with(&["apply", "--yes"]), 0).err;
    before(&said, "group: created", "user: updated");
    before(&said, "user: updated", "group: deleted");
    before(&said, "target: created", "target: deleted");
    assert!(
        said.contains("the new one is made first, then the old one goes"),
        "{said}"
    );
    desk.settled(&vars);
    let name = desk.boto("print([g['TargetGroupName'] for g in elb.describe_target_groups()['TargetGroups'] if g['TargetGroupName'].startswith('swap')])");
    assert_eq!(name, "['swap-tg-2']");
    // Delete first: a log group's name and a subnet's network are there once.
    let said = desk
        .expect(
            &with(&["apply", "--yes", "--replace", "logs", "--replace", "sub"]),
            0,
        )
        .err;
    before(&said, "logs: deleted", "logs: creating");
    before(&said, "sub: deleted", "sub: creating");
    assert!(said.contains("asked for by --replace"), "{said}");
    assert!(
        said.contains(
            "meanwhile: away from the deletion of the old one until the new one is ready"
        ),
        "{said}"
    );
    desk.settled(&vars);
    // A network with all that stands in it.
    let moved = [&vars[..], &["--var", "cidr=10.84.0.0/17"]].concat();
    let said = desk
        .expect(&[&["apply", "--yes"], &moved[..]].concat(), 0)
        .err;
    assert!(said.contains("Applied: 5 replaced"), "{said}");
    before(&said, "net: created", "net: deleted");
    before(&said, "group: deleted", "net: deleted");
    desk.settled(&moved);
    desk.expect(&[&["destroy", "--yes"], &moved[..]].concat(), 0);
}

/// The family's ACTIVE revisions, and the one that the service runs.
const REVISIONS: &str = "
arns = ecs.list_task_definitions(familyPrefix='circles-task', status='ACTIVE')['taskDefinitionArns']
service = ecs.describe_services(cluster='circles-cluster', services=['circles-svc'])['services'][0]
print(sorted(int(arn.rsplit(':')[-1]) for arn in arns), service['taskDefinition'].rsplit(':')[-1])
";

/// A family is never made anew: one more revision comes, the service is rolled onto it, and what ran before stays to go back to.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_definition_gets_one_more_revision() {
    let desk = Desk::circles();
    desk.expect(&["apply", "--yes"], 0);
    let ask = ["--replace", "app/task-definition"];
    let plan = desk
        .expect(
            &[&["plan", "--out", &desk.text_of("plan")], &ask[..]].concat(),
            0,
        )
        .out;
    assert!(plan.contains("Plan: 2 to update;"), "{plan}");
    assert!(plan.contains("asked for by --replace"), "{plan}");
    let json = desk
        .expect(&[&["plan", "--json"], &ask[..]].concat(), 0)
        .out;
    assert!(json.contains("\"changed_by\": \"asked\""), "{json}");
    let (before, _) = desk.aws.calls(0).await;
    let said = desk
        .expect(&["apply", "--yes", &desk.text_of("plan")], 0)
        .err;
    assert!(said.contains("Applied: 2 updated"), "{said}");
    assert_eq!(desk.boto(REVISIONS), "[1, 2] 2");
    let (after, _) = desk.aws.calls(0).await;
    let sent: Vec<&str> = after[before.len()..]
        .iter()
        .filter(|call| call.mutating)
        .map(|call| call.action.as_str())
        .collect();
    assert_eq!(sent, ["RegisterTaskDefinition", "UpdateService"]);
    desk.settled(&[]);
    // An answer that is lost: looked for, not sent once more.
    desk.fault(serde_json::json!({"kind": "lose", "action": "RegisterTaskDefinition", "times": 1}))
        .await;
    desk.expect(&[&["apply", "--yes"], &ask[..]].concat(), 0);
    desk.no_faults().await;
    assert_eq!(desk.boto(REVISIONS), "[1, 2, 3] 3");
    // A role that is made anew under its old name is no reason to take the family away either.
    desk.expect(&["apply", "--yes", "--replace", "app/execution-role"], 0);
    assert!(
        desk.boto(REVISIONS).starts_with("[1, 2, 3"),
        "revisions went"
    );
    desk.settled(&[]);
}
