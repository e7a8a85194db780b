"""What the sandbox judges a call by when policies are enforced: resources, tags, the service's keys, service-linked roles."""

import json

import pytest
from botocore.exceptions import ClientError

from conftest import Network, code

ECS = "ecs.amazonaws.com"
ROLE = "arn:aws:iam::000000000000:role/circles-infra/task"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]})


def allow(action, resource="*", **condition):
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {**statement, "Condition": {key.replace("__", ":"): value for key, value in condition.items()}} if condition else statement


def use(aws, *statements, **more):
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    status, answer = aws.control("POST", "iam", {"policies": [document], **more} if more else document)
    assert status == 200, answer


def tags(key="circles-infra:stack", value="shop", kind=None):
    found = [{"Key": key, "Value": value}]
    return [{"ResourceType": kind, "Tags": found}] if kind else found


def denied(call, *words, **parameters):
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    error = refused.value.response["Error"]
    assert error["Code"] in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"), error
    for word in words:
        assert word in error["Message"], error


def test_a_network_is_made_with_its_tags_and_deleted_by_them(aws):
    other = aws.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    use(aws, allow("ec2:CreateVpc", "arn:aws:ec2:*:*:vpc/*", StringEquals={"aws:RequestTag/circles-infra:stack": "shop"}),
        allow("ec2:CreateTags", StringEquals={"ec2:CreateAction": "CreateVpc"}),
        allow(["ec2:DeleteVpc", "ec2:ModifyVpcAttribute"], StringEquals={"aws:ResourceTag/circles-infra:stack": "shop"}))
    denied(aws.ec2.create_vpc, "ec2:CreateVpc", ":vpc/*", CidrBlock="10.0.0.0/16")
    denied(aws.ec2.create_vpc, CidrBlock="10.0.0.0/16", TagSpecifications=tags(value="blog", kind="vpc"))
    own = aws.ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags(kind="vpc"))["Vpc"]["VpcId"]
    denied(aws.ec2.create_tags, "ec2:CreateTags", f"vpc/{other}", Resources=[other], Tags=tags())
    denied(aws.ec2.delete_vpc, f"vpc/{other}", VpcId=other)
    aws.ec2.modify_vpc_attribute(VpcId=own, EnableDnsHostnames={"Value": True})
    aws.ec2.delete_vpc(VpcId=own)


def test_a_subnet_needs_its_network_as_well(aws):
    vpc = aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    use(aws, allow("ec2:CreateSubnet", "arn:aws:ec2:*:*:subnet/*"))
    denied(aws.ec2.create_subnet, f"vpc/{vpc}", VpcId=vpc, CidrBlock="10.0.0.0/24")
    use(aws, allow("ec2:CreateSubnet", ["arn:aws:ec2:*:*:subnet/*", "arn:aws:ec2:*:*:vpc/*"]))
    aws.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")


def test_roles_are_known_by_their_paths(aws):
    use(aws, allow(["iam:CreateRole", "iam:GetRole", "iam:DeleteRole", "iam:PutRolePolicy"], "arn:aws:iam::*:role/circles-infra/*"))
    denied(aws.iam.create_role, "role/task", RoleName="task", AssumeRolePolicyDocument=TRUST)
    # One that is not there has no path to be judged by.
    denied(aws.iam.get_role, "role/task", RoleName="task")
    aws.iam.create_role(RoleName="task", Path="/circles-infra/", AssumeRolePolicyDocument=TRUST)
    aws.iam.get_role(RoleName="task")
    aws.iam.delete_role(RoleName="task")


