//! What somebody changed outside is shown by `drift` and `plan`, and put right by `apply`.

use serde_json::Value as Json;

use crate::desk::Desk;

/// A tag, security group rules, an idle timeout, a route, role policies, a retention.
pub const TAMPER: &str = "
vpc = [v for v in ec2.describe_vpcs()['Vpcs'] if not v['IsDefault']][0]['VpcId']
ec2.create_tags(Resources=[vpc], Tags=[{'Key': 'Project', 'Value': 'else'}, {'Key': 'Mine', 'Value': 'x'}])
groups = {g['GroupName']: g['GroupId'] for g in ec2.describe_security_groups()['SecurityGroups']}
ec2.authorize_security_group_ingress(GroupId=groups['circles-rds-sg'], IpPermissions=[
    {'IpProtocol': 'tcp', 'FromPort': 22, 'ToPort': 22, 'IpRanges': [{'CidrIp': '0.0.0.0/0', 'Description': 'mine'}]}])
ec2.revoke_security_group_ingress(GroupId=groups['circles-alb-sg'], IpPermissions=[
    {'IpProtocol': 'tcp', 'FromPort': 80, 'ToPort': 80, 'Ipv6Ranges': [{'CidrIpv6': '::/0'}]}])
arn = elb.describe_load_balancers(Names=['circles-alb'])['LoadBalancers'][0]['LoadBalancerArn']
elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[{'Key': 'idle_timeout.timeout_seconds', 'Value': '61'}])
for table in ec2.describe_route_tables(Filters=[{'Name': 'vpc-id', 'Values': [vpc]}])['RouteTables']:
    for route in table['Routes']:
        if route.get('GatewayId', '').startswith('igw-'):
            ec2.delete_route(RouteTableId=table['RouteTableId'], DestinationCidrBlock='0.0.0.0/0')
            ec2.create_route(RouteTableId=table['RouteTableId'], DestinationCidrBlock='10.99.0.0/16', GatewayId=route['GatewayId'])
