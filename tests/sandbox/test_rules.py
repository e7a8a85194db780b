"""Rules between fields that AWS has and its API models have not: refused, with nothing made, and the nearest right value taken."""

import json
import sys

import pytest
from botocore.exceptions import ClientError
from conftest import SOURCE, code
from test_services import Stack

sys.path.insert(0, str(SOURCE))

from realism.iam_documents import check_policy  # noqa: E402

PAIR = {"name": "A", "value": "b"}
KEY = {"name": "S", "valueFrom": "arn:aws:secretsmanager:us-east-1:000000000000:secret:s-abcdef"}
DATABASE = dict(DBInstanceIdentifier="db", Engine="postgres", DBInstanceClass="db.t4g.small", AllocatedStorage=20,
                MasterUsername="master", MasterUserPassword="long-enough")


def task(**container):
    return dict(family="f", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512",
                containerDefinitions=[{"name": "app", "image": "busybox", **container}])


@pytest.mark.parametrize("container, expected", [
    (dict(environment=[PAIR]), None),
    (dict(environment=[{"name": "spring.url-x", "value": ""}, {"name": "_A", "value": ""}]), None),
    (dict(environment=[{"name": "A=B", "value": "x"}]), "ClientException"),
    (dict(environment=[{"name": "", "value": "x"}]), "ClientException"),
    (dict(environment=[{"name": "with space", "value": "x"}]), "ClientException"),
    (dict(environment=[{"name": "1A", "value": "x"}]), "ClientException"),
    (dict(environment=[PAIR], secrets=[KEY]), None),
    (dict(environment=[PAIR], secrets=[{**KEY, "name": "A"}]), "ClientException"),
    (dict(secrets=[KEY, KEY]), "ClientException"),
    (dict(image="an image"), "ClientException"),
    (dict(image="public.ecr.aws/nginx/nginx:1.29"), None),
])
def test_containers(aws, container, expected):
    assert code(aws.ecs.register_task_definition, **task(**container)) == expected
    assert len(aws.ecs.list_task_definitions()["taskDefinitionArns"]) == (0 if expected else 1)


@pytest.mark.parametrize("image", ["Nginx:1", "nginx:feature/login", "nginx:"])
def test_an_image_that_is_no_reference_cannot_be_pulled(aws, network, image):
    stack = Stack(aws, network)
    stack.listen()
    definition = aws.ecs.register_task_definition(**task(image=image))["taskDefinition"]["taskDefinitionArn"]
    stack.create(definition, loadBalancers=[])
    for _ in range(4):
        aws.ecs.describe_services(cluster="main", services=["app"])
    assert any("invalid reference format" in str(reason) for reason in stack.stopped_reasons())


def test_a_refused_service_leaves_nothing(aws, network):
    stack = Stack(aws, network)
    stack.listen()
    with pytest.raises(ClientError):
        stack.create(stack.define(), deploymentConfiguration={"minimumHealthyPercent": 100, "maximumPercent": 100})
    assert aws.ecs.list_services(cluster="main")["serviceArns"] == []
    stack.create(stack.define())


@pytest.mark.parametrize("settings, expected", [
    (dict(HealthCheckPath="/health", Matcher={"HttpCode": "200-299,401"}), None),
    (dict(HealthCheckPath="health"), "ValidationError"),
    (dict(Matcher={"HttpCode": "2xx"}), "ValidationError"),
    (dict(Matcher={"HttpCode": "200-600"}), "ValidationError"),
    (dict(Matcher={"HttpCode": "100"}), "ValidationError"),
])
def test_target_groups(aws, network, settings, expected):
    call = dict(Name="t", Protocol="HTTP", Port=80, VpcId=network.vpc, TargetType="ip", **settings)
    assert code(aws.elbv2.create_target_group, **call) == expected


def condition(kind, *values):
    return [{"Field": kind, {"path-pattern": "PathPatternConfig", "host-header": "HostHeaderConfig"}[kind]: {"Values": list(values)}}]


@pytest.mark.parametrize("conditions, expected", [
    (condition("path-pattern", "/a", "/b", "/c", "/d", "/e"), None),
    (condition("path-pattern", "/a", "/b", "/c", "/d", "/e", "/f"), "ValidationError"),
    (condition("path-pattern"), "ValidationError"),
    (condition("path-pattern", "/a b"), "ValidationError"),
    (condition("host-header", "*.example.com"), None),
    (condition("host-header", "a.example.com:8443"), "ValidationError"),
])
def test_rules(aws, network, conditions, expected):
    balancer = aws.elbv2.create_load_balancer(Name="l", Subnets=network.subnets, SecurityGroups=[network.group])["LoadBalancers"][0]["LoadBalancerArn"]
    fixed = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain"}}]
    listener = aws.elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=fixed)["Listeners"][0]["ListenerArn"]
    assert code(aws.elbv2.create_rule, ListenerArn=listener, Priority=1, Conditions=conditions, Actions=fixed) == expected
    assert code(aws.elbv2.modify_listener, ListenerArn=listener, SslPolicy="TLS13") == "SSLPolicyNotFound"


