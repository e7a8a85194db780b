"""Tasks: an interface in a subnet, a start that takes time or fails, a target that becomes healthy, a stop."""

from __future__ import annotations

import secrets
import uuid
from typing import Any, Callable

from moto.core.utils import utcnow
from moto.ecs.models import Container, Task

from . import interfaces
from .clock import CLOCK, TYPICAL
from .ecs_logs import write_log
from .ecs_preflight import IMAGES, ecr_image, format_error, why_not
from .elb_targets import enter, leave
from .runner import RUNNER

STOPPED_KEPT = 20


class SandboxTask(Task):
    """A Fargate task that lives by the sandbox's clock. Overrides all that moto's tasks decide by themselves."""

    def __init__(self, ecs: Any, cluster: Any, definition: Any, network: dict[str, Any] | None, *, group: str,
                 started_by: str = "", tags: list | None = None, launch_type: str | None = "FARGATE",
                 platform_version: str | None = None, overrides: dict | None = None) -> None:
        self.id = secrets.token_hex(16)
        self.cluster_name, self.cluster_arn = cluster.name, cluster.arn
        self.container_instance_arn = None
        self.desired_status, self._status = "RUNNING", "PROVISIONING"
        self.definition, self.task_definition_arn = definition, definition.arn
        self.overrides = overrides or {"containerOverrides": []}
        self.started_by, self.group, self.tags = started_by, group, tags or []
        self.launch_type, self.platform_version = launch_type or "FARGATE", platform_version or "1.4.0"
        self.platform_family = "Linux"
        self.cpu, self.memory = definition.cpu, definition.memory
        self.created_at, self.started_at, self.stopped_at, self.stopping_at = utcnow(), None, None, None
        self.stopped_reason, self.stop_code = None, None
        self.connectivity = "CONNECTED"
        self.version, self.health_status = 1, "UNKNOWN"
        self.resource_requirements: dict[str, Any] = {}
        self.region_name, self._account_id, self._backend = cluster.region_name, ecs.account_id, ecs
        self.network_configuration = network
        self.attachments: list[dict[str, Any]] = []
        self.availability_zone, self.eni = None, None
        self.groups: list[tuple[Any, int]] = []
        self.on_change: Callable[[], None] = lambda: None
        # A real one is a process of the runner's, which says what becomes of it.
        self.real = False
        self.containers = [_container(self, ecs, definition, entry) for entry in definition.container_definitions]
        self._attach()

    @property
    def last_status(self) -> str:
        return self._status

    @last_status.setter
    def last_status(self, value: str) -> None:
        self._status = value

    def advance(self) -> None:
        """moto moves tasks on when they are described; here the clock does."""

    @property
    def alive(self) -> bool:
        return self.desired_status == "RUNNING"

    @property
    def running(self) -> bool:
        return self.alive and self._status == "RUNNING"

    @property
    def healthy(self) -> bool:
        """Running and, where it serves a target group, healthy there."""
        return self.running and all(group.targets.get(self.address, {}).get("state") == "healthy"
                                    for group, _ in self.groups)

    @property
    def address(self) -> str:
        return self.eni.private_ip_address if self.eni else ""

    def _attach(self) -> None:
        settings = (self.network_configuration or {}).get("awsvpcConfiguration")
        if not settings:
            return
        from moto.ec2.models import ec2_backends

        ec2 = ec2_backends[self._account_id][self.region_name]
        attachment = str(uuid.uuid4())
        subnets = settings["subnets"]
        used = [sum(1 for eni in interfaces.in_subnet(ec2, subnet)) for subnet in subnets]
        subnet_id = subnets[used.index(min(used))]
        self.eni = interfaces.add_interface(
            ec2, subnet_id, settings.get("securityGroups") or [],
            f"arn:aws:ecs:{self.region_name}:{self._account_id}:attachment/{attachment}",
            attached_by=self._account_id, requester="AROASANDBOXECS:ecs-sandbox",
            public=settings.get("assignPublicIp") == "ENABLED")
        self.availability_zone = self.eni.subnet.availability_zone
        details = {"subnetId": subnet_id, "networkInterfaceId": self.eni.id, "macAddress": self.eni.mac_address,
                   "privateIPv4Address": self.eni.private_ip_address}
        self.attachments.append({"id": attachment, "type": "ElasticNetworkInterface", "status": "ATTACHED",
                                 "details": [{"name": key, "value": value} for key, value in details.items()]})
        for container in self.containers:
            container.network_interfaces = [{"attachmentId": attachment,
                                             "privateIpv4Address": self.eni.private_ip_address}]

    def launch(self) -> None:
        """Put the start, or the failure to start, on the agenda."""
        reason = why_not(self._backend, self.definition, self.network_configuration)
        self._status = "PENDING"
        if reason:
            CLOCK.after("ecs.task.fail", lambda: self.fail(reason, "TaskFailedToStart"))
        elif RUNNER.attached:
            self.real = True
        else:
            CLOCK.after("ecs.task.start", self._start)

    def _start(self) -> None:
        if not self.alive or self._status != "PENDING":
            return
        behaviours = {self._behaviour(container) for container in self.containers}
        self._status, self.started_at = "RUNNING", utcnow()
        for container in self.containers:
            container.last_status = "RUNNING"
        if "crashes" in behaviours:
            for container in self.containers:
                container.exit_code = 1
            self.fail("Essential container in task exited", "EssentialContainerExited")
            return
        self.health_status = "UNHEALTHY" if "unhealthy" in behaviours else "HEALTHY"
        for group, port in self.groups:
            enter(group, self.address, port, "unhealthy" not in behaviours)
            CLOCK.after("target.healthy", self._checked)
        self.on_change()

    def _behaviour(self, container: Container) -> str:
        """What the container does, and what it writes to its log when it starts."""
        behaviour = IMAGES.of(container.image, container.image_digest)
        lines = IMAGES.log(container.image, container.image_digest)
        if format_error(self.definition, str(container.image), self._account_id):
            behaviour, lines = "crashes", ["exec /usr/local/bin/app: exec format error"]
        write_log(self.definition, container.name, self.id, self._account_id, lines)
        return behaviour

    def started(self) -> None:
        """The runner has started its processes. Its targets are `initial` until the runner's checks say otherwise."""
        if not self.alive or self._status != "PENDING":
            return
        self._status, self.started_at = "RUNNING", utcnow()
        for container in self.containers:
            container.last_status = "RUNNING"
        for group, port in self.groups:
            enter(group, self.address, port, None)
        self.on_change()

    def ended(self, exits: dict[str, dict[str, Any]], reason: str, code: str) -> None:
        """The runner has seen its processes end; `exits` has exit code and reason by container."""
        for container in self.containers:
            said = exits.get(container.name) or {}
            container.exit_code = said.get("exit_code")
            if said.get("reason"):
                container.reason = said["reason"]
        if self.alive:
            self.fail(reason, code)
        elif self._status != "STOPPED":
            self._ended()

    def replace(self, reason: str) -> None:
        """Over at once, and not counted as a failure: somebody else runs tasks from now on."""
        if self.alive:
            self.stop(reason, at_once=True)
        elif self._status != "STOPPED":
            self._gone()

    def _stopping(self) -> None:
        if self._status == "DEACTIVATING":
            self._status = "STOPPING"

    def _checked(self) -> None:
        """After the target's checks: an unhealthy task is killed by its service, a healthy one counts."""
        for group, port in self.groups:
            if self.alive and group.targets.get(self.address, {}).get("state") == "unhealthy":
                self.fail(f"Task failed ELB health checks in (target-group {group.arn})", "ServiceSchedulerInitiated")
                return
        self.on_change()

    def fail(self, reason: str, code: str) -> None:
        """Stop for a reason of the task's own; its service is told."""
        if not self.alive:
            return
        self.failed = True
        self.stop(reason, code, at_once=True)
        self.on_change()

    failed = False

    def stop(self, reason: str, code: str = "ServiceSchedulerInitiated", at_once: bool = False) -> None:
        """Take the task out of its target groups, then stop it; `at_once` for one that is dead already."""
        if not self.alive:
            return
        self.desired_status, self.stopped_reason, self.stop_code = "STOPPED", reason, code
        self.stopping_at = utcnow()
        delay = 0.0
        for group, _ in self.groups:
            if self.address in group.targets:
                leave(group, self.address)
                delay = max(delay, float(group.attributes.get("deregistration_delay.timeout_seconds", 300)))
        if at_once:
            self._gone()
            return
        self._status = "DEACTIVATING" if self.started_at else "STOPPING"
        if self.real:
            # Its processes are told to stop when the targets have drained; the runner says when they are gone.
            CLOCK.after(delay, self._stopping)
            return
        CLOCK.after(delay + TYPICAL["ecs.task.stop"], self._ended)

    def _ended(self) -> None:
        self._gone()
        self.on_change()

    def _gone(self) -> None:
        self._status, self.stopped_at, self.connectivity = "STOPPED", utcnow(), "DISCONNECTED"
        for container in self.containers:
            container.last_status = "STOPPED"
        for attachment in self.attachments:
            attachment["status"] = "DELETED"
        if self.eni is not None:
            from moto.ec2.models import ec2_backends

            interfaces.remove_interface(ec2_backends[self._account_id][self.region_name], self.eni.id)
        _forget_old(self._backend, self.cluster_name)


def _container(task: SandboxTask, ecs: Any, definition: Any, entry: dict[str, Any]) -> Container:
    container = Container(definition)
    container.container_arn = (f"arn:aws:ecs:{task.region_name}:{ecs.account_id}:container/{task.cluster_name}/"
                               f"{task.id}/{uuid.uuid4()}")
    container.task_arn = task.task_arn
    container.name, container.image = entry.get("name"), entry.get("image")
    container.image_digest = ecr_image(ecs.account_id, str(entry.get("image", "")))[1]
    container.cpu, container.memory = str(entry.get("cpu", 0)), entry.get("memory")
    container.exit_code = None
    del container.exitCode
    return container


def _forget_old(ecs: Any, cluster: str) -> None:
    """Stopped tasks stay visible for a while, not for ever."""
    stopped = [arn for arn, task in ecs.tasks.get(cluster, {}).items() if task.last_status == "STOPPED"]
    for arn in stopped[:-STOPPED_KEPT]:
        ecs.tasks[cluster].pop(arn)