iam.put_role_policy(RoleName='circles-app-task-us-east-1', PolicyName='mine', PolicyDocument=json.dumps(
    {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': '*', 'Resource': '*'}]}))
role = 'circles-app-execution-us-east-1'
name = iam.list_role_policies(RoleName=role)['PolicyNames'][0]
document = iam.get_role_policy(RoleName=role, PolicyName=name)['PolicyDocument']
document['Statement'][-1]['Action'] = ['secretsmanager:*']
iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
logs.put_retention_policy(logGroupName='/ecs/circles', retentionInDays=7)
";

pub const TAMPERED: [(&str, &str); 8] = [
    ("network/vpc", "tags"),
    ("db/security-group", "ingress"),
    ("alb/security-group", "ingress"),
    ("alb/load-balancer", "idle_timeout"),
    ("network/public-route-table", "routes"),
    ("app/task-role", "inline_policies"),
    ("app/execution-role", "inline_policies"),
    ("logs", "retention_days"),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_was_altered_is_named_and_put_right() {
    let desk = Desk::circles();
    desk.expect(&["apply", "--yes"], 0);
    let right = desk.inventory("inventory").await;
    desk.expect(&["drift", "--detailed-exitcode"], 0);
    desk.boto(TAMPER);
    let drift = desk.expect(&["drift", "--detailed-exitcode"], 2);
    let plan = desk.expect(&["plan", "--detailed-exitcode"], 2);
    for said in [&drift, &plan] {
        for (address, field) in TAMPERED {
            let block = said.out.split(&format!("~ {address}  ")).nth(1);
            let row = block
                .and_then(|block| block.lines().nth(1))
                .unwrap_or_default();
            assert!(
                row.trim().starts_with(field) && row.ends_with("changed outside"),
                "{address}: {row}\n{}",
                said.out
            );
        }
    }
    assert!(
        !plan.out.contains("Outputs"),
        "none becomes another\n{}",
        plan.out
    );
    assert!(
        drift
            .out
            .contains("Drift: 8 changed. The next apply puts it right."),
        "{}",
        drift.out
    );
    let json: Json = serde_json::from_str(&desk.expect(&["drift", "--json"], 0).out).expect("JSON");
    assert_eq!(json["changed"].as_array().map(Vec::len), Some(8));
    // Without a state nobody can tell who changed it: what is not as the stack says is drift all the same.
    let state = desk.path("state");
    std::fs::rename(&state, desk.path("kept")).expect("put away");
    let blind = desk.expect(&["drift", "--detailed-exitcode"], 2);
    assert!(blind.out.contains("Drift: 8 changed."), "{}", blind.out);
    std::fs::rename(desk.path("kept"), &state).expect("put back");
    desk.expect(&["apply", "--yes"], 0);
    assert_eq!(desk.inventory("inventory").await, right);
    desk.settled(&[]);
}

/// What the stack leaves unset and somebody set: policies, rules, keys, limits.
const ADDED: &str = "
them = {'AWS': 'arn:aws:iam::111122223333:root'}
def document(*actions, **more):
    statement = {'Effect': 'Allow', 'Action': list(actions), **more}
    return json.dumps({'Version': '2012-10-17', 'Statement': [statement]})
bucket = [b['Name'] for b in s3.list_buckets()['Buckets'] if b['Name'].startswith('circles-media')][0]
s3.put_bucket_policy(Bucket=bucket, Policy=document('s3:GetObject', Principal=them, Resource=f'arn:aws:s3:::{bucket}/*'))
s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={'Rules': [
    {'ID': 'mine', 'Status': 'Enabled', 'Filter': {'Prefix': ''}, 'Expiration': {'Days': 1}}]})
s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={'CORSRules': [{'AllowedOrigins': ['*'], 'AllowedMethods': ['PUT']}]})
ecr.set_repository_policy(repositoryName='circles-app', policyText=document('ecr:BatchGetImage', Principal=them))
mine = iam.create_policy(PolicyName='mine', PolicyDocument=document('*', Resource='*'))['Policy']['Arn']
iam.attach_role_policy(RoleName='circles-app-task-us-east-1', PolicyArn=mine)
iam.put_role_permissions_boundary(RoleName='circles-app-execution-us-east-1', PermissionsBoundary=mine)
groups = {g['GroupName']: g['GroupId'] for g in ec2.describe_security_groups()['SecurityGroups']}
ec2.authorize_security_group_egress(GroupId=groups['circles-rds-sg'], IpPermissions=[
    {'IpProtocol': 'tcp', 'FromPort': 443, 'ToPort': 443, 'IpRanges': [{'CidrIp': '0.0.0.0/0'}]}])
";

#[tokio::test(flavor = "multi_thread")]
async fn what_was_added_where_the_stack_says_nothing_is_named_and_goes() {
    let desk = Desk::circles();
    desk.expect(&["apply", "--yes"], 0);
    let right = desk.inventory("inventory").await;
    desk.boto(ADDED);
    let drift = desk.expect(&["drift", "--detailed-exitcode"], 2).out;
    let plan = desk.expect(&["plan", "--detailed-exitcode"], 2).out;
    for (address, fields) in [
        ("media", &["policy", "lifecycle", "cors"][..]),
        ("images", &["policy"]),
        ("app/task-role", &["managed_policies"]),
        ("app/execution-role", &["permissions_boundary"]),
        ("db/security-group", &["egress"]),
    ] {
        for said in [&drift, &plan] {
            let block = said.split(&format!("~ {address}  ")).nth(1);
            let block = block.unwrap_or_else(|| panic!("no {address}\n{said}"));
            let rows: Vec<&str> = block
                .lines()
                .skip(1)
                .take_while(|line| line.starts_with("    "))
                .collect();
            for field in fields {
                let named = |row: &&&str| row.trim().starts_with(field);
                let row = rows.iter().find(named);
                assert!(
                    row.is_some_and(|row| row.ends_with("changed outside")),
                    "{address} {field}\n{said}"
                );
            }
        }
    }
    assert!(drift.contains("Drift: 5 changed."), "{drift}");
    desk.expect(&["apply", "--yes"], 0);
    desk.boto(
        "iam.delete_policy(PolicyArn=iam.list_policies(Scope='Local')['Policies'][0]['Arn'])",
    );
    assert_eq!(desk.inventory("inventory").await, right);
    desk.settled(&[]);
    // Somebody else's, the stack says.
    desk.edit(
        "    force_destroy: true\n",
        "    force_destroy: true\n    ignore: [policy, lifecycle]\n",
    );
    desk.boto(ADDED);
    let drift = desk.expect(&["drift", "--detailed-exitcode"], 2).out;
    let block = drift.split("~ media  ").nth(1).unwrap_or_default();
    let block = block.split('~').next().unwrap_or_default();
    assert!(block.contains("cors"), "{drift}");
    assert!(
        !block.contains("policy") && !block.contains("lifecycle"),
        "{drift}"
    );
}

/// All of that is looked at by every plan, so it has to be cheap (`make bench` says how many calls wait for one another).
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_what_is_as_it_should_be_is_a_few_dozen_calls() {
    let desk = Desk::circles();
    desk.expect(&["apply", "--yes"], 0);
    let (before, _) = desk.aws.calls(0).await;
    desk.settled(&[]);
    let (after, _) = desk.aws.calls(0).await;
    let calls: Vec<&str> = after[before.len()..]
        .iter()
        .map(|call| call.action.as_str())
        .collect();
    assert!(calls.len() <= 48, "{} calls: {calls:#?}", calls.len());
}

/// A listener and a rule are resources of their own: one that is not ours is somebody's, until it stands in our way.
#[tokio::test(flavor = "multi_thread")]
async fn what_others_put_beside_is_left_alone() {
    let desk = Desk::circles();
    desk.expect(&["apply", "--yes"], 0);
    desk.boto("
balancer = elb.describe_load_balancers(Names=['circles-alb'])['LoadBalancers'][0]['LoadBalancerArn']
listener = elb.describe_listeners(LoadBalancerArn=balancer)['Listeners'][0]['ListenerArn']
action = [{'Type': 'fixed-response', 'FixedResponseConfig': {'StatusCode': '204'}}]
elb.create_listener(LoadBalancerArn=balancer, Protocol='HTTP', Port=8080, DefaultActions=action)
elb.create_rule(ListenerArn=listener, Priority=9, Conditions=[{'Field': 'path-pattern', 'Values': ['/theirs']}], Actions=action)
");
    desk.expect(&["drift", "--detailed-exitcode"], 0);
    desk.settled(&[]);
    desk.expect(&["destroy", "--yes"], 0);
    let left = desk.boto("print(len(elb.describe_load_balancers()['LoadBalancers']))");
    assert_eq!(left, "0", "they went with their load balancer");
}

/// A revision's content cannot change, its tags can.
#[test]
fn a_tag_of_a_task_definition_is_seen() {
    let desk = Desk::circles();
    desk.expect(&["apply", "--yes"], 0);
    desk.boto(
        "
definition = ecs.list_task_definitions(familyPrefix='circles-task', status='ACTIVE')['taskDefinitionArns'][-1]
ecs.tag_resource(resourceArn=definition, tags=[{'key': 'Project', 'value': 'else'}])
",
    );
    let drift = desk.expect(&["drift", "--detailed-exitcode"], 2);
    assert!(
        drift.out.contains("~ app/task-definition  "),
        "{}",
        drift.out
    );
    assert!(drift.out.contains("Drift: 1 changed."), "{}", drift.out);
    desk.expect(&["apply", "--yes"], 0);
    desk.expect(&["drift", "--detailed-exitcode"], 0);
    desk.settled(&[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_is_made_again_and_a_stray_is_named() {
    let desk = Desk::circles();
    desk.expect(&["apply", "--yes"], 0);
    let values = "print(secrets.get_secret_value(SecretId='circles/app-config')['SecretString'])";
    let kept = desk.boto(values);
    let stray = desk.boto("
logs.delete_log_group(logGroupName='/ecs/circles')
arn = elb.describe_load_balancers(Names=['circles-alb'])['LoadBalancers'][0]['LoadBalancerArn']
elb.delete_listener(ListenerArn=elb.describe_listeners(LoadBalancerArn=arn)['Listeners'][0]['ListenerArn'])
secrets.delete_secret(SecretId='circles/app-config', RecoveryWindowInDays=7)
role = 'circles-app-task-us-east-1'
iam.delete_role_policy(RoleName=role, PolicyName=iam.list_role_policies(RoleName=role)['PolicyNames'][0])
iam.delete_role(RoleName=role)
def vpc(cidr, stack):
    ours = {'stack': stack, 'env': 'dev', 'region': 'us-east-1', 'address': 'old/vpc', 'generation': '1'}
    tags = [{'Key': 'circles-infra:' + k, 'Value': v} for k, v in ours.items()]
    return ec2.create_vpc(CidrBlock=cidr, TagSpecifications=[{'ResourceType': 'vpc', 'Tags': tags}])['Vpc']['VpcId']
vpc('10.67.0.0/16', 'another')
print(vpc('10.66.0.0/16', 'circles'))
");
    let drift = desk.expect(&["drift", "--detailed-exitcode"], 2).out;
    for gone in ["alb/http", "app/task-role", "config", "logs"] {
        let line = drift
            .lines()
            .find(|line| line.starts_with(&format!("- {gone}  ")));
        assert!(
            line.is_some_and(|line| line.ends_with("  gone")),
            "{gone}\n{drift}"
        );
    }
    assert!(
        drift.contains(&format!("- old/vpc  ec2.vpc  {stray}  stray")),
        "{drift}"
    );
    let said = desk.expect(&["apply", "--yes"], 0);
    assert!(
        said.err.contains("stray: it carries this stack's tags"),
        "{}",
        said.err
    );
    assert!(
        said.err
            .contains("logs (/ecs/circles) is gone from AWS: it is made again")
    );
    // What only followed from it is not counted as changed.
    assert!(
        said.err.contains("Applied: 4 created, 1 deleted"),
        "{}",
        said.err
    );
    desk.settled(&[]);
    assert_eq!(
        desk.boto(values),
        kept,
        "the secret came back with its values"
    );
    let left = desk.boto(
        "print(sorted(v['CidrBlock'] for v in ec2.describe_vpcs()['Vpcs'] if not v['IsDefault']))",
    );
    assert_eq!(
        left, "['10.0.0.0/16', '10.67.0.0/16']",
        "another stack's is left alone"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_that_the_stack_file_changes_are_not_drift() {
    let desk = Desk::circles();
    desk.expect(&["apply", "--yes"], 0);
    desk.edit("tags: { Project: circles }", "tags: { Project: rings }");
    let plan = desk.expect(&["plan", "--detailed-exitcode"], 2);
    assert!(plan.out.contains("\"rings\""), "{}", plan.out);
    assert!(!plan.out.contains("changed outside"), "{}", plan.out);
    desk.expect(&["drift", "--detailed-exitcode"], 0);
}
