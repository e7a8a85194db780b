"""The sandbox's own API: calls, faults, permissions, clock, inventory, reset."""

import time

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError

from conftest import code


def calls(aws, since=0):
    return [(c["service"], c["action"], c["mutating"], c["status"], c["code"])
            for c in aws.control("GET", f"calls?since={since}")[1]["calls"]]


def test_health_says_who_it_is(aws):
    status, health = aws.control("GET", "health")
    assert (status, health["status"], health["account"], health["clock_factor"]) == (200, "ok", "000000000000", 0)


def test_calls_are_logged_under_their_real_names(aws):
    since = aws.control("POST", "calls/clear")[1]["last_seq"]
    aws.s3.create_bucket(Bucket="b-1")
    aws.s3.put_object(Bucket="b-1", Key="a/b", Body=b"x")
    aws.s3.list_objects_v2(Bucket="b-1")
    aws.s3.put_bucket_versioning(Bucket="b-1", VersioningConfiguration={"Status": "Enabled"})
    code(aws.s3.get_bucket_lifecycle_configuration, Bucket="b-1")
    aws.ec2.describe_vpcs()
    aws.ecs.create_cluster(clusterName="c")
    code(aws.rds.describe_db_instances, DBInstanceIdentifier="none")
    aws.resourcegroupstaggingapi.get_resources()
    assert calls(aws, since) == [
        ("s3", "CreateBucket", True, 200, ""), ("s3", "PutObject", True, 200, ""),
        ("s3", "ListObjectsV2", False, 200, ""), ("s3", "PutBucketVersioning", True, 200, ""),
        ("s3", "GetBucketLifecycleConfiguration", False, 404, "NoSuchLifecycleConfiguration"),
        ("ec2", "DescribeVpcs", False, 200, ""), ("ecs", "CreateCluster", True, 200, ""),
        ("rds", "DescribeDBInstances", False, 404, "DBInstanceNotFound"),
        ("tagging", "GetResources", False, 200, "")]
    entry = aws.control("GET", f"calls?since={since}")[1]["calls"][0]
    assert entry["end"] >= entry["start"] and "Boto3" in entry["user_agent"] and entry["seq"] == since + 1


@pytest.mark.parametrize("service, call, expected", [
    ("ec2", lambda aws: aws.ec2.describe_vpcs(), ("RequestLimitExceeded", 503)),
    ("s3", lambda aws: aws.s3.list_buckets(), ("SlowDown", 503)),
    ("rds", lambda aws: aws.rds.describe_db_instances(), ("Throttling", 400)),
    ("elasticloadbalancing", lambda aws: aws.elbv2.describe_load_balancers(), ("Throttling", 400)),
    ("iam", lambda aws: aws.iam.list_roles(), ("Throttling", 400)),
    ("ecs", lambda aws: aws.ecs.list_clusters(), ("ThrottlingException", 400)),
    ("secretsmanager", lambda aws: aws.secretsmanager.list_secrets(), ("ThrottlingException", 400)),
])
def test_throttling_has_each_services_own_code(aws, service, call, expected):
    aws.control("POST", "faults", {"kind": "throttle", "service": service, "nth": 1})
    with pytest.raises(ClientError) as refused:
        call(aws)
    answer = refused.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == expected
    call(aws)


