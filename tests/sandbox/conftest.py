"""A server of its own for each test session, on a free port; SANDBOX_PLAIN=1 takes plain moto instead of the sandbox.

Tests marked `gap` show something that AWS does and plain moto does not: they pass here and fail there, which
check_gaps.py verifies.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

PLAIN = os.environ.get("SANDBOX_PLAIN") == "1"
SOURCE = pathlib.Path(__file__).resolve().parents[2] / "src" / "sandbox"


def pytest_configure(config):
    config.addinivalue_line("markers", "gap: AWS does it, plain moto does not")


def pytest_collection_modifyitems(items):
    for item in items:
        if PLAIN and item.get_closest_marker("gap") is None:
            item.add_marker(pytest.mark.skip(reason="speaks to the sandbox's own API"))


class Aws:
    """The server under test and clients for it."""

    def __init__(self, port):
        self.port, self.url = port, f"http://127.0.0.1:{port}"
        self._clients = {}

    def __getattr__(self, service):
        if service not in self._clients:
            config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
            self._clients[service] = boto3.client(
                service, endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="test",
                aws_secret_access_key="test", config=config)
        return self._clients[service]

    def control(self, method, path, body=None):
        """Ask the sandbox's own API; (status, JSON)."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sandbox/{path}", method=method, data=data)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def clock(self, factor):
        """Plain moto has no clock, and needs none to show what it lacks."""
        if not PLAIN:
            assert self.control("POST", "clock", {"factor": factor})[0] == 200

    def reset(self):
        path = "/moto-api/reset" if PLAIN else "/_sandbox/reset"
        urllib.request.urlopen(urllib.request.Request(self.url + path, method="POST"), timeout=30).read()
        self.clock(0)


def code(call, *args, **kwargs):
    """The error code of a call, or None when it is carried out."""
    try:
        call(*args, **kwargs)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def wait_for(look, good, seconds=20):
    """Look until it is good; the list of different things seen."""
    seen, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        now = look()
        if not seen or seen[-1] != now:
            seen.append(now)
        if good(now):
            return seen
        time.sleep(0.01)
    raise AssertionError(f"never good: {seen}")


def _start(port_file):
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1"}
    if not PLAIN:
        command = ["-m", "realism", "--port", "0", "--port-file", str(port_file), "--clock-factor", "0"]
        return subprocess.Popen([sys.executable, *command], env=environment), None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    command = ["-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    return subprocess.Popen([sys.executable, *command], env=environment, stderr=subprocess.DEVNULL), port


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    port_file = tmp_path_factory.mktemp("server") / "port"
    process, port = _start(port_file)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            assert process.poll() is None, "the server ended"
            try:
                port = port or int(port_file.read_text())
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield Aws(port)
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture
def aws(server):
    server.reset()
    yield server
    if not PLAIN:
        server.control("DELETE", "faults")
        server.control("POST", "iam", {"allow": None})


class Network:
    """A VPC with two subnets, a gateway and a route to it."""

    def __init__(self, aws, routed=True):
        ec2 = aws.ec2
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [
            ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"us-east-1{zone}")[
                "Subnet"]["SubnetId"] for n, zone in enumerate("ab")]
        self.gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.vpc)
        self.table = ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        if routed:
            ec2.create_route(RouteTableId=self.table, DestinationCidrBlock="0.0.0.0/0", GatewayId=self.gateway)
            self.associations = [ec2.associate_route_table(RouteTableId=self.table, SubnetId=subnet)["AssociationId"]
                                 for subnet in self.subnets]
        self.group = ec2.create_security_group(GroupName="app", Description="app", VpcId=self.vpc)["GroupId"]


@pytest.fixture
def network(aws):
    return Network(aws)
