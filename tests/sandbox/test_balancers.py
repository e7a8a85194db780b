"""Load balancers, target groups and listeners."""

import pytest

from conftest import code

gap = pytest.mark.gap


def balancer(aws, network, **more):
    return aws.elbv2.create_load_balancer(Name="web", Subnets=network.subnets, SecurityGroups=[network.group],
                                          **more)["LoadBalancers"][0]


def target_group(aws, network, port=80, **more):
    return aws.elbv2.create_target_group(Name="app", Protocol="HTTP", Port=port, VpcId=network.vpc, TargetType="ip",
                                         **more)["TargetGroups"][0]["TargetGroupArn"]


def forward(arn):
    return [{"Type": "forward", "TargetGroupArn": arn}]


@gap
def test_a_balancer_takes_time_to_become_active(aws, network):
    aws.clock(1)
    arn = balancer(aws, network)["LoadBalancerArn"]

    def state():
        return aws.elbv2.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]["State"]["Code"]

    assert state() == "provisioning"
    aws.clock(0)
    assert state() == "active"


@gap
def test_the_same_balancer_again_is_the_same(aws, network):
    first = balancer(aws, network)["LoadBalancerArn"]
    assert balancer(aws, network)["LoadBalancerArn"] == first
    assert code(balancer, aws, network, Scheme="internal") == "DuplicateLoadBalancerName"


@gap
def test_a_balancer_needs_two_zones(aws, network):
    assert code(aws.elbv2.create_load_balancer, Name="web", Subnets=network.subnets[:1]) == "ValidationError"


@gap
def test_a_balancer_in_public_needs_a_gateway(aws):
    vpc = aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [aws.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"us-east-1{zone}")[
        "Subnet"]["SubnetId"] for n, zone in enumerate("ab")]
    assert code(aws.elbv2.create_load_balancer, Name="web", Subnets=subnets) == "InvalidSubnet"


@gap
def test_interfaces_outlive_the_balancer_and_block(aws, network):
    aws.clock(1)
    made = balancer(aws, network)
    name = "ELB " + made["LoadBalancerArn"].split(":loadbalancer/")[1]
    filters = [{"Name": "attachment.instance-owner-id", "Values": ["amazon-elb"]},
               {"Name": "description", "Values": [name]}]

    def interfaces():
        return len(aws.ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"])

    assert interfaces() == 2
    aws.elbv2.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])
    assert interfaces() == 2
    assert code(aws.ec2.delete_security_group, GroupId=network.group) == "DependencyViolation"
    assert code(aws.ec2.delete_subnet, SubnetId=network.subnets[0]) == "DependencyViolation"
    assert code(aws.ec2.detach_internet_gateway, InternetGatewayId=network.gateway,
                VpcId=network.vpc) == "DependencyViolation"
    aws.clock(0)
    assert interfaces() == 0
    assert code(aws.ec2.delete_security_group, GroupId=network.group) is None
    assert code(aws.ec2.delete_subnet, SubnetId=network.subnets[0]) is None


@gap
def test_deletion_protection_holds(aws, network):
    arn = balancer(aws, network)["LoadBalancerArn"]
    key = "deletion_protection.enabled"
    aws.elbv2.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[{"Key": key, "Value": "true"}])
    assert code(aws.elbv2.delete_load_balancer, LoadBalancerArn=arn) == "OperationNotPermitted"
    aws.elbv2.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[{"Key": key, "Value": "false"}])
    assert code(aws.elbv2.delete_load_balancer, LoadBalancerArn=arn) is None


@gap
def test_unset_attributes_show_their_defaults(aws, network):
    arn = balancer(aws, network)["LoadBalancerArn"]
    shown = aws.elbv2.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    assert {"Key": "idle_timeout.timeout_seconds", "Value": "60"} in shown


@gap
def test_the_same_target_group_again_is_the_same(aws, network):
    first = target_group(aws, network)
    assert target_group(aws, network) == first
    assert code(target_group, aws, network, port=81) == "DuplicateTargetGroupName"
    assert code(target_group, aws, network, HealthCheckPath="/health") == "DuplicateTargetGroupName"


