//! A server that is not AWS and knows nothing of the sandbox's layer: it names what it answers otherwise, leaves out what AWS sets by
//! itself, and is ready at once.

use super::drift::{TAMPER, TAMPERED};
use super::facts;
use crate::desk::Desk;

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

#[test]
fn the_stack_is_made_kept_and_taken_away() {
    let desk = Desk::plain(include_str!("../../../stacks/circles.yaml"));
    desk.expect(&["apply", "--yes"], 0);
    desk.settled(&[]);
    facts::hold(&desk, "single");
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
