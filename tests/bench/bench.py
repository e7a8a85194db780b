"""Measures circles-infra against its budgets, beside Terraform where that is installed.

    make bench                      circles stack, fleet of 200 services
    make bench BENCH="--no-peer"    without Terraform, which takes some minutes

Prints one table: calls and depth as the local AWS counted them (depth: how many calls wait for one another, from a run in
which each call takes a second), wall clock, the process's own processor time, and its peak memory. Calls and depth are exact; seconds
depend on the machine and on the local AWS, which answers one call at a time.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUDGETS = {
    "circles: plan, unchanged": "≤ 48 calls, ≤ 4 deep, ≤ 0.6 s, cpu ≤ 0.1 s, ≤ 40 MB",
    "circles: plan, each call 50 ms away": "≤ 0.7 s",
    "circles: apply from nothing": "≤ 140 calls, ≤ 4 s",
    "fleet: plan, unchanged": "≤ 60 calls, ≤ 2 s, ≤ 80 MB",
    "fleet: apply from nothing": "≤ 1600 calls",
}


@dataclass
class Figure:
    what: str
    tool: str
    seconds: float
    cpu: float
    megabytes: float
    calls: int
    mutating: int
    depth: int | None = None

    def row(self) -> str:
        deep = "" if self.depth is None else f"{self.depth} deep"
        return (f"{self.what:38} {self.tool:14} {self.calls:5} calls ({self.mutating} mutating) {deep:7} "
                f"{self.seconds:7.2f} s  cpu {self.cpu:6.2f} s  {self.megabytes:5.0f} MB")


class Sandbox:
    """The local AWS with everything ready at once."""

    def __init__(self, folder: Path) -> None:
        port_file = folder / "port"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "realism", "--host", "127.0.0.1", "--port", "0", "--port-file", str(port_file),
             "--clock-factor", "0"],
            env={**os.environ, "PYTHONPATH": str(ROOT / "src/sandbox"), "AWS_ACCESS_KEY_ID": "a",
                 "AWS_SECRET_ACCESS_KEY": "b"},
            stdout=subprocess.DEVNULL, stderr=open(folder / "sandbox.log", "wb"))
        deadline = time.monotonic() + 60
        while not (port_file.exists() and port_file.read_text().strip()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"the local AWS does not start: {(folder / 'sandbox.log').read_text()[-2000:]}")
            time.sleep(0.1)
        self.url = f"http://127.0.0.1:{port_file.read_text().strip()}"

    def ask(self, path: str, body: dict | None = None, method: str | None = None) -> dict:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sandbox/{path}", data=data, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def counted(self) -> tuple[int, int]:
        calls = self.ask("calls")["calls"]
        return len(calls), sum(1 for call in calls if call["mutating"])

    def forget(self) -> None:
        self.ask("calls/clear", {}, "POST")

    def far(self, seconds: float) -> None:
        """Every call takes that much longer; 0: none does."""
        self.ask("faults", method="DELETE")
        if seconds:
            self.ask("faults", {"kind": "delay", "seconds": seconds}, "POST")

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(20)


def run(command: list[str], cwd: Path, env: dict[str, str]) -> tuple[float, float, float]:
    """Seconds, processor seconds, peak megabytes of a process and all it started. Ends the benchmark when it fails."""
    with tempfile.TemporaryFile() as out:
        start = time.monotonic()
        process = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            out.seek(0)
            sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{out.read().decode()[-3000:]}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def measure(sandbox: Sandbox, what: str, tool: str, command: list[str], cwd: Path, env: dict[str, str]) -> Figure:
    sandbox.forget()
    seconds, cpu, megabytes = run(command, cwd, env)
    calls, mutating = sandbox.counted()
    return Figure(what, tool, seconds, cpu, megabytes, calls, mutating)


def fleet(services: int) -> str:
    """The peer's fleet in the stack language: a group, a role with its policy, a log group and a secret for each service."""
    lines = ["stack: fleet", "region: us-east-1", "default_environment: dev", "environments: { dev: { ephemeral: true } }",
             "resources:",
             "  vpc: { type: ec2.vpc, cidr: 10.0.0.0/16 }"]
    for n in range(services):
        lines += [
            f"  sg-{n}: {{ type: ec2.security_group, name: svc-{n}, description: service {n}, vpc_id: \"${{vpc.id}}\" }}",
            f"  logs-{n}: {{ type: logs.log_group, name: /ecs/svc-{n}, retention_days: 30 }}",
            f"  secret-{n}: {{ type: secretsmanager.secret, name: svc-{n}/config, recovery_window: 0 }}",
            f"  role-{n}:",
            "    type: iam.role",
            f"    name: svc-{n}",
            "    assume_role_policy: { Version: \"2012-10-17\", Statement: [{ Effect: Allow, Principal: { Service: ecs-tasks.amazonaws.com }, Action: \"sts:AssumeRole\" }] }",
            "    inline_policies:",
            f"      secret: {{ Version: \"2012-10-17\", Statement: [{{ Effect: Allow, Action: [\"secretsmanager:GetSecretValue\"], Resource: [\"${{secret-{n}.arn}}\"] }}] }}",
        ]
    return "\n".join(lines) + "\n"


