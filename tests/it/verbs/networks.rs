//! Networks that change under what stands in them: a database that cannot leave its subnets, a load balancer that cannot leave its VPC,
//! and the way back from half way.

use serde_json::json;

use crate::desk::Desk;

const PRIVATE: [&str; 2] = ["--var", "private_subnets=10.0.13.0/24,10.0.14.0/24"];
const ELSEWHERE: [&str; 6] = [
    "--var",
    "vpc_cidr=10.1.0.0/16",
    "--var",
    "public_subnets=10.1.1.0/24,10.1.2.0/24",
    "--var",
    "private_subnets=10.1.11.0/24,10.1.12.0/24",
];

/// How many there are of what is made anew.
const COUNTS: &str = "
ours = [v['VpcId'] for v in ec2.describe_vpcs()['Vpcs'] if not v['IsDefault']]
mine = [{'Name': 'vpc-id', 'Values': ours}]
print(len(ours), len(ec2.describe_subnets(Filters=mine)['Subnets']),
      len(ec2.describe_internet_gateways(Filters=[{'Name': 'attachment.vpc-id', 'Values': ours}])['InternetGateways']),
      len([n for n in ec2.describe_nat_gateways()['NatGateways'] if n['State'] == 'available']),
      len(elb.describe_load_balancers()['LoadBalancers']), len(elb.describe_target_groups()['TargetGroups']),
      len([g for g in rds.describe_db_subnet_groups()['DBSubnetGroups'] if g['DBSubnetGroupName'].startswith('circles')]),
      len(rds.describe_db_instances()['DBInstances']))
";

#[tokio::test(flavor = "multi_thread")]
async fn under_a_standing_stack() {
    let desk = Desk::circles();
    let with = |verb: &[&'static str], vars: &[&'static str]| [verb, vars].concat();
    desk.expect(&["apply", "--yes"], 0);
    let once = "1 4 1 1 1 1 1 1";
    assert_eq!(desk.boto(COUNTS), once);
    // The database stands in the subnets that go: its group and itself are made anew, as the plan says before anything is touched.
    let plan = desk.expect(&with(&["plan"], &PRIVATE), 0).out;
    assert!(plan.contains("4 to replace"), "{plan}");
    // Half way: the new subnets are there.
    desk.fault(
        json!({"kind": "refuse", "service": "rds", "action": "CreateDBSubnetGroup",
               "code": "AccessDenied", "status": 403, "times": 1}),
    )
    .await;
    desk.expect(&with(&["apply", "--yes"], &PRIVATE), 1);
    desk.no_faults().await;
    // And back: what is still there is taken back, instead of a third one in its place.
    let said = desk.expect(&["apply", "--yes"], 0).err;
    assert!(said.contains("fits what the stack says again"), "{said}");
    desk.settled(&[]);
    assert_eq!(desk.boto(COUNTS), once);
    desk.expect(&with(&["apply", "--yes"], &PRIVATE), 0);
    desk.settled(&PRIVATE);
    assert_eq!(desk.boto(COUNTS), once);
    // Another network: a load balancer, a gateway and all that stands in it come anew, and the old ones go.
    let said = desk.expect(&with(&["apply", "--yes"], &ELSEWHERE), 0).err;
    for made in [
        "alb/load-balancer",
        "network/internet-gateway",
        "db/instance",
    ] {
        assert!(said.contains(&format!("{made}: created")), "{said}");
    }
    desk.settled(&ELSEWHERE);
    assert_eq!(desk.boto(COUNTS), once);
    // Back half way, without a state: by tags alone.
    desk.fault(
        json!({"kind": "refuse", "service": "elasticloadbalancing", "action": "CreateListener",
               "code": "AccessDenied", "status": 403, "times": 1}),
    )
    .await;
    desk.expect(&["apply", "--yes"], 1);
    desk.no_faults().await;
    std::fs::remove_dir_all(desk.path("state")).expect("a state folder");
    desk.expect(&with(&["apply", "--yes"], &ELSEWHERE), 0);
    desk.settled(&ELSEWHERE);
    assert_eq!(desk.boto(COUNTS), once);
    desk.expect(&with(&["destroy", "--yes"], &ELSEWHERE), 0);
    assert_eq!(desk.boto(COUNTS), "0 0 0 0 0 0 0 0");
}

const DATABASE: &str = "
stack: zones
resources:
  net: { type: ec2.vpc, cidr: 10.85.0.0/16 }
  a: { type: ec2.subnet, vpc_id: \"${net.id}\", cidr: 10.85.1.0/24, availability_zone: us-east-1a }
  b: { type: ec2.subnet, vpc_id: \"${net.id}\", cidr: 10.85.2.0/24, availability_zone: us-east-1b }
  c: { type: ec2.subnet, vpc_id: \"${net.id}\", cidr: 10.85.3.0/24, availability_zone: us-east-1c }
  group:
    type: rds.db_subnet_group
    name: zones-group
    description: three
    subnets: [\"${a.id}\", \"${b.id}\", \"${c.id}\"]
  keys: { type: secretsmanager.secret, name: zones/keys, keys: { PASSWORD: { generate: 32 } } }
  db:
    type: rds.db_instance
    identifier: zones-db
    engine_version: \"15\"
    instance_class: db.t4g.small
    storage: 20
    db_name: app
    username: app
    password: ${keys.keys.PASSWORD}
    subnet_group: ${group.name}
    security_groups: []
    skip_final_snapshot: true
";

/// A zone in which the database does not stand is taken out in place.
#[test]
fn a_zone_that_nobody_stands_in() {
    let desk = Desk::shared(DATABASE);
    desk.expect(&["apply", "--yes"], 0);
    desk.edit(", \"${c.id}\"]", "]");
    let said = desk.expect(&["apply", "--yes"], 0).err;
    assert!(said.contains("Applied: 1 updated"), "{said}");
    desk.settled(&[]);
    desk.expect(&["destroy", "--yes"], 0);
}
