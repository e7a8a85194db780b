"""Deployments of a service: rolling from one set of tasks to the next, failing, and rolling back."""

from __future__ import annotations

import math
import secrets
import uuid
from typing import Any

from moto.core.utils import utcnow

from .clock import CLOCK
from .ecs_tasks import SandboxTask


class Deployment:
    """One set of tasks of a service. PRIMARY is what is wanted, ACTIVE what is still there from before."""

    def __init__(self, service: Any, desired: int) -> None:
        self.id = f"ecs-svc/{secrets.randbelow(10**19):019d}"
        self.status, self.task_definition = "PRIMARY", service.task_definition
        self.desired, self.failed = desired, 0
        self.rollout, self.reason = "IN_PROGRESS", f"ECS deployment {self.id} in progress."
        self.network, self.platform = service.network_configuration or None, service.platform_version
        self.strategy = getattr(service, "capacity_provider_strategy", None)
        self.created = self.updated = utcnow()
        self.tasks: list[SandboxTask] = []
        self.starting_again = False

    def live(self) -> list[SandboxTask]:
        return [task for task in self.tasks if task.alive]

    def shown(self, launch_type: str | None) -> dict[str, Any]:
        """As DescribeServices shows it."""
        live = self.live()
        shown = {
            "id": self.id, "status": self.status, "taskDefinition": self.task_definition,
            "desiredCount": self.desired if self.status == "PRIMARY" else 0,
            "runningCount": sum(1 for task in live if task.running),
            "pendingCount": sum(1 for task in live if not task.running) + self.waiting(),
            "failedTasks": self.failed, "createdAt": self.created, "updatedAt": self.updated,
            "launchType": launch_type, "platformVersion": "1.4.0", "platformFamily": "Linux",
            "networkConfiguration": self.network, "rolloutState": self.rollout, "rolloutStateReason": self.reason,
        }
        if self.strategy:
            shown["capacityProviderStrategy"] = self.strategy
        return shown

    def waiting(self) -> int:
        """Tasks that are wanted and wait for the next attempt to start."""
        if self.status != "PRIMARY" or self.rollout == "FAILED":
            return 0
        return max(0, self.desired - len(self.live())) if self.starting_again else 0


