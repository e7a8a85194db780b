"""Requests against the API models: what does not fit is refused as the service refuses it, what fits is taken."""

import json
import sys

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import SOURCE

sys.path.insert(0, str(SOURCE))

from realism.request_patterns import compile_pattern  # noqa: E402

TASK = dict(family="f", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512",
            containerDefinitions=[{"name": "app", "image": "busybox"}])
ROLE = dict(RoleName="r", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}))
# Service, operation, parameters, the error's code, and a word of its message.
REFUSED = [
    ("ec2", "create_subnet", dict(CidrBlock="10.0.0.0/24"), "MissingParameter", "VpcId"),
    ("ec2", "create_vpc", dict(CidrBlock="10.0.0.0/16", InstanceTenancy="shared"), "InvalidParameterValue", "InstanceTenancy"),
    ("ec2", "describe_vpcs", dict(MaxResults=2), "InvalidParameterValue", "MaxResults"),
    ("ec2", "create_tags", dict(Resources=["vpc-1"]), "MissingParameter", "Tags"),
    ("elbv2", "create_load_balancer", dict(Subnets=["a", "b"]), "ValidationError", "'name'"),
    ("elbv2", "create_target_group", dict(Name="t", Protocol="HTTPX"), "ValidationError", "enum value set"),
    ("elbv2", "create_target_group", dict(Name="t", Port=70000), "ValidationError", "less than or equal to 65535"),
    ("elbv2", "create_target_group", dict(Name="t", HealthCheckIntervalSeconds=4), "ValidationError", "healthCheckIntervalSeconds"),
    ("elbv2", "create_listener", dict(DefaultActions=[{"Type": "forward"}]), "ValidationError", "loadBalancerArn"),
    ("rds", "create_db_instance", dict(DBInstanceIdentifier="x", Engine="postgres"), "MissingParameter", "DBInstanceClass"),
    ("rds", "create_db_subnet_group", dict(DBSubnetGroupName="x", SubnetIds=["s"]), "MissingParameter", "DBSubnetGroupDescription"),
    ("iam", "create_role", dict(ROLE, RoleName="a b"), "ValidationError", "regular expression pattern"),
    ("iam", "create_role", dict(ROLE, RoleName="r" * 65), "ValidationError", "less than or equal to 64"),
    ("iam", "create_role", dict(ROLE, MaxSessionDuration=60), "ValidationError", "maxSessionDuration"),
    ("iam", "create_role", dict(ROLE, Path="circles"), "ValidationError", "'path'"),
    ("iam", "get_role", {}, "ValidationError", "roleName"),
    ("ecs", "register_task_definition", dict(TASK, networkMode="shared"), "InvalidParameterException", "networkMode"),
    ("ecs", "register_task_definition", dict(TASK, containerDefinitions=[{"image": 5}]), "SerializationException", "containerDefinitions.1.image"),
    ("ecs", "describe_services", dict(cluster="c"), "InvalidParameterException", "services"),
    ("ecr", "create_repository", dict(repositoryName="A b"), "InvalidParameterException", "repositoryName"),
    ("ecr", "create_repository", dict(repositoryName="r", imageTagMutability="NEVER"), "InvalidParameterException", "length"),
    ("logs", "create_log_group", dict(logGroupName="a b"), "InvalidParameterException", "logGroupName"),
    ("logs", "create_log_group", dict(logGroupName="g" * 513), "InvalidParameterException", "512"),
    ("logs", "create_log_group", dict(logGroupName="g", logGroupClass="CHEAP"), "InvalidParameterException", "logGroupClass"),
    ("secretsmanager", "create_secret", dict(SecretString="x"), "ValidationException", "name"),
    ("secretsmanager", "put_secret_value", dict(SecretId="x", ClientRequestToken="short", SecretString="y"), "ValidationException", "32"),
    ("s3", "put_bucket_versioning", dict(Bucket="b-1", VersioningConfiguration={"Status": "Maybe"}), "MalformedXML", "schema"),
    ("s3", "put_bucket_lifecycle_configuration", dict(Bucket="b-1", LifecycleConfiguration={
        "Rules": [{"Status": "On", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]}), "MalformedXML", "schema"),
]


def bare(aws, service):
    """A client that checks nothing itself."""
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, parameter_validation=False)
    return boto3.client(service, endpoint_url=aws.url, region_name="us-east-1", aws_access_key_id="a",
                        aws_secret_access_key="b", config=config)


@pytest.mark.parametrize("service, operation, parameters, expected, word", REFUSED,
                         ids=[f"{number}-{case[1]}" for number, case in enumerate(REFUSED)])
