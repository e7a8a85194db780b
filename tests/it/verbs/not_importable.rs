//! An import takes what its kind is, and nothing that AWS owns.

use crate::desk::Desk;

const STACK: &str = r#"
stack: taken
region: us-east-1
resources:
  vpc: { type: ec2.vpc, cidr: 172.31.0.0/16 }
  subnet: { type: ec2.subnet, vpc_id: vpc-1, cidr: 172.31.0.0/20, availability_zone: us-east-1a }
  table: { type: ec2.route_table, vpc_id: vpc-1 }
  group: { type: ec2.security_group, vpc_id: vpc-1, name: any, description: d }
  role:
    type: iam.role
    name: any
    assume_role_policy: { Version: "2012-10-17", Statement: [{ Effect: Allow, Principal: { Service: ecs.amazonaws.com }, Action: "sts:AssumeRole" }] }
  policy: { type: iam.policy, name: any, policy: { Version: "2012-10-17", Statement: [{ Effect: Allow, Action: "s3:ListAllMyBuckets", Resource: "*" }] } }
  balancer: { type: elbv2.load_balancer, name: any, subnets: [subnet-1, subnet-2], security_groups: [sg-1] }
  parameters: { type: rds.db_parameter_group, name: any, family: postgres15, description: d }
"#;

/// What boto finds or makes, and the address that it is not for.
const SAMPLES: &[(&str, &str, &str)] = &[
    (
        "vpc",
        "print([v for v in ec2.describe_vpcs()['Vpcs'] if v['IsDefault']][0]['VpcId'])",
        "default VPC",
    ),
    (
        "subnet",
        "print([s for s in ec2.describe_subnets()['Subnets'] if s['DefaultForAz']][0]['SubnetId'])",
        "default subnet",
    ),
    (
        "table",
        "print([t for t in ec2.describe_route_tables()['RouteTables'] if any(a['Main'] for a in t['Associations'])][0]['RouteTableId'])",
        "main table",
    ),
    (
        "group",
        "print([g for g in ec2.describe_security_groups()['SecurityGroups'] if g['GroupName'] == 'default'][0]['GroupId'])",
        "default group",
    ),
    (
        "role",
        "print(iam.create_service_linked_role(AWSServiceName='ecs.amazonaws.com')['Role']['RoleName'])",
        "AWS's own",
    ),
    (
        "policy",
        "print('arn:aws:iam::aws:policy/ReadOnlyAccess')",
        "AWS's own",
    ),
    (
        "balancer",
        "print(elb.create_load_balancer(Name='net', Type='network', Subnets=[s['SubnetId'] for s in ec2.describe_subnets()['Subnets']][:2])['LoadBalancers'][0]['LoadBalancerArn'])",
        "network load balancer",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_aws_owns_or_another_type() {
    let desk = Desk::alone(STACK);
    for (address, script, word) in SAMPLES {
        let id = desk.boto(script).trim().to_owned();
        let said = desk.run(&["state", "import", address, &id]);
        assert_ne!(said.code, Some(0), "{address} {id}: {}", said.all());
        let text = said.all();
        assert!(
            text.contains("cannot be imported as") && text.contains(word),
            "{address} {id}: {text}"
        );
    }
}

/// Routes and rules that the fields cannot say are drift for the next plan, and no reason to refuse the import.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_fields_cannot_say_is_taken() {
    let desk = Desk::alone(STACK);
    let ids = desk.boto(
        "
vpc = ec2.create_vpc(CidrBlock='10.42.0.0/16')['Vpc']['VpcId']
peer = ec2.create_vpc(CidrBlock='10.43.0.0/16')['Vpc']['VpcId']
peering = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=peer)['VpcPeeringConnection']['VpcPeeringConnectionId']
ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
table = ec2.create_route_table(VpcId=vpc)['RouteTable']['RouteTableId']
ec2.create_route(RouteTableId=table, DestinationCidrBlock='10.43.0.0/16', VpcPeeringConnectionId=peering)
prefixes = ec2.create_managed_prefix_list(PrefixListName='x', MaxEntries=1, AddressFamily='IPv4')['PrefixList']['PrefixListId']
group = ec2.create_security_group(GroupName='odd', Description='d', VpcId=vpc)['GroupId']
ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[{'IpProtocol': 'tcp', 'FromPort': 1, 'ToPort': 1, 'PrefixListIds': [{'PrefixListId': prefixes}]}])
print(table, group)
",
    );
    let ids: Vec<&str> = ids.split_whitespace().collect();
    desk.expect(&["state", "import", "table", ids[0]], 0);
    desk.expect(&["state", "import", "group", ids[1]], 0);
}