class Rollout:
    """The scheduler of one service. Every method leaves the service in a state that the clock moves on."""

    def __init__(self, ecs: Any, service: Any) -> None:
        self.ecs, self.service = ecs, service
        self.deployments: list[Deployment] = []
        self.completed: list[tuple[str, Any]] = []
        self.stable = False

    @property
    def primary(self) -> Deployment:
        return self.deployments[0]

    def say(self, message: str) -> None:
        event = {"id": str(uuid.uuid4()), "createdAt": utcnow(), "message": f"(service {self.service.name}) {message}"}
        self.service.events.insert(0, event)
        del self.service.events[100:]

    def deploy(self) -> None:
        """A new PRIMARY deployment beside what is there."""
        for deployment in self.deployments:
            deployment.status, deployment.updated = "ACTIVE", utcnow()
        self.deployments.insert(0, Deployment(self.service, self.service.desired_count))
        self.stable = False
        self.step()

    def scale(self, desired: int) -> None:
        self.primary.desired, self.primary.updated = desired, utcnow()
        self.stable = False
        self.step()

    def step(self) -> None:
        """Start and stop what is due, then see whether the deployment is done."""
        service = self.service
        if service.status == "DRAINING":
            self._drain()
            return
        if service.status != "ACTIVE" or not self.deployments:
            return
        self._count_failures()
        self._start()
        self._stop()
        self.deployments = [d for d in self.deployments if d.status == "PRIMARY" or any(
            task.last_status != "STOPPED" for task in d.tasks)]
        self._finish()

    def _limits(self) -> tuple[int, int]:
        settings = self.service.deployment_configuration
        desired = self.primary.desired
        most = math.floor(desired * settings.get("maximumPercent", 200) / 100)
        least = math.ceil(desired * settings.get("minimumHealthyPercent", 100) / 100)
        return least, max(most, 1 if desired else 0)

    def _start(self) -> None:
        primary = self.primary
        if primary.rollout == "FAILED" or primary.starting_again:
            return
        _, most = self._limits()
        room = most - sum(len(deployment.live()) for deployment in self.deployments)
        for _ in range(min(room, primary.desired - len(primary.live()))):
            self._launch(primary)

    def _launch(self, deployment: Deployment) -> None:
        service = self.service
        cluster = self.ecs.clusters[service.cluster_name]
        definition = self.ecs.describe_task_definition(deployment.task_definition)
        tags = list(service.tags) if service.propagate_tags == "SERVICE" else (
            list(definition.tags) if service.propagate_tags == "TASK_DEFINITION" else [])
        task = SandboxTask(self.ecs, cluster, definition, deployment.network, group=f"service:{service.name}",
                           started_by=deployment.id, tags=tags, launch_type=service.launch_type)
        task.groups = self._groups(definition)
        task.on_change = self.step
        deployment.tasks.append(task)
        self.ecs.tasks.setdefault(cluster.name, {})[task.task_arn] = task
        self.say(f"has started 1 tasks: (task {task.id}).")
        task.launch()

    def _groups(self, definition: Any) -> list[tuple[Any, int]]:
        from moto.elbv2.models import elbv2_backends

        known = elbv2_backends[self.ecs.account_id][self.ecs.region_name].target_groups
        return [(known[entry["targetGroupArn"]], int(entry.get("containerPort") or 80))
                for entry in self.service.load_balancers if entry.get("targetGroupArn") in known]

    def _stop(self) -> None:
        """Stop what is too much, old before new, and never so many that too few healthy ones remain."""
        primary, (least, _) = self.primary, self._limits()
        for task in primary.live()[primary.desired:]:
            task.stop(f"Scaling activity initiated by (deployment {primary.id})")
        healthy = sum(1 for deployment in self.deployments for task in deployment.live() if task.healthy)
        for deployment in self.deployments[1:]:
            for task in deployment.live():
                if task.healthy and healthy <= least:
                    continue
                healthy -= 1 if task.healthy else 0
                task.stop(f"Scaling activity initiated by (deployment {primary.id})")
                self.say(f"has stopped 1 running tasks: (task {task.id}).")

    def _count_failures(self) -> None:
        for deployment in self.deployments:
            for task in list(deployment.tasks):
                if not task.alive and task.failed:
                    task.failed = False
                    self._failed(deployment, task)

    def _failed(self, deployment: Deployment, task: SandboxTask) -> None:
        deployment.failed += 1
        deployment.updated = utcnow()
        if task.stop_code == "TaskFailedToStart":
            self.say(f"was unable to start a task: {task.stopped_reason}" if "assume the role" in task.stopped_reason
                     else f"is unable to consistently start tasks successfully. Task {task.id} stopped: "
                          f"{task.stopped_reason}")
        else:
            self.say(f"(task {task.id}) stopped: {task.stopped_reason}")
        breaker = self.service.deployment_configuration.get("deploymentCircuitBreaker") or {}
        threshold = max(3, min(200, math.ceil(deployment.desired * 0.5)))
        if (breaker.get("enable") and deployment is self.primary and deployment.rollout == "IN_PROGRESS"
                and deployment.failed >= threshold):
            self._break(deployment, bool(breaker.get("rollback")))
            return
        if deployment is self.primary and not deployment.starting_again:
            deployment.starting_again = True
            CLOCK.after("ecs.task.retry", lambda: self._again(deployment), again=True)

    def _again(self, deployment: Deployment) -> None:
        deployment.starting_again = False
        self.step()

    def _break(self, deployment: Deployment, back: bool) -> None:
        deployment.rollout = "FAILED"
        deployment.reason = "ECS deployment circuit breaker: tasks failed to start."
        self.say(f"(deployment {deployment.id}) deployment failed: tasks failed to start.")
        for task in deployment.live():
            task.stop("ECS deployment circuit breaker", at_once=False)
        if not back or not self.completed:
            return
        self.service.task_definition, self.service.network_configuration = self.completed[-1]
        for known in self.deployments:
            known.status, known.updated = "ACTIVE", utcnow()
        again = Deployment(self.service, self.service.desired_count)
        again.reason = f"ECS deployment circuit breaker: rolling back to deploymentId {again.id}."
        self.say(f"rolling back to deployment {again.id}.")
        # What still runs of the good revision is taken over, not started anew.
        for known in self.deployments:
            if known.task_definition == again.task_definition and known.rollout != "FAILED":
                again.tasks.extend(known.live())
                known.tasks = [task for task in known.tasks if not task.alive]
        self.deployments.insert(0, again)

    def _finish(self) -> None:
        primary = self.primary
        others = any(deployment is not primary for deployment in self.deployments)
        done = len(primary.live()) == primary.desired and all(task.healthy for task in primary.live())
        if not done or others:
            return
        if primary.rollout == "IN_PROGRESS":
            primary.rollout, primary.updated = "COMPLETED", utcnow()
            back = "rolling back" in primary.reason
            primary.reason = f"ECS deployment {primary.id} completed." if not back else \
                "ECS deployment circuit breaker: rollback completed."
            self.completed.append((primary.task_definition, primary.network))
            self.say(f"(deployment {primary.id}) deployment completed.")
        if not self.stable:
            self.stable = True
            self.say("has reached a steady state.")

    def drain(self) -> None:
        """Stop everything; the service is INACTIVE when the last task is gone."""
        for deployment in self.deployments:
            for task in deployment.live():
                task.stop("Service was deleted")
        CLOCK.after("ecs.settle", self.step)

    def _drain(self) -> None:
        if all(task.last_status == "STOPPED" for deployment in self.deployments for task in deployment.tasks):
            self.service.status, self.deployments = "INACTIVE", []

