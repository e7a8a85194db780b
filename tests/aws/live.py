#!/usr/bin/env python3
"""The life of the Circles stack on real AWS: `make test-aws`. Standard library and the program alone.

    live.py --binary circles-infra [--only PHASE …] [--image ARCHIVE] [--report FOLDER] [--yes]
    live.py --binary circles-infra --clean

It asks for CIRCLES_AWS_TEST=yes, says what it will cost, works in a stack of its own name (ct-xxxxxx) under a role that may do what
`circles-infra permissions` prints and nothing more, and removes all of it again, whatever happens. The exit code is 0 when every phase
passed and nothing is left.
"""

import argparse
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from calls import Aws, Keys  # noqa: E402
from leftovers import clean, scan  # noqa: E402
from report import Report, resources  # noqa: E402
from role import TestRole, delete_role, documents  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUDGET = "about 2 USD (a NAT gateway, a load balancer, a small database and two small tasks for at most 90 minutes)"
MINUTES = 90


class PhaseError(Exception):
    pass


class Run:
    """One stack of its own, and the program on it."""

    def __init__(self, options, aws, account, folder):
        self.options, self.aws, self.account, self.folder = options, aws, account, folder
        self.name = f"ct-{secrets.token_hex(3)}"
        self.role = TestRole(aws, account, self.name)
        self.keys = aws.keys
        self.resources = []
        self.stack = folder / "stack.yaml"
        self.write_stack(self.name)

    def write_stack(self, name, **changes):
        """stacks/circles.yaml under another name."""
        text = (ROOT / "stacks/circles.yaml").read_text()
        text = re.sub(r"^stack: circles$", f"stack: {name}", text, count=1, flags=re.M)
        text = re.sub(r"^region: .*$", f"region: {self.aws.region}", text, count=1, flags=re.M)
        for before, after in changes.items():
            assert before in text, before
            text = text.replace(before, after)
        self.stack.write_text(text)

    def environment(self, keys=None):
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "HTTPS_PROXY", "NO_PROXY", "AWS_CA_BUNDLE", "SSL_CERT_FILE",
                                                    "CIRCLES_SETTLE_WINDOW") if name in os.environ}
        return {**keep, **(keys or self.keys).environment(), "AWS_REGION": self.aws.region,
                "CIRCLES_STATE_DIR": str(self.folder / "state"), "AWS_EC2_METADATA_DISABLED": "true",
                **({"AWS_ENDPOINT_URL": self.aws.endpoint} if self.aws.endpoint else {})}

    def command(self, arguments):
        return [str(self.options.binary), "--stack", str(self.stack), *arguments]

    def call(self, *arguments, limit, codes=(0,), keys=None):
        """Runs the program; past the limit it is interrupted as Ctrl-C would, and killed when that does not help."""
        process = subprocess.Popen(self.command(arguments), env=self.environment(keys), cwd=self.folder, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            try:
                out, err = process.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
            raise PhaseError(f"{arguments[0]}: no end after {limit} s\n{err[-4000:]}") from None
        if process.returncode not in codes:
            raise PhaseError(f"{' '.join(arguments)}: exit code {process.returncode}\n{out[-2000:]}\n{err[-6000:]}")
        return out, err

    def apply(self, *arguments, limit):
        out, _ = self.call("apply", "--yes", "--json", *arguments, limit=limit)
        self.resources += resources(out)

    def expect_nothing_to_do(self):
        out, err = self.call("plan", "--detailed-exitcode", limit=300, codes=(0, 2))
        if "Nothing to" not in out + err:
            raise PhaseError(f"the plan is not empty\n{out}\n{err}")


def policies(run):
    """Makes the role, and goes on under it."""
    out, _ = run.call("permissions", limit=60)
    run.role.create(documents(out))
    run.keys = run.role.assume()
    return None


def apply(run):
    run.apply(limit=45 * 60)


def second_plan(run):
    run.expect_nothing_to_do()


def deploy(run):
    if not run.options.image:
        return "skipped: no --image; `make image` makes one"
    run.call("deploy", "--image", str(pathlib.Path(run.options.image).resolve()), limit=20 * 60)
    return None


def verify(run):
    url = run.options.verify_url
    if not url and (run.aws.endpoint or not run.options.image):
        return "skipped: nothing serves the load balancer's address here (--verify-url names another)"
    if not url:
        out, _ = run.call("outputs", "--json", limit=120)
        name = json.loads(out)["alb_dns_name"]
        url = f"http://{name['value'] if isinstance(name, dict) else name}"
    run.call("verify", "--url", url, limit=10 * 60)
    return None


def drift(run):
    """Somebody changes a log group's retention by hand; drift says so, and the next apply puts it right."""
    run.aws.json("logs", "Logs_20140328.PutRetentionPolicy", {"logGroupName": f"/ecs/{run.name}", "retentionInDays": 7})
    out, err = run.call("drift", "--detailed-exitcode", limit=300, codes=(2,))
    if "retention" not in out + err:
        raise PhaseError(f"drift does not name what was changed\n{out}\n{err}")
    run.apply(limit=20 * 60)
    run.expect_nothing_to_do()


def replacement(run):
    """A log group under another name: a new one, the service moved to it, the old one gone."""
    run.write_stack(run.name, **{"name: /ecs/${prefix}": "name: /ecs/${prefix}-new"})
    run.apply(limit=30 * 60)
    run.expect_nothing_to_do()
    run.write_stack(run.name)
    run.apply(limit=30 * 60)


def kill(run):
    """SIGKILL in the middle of an apply; the next one goes on, and the one after has nothing to do."""
    arguments = ["apply", "--yes", "--json", "--var", "container_cpu=1024", "--var", "container_memory=2048"]
    process = subprocess.Popen(run.command(arguments), env=run.environment(), cwd=run.folder, text=True, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    killed = False
    for line in process.stdout:
        # After the first call that changed something, and before the end.
        if '"step_learned"' in line or '"step_done"' in line or '"step_waiting"' in line:
            process.kill()
            killed = True
            break
    process.stdout.close()
    process.wait()
    if not killed:
        raise PhaseError("the run ended before it could be killed")
    run.apply("--var", "container_cpu=1024", "--var", "container_memory=2048", limit=30 * 60)
    run.apply(limit=30 * 60)
    run.expect_nothing_to_do()


def rotate(run):
    run.call("secrets", "rotate", "APP_METRICS_TOKEN", limit=5 * 60)
    run.apply(limit=20 * 60)
    run.expect_nothing_to_do()


def destroy(run):
    run.call("destroy", "--yes", limit=45 * 60)


def leftovers(run):
    """By tag and by name, with the keys of whoever started this. The tagging API forgets slowly: it is asked for ten minutes."""
    deadline = time.monotonic() + (600 if not run.aws.endpoint else 5)
    while True:
        found = scan(run.aws, run.name)
        if not found:
            return
        if time.monotonic() > deadline:
            raise PhaseError("left over:\n" + "\n".join(arn for arns in found.values() for arn in arns))
        time.sleep(20 if not run.aws.endpoint else 1)


PHASES = {"policies": policies, "apply": apply, "second-plan": second_plan, "deploy": deploy, "verify": verify, "drift": drift,
          "replacement": replacement, "kill": kill, "rotate": rotate, "destroy": destroy, "leftovers": leftovers}
ALWAYS = ("policies", "apply", "destroy", "leftovers")


def run_phase(report, run, name):
    since = time.monotonic()
    run.resources = []
    print(f"{name} …", flush=True)
    try:
        if name not in ("policies", "leftovers") and name in PHASES and run.keys is not run.aws.keys:
            run.keys = run.role.assume()
        note = PHASES[name](run)
        result, detail = ("skipped", note) if note else ("passed", "")
    except Exception as error:  # noqa: BLE001  The report is to have it, and what is left is to be removed.
        result, detail = "failed", f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - since
    print(f"{name}: {result} after {seconds:.0f} s{': ' + detail if detail else ''}", flush=True)
    report.phase(name, result, seconds, detail, run.resources)
    return result == "passed"


def live(options, aws, account, folder):
    version = subprocess.run([str(options.binary), "--version"], capture_output=True, text=True, check=True).stdout.strip()
    run = Run(options, aws, account, folder)
    report = Report(options.report, {"program": version, "stack": run.name, "region": aws.region, "account": f"…{account[-4:]}"})
    chosen = [name for name in PHASES if not options.only or name in options.only or name in ALWAYS]
    begun = time.monotonic()
    try:
        for name in chosen:
            if name in ("destroy", "leftovers"):
                continue
            if time.monotonic() - begun > options.minutes * 60:
                report.phase(name, "failed", 0, f"not begun: {options.minutes} minutes are over")
                continue
            if not run_phase(report, run, name) and name in ("policies", "apply"):
                break
    finally:
        finish(run, report)
    print(f"\n{options.report}/report.md")
    return 1 if report.failed or report.leftovers else 0


def finish(run, report):
    """Whatever happened, Ctrl-C included: no phase may leave anything behind that costs money."""
    run.write_stack(run.name)
    if not run_phase(report, run, "destroy"):
        # Once more with the rights of whoever started this: what the printed policies lack must not keep anything alive.
        run.keys = run.aws.keys
        run_phase(report, run, "destroy")
    try:
        delete_role(run.aws, run.role.name)
    finally:
        run_phase(report, run, "leftovers")
        report.leftovers = scan(run.aws, run.name)
        report.write()


def tidy(options, aws, account, folder):
    def destroy_stack(name):
        print(f"destroying {name} …", flush=True)
        run = Run(options, aws, account, folder)
        run.write_stack(name)
        try:
            run.call("destroy", "--yes", limit=45 * 60)
        except PhaseError as error:
            print(error)

    found, left = clean(aws, destroy_stack)
    print(f"found {sum(map(len, found.values()))} in {len(found)} stacks; {sum(map(len, left.values()))} left")
    for stack, arns in left.items():
        print(*(f"  {stack}: {arn}" for arn in arns), sep="\n")
    return 1 if left else 0


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--region", default=os.environ.get("AWS_REGION", "us-east-1"))
    parser.add_argument("--only", action="append", choices=list(PHASES), metavar="PHASE", help=", ".join(PHASES))
    parser.add_argument("--image", help="an OCI archive of the service")
    parser.add_argument("--verify-url", help="where the service answers, if not at the load balancer's address")
    parser.add_argument("--minutes", type=int, default=MINUTES, help="no phase begins after so many")
    parser.add_argument("--report", type=pathlib.Path, default=pathlib.Path("target/test-aws"))
    parser.add_argument("--clean", action="store_true", help="only remove what test runs left in this account and region")
    parser.add_argument("--yes", action="store_true", help="begin without waiting")
    return parser.parse_args()


def main():
    chosen = options()
    endpoint = os.environ.get("AWS_ENDPOINT_URL") or None
    if os.environ.get("CIRCLES_AWS_TEST") != "yes":
        raise SystemExit(f"this makes real things in a real account and costs {BUDGET}: say CIRCLES_AWS_TEST=yes")
    aws = Aws(Keys.of_environment(), chosen.region, endpoint)
    account = aws.sts("GetCallerIdentity").findtext(".//Account")
    print(f"account {account}, region {chosen.region}{', at ' + endpoint if endpoint else ''}; budget: {BUDGET}", flush=True)
    if not chosen.yes and not chosen.clean:
        print("begins in 10 seconds; Ctrl-C ends it, now and later, and what was made is removed", flush=True)
        time.sleep(10)
    chosen.report.mkdir(parents=True, exist_ok=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="circles-test-aws-"))
    try:
        return (tidy if chosen.clean else live)(chosen, aws, account, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