@pytest.mark.parametrize("settings, expected", [
    (dict(PreferredBackupWindow="03:00-03:30", PreferredMaintenanceWindow="Sun:04:00-Sun:04:30"), None),
    (dict(PreferredBackupWindow="03:00-05:00", PreferredMaintenanceWindow="sun:04:00-sun:05:00"), "InvalidParameterValue"),
    (dict(PreferredBackupWindow="23:45-00:30", PreferredMaintenanceWindow="mon:00:00-mon:00:30"), "InvalidParameterValue"),
    (dict(PreferredBackupWindow="23:00-23:30", PreferredMaintenanceWindow="sun:23:30-mon:00:30"), None),
    (dict(PreferredBackupWindow="3:00-3:30"), "InvalidParameterValue"),
    (dict(PreferredBackupWindow="03:00-03:10"), "InvalidParameterValue"),
    (dict(PreferredMaintenanceWindow="sunday:04:00-sunday:05:00"), "InvalidParameterValue"),
    (dict(Iops=3000, StorageType="gp3"), "InvalidParameterCombination"),
    (dict(StorageType="gp3"), None),
    (dict(StorageType="gp3", AllocatedStorage=400, Iops=12000), None),
    (dict(StorageType="io1", AllocatedStorage=100), "InvalidParameterCombination"),
    (dict(DBInstanceClass="t4g.micro"), "InvalidParameterValue"),
    (dict(MasterUsername="rdsrepladmin"), "InvalidParameterValue"),
    (dict(DBName="template1"), "InvalidParameterValue"),
])
def test_databases(aws, settings, expected):
    assert code(aws.rds.create_db_instance, **{**DATABASE, **settings}) == expected
    assert len(aws.rds.describe_db_instances()["DBInstances"]) == (0 if expected else 1)


def born(aws, **more):
    aws.rds.create_db_instance(**{**DATABASE, **more})
    for _ in range(3):
        aws.rds.describe_db_instances()


def test_storage_and_iops_change_together(aws):
    born(aws, StorageType="gp3", AllocatedStorage=400, Iops=12000)
    change = dict(DBInstanceIdentifier="db", ApplyImmediately=True)
    for settings in (dict(Iops=13000), dict(AllocatedStorage=500), dict(AllocatedStorage=410, Iops=12000)):
        assert code(aws.rds.modify_db_instance, **change, **settings) == "InvalidParameterCombination", settings
    assert code(aws.rds.modify_db_instance, **change, AllocatedStorage=500, Iops=13000) is None


def test_windows_are_held_against_the_one_that_is_there(aws):
    born(aws, PreferredBackupWindow="03:00-03:30", PreferredMaintenanceWindow="sun:04:00-sun:04:30")
    change = dict(DBInstanceIdentifier="db", ApplyImmediately=True)
    assert code(aws.rds.modify_db_instance, **change, PreferredBackupWindow="04:00-04:30") == "InvalidParameterValue"
    assert code(aws.rds.modify_db_instance, **change, PreferredBackupWindow="05:00-05:30") is None


def test_a_stopped_database_takes_no_change(aws):
    born(aws)
    aws.rds.stop_db_instance(DBInstanceIdentifier="db")
    assert code(aws.rds.modify_db_instance, DBInstanceIdentifier="db", DeletionProtection=True, ApplyImmediately=True) == "InvalidDBInstanceState"


def test_performance_insights_are_kept(aws):
    born(aws, EnablePerformanceInsights=True)
    found = aws.rds.describe_db_instances()["DBInstances"][0]
    assert (found["PerformanceInsightsEnabled"], found["PerformanceInsightsRetentionPeriod"]) == (True, 7)
    aws.rds.modify_db_instance(DBInstanceIdentifier="db", EnablePerformanceInsights=False, ApplyImmediately=True)
    assert aws.rds.describe_db_instances()["DBInstances"][0]["PerformanceInsightsEnabled"] is False


def test_a_parameters_name_has_small_letters(aws):
    aws.rds.create_db_parameter_group(DBParameterGroupName="p", DBParameterGroupFamily="postgres15", Description="d")
    for name, expected in (("Max_Connections", "InvalidParameterValue"), ("max_connections", None)):
        parameter = {"ParameterName": name, "ParameterValue": "200", "ApplyMethod": "pending-reboot"}
        assert code(aws.rds.modify_db_parameter_group, DBParameterGroupName="p", Parameters=[parameter]) == expected