def vpcs(aws):
    return sum(1 for vpc in aws.ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"])


def test_an_answer_can_get_lost_and_a_call_can_be_dropped(aws):
    for kind, made in (("lose", 1), ("drop", 1)):
        aws.control("POST", "faults", {"kind": kind, "service": "ec2", "action": "CreateVpc", "nth": 1})
        with pytest.raises((ConnectionClosedError, HTTPClientError)):
            aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")
        assert vpcs(aws) == made, kind
    logged = [c for c in aws.control("GET", "calls")[1]["calls"] if c["action"] == "CreateVpc"]
    assert [c["code"] for c in logged] == ["ConnectionClosed", "ConnectionClosed"]


def test_faults_strike_the_nth_every_or_by_chance(aws):
    aws.control("POST", "faults", {"kind": "refuse", "code": "Nope", "action": "Describe*", "nth": 2})
    assert [code(aws.ec2.describe_vpcs) for _ in range(3)] == [None, "Nope", None]
    aws.control("DELETE", "faults")
    aws.control("POST", "faults", {"kind": "refuse", "code": "Nope", "mutating": False, "every": 3, "times": 1})
    assert [code(aws.ec2.describe_vpcs) for _ in range(6)] == [None, None, "Nope", None, None, None]
    chances = []
    for _ in range(2):
        aws.control("DELETE", "faults")
        aws.control("POST", "faults", {"kind": "refuse", "code": "Nope", "probability": 0.5, "seed": 7})
        chances.append([code(aws.ec2.describe_vpcs) for _ in range(12)])
    assert chances[0] == chances[1] and set(chances[0]) == {None, "Nope"}


def test_calls_can_be_delayed_and_answered_late(aws):
    for kind in ("delay", "late"):
        aws.control("POST", "faults", {"kind": kind, "seconds": 0.3, "action": "CreateCluster", "nth": 1})
        start = time.monotonic()
        aws.ecs.create_cluster(clusterName=kind)
        assert time.monotonic() - start >= 0.3


def test_a_bare_status_has_no_aws_body(aws):
    aws.control("POST", "faults", {"kind": "status", "status": 503, "service": "ecs", "nth": 1})
    with pytest.raises(ClientError) as refused:
        aws.ecs.list_clusters()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503


def test_a_fault_that_makes_no_sense_is_refused(aws):
    assert aws.control("POST", "faults", {"kind": "explode"})[0] == 400
    assert aws.control("POST", "faults", {"kind": "throttle", "actoin": "x"})[0] == 400
    assert aws.control("POST", "faults", {"kind": "delay"})[0] == 400
    assert aws.control("GET", "faults")[1]["faults"] == []
    assert aws.control("GET", "nothing")[0] == 404


@pytest.mark.parametrize("call, action, expected", [
    (lambda aws: aws.ec2.create_vpc(CidrBlock="10.0.0.0/16"), "ec2:CreateVpc", "UnauthorizedOperation"),
    (lambda aws: aws.s3.create_bucket(Bucket="b-1"), "s3:CreateBucket", "AccessDenied"),
    (lambda aws: aws.s3.list_buckets(), "s3:ListAllMyBuckets", "AccessDenied"),
    (lambda aws: aws.iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}"), "iam:CreateRole", "AccessDenied"),
    (lambda aws: aws.ecs.create_cluster(clusterName="c"), "ecs:CreateCluster", "AccessDeniedException"),
])
def test_permissions_refuse_what_is_not_listed(aws, call, action, expected):
    aws.iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
    aws.control("POST", "iam", {"allow": ["logs:*"]})
    with pytest.raises(ClientError) as refused:
        call(aws)
    error = refused.value.response["Error"]
    assert error["Code"] == expected and f"is not authorized to perform: {action}" in error["Message"]
    aws.control("POST", "iam", {"Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})
    call(aws)
    assert aws.sts.get_caller_identity()["Arn"].endswith(":user/sandbox")


def test_tags_at_birth_need_their_own_permission(aws):
    aws.control("POST", "iam", {"allow": ["ec2:CreateVpc"]})
    tagged = dict(CidrBlock="10.0.0.0/16",
                  TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "a", "Value": "b"}]}])
    assert code(aws.ec2.create_vpc, **tagged) == "UnauthorizedOperation"
    aws.control("POST", "iam", {"allow": ["ec2:CreateVpc", "ec2:CreateTags"]})
    assert code(aws.ec2.create_vpc, **tagged) is None


def test_reset_forgets_everything(aws):
    aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")
    aws.s3.create_bucket(Bucket="b-1")
    aws.control("POST", "faults", {"kind": "throttle"})
    aws.control("POST", "iam", {"allow": []})
    aws.reset()
    assert vpcs(aws) == 0 and aws.s3.list_buckets()["Buckets"] == []
    assert aws.control("GET", "inventory")[1] == {"regions": {}, "global": {}}


def build(aws):
    tags = [{"Key": "circles-infra:address", "Value": "network/vpc"}]
    vpc = aws.ec2.create_vpc(CidrBlock="10.0.0.0/16",
                             TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}])["Vpc"]["VpcId"]
    aws.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone="us-east-1a")
    aws.ec2.create_security_group(GroupName="app", Description="app", VpcId=vpc)
    aws.s3.create_bucket(Bucket="b-1")
    aws.secretsmanager.create_secret(Name="app", SecretString='{"KEY": "never-to-be-seen"}')
    aws.iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")


def test_the_same_world_has_the_same_inventory(aws):
    worlds = []
    for _ in range(2):
        build(aws)
        worlds.append(aws.control("GET", "inventory")[1])
        aws.reset()
    assert worlds[0] == worlds[1]
    region = worlds[0]["regions"]["us-east-1"]
    assert [vpc["label"] for vpc in region["vpcs"]] == ["network/vpc"]
    assert [(subnet["cidr"], subnet["vpc"]) for subnet in region["subnets"]] == [("10.0.1.0/24", "network/vpc")]
    assert region["secrets"][0]["keys"] == ["KEY"] and region["secrets"][0]["versions"] == 1
    assert "never-to-be-seen" not in str(worlds[0])
    assert worlds[0]["global"]["buckets"][0]["label"] == "b-1"


def test_a_doubled_resource_shows_twice(aws):
    for _ in range(2):
        build_vpc = dict(CidrBlock="10.0.0.0/16", TagSpecifications=[
            {"ResourceType": "vpc", "Tags": [{"Key": "circles-infra:address", "Value": "network/vpc"}]}])
        aws.ec2.create_vpc(**build_vpc)
    found = aws.control("GET", "inventory?ids=1")[1]["regions"]["us-east-1"]["vpcs"]
    assert [vpc["label"] for vpc in found] == ["network/vpc"] * 2 and found[0]["id"] != found[1]["id"]


def test_the_clock_refuses_nonsense(aws):
    for body in ({"factor": -1}, {"factor": "fast"}, {}, []):
        assert aws.control("POST", "clock", body)[0] == 400


def test_many_calls_at_once_are_all_answered(aws):
    import concurrent.futures

    vpc = aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]

    def churn(number):
        for turn in range(5):
            group = aws.ec2.create_security_group(GroupName=f"g{number}-{turn}", Description="d", VpcId=vpc)["GroupId"]
            aws.ec2.describe_security_groups()
            aws.ec2.delete_security_group(GroupId=group)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(churn, number) for number in range(8)]:
            done.result()
    assert all(c["status"] == 200 for c in aws.control("GET", "calls")[1]["calls"])
