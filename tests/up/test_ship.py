"""Shipping to the whole system: the image's own release path, from `sandbox up --image` to a rollback, under load.

The tests build on each other in their order: starting everything takes a while.
"""

import json
import os
import pathlib
import time

import images
import pytest
from load import Load
from machine import machine, until


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("images")


@pytest.fixture(scope="module")
def first(folder):
    built = images.build(folder / "built.tar")
    return images.variant(built, folder / "first.tar", images.commit("first01"))


@pytest.fixture(scope="module")
def system(tmp_path_factory, first):
    with machine(tmp_path_factory.mktemp("ship")) as found:
        said = found.up("--image", str(first))
        assert "its image, unpacked" in said and "host build" not in said
        yield found


def image(system):
    """What the service runs."""
    definition = system.client("ecs").describe_task_definition(taskDefinition=system.service()["taskDefinition"])
    return definition["taskDefinition"]["containerDefinitions"][0]["image"]


def test_the_image_runs_as_a_release(system):
    assert json.loads(system.get("/readyz")[1])["ready"]
    assert "@sha256:" in image(system)
    releases = json.loads(system.run("--sandbox", "releases", "--json"))[0]["releases"]
    assert releases[0]["running"] and releases[0]["commit"] == "first01"
    for pid in system.pids():
        # In the image's own root, as the image's own user.
        assert os.readlink(f"/proc/{pid}/exe").endswith("/usr/local/bin/circles-app")
    system.run("--sandbox", "plan", "--detailed-exitcode")


def test_status_and_logs_tell_of_it(system):
    status = json.loads(system.run("--sandbox", "status", "--json"))
    state = status["services"][0]["state"]
    assert state["running"] == 2 and {target["state"] for target in state["targets"]} == {"healthy"}
    releases = json.loads(system.run("--sandbox", "releases", "--json"))[0]["releases"]
    assert releases[0]["name"] in system.run("--sandbox", "status")
    until(lambda: "serving" in system.run("--sandbox", "logs", "--since", "10m"))


def test_a_deploy_rolls_it_and_no_request_fails(system, folder, first):
    before = system.pids()
    second = images.variant(first, folder / "second.tar", images.commit("second2"))
    with Load(system.address) as load:
        said = system.run("--sandbox", "deploy", "--image", str(second), "--migrate", both=True)
    assert "migrated" in said and "answered well 5 times" in said
    assert load.count > 50 and load.failures == []
    assert not before & system.pids()
    releases = json.loads(system.run("--sandbox", "releases", "--json"))[0]["releases"]
    assert [one["commit"] for one in releases[:2]] == ["second2", "first01"]
    system.run("--sandbox", "plan", "--detailed-exitcode")


def test_a_crash_looping_image_is_rolled_back_and_no_request_fails(system, folder, first):
    good, before = image(system), system.pids()
    bad = images.variant(first, folder / "bad.tar", images.crashing)
    with Load(system.address) as load:
        said = system.run("--sandbox", "deploy", "--image", str(bad), both=True, code=69)
    assert "no-such-verb" in said, "the last lines of the task that failed"
    assert "was given up" in said and "again, and is steady" in said
    assert load.count > 20 and load.failures == []
    assert (image(system), system.pids()) == (good, before)


def test_verify_passes_in_production_and_in_debug_mode(system):
    said = system.run("--sandbox", "verify")
    assert "0 failed" in said
    # In the sandbox the stack file switches debug on.
    report = json.loads(system.run("--sandbox", "verify", "--login", "--json"))
    verdicts = {check["name"]: check["verdict"] for check in report["checks"]}
    assert verdicts["socket"] == verdicts["sign-up"] == "passed" and "failed" not in verdicts.values()
    # A pipeline of somebody's own rolls out another environment, production's.
    revision = system.revision({"APP_DEBUG": "false"})
    system.roll(taskDefinition=revision)
    system.steady(2, revision)
    report = json.loads(system.run("--sandbox", "verify", "--login", "--json"))
    verdicts = {check["name"]: check["verdict"] for check in report["checks"]}
    assert verdicts["sign-up"] == "expected" and "failed" not in verdicts.values()
    # The stack file's environment comes back, with the image that runs.
    running = image(system)
    system.run("--sandbox", "apply", "--yes")
    system.steady(2)
    assert image(system) == running and json.loads(system.get("/health")[1])["debug"] is True


def test_a_rollback_brings_the_first_image_back(system):
    running = image(system)
    names = {one["commit"]: one["name"] for one in json.loads(system.run("--sandbox", "releases", "--json"))[0]["releases"]
             if one["name"] and not one["rejected"]}
    with Load(system.address) as load:
        system.run("--sandbox", "rollback", "--to", names["first01"])
    assert load.count > 50 and load.failures == []
    assert image(system) != running
    releases = json.loads(system.run("--sandbox", "releases", "--json"))[0]["releases"]
    assert next(one for one in releases if one["running"])["commit"] == "first01"


def test_a_rotated_secret_reaches_the_tasks_with_redeploy(system):
    def token():
        held = system.client("secretsmanager").get_secret_value(SecretId="circles/app-config")["SecretString"]
        return json.loads(held)["APP_METRICS_TOKEN"]

    def held():
        """What the tasks were started with. In debug mode `/metrics` is open to everybody, so it tells nothing."""
        found = set()
        for pid in system.pids():
            for line in pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                name, _, value = line.partition(b"=")
                if name == b"APP_METRICS_TOKEN":
                    found.add(value.decode())
        return found

    old, before = token(), system.pids()
    assert held() == {old}
    # Versions are as old as AWS says, to the second.
    time.sleep(1.1)
    system.run("--sandbox", "secrets", "rotate", "APP_METRICS_TOKEN")
    assert token() != old and held() == {old}, "running tasks keep what they started with"
    status = json.loads(system.run("--sandbox", "status", "--json"))
    assert "config" in status["services"][0]["state"]["older_than_secrets"]
    with Load(system.address) as load:
        system.run("--sandbox", "redeploy")
    assert load.failures == []
    assert held() == {token()}
    assert not before & system.pids()


def test_up_again_has_nothing_to_ship(system, first):
    before = system.pids()
    said = system.up("--image", str(first))
    assert "its image, unpacked" in said
    assert system.pids() == before
