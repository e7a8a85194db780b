"""Eventual consistency on request: what is new is unknown for some looks, with each service's own words."""

import json

import pytest
from botocore.exceptions import ClientError

from conftest import Network, code

ALL = {"seed": 1, "share": 1, "looks": 2, "seconds": 1000}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]})
TASK = dict(family="f", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512",
            containerDefinitions=[{"name": "app", "image": "busybox"}])
DATABASE = dict(DBInstanceIdentifier="db", Engine="postgres", DBInstanceClass="db.t4g.small", AllocatedStorage=20,
                MasterUsername="master", MasterUserPassword="long-enough")


@pytest.fixture(autouse=True)
def no_lag_afterwards(aws):
    yield
    aws.control("DELETE", "lag")


def lag(aws, **more):
    status, answer = aws.control("POST", "lag", {**ALL, **more})
    assert status == 200, answer


def refusal(call, **parameters):
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_new_network_is_unknown_to_reads_and_uses(aws):
    lag(aws)
    vpc = aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    expected = ("InvalidVpcID.NotFound", f"The vpc ID '{vpc}' does not exist")
    assert refusal(aws.ec2.describe_vpcs, VpcIds=[vpc]) == expected
    assert refusal(aws.ec2.create_subnet, VpcId=vpc, CidrBlock="10.0.0.0/24") == expected
    # Two looks were hidden; its attributes lag on their own.
    assert aws.ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["VpcId"] == vpc
    for _ in range(2):
        assert refusal(aws.ec2.describe_vpc_attribute, VpcId=vpc, Attribute="enableDnsSupport") == expected
    aws.ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    figures = aws.control("GET", "lag")[1]
    assert (figures["new"], figures["hidden"]) == (1, 1) and figures["hidden_looks"] >= 4


def test_a_list_leaves_it_out_and_then_shows_it_without_tags(aws):
    lag(aws)
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "a", "Value": "b"}]}]
    vpc = aws.ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]

    def shown():
        found = [entry for entry in aws.ec2.describe_vpcs()["Vpcs"] if entry["VpcId"] == vpc]
        return found[0].get("Tags", []) if found else None

    assert [shown() for _ in range(5)] == [None, None, [], [], [{"Key": "a", "Value": "b"}]]


def test_what_has_no_tags_yet_is_not_found_by_them(aws):
    lag(aws, looks=1)
    aws.ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "a", "Value": "b"}]}])
    search = dict(Filters=[{"Name": "tag:a", "Values": ["b"]}])
    assert [len(aws.ec2.describe_vpcs(**search)["Vpcs"]) for _ in range(3)] == [0, 0, 1]


def test_another_resource_of_a_hidden_one_is_shown(aws):
    vpc = aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    old = aws.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    lag(aws)
    new = aws.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    search = dict(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    found = [subnet["SubnetId"] for subnet in aws.ec2.describe_subnets(**search)["Subnets"]]
    assert old in found and new not in found


# What is made, and what another call then says of it.
def _vpc(aws):
    return aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]


def _role(aws):
    return aws.iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]


