"""A small service behind the proxy, for the tests of the whole system on one machine: `python -m system` beside a sandbox of its own."""

import http.client
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.request

import pytest

from conftest import SOURCE, Aws, Network, _start
from test_services import Stack

SERVICE = pathlib.Path(__file__).with_name("service_under_test.py")


def until(look, seconds=30):
    """What it finds once that is something; the machine may be busy."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            found = look()
        except (OSError, http.client.HTTPException):
            found = None
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it never came to be")


class System:
    """The process under test, beside a server of its own."""

    def __init__(self, aws, folder, *options, instance="one"):
        self.aws, self.folder = aws, folder
        port_file = folder / "port"
        port_file.unlink(missing_ok=True)
        environment = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1"}
        self.log = open(folder.parent / "system.log", "a+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "system", "--folder", str(folder), "--sandbox-port", str(aws.port), "--port-file",
             str(port_file), "--instance", instance, *options], env=environment, stdout=self.log, stderr=self.log)
        self.port = until(lambda: port_file.exists() and int(port_file.read_text()))

    def shown(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_sandbox/system", timeout=10) as answer:
            return json.load(answer)

    def pids(self):
        return {pid for task in self.shown()["tasks"] for pid in task["pids"]}

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(timeout=30)
        self.log.close()


class Running(Stack):
    """A stack with a listener, and requests through its proxy."""

    def __init__(self, aws, network):
        super().__init__(aws, network)
        aws.ecr.batch_delete_image(repositoryName="app", imageIds=[{"imageTag": "v1"}])
        aws.elbv2.modify_target_group(TargetGroupArn=self.group, HealthCheckPath="/health", UnhealthyThresholdCount=2)
        aws.elbv2.modify_target_group_attributes(TargetGroupArn=self.group, Attributes=[
            {"Key": "deregistration_delay.timeout_seconds", "Value": "5"}])

    def revision(self, **environment):
        container = {
            "name": "app", "image": f"{self.account}.dkr.ecr.us-east-1.amazonaws.com/app:v1",
            "portMappings": [{"containerPort": 8000}], "stopTimeout": 5,
            "environment": [{"name": name, "value": value} for name, value in environment.items()],
            "secrets": [{"name": "KEY", "valueFrom": f"{self.secret}:KEY::"}],
            "logConfiguration": {"logDriver": "awslogs", "options": {
                "awslogs-group": "/ecs/app", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "app"}}}
        return self.define(containerDefinitions=[container])

    @property
    def address(self):
        found = self.aws.elbv2.describe_load_balancers(LoadBalancerArns=[self.balancer])["LoadBalancers"][0]["DNSName"]
        return found if found.startswith("127.0.0.1:") else None

    def get(self, path="/", **headers):
        request = urllib.request.Request(f"http://{self.address}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def steady(self, definition=None, count=None):
        def look():
            found = self.service()
            done = (len(found["deployments"]) == 1 and found["deployments"][0]["rolloutState"] == "COMPLETED"
                    and found["runningCount"] == found["desiredCount"] == (count or found["desiredCount"])
                    and "steady state" in found["events"][0]["message"])
            return done and (definition is None or found["taskDefinition"] == definition) and self.address and found
        return until(look, 60)

    def health(self):
        return sorted(entry["TargetHealth"]["State"] for entry in self.aws.elbv2.describe_target_health(
            TargetGroupArn=self.group)["TargetHealthDescriptions"])

    def stopped(self):
        arns = self.aws.ecs.list_tasks(cluster="main", serviceName="app", desiredStatus="STOPPED")["taskArns"]
        tasks = self.aws.ecs.describe_tasks(cluster="main", tasks=arns)["tasks"] if arns else []
        return [task for task in tasks if task["lastStatus"] == "STOPPED"]

    def logged(self):
        return {event["message"] for stream in self.aws.logs.describe_log_streams(logGroupName="/ecs/app")["logStreams"]
                for event in self.aws.logs.get_log_events(
                    logGroupName="/ecs/app", logStreamName=stream["logStreamName"])["events"]}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A sandbox of its own, whose waits pass a hundred times faster than AWS's."""
    folder = tmp_path_factory.mktemp("world")
    process, _ = _start(folder / "port")
    port = until(lambda: (folder / "port").exists() and int((folder / "port").read_text()), 60)
    aws = Aws(port)
    yield aws, folder
    process.terminate()
    process.wait(timeout=20)


@pytest.fixture
def begun(world, tmp_path):
    aws, _ = world
    aws.reset()
    aws.clock(0.01)
    systems = []

    def begin(*options, instance="one"):
        (tmp_path / "system").mkdir(exist_ok=True)
        systems.append(System(aws, tmp_path / "system", *options, instance=instance))
        return systems[-1]

    yield begin
    for system in systems:
        system.end()


@pytest.fixture
def service(world, begun):
    """Two tasks of the small service behind the proxy."""
    aws, _ = world
    stack = Running(aws, Network(aws))
    stack.listen()
    stack.system = begun("--host-binary", str(SERVICE))
    # The host build is started as the service is: with `serve`.
    stack.create(stack.revision(NAME="first"))
    stack.steady(count=2)
    return stack