def statement(**more):
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **more}


@pytest.mark.parametrize("statements, words", [
    ([statement()], None),
    ([statement(Action="*"), statement(Sid="A1", Resource=["arn:aws:s3:::b", "arn:aws:s3:::b/*"])], None),
    ([statement(Action="s3.GetObject")], "vendor"),
    ([statement(Resource="bucket")], "ARN format"),
    ([statement(Sid="with-dash")], "alpha-numeric"),
    ([statement(Sid="A"), statement(Sid="A")], "unique"),
    ([statement(Principal="*")], "principal"),
    ([statement(Effect="allow")], "Syntax"),
    ([{"Effect": "Allow", "Action": "s3:GetObject"}], "resources"),
    ([{"Effect": "Allow", "Resource": "*"}], "actions"),
    ([statement(Condition={"StringEqual": {"aws:username": "x"}})], "Invalid Condition type"),
    ([statement(Condition={"ForAnyValue:StringLikeIfExists": {"aws:TagKeys": "x"}})], None),
    ([statement(Condition={"StringEquals": {"username": "x"}})], "vendor"),
])
def test_policies(aws, statements, words):
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    assert (words is None) == (check_policy(text) is None) and (words or "") in (check_policy(text) or "")
    assert code(aws.iam.create_policy, PolicyName="p", PolicyDocument=text) == (words and "MalformedPolicyDocument")


OTHERS = [
    ("logs", "create_log_group", dict(logGroupName="aws/x"), "InvalidParameterException"),
    ("logs", "create_log_group", dict(logGroupName="/aws/x"), None),
    ("secretsmanager", "create_secret", dict(Name="a b", SecretString="x"), "ValidationException"),
    ("iam", "create_role", dict(RoleName="r", AssumeRolePolicyDocument="{}", Tags=[{"Key": "A", "Value": ""}, {"Key": "a", "Value": ""}]), "InvalidInput"),
    ("ec2", "create_vpc", dict(CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": [
        {"Key": "A", "Value": ""}, {"Key": "a", "Value": ""}]}]), None),
    ("ec2", "create_vpc", dict(CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "aws:x", "Value": ""}]}]),
     "InvalidParameterValue"),
]


@pytest.mark.parametrize("service, operation, parameters, expected", OTHERS, ids=[f"{n}-{case[1]}" for n, case in enumerate(OTHERS)])
def test_names_and_tags(aws, service, operation, parameters, expected):
    assert code(getattr(getattr(aws, service), operation), **parameters) == expected


def test_security_groups(aws, network):
    assert code(aws.ec2.create_security_group, GroupName="sg-x", Description="d", VpcId=network.vpc) == "InvalidParameterValue"
    assert code(aws.ec2.create_security_group, GroupName="x", Description="naïve", VpcId=network.vpc) == "InvalidParameterValue"

    def permission(*ranges):
        return [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": list(ranges)}]

    allow = aws.ec2.authorize_security_group_ingress
    for ranges in ([{"CidrIp": "::/0"}], [{"CidrIp": "10.0.0.0/8"}, {"CidrIp": "10.0.0.0/8", "Description": "again"}],
                   [{"CidrIp": "10.0.0.0/8", "Description": "naïve"}]):
        assert code(allow, GroupId=network.group, IpPermissions=permission(*ranges)) == "InvalidParameterValue", ranges
    assert code(allow, GroupId=network.group, IpPermissions=permission({"CidrIp": "10.0.0.0/8"}, {"CidrIp": "11.0.0.0/8"})) is None


def test_buckets(aws):
    aws.s3.create_bucket(Bucket="b-1")

    def rules(*rules):
        return code(aws.s3.put_bucket_lifecycle_configuration, Bucket="b-1", LifecycleConfiguration={"Rules": list(rules)})

    rule = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""}}
    assert rules(rule) == "InvalidRequest"
    assert rules({**rule, "Expiration": {"Days": 1}}, {**rule, "Expiration": {"Days": 2}}) == "InvalidArgument"
    assert rules({**rule, "Expiration": {"Days": 1}}) is None
    for algorithm, expected in (("AES256", "InvalidArgument"), ("aws:kms", None)):
        default = {"SSEAlgorithm": algorithm, "KMSMasterKeyID": "arn:aws:kms:us-east-1:000000000000:key/1"}
        assert code(aws.s3.put_bucket_encryption, Bucket="b-1", ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": default}]}) == expected
