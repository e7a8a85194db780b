//! A server that is not AWS and knows nothing of the sandbox's layer: it names what it answers otherwise, leaves out what AWS sets by
//! itself, and is ready at once.

use std::time::{Duration, Instant};

use super::drift::{TAMPER, TAMPERED};
use super::facts;
use crate::desk::Desk;
use crate::standing::feed;

/// What is still there of what the stack made; nothing is `[]`.
const LEFT: &str = "
left = [v['VpcId'] for v in ec2.describe_vpcs()['Vpcs'] if not v['IsDefault']]
left += [a['PublicIp'] for a in ec2.describe_addresses()['Addresses']]
left += [n['NatGatewayId'] for n in ec2.describe_nat_gateways()['NatGateways'] if n['State'] != 'deleted']
left += [g['GroupName'] for g in ec2.describe_security_groups()['SecurityGroups'] if g['GroupName'] != 'default']
left += [b['LoadBalancerName'] for b in elb.describe_load_balancers()['LoadBalancers']]
left += [t['TargetGroupName'] for t in elb.describe_target_groups()['TargetGroups']]
left += [c['clusterName'] for c in ecs.describe_clusters(clusters=['circles-cluster'])['clusters'] if c['status'] == 'ACTIVE']
left += ecs.list_task_definitions(status='ACTIVE')['taskDefinitionArns']
left += [d['DBInstanceIdentifier'] for d in rds.describe_db_instances()['DBInstances']]
left += [g['DBSubnetGroupName'] for g in rds.describe_db_subnet_groups()['DBSubnetGroups']]
left += [s['DBSnapshotIdentifier'] for s in rds.describe_db_snapshots()['DBSnapshots']]
left += [r['repositoryName'] for r in ecr.describe_repositories()['repositories']]
left += [b['Name'] for b in s3.list_buckets()['Buckets']]
left += [s['Name'] for s in secrets.list_secrets(IncludePlannedDeletion=True)['SecretList']]
left += [r['RoleName'] for r in iam.list_roles()['Roles']]
left += [g['logGroupName'] for g in logs.describe_log_groups()['logGroups']]
print(left)
";

/// Every public subnet under the table of the private ones.
const SWAP: &str = "
tables = [t for t in ec2.describe_route_tables()['RouteTables'] if any('SubnetId' in a for a in t['Associations'])]
public = [t for t in tables if any(r.get('GatewayId', '').startswith('igw-') for r in t['Routes'])][0]
other = [t for t in tables if t is not public][0]
for association in public['Associations']:
    ec2.replace_route_table_association(AssociationId=association['RouteTableAssociationId'], RouteTableId=other['RouteTableId'])
";

#[test]
fn the_stack_is_made_kept_and_taken_away() {
    let desk = Desk::plain(include_str!("../../../stacks/circles.yaml"));
    desk.expect(&["apply", "--yes"], 0);
    desk.settled(&[]);
    facts::hold(&desk, "single");
    // A subnet under another table: of two tables that are put right at once, one takes it and the other lets it go.
    desk.boto(SWAP);
    desk.expect(&["apply", "--yes"], 0);
    desk.settled(&[]);
    desk.boto(TAMPER);
    let plan = desk.expect(&["plan", "--detailed-exitcode"], 2);
    let total = format!("Plan: {} to update;", TAMPERED.len());
    assert!(plan.out.contains(&total), "{}", plan.out);
    desk.expect(&["apply", "--yes"], 0);
    facts::hold(&desk, "single");
    desk.settled(&[]);
    // Not only in this folder's state: by tags alone.
    std::fs::remove_dir_all(desk.path("state")).expect("the state");
    desk.settled(&[]);
    desk.expect(&["destroy", "--yes"], 0);
    assert_eq!(desk.boto(LEFT), "[]");
}

