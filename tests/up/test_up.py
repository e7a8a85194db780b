"""`circles-infra sandbox up` from end to end: the real stack, the real service, a real PostgreSQL, and what becomes of them.

The tests build on each other in their order: starting everything takes a while.
"""

import base64
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess

import pytest
from machine import BIN, machine, running, until

HOST_BUILD = ("--host-binary", str(BIN / "circles-app"))


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    with machine(tmp_path_factory.mktemp("up")) as found:
        said = found.up(*HOST_BUILD)
        assert "the host build" in said and "not an image" in said
        yield found


def test_the_service_answers_behind_the_address_that_outputs_name(system):
    assert system.address.startswith("127.0.0.1:")
    assert json.loads(system.get("/health")[1])["status"] == "ok"
    ready = json.loads(system.get("/readyz")[1])
    assert ready["database"] and ready["migrations"] and ready["storage"], ready
    assert b"<html" in system.get("/docs")[1]
    assert len(system.pids()) == system.service()["runningCount"] == 2
    assert "Nothing to do" not in system.run("--sandbox", "outputs")


def test_the_plan_is_empty_and_the_api_knows_the_targets_health(system):
    system.run("--sandbox", "plan", "--detailed-exitcode")
    elb = system.client("elbv2")
    group = elb.describe_target_groups()["TargetGroups"][0]["TargetGroupArn"]
    health = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert [entry["TargetHealth"]["State"] for entry in health] == ["healthy", "healthy"]


def test_websockets_pass_the_proxy(system):
    host, port = system.address.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as raw:
        key = base64.b64encode(os.urandom(16)).decode()
        raw.sendall(f"GET /ws/user/1?token=no HTTP/1.1\r\nHost: {system.address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
        data = b""
        while piece := raw.recv(4096):
            data += piece
        head, _, frames = data.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ") and b"sec-websocket-accept" in head.lower()
        # The service takes the connection and then closes it with a code of its own, for the token is none.
        assert frames[0] == 0x88 and 4400 <= struct.unpack(">H", frames[2:4])[0] < 4500


def test_the_database_refuses_plain_connections(system):
    port = system.status()["system"]["databases"][0]["port"]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as raw:
        raw.sendall(struct.pack(">II", 8, 80877103))
        assert raw.recv(1) == b"S", "it offers TLS"
    with socket.create_connection(("127.0.0.1", port), timeout=20) as raw:
        settings = b"user\0circles\0database\0circles\0\0"
        raw.sendall(struct.pack(">II", 8 + len(settings), 196608) + settings)
        assert b"rejects connection" in raw.recv(4096)


def test_what_tasks_write_is_in_the_log_group(system):
    logs = system.client("logs")
    group = system.output("log_group")
    task = system.status()["system"]["tasks"][0]["id"]
    streams = [stream["logStreamName"] for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]]
    assert any(name.endswith(f"/{task}") and name.count("/") == 2 for name in streams), streams
    assert any("serving" in event["message"] for stream in streams for event in logs.get_log_events(
        logGroupName=group, logStreamName=stream)["events"])


def test_no_secret_is_on_disk_or_in_an_argument(system):
    store = system.client("secretsmanager")
    values = set()
    for secret in store.list_secrets()["SecretList"]:
        text = store.get_secret_value(SecretId=secret["ARN"])["SecretString"]
        held = json.loads(text).items() if text.startswith("{") else [("", text)]
        values |= {value.encode() for name, value in held if not name.startswith("S3_")}
    url = next(value for value in values if value.startswith(b"postgresql"))
    values.add(url.split(b"@")[0].rsplit(b":", 1)[1])
    data = pathlib.Path("/var/tmp/circles-infra-sandbox") / str(system.folder / "sandbox/system").strip("/").replace("/", "-")
    files = [path for folder in (system.folder, data) for path in folder.rglob("*") if path.is_file()]
    assert len(values) >= 4 and len(files) > 100
    for path in files:
        content = path.read_bytes()
        assert not any(value in content for value in values), path
    for pid in running(str(system.folder)):
        arguments = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        assert not any(value in arguments for value in values), arguments


def test_the_desired_count_is_followed(system):
    system.roll(desiredCount=3)
    system.steady(3)
    until(lambda: len(system.pids()) == 3)
    system.roll(desiredCount=2)
    system.steady(2)
    until(lambda: len(system.pids()) == 2)


def test_a_revision_with_another_environment_takes_over(system):
    assert json.loads(system.get("/health")[1])["debug"] is True
    revision = system.revision({"APP_DEBUG": "false"})
    before = system.pids()
    system.roll(taskDefinition=revision)
    system.steady(2, revision)
    assert json.loads(system.get("/health")[1])["debug"] is False
    until(lambda: not before & system.pids())


def test_a_killed_task_is_replaced_and_its_exit_code_told(system):
    before = system.pids()
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    task = until(lambda: [task for task in system.stopped() if task["containers"][0].get("exitCode") == 137])[0]
    assert (task["stopCode"], task["stoppedReason"]) == ("EssentialContainerExited", "Essential container in task exited")
    until(lambda: len(system.pids() - {victim}) == 2)
    system.steady(2)
    assert len(system.pids() & before) == 1


def test_a_crash_looping_revision_is_rolled_back(system):
    good, before = system.service()["taskDefinition"], system.pids()
    system.roll(taskDefinition=system.revision(command=["no-such-verb"]))
    until(lambda: "rollback completed" in system.service()["deployments"][0]["rolloutStateReason"], 120)
    assert system.steady(2)["taskDefinition"] == good and system.pids() == before
    assert any(task["containers"][0].get("exitCode") == 2 for task in system.stopped())
    assert system.get("/health")[0] == 200


def test_after_a_kill_the_next_up_cleans_up_and_goes_on(system):
    bystander = subprocess.Popen(["sleep", "300"])
    try:
        folder = str(system.folder / "sandbox/system")
        server = json.loads((pathlib.Path(folder) / "server.json").read_text())["pid"]
        tasks = system.pids()
        os.kill(server, signal.SIGKILL)
        until(lambda: not tasks & running("circles-app"))
        system.up(*HOST_BUILD)
        system.steady(2)
        assert system.output("alb_dns_name") == system.address, "the address stays"
        assert system.get("/readyz")[0] == 200
        assert not tasks & system.pids()
        os.kill(json.loads((pathlib.Path(folder) / "server.json").read_text())["pid"], signal.SIGKILL)
        said = system.run("sandbox", "down")
        assert "ended" in said or "does not run" in said
        until(lambda: not running(str(system.folder)))
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_down_of_what_does_not_run_is_no_error(system):
    assert "does not run" in system.run("sandbox", "down")
