#!/usr/bin/env python3
"""How long a deploy takes beyond what ECS itself takes for the same roll-out, on the sandbox's clock.

    CIRCLES_BIN=target/release python tools/deploy-overhead.py [ROUNDS]

Needs the sandbox's packages (`make test` makes them: ~/.cache/circles-infra/test-venv). It applies the stack to a sandbox of its own, rolls
revisions out by ECS's API alone (register, update, look until steady), then the same by `circles-infra deploy` of an archive, and prints both
and the difference of their medians. The exit code is 1 when that is above 2 seconds.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone

import boto3

ROOT = pathlib.Path(__file__).resolve().parents[1]
BIN = pathlib.Path(os.environ.get("CIRCLES_BIN", ROOT / "target/release")).resolve() / "circles-infra"
sys.path.insert(0, str(ROOT / "app/image"))

import archive  # noqa: E402
import dockerfile  # noqa: E402

BUDGET = 2.0
CLUSTER, SERVICE = "circles-cluster", "circles-svc"


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        environment = {**{k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "CIRCLES_"))},
                       "CIRCLES_SANDBOX_DIR": str(folder / "sandbox"), "CIRCLES_STATE_DIR": str(folder / "state"),
                       "CIRCLES_SANDBOX_PYTHON": sys.executable, "XDG_CACHE_HOME": str(folder / "cache")}

        def run(*words):
            done = subprocess.run([str(BIN), *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                sys.exit(f"{words}: {done.stdout}{done.stderr}")
            return done.stdout

        try:
            run("--sandbox", "apply", "--yes")
            run("--sandbox", "deploy", "--image", image(folder, 0))
            ecs = client(run("sandbox", "status", "--json"))
            alone = [timed(lambda: by_hand(ecs)) for _ in range(rounds)]
            ours = [timed(lambda number=number: run("--sandbox", "deploy", "--image", image(folder, number)))
                    for number in range(1, rounds + 1)]
        finally:
            run("sandbox", "stop")
    more = statistics.median(ours) - statistics.median(alone)
    for name, times in (("ECS alone", alone), ("deploy", ours)):
        print(f"{name:10} median {statistics.median(times):.2f} s of " + ", ".join(f"{t:.2f}" for t in times))
    print(f"deploy adds {more:.2f} s (at most {BUDGET:.0f})")
    sys.exit(more > BUDGET)


def timed(work):
    began = time.monotonic()
    work()
    return time.monotonic() - began


def image(folder, number):
    """A small image, another one for each number."""
    created = datetime.fromtimestamp(0, timezone.utc)
    layer = archive.layer({"/hello": (f"image {number}".encode(), 0o755)}, created)
    path = folder / f"{number}.tar"
    archive.write(path, "circles-app:latest", layer, dockerfile.last_stage(), created)
    return str(path)


def client(status):
    import json

    endpoint = json.loads(status)["endpoint"]
    return boto3.client("ecs", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")


def by_hand(ecs):
    """A new revision of what runs, rolled out, and looked at until it is steady."""
    running = ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"][0]["taskDefinition"]
    known = ecs.describe_task_definition(taskDefinition=running)["taskDefinition"]
    kept = ("family", "containerDefinitions", "cpu", "memory", "networkMode", "requiresCompatibilities", "executionRoleArn",
            "taskRoleArn", "runtimePlatform")
    revision = ecs.register_task_definition(**{key: known[key] for key in kept if key in known})["taskDefinition"]
    ecs.update_service(cluster=CLUSTER, service=SERVICE, taskDefinition=revision["taskDefinitionArn"])
    while True:
        service = ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"][0]
        first = service["deployments"][0]
        if len(service["deployments"]) == 1 and first["rolloutState"] == "COMPLETED" and first["taskDefinition"] == revision["taskDefinitionArn"]:
            return
        time.sleep(0.05)


if __name__ == "__main__":
    main()
