//! What carries our tags and neither the stack file nor the state speaks of, of kinds that they do not speak of either.

use crate::desk::Desk;

const KEPT: &str = "
stack: strays
region: us-east-1
environments: { dev: { ephemeral: true } }
default_environment: dev
resources:
  logs: { type: logs.log_group, name: /strays/kept, retention_days: 7 }
";

/// One of many kinds, each found in its own way: by tags in a list, by a tag call each, by what it stands in.
const MORE: &str = "
  old-logs: { type: logs.log_group, name: /strays/old, retention_days: 7 }
  vpc: { type: ec2.vpc, cidr: 10.79.0.0/16 }
  subnet: { type: ec2.subnet, vpc_id: \"${vpc.id}\", cidr: 10.79.1.0/24, availability_zone: us-east-1a }
  group: { type: ec2.security_group, vpc_id: \"${vpc.id}\", name: strays-sg, description: old }
  files: { type: s3.bucket, name: \"${prefix}-files-${suffix}\", force_destroy: true }
  keys: { type: secretsmanager.secret, name: strays/keys, recovery_window: 0, keys: { A: { generate: 20 } } }
  images: { type: ecr.repository, name: strays-images, force_delete: true }
  cluster: { type: ecs.cluster, name: strays }
  targets: { type: elbv2.target_group, name: strays, vpc_id: \"${vpc.id}\", port: 80 }
  policy:
    type: iam.policy
    name: strays-policy
    policy: { Version: \"2012-10-17\", Statement: [{ Effect: Allow, Action: [\"s3:GetObject\"], Resource: \"*\" }] }
  role:
    type: iam.role
    name: strays-role
    assume_role_policy:
      Version: \"2012-10-17\"
      Statement: [{ Effect: Allow, Principal: { Service: ecs-tasks.amazonaws.com }, Action: \"sts:AssumeRole\" }]
";

const STRAYS: [&str; 11] = [
    "old-logs", "vpc", "subnet", "group", "files", "keys", "images", "cluster", "targets",
    "policy", "role",
];

/// A state that has never heard of the strays: they were made from another one.
fn desk(name: &str) -> Desk {
    let text = |text: &str| text.replace("strays", name);
    let desk = Desk::alone(&text(KEPT));
    desk.expect(&["apply", "--yes"], 0);
    desk.write(&text(&format!("{KEPT}{MORE}")));
    let other = desk.path("other-state");
    let said = crate::desk::said(
        desk.command(&["apply", "--yes"])
            .env("CIRCLES_STATE_DIR", &other),
    );
    assert_eq!(said.code, Some(0), "{}", said.all());
    desk.write(&text(KEPT));
    desk
}

fn named(desk: &Desk) -> Vec<&'static str> {
    let drift = desk.expect(&["drift"], 0).out;
    let stray = |address: &&str| {
        drift
            .lines()
            .any(|line| line.starts_with(&format!("- {address}  ")) && line.ends_with("  stray"))
    };
    STRAYS.into_iter().filter(stray).collect()
}

#[test]
fn drift_names_them_all_and_what_deletes_them() {
    let desk = desk("strays-one");
    let drift = desk.expect(&["drift", "--detailed-exitcode"], 2).out;
    assert_eq!(named(&desk), STRAYS, "{drift}");
    assert!(
        drift.contains("circles-infra destroy --target ADDRESS deletes it"),
        "{drift}"
    );
    desk.expect(&["apply", "--yes"], 0);
    assert_eq!(named(&desk), STRAYS, "an apply has not come upon them");
    // As it says: one of a kind of which nobody speaks. What that look came upon is remembered, so that an apply deletes the rest.
    desk.expect(&["destroy", "--yes", "--target", "role"], 0);
    let plan = desk.expect(&["plan"], 0).out;
    assert!(plan.contains("Plan: 10 to delete; 1 stays"), "{plan}");
    desk.expect(&["apply", "--yes"], 0);
    desk.expect(&["drift", "--detailed-exitcode"], 0);
    desk.settled(&[]);
}

#[test]
fn a_destroy_leaves_nothing_of_ours() {
    let desk = desk("strays-two");
    desk.expect(&["destroy", "--yes"], 0);
    let drift = desk.expect(&["drift"], 0).out;
    assert!(!drift.contains("stray"), "{drift}");
    let left = desk.boto(
        "
left = [v['VpcId'] for v in ec2.describe_vpcs()['Vpcs'] if not v['IsDefault']]
left += [t['TargetGroupName'] for t in elb.describe_target_groups()['TargetGroups']]
left += [c for c in ecs.list_clusters()['clusterArns']]
left += [r['repositoryName'] for r in ecr.describe_repositories()['repositories']]
left += [b['Name'] for b in s3.list_buckets()['Buckets']]
left += [s['Name'] for s in secrets.list_secrets(IncludePlannedDeletion=False)['SecretList']]
left += [r['RoleName'] for r in iam.list_roles()['Roles'] if r['RoleName'].startswith('strays')]
left += [p['PolicyName'] for p in iam.list_policies(Scope='Local')['Policies']]
left += [g['logGroupName'] for g in logs.describe_log_groups()['logGroups']]
print(left)
",
    );
    assert_eq!(left, "[]");
}