def test_a_role_is_passed_to_its_service_alone(aws):
    aws.iam.create_role(RoleName="task", Path="/circles-infra/", AssumeRolePolicyDocument=TRUST)
    task = dict(family="f", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512",
                taskRoleArn=ROLE, containerDefinitions=[{"name": "app", "image": "busybox"}])
    for service, expected in (("lambda.amazonaws.com", "AccessDeniedException"), ("ecs-tasks.amazonaws.com", None)):
        use(aws, allow("ecs:RegisterTaskDefinition", "arn:aws:ecs:*:*:task-definition/f:*"),
            allow("iam:PassRole", "arn:aws:iam::*:role/circles-infra/*", StringEquals={"iam:PassedToService": service}))
        assert code(aws.ecs.register_task_definition, **task) == expected
    use(aws, allow("ecs:RegisterTaskDefinition"), allow("iam:PassRole", "arn:aws:iam::*:role/other/*"))
    denied(aws.ecs.register_task_definition, "iam:PassRole", ROLE, **task)


def test_services_by_their_cluster(aws):
    aws.ecs.create_cluster(clusterName="shop")
    use(aws, allow("ecs:ListServices", ArnEquals={"ecs:cluster": "arn:aws:ecs:*:*:cluster/shop"}))
    aws.ecs.list_services(cluster="shop")
    denied(aws.ecs.list_services, "ecs:ListServices", cluster="blog")


@pytest.mark.parametrize("service, operation, parameters, action, resource", [
    ("s3", "put_object", dict(Bucket="shop", Key="a/b", Body=b"x"), "s3:PutObject", "arn:aws:s3:::shop/a/b"),
    ("s3", "list_objects_v2", dict(Bucket="shop"), "s3:ListBucket", "arn:aws:s3:::shop"),
    ("logs", "create_log_group", dict(logGroupName="/ecs/shop"), "logs:CreateLogGroup", "log-group:/ecs/shop:log-stream:"),
    ("logs", "put_retention_policy", dict(logGroupName="/ecs/shop", retentionInDays=7), "logs:PutRetentionPolicy", "log-group:/ecs/shop:log-stream:"),
    ("rds", "create_db_subnet_group", dict(DBSubnetGroupName="shop", DBSubnetGroupDescription="d", SubnetIds=["subnet-1"]),
     "rds:CreateDBSubnetGroup", "subgrp:shop"),
    ("rds", "describe_db_instances", dict(DBInstanceIdentifier="shop"), "rds:DescribeDBInstances", "db:shop"),
    ("rds", "describe_db_instances", {}, "rds:DescribeDBInstances", "db:*"),
    ("ecr", "create_repository", dict(repositoryName="shop/app"), "ecr:CreateRepository", "repository/shop/app"),
    ("ecr", "get_authorization_token", {}, "ecr:GetAuthorizationToken", "*"),
    ("secretsmanager", "create_secret", dict(Name="shop/x", SecretString="v"), "secretsmanager:CreateSecret", "secret:shop/x"),
    ("elbv2", "create_target_group", dict(Name="shop", TargetType="lambda"), "elasticloadbalancing:CreateTargetGroup", "targetgroup/shop/*"),
    ("ecs", "describe_services", dict(cluster="shop", services=["web"]), "ecs:DescribeServices", "service/shop/web"),
    ("ecs", "create_cluster", dict(clusterName="shop"), "ecs:CreateCluster", "cluster/shop"),
    ("iam", "create_policy", dict(PolicyName="p", Path="/x/", PolicyDocument=TRUST), "iam:CreatePolicy", "policy/x/p"),
    ("ec2", "describe_vpcs", {}, "ec2:DescribeVpcs", "*"),
])
def test_the_resource_of_a_call(aws, service, operation, parameters, action, resource):
    aws.control("POST", "iam", {"allow": []})
    denied(getattr(getattr(aws, service), operation), f"perform: {action} on resource: ", f"{resource} because", **parameters)


def test_a_secret_that_exists_has_six_characters_more(aws):
    arn = aws.secretsmanager.create_secret(Name="shop/x", SecretString="v")["ARN"]
    use(aws, allow("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:*:*:secret:shop/x"))
    denied(aws.secretsmanager.get_secret_value, arn, SecretId="shop/x")
    use(aws, allow("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:*:*:secret:shop/x-??????"))
    aws.secretsmanager.get_secret_value(SecretId="shop/x")