USES = [
    ("target group", _vpc, lambda aws, vpc: refusal(aws.elbv2.create_target_group, Name="t", Protocol="HTTP", Port=80, VpcId=vpc),
     "ValidationError", "The VPC ID '{}' is not found"),
    ("route table", lambda aws: aws.ec2.create_route_table(VpcId=aws.ec2.describe_vpcs()["Vpcs"][0]["VpcId"])["RouteTable"]["RouteTableId"],
     lambda aws, table: refusal(aws.ec2.delete_route_table, RouteTableId=table), "InvalidRouteTableID.NotFound", "'{}' does not exist"),
    ("address", lambda aws: aws.ec2.allocate_address(Domain="vpc")["AllocationId"],
     lambda aws, address: refusal(aws.ec2.release_address, AllocationId=address), "InvalidAllocationID.NotFound", "'{}'"),
    ("role", _role, lambda aws, arn: refusal(aws.iam.get_role, RoleName="r"), "NoSuchEntity", "name r cannot be found"),
    ("role in a definition", _role, lambda aws, arn: refusal(aws.ecs.register_task_definition, **TASK, taskRoleArn=arn),
     "ClientException", "Role is not valid"),
    ("policy of a role", _role, lambda aws, arn: refusal(aws.iam.put_role_policy, RoleName="r", PolicyName="p", PolicyDocument=POLICY),
     "NoSuchEntity", "r cannot"),
    ("cluster", lambda aws: aws.ecs.create_cluster(clusterName="c")["cluster"]["clusterArn"],
     lambda aws, arn: refusal(aws.ecs.list_services, cluster="c"), "ClusterNotFoundException", "Cluster not found."),
    ("repository", lambda aws: aws.ecr.create_repository(repositoryName="rr"),
     lambda aws, _: refusal(aws.ecr.describe_repositories, repositoryNames=["rr"]), "RepositoryNotFoundException", "'rr'"),
    ("log group", lambda aws: aws.logs.create_log_group(logGroupName="/g"),
     lambda aws, _: refusal(aws.logs.put_retention_policy, logGroupName="/g", retentionInDays=7), "ResourceNotFoundException", "log group"),
    ("secret", lambda aws: aws.secretsmanager.create_secret(Name="s", SecretString="x")["ARN"],
     lambda aws, arn: refusal(aws.secretsmanager.describe_secret, SecretId=arn), "ResourceNotFoundException", "secret"),
    ("secret by name", lambda aws: aws.secretsmanager.create_secret(Name="s", SecretString="x")["ARN"],
     lambda aws, arn: refusal(aws.secretsmanager.get_secret_value, SecretId="s"), "ResourceNotFoundException", "secret"),
    ("bucket", lambda aws: aws.s3.create_bucket(Bucket="b-1"),
     lambda aws, _: refusal(aws.s3.put_bucket_versioning, Bucket="b-1", VersioningConfiguration={"Status": "Enabled"}), "NoSuchBucket", "bucket"),
    ("database", lambda aws: aws.rds.create_db_instance(**DATABASE),
     lambda aws, _: refusal(aws.rds.describe_db_instances, DBInstanceIdentifier="db"), "DBInstanceNotFound", "db not found"),
    ("parameter group", lambda aws: aws.rds.create_db_parameter_group(DBParameterGroupName="p", DBParameterGroupFamily="postgres15", Description="d"),
     lambda aws, _: refusal(aws.rds.create_db_instance, **DATABASE, DBParameterGroupName="p"), "DBParameterGroupNotFound", "p"),
]


@pytest.mark.parametrize("make, use, expected, words", [case[1:] for case in USES], ids=[case[0] for case in USES])
def test_a_use_is_refused_with_the_services_own_words(aws, make, use, expected, words):
    # The service's role takes no time here: that is another test.
    for service in ("ecs", "rds", "elasticloadbalancing"):
        aws.iam.create_service_linked_role(AWSServiceName=f"{service}.amazonaws.com")
    lag(aws, looks=5)
    made = make(aws)
    assert aws.control("GET", "lag")[1]["hidden"] >= 1
    found = use(aws, made)
    assert found[0] == expected and words.format(made) in found[1]


def test_a_subnet_group_is_unknown_to_the_database(aws):
    aws.iam.create_service_linked_role(AWSServiceName="rds.amazonaws.com")
    network = Network(aws)
    lag(aws)
    aws.rds.create_db_subnet_group(DBSubnetGroupName="g", DBSubnetGroupDescription="d", SubnetIds=network.subnets)
    call = dict(DATABASE, DBSubnetGroupName="g")
    assert refusal(aws.rds.create_db_instance, **call) == ("DBSubnetGroupNotFoundFault", "DB subnet group 'g' does not exist.")
    assert code(aws.rds.create_db_instance, **call) == "DBSubnetGroupNotFoundFault"
    assert code(aws.rds.create_db_instance, **call) is None


def test_a_cluster_and_a_service_are_missing(aws, network):
    aws.iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
    lag(aws)
    aws.ecs.create_cluster(clusterName="c")
    looks = [aws.ecs.describe_clusters(clusters=["c"]) for _ in range(3)]
    assert [len(look["clusters"]) for look in looks] == [0, 0, 1]
    assert [failure["reason"] for failure in looks[0]["failures"]] == ["MISSING"] and looks[2]["failures"] == []


def test_the_same_create_again_is_no_look(aws):
    lag(aws)
    aws.iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    assert code(aws.iam.create_role, RoleName="r", AssumeRolePolicyDocument=TRUST) == "EntityAlreadyExists"
    assert aws.iam.list_roles()["Roles"] == []


