//! Rules of security groups: what is taken out of one shows and goes, and what a rule leaves out is no change.

use crate::desk::Desk;

fn stack(rule: &str) -> String {
    format!(
        r#"
stack: rules
region: us-east-1
default_environment: dev
environments: {{ dev: {{ ephemeral: true }} }}
resources:
  vpc: {{ type: ec2.vpc, cidr: 10.45.0.0/16 }}
  group: {{ type: ec2.security_group, vpc_id: "${{vpc.id}}", name: rules-group, description: d, ingress: [{rule}] }}
"#
    )
}

const LIVE: &str = "
group = [g for g in ec2.describe_security_groups()['SecurityGroups'] if g['GroupName'] == 'rules-group'][0]
rule = group['IpPermissions'][0]
print(rule['FromPort'], rule['ToPort'], rule['IpRanges'][0].get('Description', '-'))
";

#[tokio::test(flavor = "multi_thread")]
async fn descriptions_and_ports_that_are_taken_out() {
    let desk = Desk::alone(&stack(
        "{ protocol: tcp, from_port: 80, to_port: 90, cidr: 10.0.0.0/8, description: one }",
    ));
    desk.expect(&["apply", "--yes"], 0);
    desk.settled(&[]);
    for (rule, live) in [
        (
            "{ protocol: tcp, from_port: 80, to_port: 90, cidr: 10.0.0.0/8, description: two }",
            "80 90 two",
        ),
        (
            "{ protocol: tcp, from_port: 80, to_port: 90, cidr: 10.0.0.0/8 }",
            "80 90 -",
        ),
        (
            "{ protocol: tcp, from_port: 80, cidr: 10.0.0.0/8 }",
            "80 80 -",
        ),
        (
            "{ protocol: tcp, from_port: 80, cidr: 10.0.0.0/8, description: three }",
            "80 80 three",
        ),
        (
            "{ protocol: tcp, from_port: 80, cidr: 10.0.0.0/8, description: '' }",
            "80 80 -",
        ),
        ("{ protocol: tcp, cidr: 10.0.0.0/8 }", "0 65535 -"),
    ] {
        desk.write(&stack(rule));
        desk.expect(&["plan", "--detailed-exitcode"], 2);
        desk.expect(&["apply", "--yes"], 0);
        assert_eq!(desk.boto(LIVE).trim(), live, "{rule}");
        desk.settled(&[]);
    }
    // A change of the text alone speaks of nothing else.
    desk.write(&stack(
        "{ protocol: tcp, from_port: 80, cidr: 10.0.0.0/8, description: one }",
    ));
    desk.expect(&["apply", "--yes"], 0);
    desk.write(&stack(
        "{ protocol: tcp, from_port: 80, cidr: 10.0.0.0/8, description: two }",
    ));
    let plan = desk.expect(&["plan"], 0).out;
    assert!(plan.contains("two") && !plan.contains("to_port"), "{plan}");
}

/// EC2 gives a new group in a VPC with IPv6 a second rule that allows all.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_in_a_vpc_with_ipv6_keeps_no_default_rule() {
    let desk = Desk::alone(&stack(""));
    let vpc = desk.boto(
        "print(ec2.create_vpc(CidrBlock='10.46.0.0/16', AmazonProvidedIpv6CidrBlock=True)['Vpc']['VpcId'])",
    );
    desk.edit("${vpc.id}", vpc.trim());
    let left = "
group = [g for g in ec2.describe_security_groups()['SecurityGroups'] if g['GroupName'] == 'rules-group'][0]
print(len(group['IpPermissionsEgress']))
";
    desk.expect(&["apply", "--yes"], 0);
    assert_eq!(desk.boto(left).trim(), "0");
    desk.settled(&[]);
}
