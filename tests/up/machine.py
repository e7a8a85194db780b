"""A machine with the whole system on it, for the tests of this folder: the two programs of the folder CIRCLES_BIN, and a PostgreSQL.

Without PostGIS the tests are passed over, loudly; in CI (which sets CI) that is a failure.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.request

import boto3
import pytest
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("CIRCLES_BIN", ROOT / "target/debug"))
MISSING = "PostgreSQL with PostGIS is missing, so NOTHING of the whole system is tested here"


def has_postgis():
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src/sandbox")}
    return subprocess.run([sys.executable, "-m", "system", "--folder", "/", "--check"], env=environment,
                          capture_output=True, check=False).returncode == 0


def until(look, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            found = look()
        except OSError:
            found = None
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it never came to be")


def running(word):
    """The processes whose command line or environment has this word; PostgreSQL's, which overwrites both, by its folder."""
    found = set()
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            said = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            where = os.readlink(folder / "cwd")
        except OSError:
            continue
        if int(folder.name) != os.getpid() and (word.encode() in said or word in where):
            found.add(int(folder.name))
    return found


class System:
    def __init__(self, folder):
        self.folder = folder
        # All that the program has said, for tests that look for what it must not say.
        self.heard = []
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CIRCLES_"))},
            "CIRCLES_SANDBOX_DIR": str(folder / "sandbox"), "CIRCLES_STATE_DIR": str(folder / "state"),
            "CIRCLES_SANDBOX_PYTHON": sys.executable, "CIRCLES_SETTLE_WINDOW": "1s",
            # As loud as it gets: nothing of it may be a secret.
            "RUST_LOG": "trace", "RUST_BACKTRACE": "full"}

    def run(self, *arguments, code=0, both=False):
        done = subprocess.run([str(BIN / "circles-infra"), *arguments], cwd=ROOT, env=self.environment, text=True,
                              capture_output=True, timeout=400, check=False)
        self.heard.append(done.stdout + done.stderr)
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + (done.stderr if both else "")

    def up(self, *arguments):
        said = self.run("sandbox", "up", *arguments)
        self.address, self.cluster = self.output("alb_dns_name"), self.output("ecs_cluster")
        self.name = self.output("ecs_service")
        return said

    def status(self):
        return json.loads(self.run("sandbox", "status", "--json"))

    def output(self, name):
        return self.run("--sandbox", "--quiet", "outputs", name).strip()

    def client(self, service):
        return boto3.client(service, endpoint_url=self.status()["endpoint"], region_name="us-east-1",
                            aws_access_key_id="a", aws_secret_access_key="b", config=Config(retries={"total_max_attempts": 1}))

    def get(self, path):
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=20) as answer:
            return answer.status, answer.read()

    def service(self):
        return self.client("ecs").describe_services(cluster=self.cluster, services=[self.name])["services"][0]

    def steady(self, count, revision=None):
        def look():
            found = self.service()
            return (len(found["deployments"]) == 1 and found["deployments"][0]["rolloutState"] == "COMPLETED"
                    and found["runningCount"] == found["desiredCount"] == count
                    and (revision is None or found["taskDefinition"] == revision)
                    and self.status()["system"]["services"][0]["healthy"] == count and found)
        return until(look, 120)

    def pids(self):
        return {pid for task in self.status()["system"]["tasks"] for pid in task["pids"]}

    def revision(self, environment=None, command=None):
        """The running revision with a change, as a CI job would register it."""
        ecs = self.client("ecs")
        known = ecs.describe_task_definition(taskDefinition=self.service()["taskDefinition"])["taskDefinition"]
        kept = {key: known[key] for key in ("family", "containerDefinitions", "cpu", "memory", "networkMode",
                "requiresCompatibilities", "executionRoleArn", "taskRoleArn", "runtimePlatform") if key in known}
        container = kept["containerDefinitions"][0]
        values = {one["name"]: one["value"] for one in container["environment"]} | (environment or {})
        container["environment"] = [{"name": name, "value": value} for name, value in values.items()]
        if command:
            container["command"] = command
        return ecs.register_task_definition(**kept)["taskDefinition"]["taskDefinitionArn"]

    def roll(self, **change):
        self.client("ecs").update_service(cluster=self.cluster, service=self.name, **change)

    def control(self, method, path, body=None):
        """The sandbox's own API."""
        endpoint = f"{self.status()['endpoint']}/_sandbox/{path}"
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(endpoint, data, method=method), timeout=20) as answer:
            return json.load(answer)

    def fault(self, fault):
        """One fault, or with None an end of them."""
        self.control("POST" if fault else "DELETE", "faults", fault)

    def has_sent(self, action):
        """Whether the journal has the intent of such a call."""
        return any(f":{action}\"" in path.read_text() for path in self.folder.rglob("journal.jsonl"))

    def stopped(self):
        ecs = self.client("ecs")
        arns = ecs.list_tasks(cluster=self.cluster, serviceName=self.name, desiredStatus="STOPPED")["taskArns"]
        return ecs.describe_tasks(cluster=self.cluster, tasks=arns)["tasks"] if arns else []


@contextlib.contextmanager
def machine(folder):
    """The system, and at the end the certainty that nothing of it is left."""
    if not has_postgis():
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        print(f"\n!!! {MISSING}\n", file=sys.stderr)
        pytest.skip(MISSING)
    found = System(folder)
    try:
        yield found
    finally:
        found.run("sandbox", "down")
    assert not running(str(found.folder))
