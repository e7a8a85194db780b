"""The whole system on one machine: `python -m system` beside the sandbox, with a small service in the image's place."""

import hashlib
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest

from conftest import PLAIN, SOURCE, Network
from running_system import begun, Running, service, SERVICE, until, world  # noqa: F401  (fixtures)

pytestmark = pytest.mark.skipif(PLAIN, reason="plain moto runs nothing")


def test_requests_reach_every_task_with_what_ecs_gives_it(service):
    found = [service.get("/a?b=c") for _ in range(6)]
    assert {answer["pid"] for answer in found} == service.system.pids()
    assert service.health() == ["healthy", "healthy"]
    answer = found[0]
    environment, headers = answer["environment"], {name.lower(): value for name, value in answer["headers"].items()}
    assert (environment["NAME"], environment["KEY"], answer["path"]) == ("first", "x", "/a?b=c")
    assert environment["AWS_ENDPOINT_URL"] == service.aws.url and environment["AWS_REGION"] == "us-east-1"
    assert environment["PORT"] == environment["APP_PORT"] != "8000"
    assert not {"PYTHONPATH", "CIRCLES_SANDBOX_DIR"} & set(environment), "nothing of whoever started it reaches a task"
    assert headers["x-forwarded-for"] == "127.0.0.1" and headers["x-forwarded-proto"] == "http"
    assert headers["x-amzn-trace-id"].startswith("Root=1-") and headers["host"] == service.address
    until(lambda: {"starting as first", "to standard error"} <= service.logged())