def test_what_the_model_does_not_allow_is_refused(aws, service, operation, parameters, expected, word):
    with pytest.raises(ClientError) as refused:
        getattr(bare(aws, service), operation)(**parameters)
    answer = refused.value.response
    assert answer["Error"]["Code"] == expected, answer["Error"]
    assert word in answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400


def send(aws, service, *, form=None, target=None, body=None, method="POST", path="/"):
    """A request by hand: a form, JSON for a target, or XML."""
    headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential=a/20261130/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"}
    if target:
        headers.update({"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"})
    session = requests.Session()
    session.trust_env = False
    return session.request(method, aws.url + path, data=form if form is not None else body, headers=headers, timeout=20)


UNKNOWN = [
    ("ec2", dict(form={"Action": "CreateVpc", "Version": "2016-11-15", "CidrBlock": "10.0.0.0/16", "Colour": "red"}), "UnknownParameter", "Colour"),
    ("ec2", dict(form={"Action": "CreateVpc", "Version": "2016-11-15", "CidrBlock": "10.0.0.0/16", "TagSpecification.1.Kind": "vpc"}),
     "UnknownParameter", "TagSpecifications.1.Kind"),
    ("iam", dict(form={"Action": "ListRoles", "Version": "2010-05-08", "Sort": "up"}), "ValidationError", "Sort"),
    ("rds", dict(form={"Action": "DescribeDBInstances", "Version": "2014-10-31", "Sort": "up"}), "InvalidParameterValue", "Sort"),
    ("elasticloadbalancing", dict(form={"Action": "DescribeRules", "Version": "2015-12-01", "PageSize": "many"}), "ValidationError", "pageSize"),
    ("ecs", dict(target="AmazonEC2ContainerServiceV20141113.CreateCluster", body='{"clusterName": "c", "colour": 1}'),
     "InvalidParameterException", "colour"),
    ("ecs", dict(target="AmazonEC2ContainerServiceV20141113.CreateCluster", body='{"clusterName": ["c"]}'), "SerializationException", "clusterName"),
    ("secretsmanager", dict(target="secretsmanager.DescribeSecret", body='{"SecretID": "x"}'), "ValidationException", "SecretID"),
    ("tagging", dict(target="ResourceGroupsTaggingAPI_20170126.GetResources", body=json.dumps({"TagFilters": [{"Key": "k" * 129}]})),
     "InvalidParameterException", "128"),
    ("s3", dict(method="PUT", path="/b-1?versioning", body="<VersioningConfiguration><State>Enabled</State></VersioningConfiguration>"),
     "MalformedXML", "schema"),
]


@pytest.mark.parametrize("service, request_, expected, word", UNKNOWN, ids=[f"{n}-{case[0]}" for n, case in enumerate(UNKNOWN)])
def test_unknown_members_and_wrong_types_are_refused(aws, service, request_, expected, word):
    answer = send(aws, service, **request_)
    assert answer.status_code == 400 and expected in answer.text and word in answer.text


def test_a_value_that_may_be_secret_is_not_repeated(aws):
    with pytest.raises(ClientError) as refused:
        bare(aws, "rds").create_db_instance(DBInstanceIdentifier="x", Engine="postgres", DBInstanceClass="db.t4g.micro",
                                            MasterUserPassword=["never-to-be-seen"], AllocatedStorage="many")
    assert "never-to-be-seen" not in str(refused.value)
    with pytest.raises(ClientError) as refused:
        bare(aws, "secretsmanager").create_secret(Name="n", SecretString="never-to-be-seen" * 5000)
    assert "never-to-be-seen" not in str(refused.value) and "65536" in str(refused.value)


def test_a_refused_request_changes_nothing(aws):
    with pytest.raises(ClientError):
        bare(aws, "ecs").create_cluster(clusterName="c", tags=[{"key": "k" * 200, "value": "v"}])
    assert aws.ecs.list_clusters()["clusterArns"] == [] and aws.iam.list_roles()["Roles"] == []


@pytest.mark.parametrize("pattern, fits, fails", [
    (r"[\w+=,.@-]+", ["a.b-c"], ["a b", "é", ""]),
    (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", ["Zürich 4", "日本", ""], ["a#b", "a\tb"]),
    (r"\p{L}+", ["abc"], ["a1"]),
    (r"^arn:aws[\p{Alnum}-]*:s3:::.+$", ["arn:aws-cn:s3:::x"], ["arn:gcp:s3:::x"]),
])
def test_patterns_are_javas(pattern, fits, fails):
    compiled = compile_pattern(pattern)
    assert all(compiled.fullmatch(text) for text in fits) and not any(compiled.fullmatch(text) for text in fails)


def test_a_pattern_that_cannot_be_said_refuses_nothing():
    assert compile_pattern(r"[a-z&&[^b]]") is None and compile_pattern(r"\p{Unheard}") is None