class Ours:
    def __init__(self, binary: Path, sandbox: Sandbox, folder: Path) -> None:
        self.binary, self.sandbox, self.folder = binary, sandbox, folder
        self.env = {**os.environ, "AWS_ENDPOINT_URL": sandbox.url, "AWS_ACCESS_KEY_ID": "a",
                    "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1", "CIRCLES_SETTLE_WINDOW": "1s"}

    def figures(self, name: str, stack: Path) -> list[Figure]:
        env = {**self.env, "CIRCLES_STATE_DIR": str(self.folder / f"state-{name}")}
        base = [str(self.binary), "--stack", str(stack)]
        plan = [*base, "plan", "--detailed-exitcode"]

        def one(what: str, command: list[str]) -> Figure:
            return measure(self.sandbox, f"{name}: {what}", "circles-infra", command, self.folder, env)

        figures = [one("apply from nothing", [*base, "apply", "--yes"])]
        run(plan, self.folder, env)
        figures.append(one("plan, unchanged", plan))
        self.sandbox.far(1.0)
        deep = one("depth", plan)
        figures[-1].depth = int(deep.seconds - figures[-1].seconds + 0.5)
        self.sandbox.far(0.05)
        figures.append(one("plan, each call 50 ms away", plan))
        self.sandbox.far(0)
        figures.append(one("destroy", [*base, "destroy", "--yes"]))
        return figures


def terraform(sandbox: Sandbox, folder: Path, name: str, services: int) -> list[Figure]:
    work = folder / f"terraform-{name}"
    shutil.copytree(ROOT / "tests/bench/peer" / name, work)
    variables = [f"-var=endpoint={sandbox.url}"] + ([f"-var=n={services}"] if name == "fleet" else [])
    env = {**os.environ, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
    run(["terraform", "init", "-input=false"], work, env)

    def one(what: str, *command: str) -> Figure:
        line = ["terraform", *command, "-input=false", "-no-color", *variables]
        return measure(sandbox, f"{name}: {what}", "Terraform", line, work, env)

    figures = [one("apply from nothing", "apply", "-auto-approve"), one("plan, unchanged", "plan")]
    sandbox.far(0.05)
    figures.append(one("plan, each call 50 ms away", "plan"))
    sandbox.far(0)
    figures.append(one("destroy", "destroy", "-auto-approve"))
    return figures


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--binary", type=Path, required=True, help="the release build of circles-infra")
    options.add_argument("--services", type=int, default=200, help="services in the fleet (5 resources of AWS each)")
    options.add_argument("--no-peer", action="store_true", help="leave Terraform out")
    options.add_argument("--only", choices=["circles", "fleet"])
    chosen = options.parse_args()
    peer = not chosen.no_peer and shutil.which("terraform") is not None
    names = [chosen.only] if chosen.only else ["circles", "fleet"]
    print(f"machine: {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; "
          f"binary {chosen.binary.stat().st_size / 1e6:.1f} MB (budget 40 MB)", flush=True)
    with tempfile.TemporaryDirectory(prefix="circles-bench-") as text:
        folder = Path(text)
        (folder / "fleet.yaml").write_text(fleet(chosen.services))
        stacks = {"circles": ROOT / "stacks/circles.yaml", "fleet": folder / "fleet.yaml"}
        sandbox = Sandbox(folder)
        try:
            ours = Ours(chosen.binary, sandbox, folder)
            for name in names:
                for figure in ours.figures(name, stacks[name]):
                    print(figure.row(), flush=True)
                    if figure.what in BUDGETS:
                        print(f"{'':38} budget: {BUDGETS[figure.what]}", flush=True)
                if peer:
                    for figure in terraform(sandbox, folder, name, chosen.services):
                        print(figure.row(), flush=True)
        finally:
            sandbox.end()
    if not peer and not chosen.no_peer:
        print("Terraform is not installed: its side is left out")


if __name__ == "__main__":
    main()
