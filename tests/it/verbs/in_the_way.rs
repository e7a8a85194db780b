//! What somebody else put into a stack's network or hung on its roles keeps it from going: a destroy names it, says how to remove it, and
//! ends; the next one goes on.

use crate::desk::Desk;

const STACK: &str = r#"
stack: held
region: us-east-1
default_environment: dev
environments: { dev: { ephemeral: true } }
resources:
  network:
    type: network
    cidr: 10.41.0.0/16
    public_subnets: [10.41.0.0/24, 10.41.1.0/24]
    private_subnets: [10.41.10.0/24, 10.41.11.0/24]
    nat_gateways: none
  group: { type: ec2.security_group, vpc_id: "${network.id}", name: "${prefix}-group", description: d }
  role:
    type: iam.role
    name: ${prefix}-role
    assume_role_policy: { Version: "2012-10-17", Statement: [{ Effect: Allow, Principal: { Service: ec2.amazonaws.com }, Action: "sts:AssumeRole" }] }
"#;

const FIND: &str = "
vpc = [v for v in ec2.describe_vpcs()['Vpcs'] if v['CidrBlock'] == '10.41.0.0/16'][0]['VpcId']
subnet = [s for s in ec2.describe_subnets()['Subnets'] if s['CidrBlock'] == '10.41.10.0/24'][0]['SubnetId']
ours = [g for g in ec2.describe_security_groups()['SecurityGroups'] if g['GroupName'] == 'held-group'][0]['GroupId']
";

/// Puts something in the way, wants it named with each of `words`, takes it away, and wants the rest to go.
fn held_by(put: &str, take: &str, words: &[&str]) {
    let desk = Desk::alone(STACK);
    desk.expect(&["apply", "--yes"], 0);
    let id = desk.boto(&format!("{FIND}{put}")).trim().to_owned();
    let said = desk.expect(&["destroy", "--yes"], 1).all();
    let words = words.iter().map(|word| word.replace("ID", &id));
    for word in words {
        assert!(said.contains(&word), "{word}: {said}");
    }
    desk.boto(&take.replace("ID", &id));
    desk.expect(&["destroy", "--yes"], 0);
    assert_eq!(
        desk.boto("print(len([v for v in ec2.describe_vpcs()['Vpcs'] if v['CidrBlock'] == '10.41.0.0/16']))").trim(),
        "0"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_of_another_group() {
    held_by(
        "
other = ec2.create_security_group(GroupName='other-team', Description='x', VpcId=vpc)['GroupId']
ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=[{'IpProtocol': 'tcp', 'FromPort': 1, 'ToPort': 1, 'UserIdGroupPairs': [{'GroupId': ours}]}])
print(other)
",
        "ec2.delete_security_group(GroupId='ID')",
        &[
            "a rule of security group ID (other-team) names it",
            "aws ec2 revoke-security-group-ingress --group-id ID --security-group-rule-ids sgr-",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interface_of_somebody() {
    held_by(
        "print(ec2.create_network_interface(SubnetId=subnet, Description='somebody s function')['NetworkInterface']['NetworkInterfaceId'])",
        "ec2.delete_network_interface(NetworkInterfaceId='ID')",
        &[
            "network interface ID (somebody s function)",
            "aws ec2 delete-network-interface --network-interface-id ID",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_profile() {
    held_by(
        "
iam.create_instance_profile(InstanceProfileName='workers')
iam.add_role_to_instance_profile(InstanceProfileName='workers', RoleName='held-role')
print('workers')
",
        "iam.remove_role_from_instance_profile(InstanceProfileName='ID', RoleName='held-role')",
        &[
            "aws iam remove-role-from-instance-profile --instance-profile-name ID --role-name held-role",
        ],
    );
}

/// Deletion protection that somebody switched on is not blamed on the stack file.
#[tokio::test(flavor = "multi_thread")]
async fn protection_from_outside() {
    let desk = Desk::alone(&format!(
        "{STACK}  alb: {{ type: load_balancer, network: \"${{network}}\" }}\n"
    ));
    desk.expect(&["apply", "--yes"], 0);
    desk.boto("elb.modify_load_balancer_attributes(LoadBalancerArn=elb.describe_load_balancers()['LoadBalancers'][0]['LoadBalancerArn'], Attributes=[{'Key': 'deletion_protection.enabled', 'Value': 'true'}])");
    let said = desk.run(&["destroy", "--yes"]);
    assert_ne!(said.code, Some(0));
    let said = said.all();
    assert!(said.contains("switched on outside this stack"), "{said}");
    assert!(!said.contains("take `protect` off"), "{said}");
    desk.expect(&["apply", "--yes"], 0);
    desk.expect(&["destroy", "--yes"], 0);
}