@gap
def test_one_listener_a_port(aws, network):
    arn, group = balancer(aws, network)["LoadBalancerArn"], target_group(aws, network)
    asked = dict(LoadBalancerArn=arn, Protocol="HTTP", Port=80)
    first = aws.elbv2.create_listener(**asked, DefaultActions=forward(group))["Listeners"][0]["ListenerArn"]
    again = aws.elbv2.create_listener(**asked, DefaultActions=forward(group))["Listeners"][0]["ListenerArn"]
    assert first == again
    fixed = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}]
    assert code(aws.elbv2.create_listener, **asked, DefaultActions=fixed) == "DuplicateListener"
    second = aws.elbv2.create_listener(**{**asked, "Port": 81}, DefaultActions=fixed)["Listeners"][0]["ListenerArn"]
    assert code(aws.elbv2.modify_listener, ListenerArn=second, Port=80) == "DuplicateListener"


@gap
def test_a_forward_reads_back_in_both_forms(aws, network):
    arn, group = balancer(aws, network)["LoadBalancerArn"], target_group(aws, network)
    made = aws.elbv2.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=forward(group))
    action = made["Listeners"][0]["DefaultActions"][0]
    assert action["TargetGroupArn"] == group
    assert action["ForwardConfig"]["TargetGroups"] == [{"TargetGroupArn": group, "Weight": 1}]


@gap
def test_https_needs_a_certificate_and_holds_it(aws, network):
    arn, group = balancer(aws, network)["LoadBalancerArn"], target_group(aws, network)
    asked = dict(LoadBalancerArn=arn, Protocol="HTTPS", Port=443, DefaultActions=forward(group))
    assert code(aws.elbv2.create_listener, **asked) == "ValidationError"
    missing = "arn:aws:acm:us-east-1:000000000000:certificate/00000000-0000-0000-0000-000000000000"
    assert code(aws.elbv2.create_listener, **asked, Certificates=[{"CertificateArn": missing}]) == "CertificateNotFound"
    certificate = aws.acm.request_certificate(DomainName="example.com")["CertificateArn"]
    aws.elbv2.create_listener(**asked, Certificates=[{"CertificateArn": certificate}])
    assert code(aws.acm.delete_certificate, CertificateArn=certificate) == "ResourceInUseException"


@gap
def test_a_target_group_serves_one_balancer(aws, network):
    group = target_group(aws, network)
    fixed = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
    first = balancer(aws, network)["LoadBalancerArn"]
    other = aws.elbv2.create_load_balancer(Name="other", Subnets=network.subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    listener = aws.elbv2.create_listener(LoadBalancerArn=first, Protocol="HTTP", Port=80,
                                         DefaultActions=fixed)["Listeners"][0]["ListenerArn"]
    condition = [{"Field": "path-pattern", "Values": ["/a"]}]
    rule = dict(ListenerArn=listener, Priority=5, Conditions=condition, Actions=forward(group))
    aws.elbv2.create_rule(**rule)
    assert code(aws.elbv2.create_rule, **rule) == "PriorityInUse"
    assert code(aws.elbv2.delete_target_group, TargetGroupArn=group) == "ResourceInUse"
    assert code(aws.elbv2.create_listener, LoadBalancerArn=other, Protocol="HTTP", Port=80,
                DefaultActions=forward(group)) == "TargetGroupAssociationLimit"
    aws.elbv2.delete_load_balancer(LoadBalancerArn=first)
    assert aws.elbv2.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0].get("LoadBalancerArns") == []
    assert code(aws.elbv2.delete_target_group, TargetGroupArn=group) is None


@gap
def test_targets_become_healthy_and_drain(aws, network):
    arn, group = balancer(aws, network)["LoadBalancerArn"], target_group(aws, network)
    aws.elbv2.modify_target_group_attributes(
        TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}])
    targets = [{"Id": "10.0.0.50", "Port": 8000}]

    def health():
        found = aws.elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return [entry["TargetHealth"]["State"] for entry in found]

    aws.elbv2.register_targets(TargetGroupArn=group, Targets=targets)
    assert health() == ["unused"]
    aws.elbv2.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=forward(group))
    assert health() == ["healthy"]
    aws.clock(1)
    aws.elbv2.deregister_targets(TargetGroupArn=group, Targets=targets)
    assert health() == ["draining"]
    aws.clock(0)
    assert health() == []


@gap
def test_listeners_page(aws, network):
    arn = balancer(aws, network)["LoadBalancerArn"]
    fixed = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}]
    for port in range(80, 85):
        aws.elbv2.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=port, DefaultActions=fixed)
    page = aws.elbv2.describe_listeners(LoadBalancerArn=arn, PageSize=3)
    rest = aws.elbv2.describe_listeners(LoadBalancerArn=arn, PageSize=3, Marker=page["NextMarker"])
    assert [len(page["Listeners"]), len(rest["Listeners"]), rest.get("NextMarker")] == [3, 2, None]
