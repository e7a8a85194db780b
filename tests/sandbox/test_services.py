"""ECS services: rolling, failing, rolling back, draining."""

import json

import pytest

from conftest import code

gap = pytest.mark.gap
REGISTRY = "{account}.dkr.ecr.us-east-1.amazonaws.com/app"


def manifest(number):
    return json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                       "config": {"digest": f"sha256:{number:064d}", "size": 1}, "layers": []})


class Stack:
    """All that a service needs, and the service itself on request."""

    def __init__(self, aws, network):
        self.aws, self.network = aws, network
        self.account = aws.sts.get_caller_identity()["Account"]
        self.role = aws.iam.create_role(RoleName="exec", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        aws.ecr.create_repository(repositoryName="app")
        self.push("v1", 1)
        self.secret = aws.secretsmanager.create_secret(Name="app/config", SecretString='{"KEY": "x"}')["ARN"]
        aws.logs.create_log_group(logGroupName="/ecs/app")
        aws.ecs.create_cluster(clusterName="main")
        self.balancer = aws.elbv2.create_load_balancer(
            Name="web", Subnets=network.subnets, SecurityGroups=[network.group])["LoadBalancers"][0]["LoadBalancerArn"]
        self.group = aws.elbv2.create_target_group(Name="app", Protocol="HTTP", Port=80, VpcId=network.vpc,
                                                   TargetType="ip")["TargetGroups"][0]["TargetGroupArn"]

    def push(self, tag, number):
        return self.aws.ecr.put_image(repositoryName="app", imageManifest=manifest(number),
                                      imageTag=tag)["image"]["imageId"]["imageDigest"]

    def listen(self):
        self.aws.elbv2.create_listener(LoadBalancerArn=self.balancer, Protocol="HTTP", Port=80,
                                       DefaultActions=[{"Type": "forward", "TargetGroupArn": self.group}])

    def define(self, image=":v1", secret=None, log_group="/ecs/app", **more):
        container = {
            "name": "app", "image": REGISTRY.format(account=self.account) + image,
            "portMappings": [{"containerPort": 8000}],
            "secrets": [{"name": "KEY", "valueFrom": secret or f"{self.secret}:KEY::"}],
            "logConfiguration": {"logDriver": "awslogs", "options": {
                "awslogs-group": log_group, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "app"}}}
        asked = dict(family="app", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="512",
                     memory="1024", executionRoleArn=self.role, containerDefinitions=[container])
        return self.aws.ecs.register_task_definition(**{**asked, **more})["taskDefinition"]["taskDefinitionArn"]

    def wish(self, definition, **more):
        network = {"awsvpcConfiguration": {"subnets": self.network.subnets, "securityGroups": [self.network.group],
                                           "assignPublicIp": "ENABLED"}}
        breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
        asked = dict(cluster="main", serviceName="app", taskDefinition=definition, desiredCount=2,
                     launchType="FARGATE", networkConfiguration=network, deploymentConfiguration=breaker,
                     loadBalancers=[{"targetGroupArn": self.group, "containerName": "app", "containerPort": 8000}])
        return {key: value for key, value in {**asked, **more}.items() if value is not None}

    def create(self, definition, **more):
        return self.aws.ecs.create_service(**self.wish(definition, **more))["service"]

    def update(self, **more):
        return self.aws.ecs.update_service(cluster="main", service="app", **more)["service"]

    def service(self):
        return self.aws.ecs.describe_services(cluster="main", services=["app"])["services"][0]

    def settled(self, calls=30):
        """The service once its deployment is over; at factor 0 each look lets it go on."""
        for _ in range(calls):
            found = self.service()
            if len(found["deployments"]) == 1 and found["deployments"][0]["rolloutState"] == "COMPLETED":
                return found
        raise AssertionError(found["deployments"])

    def stopped_reasons(self):
        arns = self.aws.ecs.list_tasks(cluster="main", serviceName="app", desiredStatus="STOPPED")["taskArns"]
        return {task["stoppedReason"] for task in self.aws.ecs.describe_tasks(cluster="main", tasks=arns)["tasks"]}


@pytest.fixture
def stack(aws, network):
    return Stack(aws, network)


@gap
def test_running_follows_desired_with_time(aws, stack):
    stack.listen()
    aws.clock(1)
    made = stack.create(stack.define())
    assert (made["runningCount"], made["pendingCount"]) == (0, 2)
    assert made["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    aws.clock(0)
    found = stack.settled()
    assert (found["runningCount"], found["pendingCount"]) == (2, 0)
    assert "has reached a steady state" in found["events"][0]["message"]
    health = aws.elbv2.describe_target_health(TargetGroupArn=stack.group)["TargetHealthDescriptions"]
    assert [entry["TargetHealth"]["State"] for entry in health] == ["healthy", "healthy"]


@gap
def test_tasks_are_listed_described_and_hold_interfaces(aws, stack):
    stack.listen()
    digest = stack.push("v2", 2)
    stack.create(stack.define(":v2"))
    stack.settled()
    arns = aws.ecs.list_tasks(cluster="main", serviceName="app")["taskArns"]
    tasks = aws.ecs.describe_tasks(cluster="main", tasks=arns)["tasks"]
    assert [task["lastStatus"] for task in tasks] == ["RUNNING", "RUNNING"]
    assert {task["containers"][0]["imageDigest"] for task in tasks} == {digest}
    filters = [{"Name": "group-id", "Values": [stack.network.group]}]
    enis = {eni["NetworkInterfaceId"] for eni in aws.ec2.describe_network_interfaces(Filters=filters)[
        "NetworkInterfaces"]}
    for task in tasks:
        details = {entry["name"]: entry["value"] for entry in task["attachments"][0]["details"]}
        assert details["networkInterfaceId"] in enis and details["subnetId"] in stack.network.subnets
    assert code(aws.ec2.delete_security_group, GroupId=stack.network.group) == "DependencyViolation"


@gap
def test_an_update_rolls_with_two_deployments(aws, stack):
    stack.listen()
    first = stack.define()
    stack.create(first)
    stack.settled()
    stack.push("v2", 2)
    second = stack.define(":v2")
    aws.clock(1)
    answer = stack.update(taskDefinition=second)
    assert answer["taskDefinition"] == second
    assert [(d["status"], d["taskDefinition"], d["rolloutState"]) for d in stack.service()["deployments"]] == [
        ("PRIMARY", second, "IN_PROGRESS"), ("ACTIVE", first, "COMPLETED")]
    assert stack.service()["runningCount"] == 2
    aws.clock(0)
    assert stack.settled()["deployments"][0]["taskDefinition"] == second


@gap
def test_a_missing_image_fails_and_rolls_back(aws, stack):
    stack.listen()
    good = stack.define()
    stack.create(good)
    stack.settled()
    stack.update(taskDefinition=stack.define(":missing"))
    found = stack.settled()
    assert found["taskDefinition"] == good and found["runningCount"] == 2
    assert any(reason.startswith("CannotPullContainerError") for reason in stack.stopped_reasons())
    assert any("rolling back" in event["message"] for event in found["events"])


@gap
def test_a_missing_image_without_a_breaker_never_settles(aws, stack):
    stack.listen()
    stack.create(stack.define(":missing"), deploymentConfiguration=None)
    for _ in range(10):
        found = stack.service()
    deployment = found["deployments"][0]
    assert (found["runningCount"], found["pendingCount"], deployment["rolloutState"]) == (0, 2, "IN_PROGRESS")
    assert deployment["failedTasks"] > 2
    stack.push("missing", 7)
    assert stack.settled()["runningCount"] == 2


@gap
@pytest.mark.parametrize("broken, says", [
    ({"secret": "arn:aws:secretsmanager:us-east-1:000000000000:secret:none-AAAAAA"}, "ResourceInitializationError"),
    ({"log_group": "/ecs/none"}, "log group does not exist"),
    ({"image": "@sha256:" + "9" * 64}, "CannotPullContainerError"),
    ({"executionRoleArn": "arn:aws:iam::000000000000:role/none"}, "unable to assume the role"),
])
def test_a_task_that_lacks_something_does_not_start(aws, stack, broken, says):
    stack.listen()
    stack.create(stack.define(**broken))
    stack.service()
    assert stack.service()["runningCount"] == 0
    assert any(says in reason for reason in stack.stopped_reasons())


@gap
def test_a_task_without_a_way_out_does_not_start(aws, stack):
    stack.listen()
    aws.ec2.delete_route(RouteTableId=stack.network.table, DestinationCidrBlock="0.0.0.0/0")
    stack.create(stack.define())
    stack.service()
    assert any("connection issue" in reason for reason in stack.stopped_reasons())


@pytest.mark.parametrize("behaviour, says", [("crashes", "Essential container in task exited"),
                                             ("unhealthy", "Task failed ELB health checks")])
def test_an_image_can_be_declared_bad(aws, stack, behaviour, says):
    stack.listen()
    good = stack.define()
    stack.create(good)
    stack.settled()
    digest = stack.push("bad", 3)
    assert aws.control("POST", "images", {"image": digest, "behaviour": behaviour})[0] == 200
    stack.update(taskDefinition=stack.define(f"@{digest}"))
    assert stack.settled()["taskDefinition"] == good
    assert any(says in reason for reason in stack.stopped_reasons())


@gap
def test_a_create_is_checked(aws, stack):
    definition = stack.define()
    no_balancer = code(stack.create, definition)
    assert no_balancer == "InvalidParameterException"
    stack.listen()
    assert code(stack.create, definition, networkConfiguration=None) == "InvalidParameterException"
    assert code(stack.create, definition, cluster="other") == "ClusterNotFoundException"
    unknown = [{"targetGroupArn": stack.group, "containerName": "other", "containerPort": 8000}]
    assert code(stack.create, definition, loadBalancers=unknown) == "InvalidParameterException"
    made = stack.create(definition, clientToken="token")
    assert stack.create(definition, clientToken="token")["serviceArn"] == made["serviceArn"]
    assert code(stack.create, definition) == "InvalidParameterException"


@gap
def test_fargate_sizes_are_checked(aws, stack):
    assert code(stack.define, cpu="300") == "ClientException"
    assert code(stack.define, memory="512") == "ClientException"
    assert code(stack.define, networkMode="bridge") == "ClientException"
    arn = stack.define(cpu="1 vCPU", memory="2 GB")
    shown = aws.ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    assert (shown["cpu"], shown["memory"]) == ("1024", "2048")
    assert shown["containerDefinitions"][0]["portMappings"] == [
        {"containerPort": 8000, "hostPort": 8000, "protocol": "tcp"}]


@gap
def test_a_service_drains_before_it_is_gone(aws, stack):
    stack.listen()
    definition = stack.define()
    stack.create(definition)
    stack.settled()
    assert code(aws.ecs.delete_cluster, cluster="main") == "ClusterContainsServicesException"
    assert code(aws.ecs.delete_service, cluster="main", service="app") == "InvalidParameterException"
    stack.update(desiredCount=0)
    aws.clock(1)
    aws.ecs.delete_service(cluster="main", service="app")
    assert stack.service()["status"] in ("DRAINING", "INACTIVE")
    aws.clock(0)
    assert stack.service()["status"] == "INACTIVE"
    assert code(aws.ecs.update_service, cluster="main", service="app", desiredCount=1) == "ServiceNotActiveException"
    assert aws.ecs.list_services(cluster="main")["serviceArns"] == []
    assert code(aws.ecs.delete_cluster, cluster="main") is None


@gap
def test_a_draining_name_is_taken(aws, stack):
    stack.listen()
    definition = stack.define()
    stack.create(definition)
    stack.settled()
    aws.clock(1)
    aws.ecs.delete_service(cluster="main", service="app", force=True)
    assert stack.service()["status"] == "DRAINING"
    with pytest.raises(aws.ecs.exceptions.InvalidParameterException, match="still Draining"):
        stack.create(definition)
    aws.clock(0)
    assert stack.create(definition)["status"] == "ACTIVE"


@gap
def test_lists_page_as_in_aws(aws, stack):
    stack.listen()
    definition = stack.define()
    for number in range(12):
        stack.create(definition, serviceName=f"s{number}", desiredCount=0, loadBalancers=None)
    page = aws.ecs.list_services(cluster="main")
    assert len(page["serviceArns"]) == 10
    assert len(aws.ecs.list_services(cluster="main", nextToken=page["nextToken"])["serviceArns"]) == 2
    assert code(aws.ecs.describe_services, cluster="main",
                services=[f"s{n}" for n in range(11)]) == "InvalidParameterException"


@gap
def test_a_task_of_its_own_runs_and_ends(aws, stack):
    definition = stack.define()
    network = stack.wish(definition)["networkConfiguration"]
    asked = dict(cluster="main", launchType="FARGATE", networkConfiguration=network)
    arn = aws.ecs.run_task(taskDefinition=definition, **asked)["tasks"][0]["taskArn"]
    bad = aws.ecs.run_task(taskDefinition=stack.define(":missing"), **asked)["tasks"][0]["taskArn"]
    found = {task["taskArn"]: task for task in aws.ecs.describe_tasks(cluster="main", tasks=[arn, bad])["tasks"]}
    assert (found[arn]["lastStatus"], found[arn]["containers"][0]["exitCode"]) == ("STOPPED", 0)
    assert found[bad]["stoppedReason"].startswith("CannotPullContainerError")


@gap
def test_a_digest_is_the_digest_of_the_manifest(aws, stack):
    import hashlib

    expected = "sha256:" + hashlib.sha256(manifest(4).encode()).hexdigest()
    assert stack.push("v4", 4) == expected