def test_tag_keys_a_boundary_and_a_session(aws):
    only = {"Version": "2012-10-17", "Statement": [allow("ecr:*", **{"ForAllValues__StringLike": {"aws:TagKeys": "circles-infra:*"}})]}
    use(aws, *only["Statement"])
    denied(aws.ecr.create_repository, repositoryName="aa", tags=tags("team"))
    aws.ecr.create_repository(repositoryName="aa", tags=tags())
    reading = {"Version": "2012-10-17", "Statement": [allow("ecr:Describe*")]}
    for name, words in (("boundary", "no permissions boundary allows"), ("session", "no session policy allows")):
        use(aws, allow("ecr:*"), **{name: reading})
        denied(aws.ecr.create_repository, words, repositoryName="bb")
        aws.ecr.describe_repositories()
    use(aws, allow("*"), {"Effect": "Deny", "Action": "ecr:Create*", "Resource": "*"})
    denied(aws.ecr.create_repository, "with an explicit deny", repositoryName="bb")


NETWORK = "ec2:DescribeAccountAttributes", "ec2:GetSecurityGroupsForVpc"


def test_the_first_load_balancer_reads_the_network(aws, network):
    own = ["elasticloadbalancing:CreateLoadBalancer", "iam:CreateServiceLinkedRole"]
    call = dict(Name="shop", Subnets=network.subnets, SecurityGroups=[network.group])
    for lacking in NETWORK:
        aws.control("POST", "iam", {"allow": [*own, *(action for action in NETWORK if action != lacking)]})
        denied(aws.elbv2.create_load_balancer, lacking, **call)
    aws.control("POST", "iam", {"allow": [*own, *NETWORK]})
    aws.elbv2.create_load_balancer(**call)


FIRST = [
    ("ecs", "create_cluster", dict(clusterName="c"), "ecs:CreateCluster", ECS, "InvalidParameterException"),
    ("elbv2", "create_target_group", dict(Name="t", TargetType="lambda"), "elasticloadbalancing:CreateTargetGroup",
     "elasticloadbalancing.amazonaws.com", "AccessDenied"),
    ("rds", "create_db_instance", dict(DBInstanceIdentifier="db", Engine="postgres", DBInstanceClass="db.t4g.small",
                                       AllocatedStorage=20, MasterUsername="master", MasterUserPassword="long-enough"),
     "rds:CreateDBInstance", "rds.amazonaws.com", "InvalidParameterValue"),
]


@pytest.mark.parametrize("service, operation, parameters, own, principal, expected", FIRST, ids=[case[0] for case in FIRST])
def test_the_first_call_of_an_account_makes_the_services_role(aws, service, operation, parameters, own, principal, expected):
    call = getattr(getattr(aws, service), operation)
    role = allow("iam:CreateServiceLinkedRole", "arn:aws:iam::*:role/aws-service-role/*", StringEquals={"iam:AWSServiceName": "sqs.amazonaws.com"})
    use(aws, allow(own), role)
    assert code(call, **parameters) == expected
    use(aws, allow([own, "iam:ListRoles"]), {**role, "Condition": {"StringEquals": {"iam:AWSServiceName": [principal]}}})
    assert code(call, **parameters) is None
    paths = [role["Path"] for role in aws.iam.list_roles()["Roles"]]
    assert paths == [f"/aws-service-role/{principal}/"]
    # The role is there now: nobody needs the right again.
    use(aws, allow([own, "elasticloadbalancing:*"]))
    again = {key: value + "2" if key in ("clusterName", "Name", "DBInstanceIdentifier") else value for key, value in parameters.items()}
    assert code(call, **again) is None


def test_the_role_can_be_made_before(aws):
    aws.iam.create_service_linked_role(AWSServiceName=ECS)
    assert code(aws.iam.create_service_linked_role, AWSServiceName=ECS) == "InvalidInput"
    aws.control("POST", "iam", {"allow": ["ecs:CreateCluster"]})
    aws.ecs.create_cluster(clusterName="c")
    assert aws.control("GET", "inventory")[1]["global"].get("roles", []) == []


def test_without_policies_everything_is_allowed(aws):
    Network(aws)
    aws.ecs.create_cluster(clusterName="c")
