//! Answers that only mean that one part of AWS has not seen yet what another has made: they are waited for, and nothing is made twice.

use serde_json::json;

use crate::desk::Desk;

const STACK: &str = r#"
stack: late
region: us-east-1
default_environment: dev
environments: { dev: { ephemeral: true } }
resources:
  network:
    type: network
    cidr: 10.40.0.0/16
    public_subnets: [10.40.0.0/24, 10.40.1.0/24]
    private_subnets: [10.40.10.0/24, 10.40.11.0/24]
    nat_gateways: none
  alb: { type: load_balancer, network: "${network}" }
  group:
    type: elbv2.target_group
    name: late-group
    vpc_id: ${network.vpc_id}
    port: 80
    protocol: HTTP
    target_type: ip
  media: { type: s3.bucket, name: "${prefix}-media-${suffix}", force_destroy: true }
  db:
    type: postgres
    network: ${network}
    version: "15"
    instance_class: db.t4g.micro
"#;

/// Service, call, code and message, as AWS's parts answer while they catch up.
const ANSWERS: &[(&str, &str, &str, &str)] = &[
    (
        "ec2",
        "ModifyVpcAttribute",
        "InvalidVpcID.NotFound",
        "The vpc ID 'vpc-1' does not exist",
    ),
    (
        "ec2",
        "DescribeVpcAttribute",
        "InvalidVpcID.NotFound",
        "The vpc ID 'vpc-1' does not exist",
    ),
    (
        "ec2",
        "AttachInternetGateway",
        "InvalidInternetGatewayID.NotFound",
        "The internetGateway ID 'igw-1' does not exist",
    ),
    (
        "elasticloadbalancing",
        "CreateTargetGroup",
        "ValidationError",
        "The VPC ID 'vpc-1' is not found",
    ),
    (
        "elasticloadbalancing",
        "CreateLoadBalancer",
        "InvalidSubnet",
        "VPC vpc-1 has no internet gateway",
    ),
    (
        "rds",
        "CreateDBSubnetGroup",
        "InvalidParameterValue",
        "Missing necessary credentials to create ServiceLinkedRoles",
    ),
    (
        "rds",
        "CreateDBInstance",
        "InvalidParameterValue",
        "Unable to create the resource. Verify that you have permission to create service linked role. Otherwise wait and try again later",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn are_waited_for() {
    let desk = Desk::alone(STACK);
    for (service, action, code, message) in ANSWERS {
        desk.fault(
            json!({"kind": "refuse", "service": service, "action": action, "code": code,
                          "message": message, "status": 400, "times": 2}),
        )
        .await;
    }
    // Where a bucket takes no tags with its creation.
    desk.fault(
        json!({"kind": "refuse", "service": "s3", "action": "CreateBucket", "nth": 1,
               "code": "UnsupportedArgument", "message": "The argument is not supported.", "status": 400}),
    )
    .await;
    desk.expect(&["apply", "--yes"], 0);
    desk.no_faults().await;
    desk.settled(&[]);
    let counts = desk.boto(
        "
ours = [v for v in ec2.describe_vpcs()['Vpcs'] if not v['IsDefault']]
print(len(ours), len(ec2.describe_internet_gateways()['InternetGateways']),
      ec2.describe_vpc_attribute(VpcId=ours[0]['VpcId'], Attribute='enableDnsHostnames')['EnableDnsHostnames']['Value'])
",
    );
    assert_eq!(counts.trim(), "1 1 True");
}

/// A certificate of another account never shows: no wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn are_told_from_mistakes() {
    let desk = Desk::alone(&STACK.replace(
        r#"alb: { type: load_balancer, network: "${network}" }"#,
        r#"alb: { type: load_balancer, network: "${network}", certificate: "arn:aws:acm:us-east-1:999999999999:certificate/11111111-1111-1111-1111-111111111111" }"#,
    ));
    desk.fault(json!({"kind": "refuse", "service": "elasticloadbalancing", "action": "CreateListener",
                      "code": "CertificateNotFound", "message": "Certificate not found", "status": 400}))
        .await;
    let said = desk.run(&["apply", "--yes"]);
    assert_ne!(said.code, Some(0));
    assert!(said.all().contains("999999999999"), "{}", said.all());
    let (calls, _) = desk.aws.calls(0).await;
    let tried = calls
        .iter()
        .filter(|call| call.action.ends_with("CreateListener"))
        .count();
    // One for each listener, HTTP and HTTPS.
    assert!(tried <= 2, "{tried} attempts");
}
