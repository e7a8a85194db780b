"""The side of the sandbox that a runner of real processes talks to: what should run, and what has become of it.

Without a runner, tasks live by the clock and by what is declared of their images. While one is attached (`sandbox up`), the
clock starts no task any more and decides no target's health: the runner reports both. Databases and load balancers are only
shown to it; where their stand-ins listen is told back, so that a load balancer's name leads to a proxy that answers.
"""

from __future__ import annotations

import time
from typing import Any

from . import ACCOUNT

# A runner looks several times a second. One that has not for this long has ended without a word.
SILENCE = 60.0
# States that DescribeTargetHealth knows.
STATES = ("initial", "healthy", "unhealthy", "draining", "unused")


class Stranger(ValueError):
    """A runner that is not, or no longer, the attached one."""


class Runner:
    """Who runs the tasks. Not thread safe: to be used under the sandbox's lock."""

    def __init__(self) -> None:
        self.instance, self.host_build, self._seen = "", False, 0.0
        self.names: dict[str, str] = {}

    @property
    def attached(self) -> bool:
        return bool(self.instance)

    def attach(self, instance: str, host_build: bool) -> None:
        """Take over all tasks: what ran by the clock, or at a runner before, is replaced by tasks that wait for this one. A
        roll-out that failed without a runner (with no image, say) is tried again, as a forced deployment does."""
        if self.instance == instance:
            self.host_build = host_build
            return
        self.instance, self.host_build, self._seen = instance, host_build, time.monotonic()
        self._replace_all("Replaced by a task that runs as a process")
        for service in _all_services():
            if service.status == "ACTIVE" and service.rollout.primary.rollout == "FAILED":
                service.rollout.deploy()

    def detach(self, instance: str) -> None:
        """The tasks live by the clock again. One that is not attached leaves nothing behind."""
        if self.instance == instance:
            self._let_go()

    def check(self) -> None:
        """Notice that the runner is gone."""
        if self.attached and time.monotonic() - self._seen > SILENCE:
            self._let_go()

    def heard(self, instance: str) -> None:
        """Raises Stranger when another one is attached, or none."""
        if instance != self.instance or not instance:
            raise Stranger("this runner is not attached")
        self._seen = time.monotonic()

    def forget(self) -> None:
        """The world is emptied; the runner stays."""
        self.names.clear()

    def stands_in(self, repository: Any) -> bool:
        """Whether the runner's own build takes an image's place: only as long as the repository has none at all."""
        return self.attached and self.host_build and repository is not None and not repository.images

    def name_of(self, balancer: Any) -> str | None:
        """Where a load balancer's stand-in listens: `127.0.0.1:PORT`."""
        return self.names.get(balancer.arn) if self.attached else None

    def tasks(self) -> list[Any]:
        """The tasks that are the runner's and not over."""
        return [task for task in _all_tasks() if task.real and task.last_status != "STOPPED"]

    def task(self, arn: str) -> Any:
        """One of the runner's tasks, also a stopped one; None when it is forgotten."""
        return next((task for task in _all_tasks() if task.real and task.task_arn == arn), None)

    def _let_go(self) -> None:
        self.instance, self.host_build = "", False
        self.names.clear()
        self._replace_all("What ran it has ended")

    def _replace_all(self, reason: str) -> None:
        changed = []
        for task in _all_tasks():
            if task.last_status != "STOPPED":
                task.replace(reason)
                changed.append(task)
        for task in changed:
            task.on_change()


RUNNER = Runner()


def _all_tasks() -> list[Any]:
    from moto.ecs.models import ecs_backends

    # moto's own tasks know nothing of a runner.
    return [task for backend in list(ecs_backends[ACCOUNT].values()) for tasks in list(backend.tasks.values())
            for task in list(tasks.values()) if hasattr(task, "real")]


def _all_services() -> list[Any]:
    from moto.ecs.models import ecs_backends

    return [service for backend in list(ecs_backends[ACCOUNT].values()) for service in list(backend.services.values())]


def report_tasks(reports: list[dict[str, Any]]) -> None:
    """What has become of tasks: `started`, `ended` with exit codes and a reason, `health` of a container check."""
    for report in reports:
        task = RUNNER.task(str(report["task"]))
        if task is None:
            continue
        if report["event"] == "started":
            task.started()
        elif report["event"] == "ended":
            task.ended(report.get("containers") or {}, str(report["reason"]), str(report["code"]))
        elif report["event"] == "health":
            task.health_status = str(report["health"])
        else:
            raise ValueError(f"no such event: {report['event']}")


def report_targets(reports: list[dict[str, Any]]) -> None:
    """What the health checks of target groups have found."""
    from moto.elbv2.models import elbv2_backends

    changed = set()
    for report in reports:
        if report["state"] not in STATES:
            raise ValueError(f"no such state: {report['state']}")
        for backend in list(elbv2_backends[ACCOUNT].values()):
            group = backend.target_groups.get(report["group"])
            record = group.targets.get(report["target"]) if group else None
            if record is not None and record.get("state") != "draining":
                record.update(state=report["state"], reason=report.get("reason"), description=report.get("description"))
                changed.add(report["group"])
    for task in RUNNER.tasks():
        if any(group.arn in changed for group, _ in task.groups):
            task.on_change()


def write_logs(entries: list[dict[str, Any]]) -> None:
    """What containers said, into their streams. A group that is gone takes nothing, as in AWS."""
    from moto.core.utils import unix_time_millis, utcnow
    from moto.logs.models import logs_backends

    for entry in entries:
        groups = logs_backends[ACCOUNT][entry["region"]].groups
        if entry["group"] not in groups:
            continue
        group = groups[entry["group"]]
        if entry["stream"] not in group.streams:
            group.create_log_stream(entry["stream"])
        now = int(unix_time_millis(utcnow()))
        events = [{"timestamp": min(int(at), now), "message": message} for at, message in entry["events"]]
        group.put_log_events(entry["stream"], events)