def test_the_proxy_passes_messages_of_every_shape(service):
    host, port = service.address.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    body = os.urandom(3_000_000)
    for send in (body, (body[start:start + 70_000] for start in range(0, len(body), 70_000))):
        connection.request("POST", "/", send, encode_chunked=not isinstance(send, bytes),
                           headers={} if isinstance(send, bytes) else {"Transfer-Encoding": "chunked"})
        answer = json.load(connection.getresponse())
        assert answer == {"sha256": hashlib.sha256(body).hexdigest(), "length": len(body)}
    connection.request("HEAD", "/")
    head = connection.getresponse()
    assert head.status == 200 and head.read() == b""
    # The same connection goes on after a HEAD, and takes chunks in answers.
    connection.request("GET", "/chunks")
    assert connection.getresponse().read().count(b"piece") == 100
    connection.close()
    for broken in (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                   b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", b"nonsense\r\n\r\n"):
        with socket.create_connection((host, int(port)), timeout=10) as raw:
            raw.sendall(broken)
            assert raw.recv(100).startswith(b"HTTP/1.1 400 "), broken


def test_an_upgraded_connection_carries_bytes_both_ways(service):
    host, port = service.address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(b"GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n")
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += raw.recv(1000)
        assert answer.startswith(b"HTTP/1.1 101 ") and b"websocket" in answer
        for word in (b"\x81\x05hello", b"\x00" * 900):
            raw.sendall(word)
            got = b""
            while len(got) < len(word):
                got += raw.recv(1000)
            assert got == word


def test_an_idle_timeout_ends_what_stands_still(service):
    service.aws.elbv2.modify_load_balancer_attributes(LoadBalancerArn=service.balancer, Attributes=[
        {"Key": "idle_timeout.timeout_seconds", "Value": "1"}])
    time.sleep(0.6)
    host, port = service.address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(b"GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert raw.recv(1000).startswith(b"HTTP/1.1 101 ")
        while raw.recv(1000):
            pass


def test_processes_follow_the_desired_count(service):
    service.update(desiredCount=3)
    service.steady(count=3)
    until(lambda: len(service.system.pids()) == 3)
    service.update(desiredCount=1)
    service.steady(count=1)
    left = until(lambda: len(pids := service.system.pids()) == 1 and pids)
    assert {service.get()["pid"] for _ in range(4)} == left
    until(lambda: "told to stop" in service.logged())


def test_a_new_revision_rolls_without_a_failed_request(service):
    failures, names, done = [], set(), threading.Event()
    # A second to finish in: at the clock's hundredfold pace the usual delay is too short for a busy machine.
    service.aws.elbv2.modify_target_group_attributes(TargetGroupArn=service.group, Attributes=[
        {"Key": "deregistration_delay.timeout_seconds", "Value": "100"}])

    def ask():
        while not done.is_set():
            try:
                names.add(service_get(address)["environment"]["NAME"])
            except Exception as error:
                failures.append(repr(error))

    def service_get(address):
        with urllib.request.urlopen(f"http://{address}/", timeout=10) as answer:
            return json.load(answer)

    address = service.address
    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        before = service.system.pids()
        second = service.revision(NAME="second")
        service.update(taskDefinition=second)
        service.steady(second)
        until(lambda: not before & service.system.pids())
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert failures == [] and names == {"first", "second"}
    assert service.get()["environment"]["NAME"] == "second"


def test_a_killed_process_is_a_stopped_task_and_is_replaced(service):
    before = service.system.pids()
    victim = sorted(before)[0]
    os.kill(victim, signal.SIGKILL)
    task = until(service.stopped)[0]
    assert task["containers"][0]["exitCode"] == 137
    assert (task["stopCode"], task["stoppedReason"]) == (
        "EssentialContainerExited", "Essential container in task exited")
    until(lambda: len(service.system.pids() - {victim}) == 2 and service.health() == ["healthy", "healthy"])
    assert len(service.system.pids() & before) == 1, "the other task is left alone"
    with pytest.raises((urllib.error.HTTPError, OSError)):
        service.get("/exit")
    until(lambda: any(task["containers"][0].get("exitCode") == 3 for task in service.stopped()))
    until(lambda: len(service.system.pids()) == 2)


@pytest.mark.parametrize("how", [{"BREAKS": "9"}, {"SICK": "1"}])
def test_a_revision_that_does_not_run_or_never_becomes_healthy_is_rolled_back(service, how):
    good, before = service.service()["taskDefinition"], service.system.pids()
    service.update(taskDefinition=service.revision(NAME="bad", **how))
    found = service.steady(good)
    assert "rollback completed" in found["deployments"][0]["rolloutStateReason"]
    assert service.system.pids() == before, "what ran well runs on"
    reasons = {task["stoppedReason"] for task in service.stopped()}
    if "BREAKS" in how:
        assert {task["containers"][0]["exitCode"] for task in service.stopped()} >= {9}
    else:
        assert any(reason.startswith("Task failed ELB health checks") for reason in reasons), reasons
    assert service.get()["environment"]["NAME"] == "first"


def test_listeners_rules_and_weights_are_followed(service):
    aws = service.aws
    listener = aws.elbv2.describe_listeners(LoadBalancerArn=service.balancer)["Listeners"][0]["ListenerArn"]
    empty = aws.elbv2.create_target_group(Name="empty", Protocol="HTTP", Port=80, VpcId=service.network.vpc,
                                          TargetType="ip")["TargetGroups"][0]["TargetGroupArn"]

    def action(weight_of_app, weight_of_empty):
        return [{"Type": "forward", "ForwardConfig": {"TargetGroups": [
            {"TargetGroupArn": service.group, "Weight": weight_of_app},
            {"TargetGroupArn": empty, "Weight": weight_of_empty}]}}]

    def status(path="/", **headers):
        connection = http.client.HTTPConnection(*service.address.split(":"), timeout=10)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Location"), answer.read()

    aws.elbv2.create_rule(ListenerArn=listener, Priority=5, Conditions=[
        {"Field": "path-pattern", "Values": ["/fixed/*"]}], Actions=[{"Type": "fixed-response", "FixedResponseConfig": {
            "StatusCode": "418", "ContentType": "text/plain", "MessageBody": "short and stout"}}])
    aws.elbv2.create_rule(ListenerArn=listener, Priority=6, Conditions=[
        {"Field": "host-header", "Values": ["*.example.com"]}], Actions=[{"Type": "redirect", "RedirectConfig": {
            "Protocol": "HTTPS", "Port": "443", "Host": "#{host}", "Path": "/new/#{path}", "Query": "#{query}",
            "StatusCode": "HTTP_301"}}])
    until(lambda: status("/fixed/x") == (418, None, b"short and stout"))
    redirected = (301, "https://old.example.com:443/new/a?b=1")
    until(lambda: status("/a?b=1", Host="old.example.com")[:2] == redirected)
    assert status("/fixed")[0] == 200
    aws.elbv2.modify_listener(ListenerArn=listener, DefaultActions=action(0, 1))
    until(lambda: status()[0] == 503)
    aws.elbv2.modify_listener(ListenerArn=listener, DefaultActions=action(1, 0))
    until(lambda: status()[0] == 200)
    assert {status()[0] for _ in range(5)} == {200}


def test_a_task_on_its_own_runs_its_command_and_tells_its_exit_code(service):
    definition = service.revision(NAME="alone", BREAKS="5")
    network = {"awsvpcConfiguration": {"subnets": service.network.subnets, "assignPublicIp": "ENABLED"}}
    arn = service.aws.ecs.run_task(
        cluster="main", taskDefinition=definition, launchType="FARGATE", networkConfiguration=network,
        overrides={"containerOverrides": [{"name": "app", "environment": [{"name": "BREAKS", "value": "7"}]}]},
    )["tasks"][0]["taskArn"]

    def stopped():
        task = service.aws.ecs.describe_tasks(cluster="main", tasks=[arn])["tasks"][0]
        return task["lastStatus"] == "STOPPED" and task

    assert until(stopped)["containers"][0]["exitCode"] == 7


def alive(pids):
    """Those that run; one that has ended and was not waited for is gone."""
    running = set()
    for pid in pids:
        try:
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            running.add(pid)
    return running


def test_a_killed_system_leaves_nothing_and_the_next_one_goes_on(service, begun):
    address, first = service.address, service.system
    before = first.pids()
    bystander = subprocess.Popen(["sleep", "300"])
    try:
        first.process.kill()
        first.process.wait()
        until(lambda: not alive(before))
        second = begun("--host-binary", str(SERVICE), instance="two")
        until(lambda: len(second.pids()) == 2 and service.health().count("healthy") == 2)
        assert service.address == address, "the address is the one people have written down"
        assert service.get()["pid"] in second.pids()
        assert bystander.poll() is None
        after = second.pids()
        second.end()
        until(lambda: not alive(after))
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_what_is_written_down_is_ended_and_nothing_else(tmp_path):
    """Where the kernel does not end children with their parent, the list does; a process id of somebody else's is left alone."""
    sys.path.insert(0, str(SOURCE))
    from system.children import Children, born

    ours, other = (subprocess.Popen(["sleep", "300"], start_new_session=True) for _ in range(2))
    try:
        (tmp_path / "children.json").write_text(json.dumps({ours.pid: born(ours.pid), other.pid: "1"}))
        assert Children(tmp_path).clean() == [ours.pid]
        assert ours.wait(timeout=10) == -signal.SIGKILL and other.poll() is None
        assert Children(tmp_path).clean() == []
    finally:
        for process in (ours, other):
            process.kill()
            process.wait()


def test_without_a_system_tasks_live_by_the_clock_again(service):
    service.push("v1", 1)
    service.system.end()
    assert service.address is None, "the load balancer goes by AWS's name again"
    service.aws.clock(0)
    for _ in range(10):
        found = service.service()
    assert sum(deployment["failedTasks"] for deployment in found["deployments"]) == 0, "an end is no failure"
    assert found["runningCount"] == 2 and service.health().count("healthy") == 2


def test_a_service_that_failed_before_for_want_of_an_image_is_started(world, begun):
    aws, _ = world
    stack = Running(aws, Network(aws))
    stack.listen()
    stack.create(stack.revision(NAME="late"))
    until(lambda: stack.service()["deployments"][0]["rolloutState"] == "FAILED")
    begun("--host-binary", str(SERVICE))
    stack.steady(count=2)
    assert stack.get()["environment"]["NAME"] == "late"


def test_a_report_of_a_stranger_is_refused(service):
    for path in ("tasks", "targets", "launch", "logs", "names"):
        assert service.aws.control("POST", f"runner/{path}", {"instance": "another"})[0] == 409
    assert service.aws.control("POST", "runner/tasks", {"instance": "one"})[0] == 400
    assert service.aws.control("GET", "runner?instance=")[0] == 409