def test_a_gateway_that_is_not_seen_yet(aws):
    network = Network(aws)
    aws.ec2.detach_internet_gateway(InternetGatewayId=network.gateway, VpcId=network.vpc)
    address = aws.ec2.allocate_address(Domain="vpc")["AllocationId"]
    other = aws.ec2.allocate_address(Domain="vpc")["AllocationId"]
    lag(aws, looks=3)
    aws.ec2.attach_internet_gateway(InternetGatewayId=network.gateway, VpcId=network.vpc)
    assert refusal(aws.elbv2.create_load_balancer, Name="l", Subnets=network.subnets) == (
        "InvalidSubnet", f"VPC {network.vpc} has no internet gateway")
    lost = aws.ec2.create_nat_gateway(SubnetId=network.subnets[0], AllocationId=address)["NatGateway"]["NatGatewayId"]

    def state():
        found = aws.ec2.describe_internet_gateways(InternetGatewayIds=[network.gateway])
        return found["InternetGateways"][0]["Attachments"][0]["State"]

    assert [state() for _ in range(3)] == ["attaching", "attaching", "available"]
    aws.control("DELETE", "lag")
    found = aws.ec2.describe_nat_gateways(NatGatewayIds=[lost])["NatGateways"][0]
    assert found["State"] == "failed" and "no Internet gateway attached" in found["FailureMessage"]
    kept = aws.ec2.create_nat_gateway(SubnetId=network.subnets[0], AllocationId=other)["NatGateway"]["NatGatewayId"]
    aws.ec2.describe_vpcs()
    assert aws.ec2.describe_nat_gateways(NatGatewayIds=[kept])["NatGateways"][0]["State"] == "available"


def test_a_change_of_a_database_is_shown_late(aws):
    aws.rds.create_db_instance(**DATABASE)
    for _ in range(2):
        aws.rds.describe_db_instances()
    lag(aws)
    answer = aws.rds.modify_db_instance(DBInstanceIdentifier="db", DeletionProtection=True, ApplyImmediately=True)["DBInstance"]

    def shown():
        found = aws.rds.describe_db_instances(DBInstanceIdentifier="db")["DBInstances"][0]
        return found["DeletionProtection"], found["DBInstanceStatus"], found.get("PendingModifiedValues", {})

    assert answer["DeletionProtection"] is False
    assert [shown()[:2] for _ in range(3)] == [(False, "available"), (False, "available"), (True, "available")]


def test_a_principal_is_invalid_and_a_role_cannot_be_assumed_at_first(aws):
    lag(aws, looks=1)
    arn = _role(aws)
    trust = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}]})
    found = refusal(aws.iam.create_role, RoleName="other", AssumeRolePolicyDocument=trust)
    assert found[0] == "MalformedPolicyDocument" and found[1].startswith("Invalid principal in policy")
    aws.iam.create_role(RoleName="other", AssumeRolePolicyDocument=trust)


@pytest.mark.parametrize("call, expected, words", [
    (lambda aws: refusal(aws.ecs.create_cluster, clusterName="c"), "InvalidParameterException", "Unable to assume the service linked role"),
    (lambda aws: refusal(aws.rds.create_db_instance, **DATABASE), "InvalidParameterValue", "create service linked role"),
], ids=["ecs", "rds"])
def test_a_service_linked_role_takes_time(aws, call, expected, words):
    lag(aws)
    for _ in range(2):
        found = call(aws)
        assert found[0] == expected and words in found[1]
    aws.ecs.create_cluster(clusterName="c") if expected.endswith("Exception") else aws.rds.create_db_instance(**DATABASE)


def test_the_seed_decides_and_a_third_is_hidden(aws):
    seen = []
    for seed in (7, 7, 8):
        aws.reset()
        aws.control("POST", "lag", {"seed": seed})
        for number in range(40):
            aws.ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")
        seen.append([vpc["CidrBlock"] for vpc in aws.ec2.describe_vpcs()["Vpcs"]])
        figures = aws.control("GET", "lag")[1]
        assert figures["new"] == 40 and figures["hidden"] >= 40 / 4
    assert seen[0] == seen[1] != seen[2]


def test_it_is_over_after_some_time_and_off_after_a_reset(aws):
    lag(aws, looks=100, seconds=2)
    vpc = _vpc(aws)
    results = [code(aws.ec2.describe_vpcs, VpcIds=[vpc]) for _ in range(12)]
    assert results[0] == "InvalidVpcID.NotFound" and results[-1] is None
    assert aws.control("POST", "lag", {"looks": -1})[0] == 400
    assert aws.control("POST", "lag", {"share": "many"})[0] == 400
    assert aws.control("POST", "lag", {"speed": 1})[0] == 400
    aws.reset()
    assert aws.control("GET", "lag")[1]["settings"] is None
