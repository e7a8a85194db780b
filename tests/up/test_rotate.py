"""The database's password changes under load: two users of it take turns, and no request fails.

The tests build on each other in their order: starting everything takes a while.
"""

import json
import signal
import subprocess
import time

import pytest
from load import Load
from machine import BIN, ROOT, machine, until

KEY = "APP_DATABASE_URL"
ROTATE = ("--sandbox", "-vvv", "secrets", "rotate", KEY)


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rotate")
    with machine(folder) as found:
        found.up("-vvv", "--host-binary", str(BIN / "circles-app"))
        yield found


def url(system):
    held = system.client("secretsmanager").get_secret_value(SecretId="circles/app-config")["SecretString"]
    return json.loads(held)[KEY]


def user(system):
    return url(system).split("://")[1].split(":")[0]


def loaded(system, *steps):
    """Runs the steps under load, with a burst after each, and wants every request answered."""
    with Load(system.address) as load:
        for step in steps:
            step()
            load.burst()
    assert load.count > 100 and load.failures == [], (load.count, load.failures[:5])


def test_the_first_rotation_leaves_the_master_user_behind(system):
    assert user(system) == "circles"
    loaded(system, lambda: system.run(*ROTATE), lambda: system.run("--sandbox", "redeploy"))
    assert user(system) == "circles_a"
    ready = json.loads(system.get("/readyz")[1])
    assert ready["database"] and ready["migrations"], ready


def test_neither_plan_nor_apply_puts_the_master_user_back(system):
    system.run("--sandbox", "plan", "--detailed-exitcode")
    before = url(system)
    system.run("--sandbox", "apply", "--yes")
    assert url(system) == before
    assert "password" not in system.run("--sandbox", "drift", "--json")


def test_they_take_turns_and_a_migration_goes_on_working(system):
    loaded(system, lambda: system.run(*ROTATE), lambda: system.run("--sandbox", "redeploy"))
    assert user(system) == "circles_b"
    loaded(system, lambda: system.run(*ROTATE), lambda: system.run("--sandbox", "redeploy"))
    assert user(system) == "circles_a"
    report = json.loads(system.run("--sandbox", "verify", "--json"))
    assert "failed" not in {check["verdict"] for check in report["checks"]}


def test_a_user_that_tasks_still_have_is_not_given_another_password(system):
    system.run(*ROTATE)
    assert user(system) == "circles_b"
    before = url(system)
    said = system.run(*ROTATE, code=1, both=True)
    assert "circles_a is still in use" in said and "circles-infra redeploy" in said
    assert url(system) == before
    loaded(system, lambda: system.run("--sandbox", "redeploy"))


@pytest.mark.parametrize("action", ["PutSecretValue", "RegisterTaskDefinition", "RunTask", "UpdateSecretVersionStage"])
def test_killed_anywhere_the_next_one_goes_on(system, action):
    """SIGKILL while the call is under way, carried out or not: old passwords go on, and the next rotation ends well."""
    before = url(system)
    with Load(system.address) as load:
        system.fault({"kind": "late", "action": action, "seconds": 2, "nth": 1})
        child = subprocess.Popen([str(BIN / "circles-infra"), *ROTATE], cwd=ROOT, env=system.environment,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: system.has_sent(action))
        time.sleep(0.3)
        child.send_signal(signal.SIGKILL)
        child.wait()
        time.sleep(2)
        system.fault(None)
        assert (url(system) == before or action == "UpdateSecretVersionStage")
        load.burst()
        if url(system) == before:
            system.run(*ROTATE)
        load.burst()
        system.run("--sandbox", "redeploy")
        load.burst()
    assert load.count > 100 and load.failures == [], (load.count, load.failures[:5])
    assert url(system) != before
    ecs = system.client("ecs")
    assert ecs.list_task_definitions(familyPrefix="circles-task-login", status="ACTIVE")["taskDefinitionArns"] == []


def test_no_password_is_on_disk_or_in_a_task_definition(system):
    word = url(system).split("@")[0].rsplit(":", 1)[1]
    assert len(word) == 32 and len(system.heard) > 10
    assert not any(word in said for said in system.heard)
    for path in system.folder.rglob("*"):
        assert not path.is_file() or word.encode() not in path.read_bytes(), path
    ecs = system.client("ecs")
    for arn in ecs.list_task_definitions(familyPrefix="circles-task-login", status="INACTIVE")["taskDefinitionArns"]:
        definition = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        container = definition["containerDefinitions"][0]
        assert word not in json.dumps(container)
        assert {secret["name"] for secret in container["secrets"]} == {KEY, "APP_DB_ADMIN_PASSWORD"}