const GATEWAY: &str = "
stack: out
region: us-east-1
variables: { address: { default: null } }
environments: { dev: { ephemeral: true } }
default_environment: dev
resources:
  network:
    type: network
    cidr: 10.0.0.0/16
    public_subnets: [10.0.1.0/24]
    private_subnets: [10.0.11.0/24]
  other:
    type: ec2.nat_gateway
    when: ${var.address}
    subnet_id: ${network/public-subnet-1.id}
    allocation_id: ${var.address}
";

/// A server that leaves the address with the gateway that it deleted; AWS takes it off.
#[test]
fn a_gateway_made_anew_gets_its_address_back() {
    let desk = Desk::plain(GATEWAY);
    desk.expect(&["apply", "--yes"], 0);
    let since = Instant::now();
    desk.expect(&["apply", "--yes", "--replace", "network/nat"], 0);
    assert!(since.elapsed() < Duration::from_secs(60), "it waited");
    desk.settled(&[]);
    let states = desk.boto(
        "print(sorted((g['State'], g['NatGatewayAddresses'][0]['AllocationId'] == ec2.describe_addresses()['Addresses'][0]['AllocationId'])
             for g in ec2.describe_nat_gateways()['NatGateways']))",
    );
    assert_eq!(states, "[('available', True), ('deleted', True)]");
    // An address that is something else's: said at once, not waited for.
    let address = desk.boto("
subnet = ec2.describe_subnets(Filters=[{'Name': 'cidr-block', 'Values': ['10.0.11.0/24']}])['Subnets'][0]['SubnetId']
interface = ec2.create_network_interface(SubnetId=subnet, Description='mine')['NetworkInterface']['NetworkInterfaceId']
address = ec2.allocate_address(Domain='vpc')['AllocationId']
ec2.associate_address(AllocationId=address, NetworkInterfaceId=interface)
print(address)
");
    let since = Instant::now();
    let said = desk.expect(
        &["apply", "--yes", "--var", &format!("address={address}")],
        1,
    );
    assert!(since.elapsed() < Duration::from_secs(60), "it waited");
    let sentence = format!("the address {address} is used by eni-");
    assert!(said.all().contains(&sentence), "{}", said.all());
    assert!(said.all().contains("(mine)"), "{}", said.all());
}

/// What readers of the secret get.
const HELD: &str =
    "print(json.loads(secrets.get_secret_value(SecretId='keys/config')['SecretString'])['A'])";

/// A server whose default version stays where it was when the label moves.
#[test]
fn a_value_that_is_set_is_what_readers_get() {
    let desk = Desk::plain(
        "
stack: keys
region: us-east-1
environments: { dev: { ephemeral: true } }
default_environment: dev
resources:
  config:
    type: secretsmanager.secret
    name: keys/config
    recovery_window: 7
    keys: { SEED: { generate: 20 }, A: { operator: optional } }
",
    );
    desk.expect(&["apply", "--yes"], 0);
    for value in ["first", "second", "third"] {
        let said = feed(
            &mut desk.command(&["secrets", "set", "A"]),
            value.as_bytes(),
        );
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_eq!(desk.boto(HELD), value);
        desk.settled(&[]);
    }
    // One whose label was moved by somebody who did not look.
    desk.boto(
        "
secrets.put_secret_value(SecretId='keys/config', SecretString=json.dumps({'SEED': 's', 'A': 'theirs'}), VersionStages=['x'],
                         ClientRequestToken='0' * 32)
versions = secrets.describe_secret(SecretId='keys/config')['VersionIdsToStages']
now = [version for version, stages in versions.items() if 'AWSCURRENT' in stages][0]
secrets.update_secret_version_stage(SecretId='keys/config', VersionStage='AWSCURRENT', RemoveFromVersionId=now,
                                    MoveToVersionId='0' * 32)
",
    );
    let said = feed(&mut desk.command(&["secrets", "set", "A"]), b"ours");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(desk.boto(HELD), "ours");
}
