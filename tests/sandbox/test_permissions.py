"""What the sandbox asks for beside a call's own action: tagging, and handing a role to a service."""

import pytest
from botocore.exceptions import ClientError

from conftest import code

PAIR = [{"Key": "a", "Value": "b"}]
LOWER = [{"key": "a", "value": "b"}]
ROLE = "arn:aws:iam::000000000000:role/r"
DOCUMENT = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}'
TASK = dict(family="f", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512",
            containerDefinitions=[{"name": "app", "image": "busybox"}])
DATABASE = dict(DBInstanceIdentifier="db", Engine="postgres", DBInstanceClass="db.t4g.small", AllocatedStorage=20,
                MasterUsername="u", MasterUserPassword="long-enough")
# Service, operation, its parameters, its own action, and the one beside it.
BESIDE = [
    ("ec2", "create_vpc", dict(CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": PAIR}]),
     "ec2:CreateVpc", "ec2:CreateTags"),
    ("ecs", "create_cluster", dict(clusterName="c", tags=LOWER), "ecs:CreateCluster", "ecs:TagResource"),
    ("ecs", "register_task_definition", dict(TASK, tags=LOWER), "ecs:RegisterTaskDefinition", "ecs:TagResource"),
    ("ecs", "register_task_definition", dict(TASK, taskRoleArn=ROLE), "ecs:RegisterTaskDefinition", "iam:PassRole"),
    ("ecs", "register_task_definition", dict(TASK, executionRoleArn=ROLE), "ecs:RegisterTaskDefinition", "iam:PassRole"),
    ("ecr", "create_repository", dict(repositoryName="repo", tags=PAIR), "ecr:CreateRepository", "ecr:TagResource"),
    ("elbv2", "create_target_group", dict(Name="t", Tags=PAIR, TargetType="lambda"),
     "elasticloadbalancing:CreateTargetGroup", "elasticloadbalancing:AddTags"),
    ("iam", "create_role", dict(RoleName="r", AssumeRolePolicyDocument="{}", Tags=PAIR), "iam:CreateRole", "iam:TagRole"),
    ("iam", "create_policy", dict(PolicyName="p", PolicyDocument=DOCUMENT, Tags=PAIR), "iam:CreatePolicy", "iam:TagPolicy"),
    ("logs", "create_log_group", dict(logGroupName="g", tags={"a": "b"}), "logs:CreateLogGroup", "logs:TagResource"),
    ("rds", "create_db_parameter_group",
     dict(DBParameterGroupName="p", DBParameterGroupFamily="postgres15", Description="d", Tags=PAIR),
     "rds:CreateDBParameterGroup", "rds:AddTagsToResource"),
    ("rds", "create_db_instance", dict(DATABASE, MonitoringInterval=60, MonitoringRoleArn=ROLE),
     "rds:CreateDBInstance", "iam:PassRole"),
    ("s3", "create_bucket", dict(Bucket="b-1", CreateBucketConfiguration={"Tags": PAIR}), "s3:CreateBucket", "s3:TagResource"),
    ("secretsmanager", "create_secret", dict(Name="s", SecretString="x", Tags=PAIR),
     "secretsmanager:CreateSecret", "secretsmanager:TagResource"),
]


@pytest.mark.parametrize("service, operation, parameters, own, beside", BESIDE,
                         ids=[f"{operation}-{beside}" for _, operation, _, _, beside in BESIDE])
def test_a_call_that_also_does_something_else_needs_that_too(aws, service, operation, parameters, own, beside):
    call = getattr(getattr(aws, service), operation)
    for lacks, allowed in ((beside, own), (own, beside)):
        aws.control("POST", "iam", {"allow": [allowed]})
        with pytest.raises(ClientError, match=f"is not authorized to perform: {lacks} on"):
            call(**parameters)
    aws.control("POST", "iam", {"allow": [own, beside, "iam:CreateServiceLinkedRole"]})
    assert code(call, **parameters) is None


def test_what_does_nothing_else_needs_nothing_else(aws):
    aws.control("POST", "iam", {"allow": ["ecs:CreateCluster", "ecs:RegisterTaskDefinition", "s3:CreateBucket", "iam:CreateRole",
                                         "iam:CreateServiceLinkedRole"]})
    aws.ecs.create_cluster(clusterName="c", tags=[])
    aws.ecs.register_task_definition(**TASK)
    aws.s3.create_bucket(Bucket="b-1")
    aws.iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")


def test_a_service_hands_its_roles_on(aws, network):
    definition = aws.ecs.register_task_definition(**TASK, executionRoleArn=ROLE)["taskDefinition"]["taskDefinitionArn"]
    aws.ecs.create_cluster(clusterName="c")
    place = dict(cluster="c", taskDefinition=definition, launchType="FARGATE", networkConfiguration={
        "awsvpcConfiguration": {"subnets": network.subnets, "securityGroups": [network.group]}})
    for call, more, own in ((aws.ecs.create_service, dict(serviceName="s", desiredCount=0), "ecs:CreateService"),
                            (aws.ecs.run_task, {}, "ecs:RunTask")):
        aws.control("POST", "iam", {"allow": [own]})
        with pytest.raises(ClientError, match="is not authorized to perform: iam:PassRole on"):
            call(**place, **more)
        aws.control("POST", "iam", {"allow": [own, "iam:PassRole"]})
        assert code(call, **place, **more) is None
