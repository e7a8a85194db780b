"""Clusters, task definitions, one-off tasks, and the lists of all of them with their pages."""

from __future__ import annotations

import base64
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ecs.models import EC2ContainerServiceBackend
from moto.ecs.responses import EC2ContainerServiceResponse

from . import USER_ARN
from .clock import CLOCK
from .ecs_service import check_subnets, invalid
from .ecs_tasks import SandboxTask
from .errors import refuse
from .patch import replaces

# CPU units -> memory in MiB that Fargate offers with them. Developer guide: "Task size".
FARGATE = {
    256: [512, 1024, 2048],
    512: list(range(1024, 4096 + 1, 1024)),
    1024: list(range(2048, 8192 + 1, 1024)),
    2048: list(range(4096, 16384 + 1, 1024)),
    4096: list(range(8192, 30720 + 1, 1024)),
    8192: list(range(16384, 61440 + 1, 4096)),
    16384: list(range(32768, 122880 + 1, 8192)),
}
# method -> result key, default page size
PAGED = {"list_services": ("serviceArns", 10), "list_clusters": ("clusterArns", 100),
         "list_task_definitions": ("taskDefinitionArns", 100), "list_tasks": ("taskArns", 100)}


def install() -> None:
    _clusters()
    _definitions()
    _tasks()
    for method, (key, size) in PAGED.items():
        _page(method, key, size)


def _clusters() -> None:
    @replaces(EC2ContainerServiceBackend, "create_cluster")
    def create_cluster(original, self, cluster_name, *args, **kwargs):
        known = self.clusters.get(cluster_name)
        if known is not None and known.status == "ACTIVE":
            return known
        cluster = original(self, cluster_name, *args, **kwargs)
        cluster.tags = cluster.tags or []
        return cluster

    @replaces(EC2ContainerServiceBackend, "delete_cluster")
    def delete_cluster(original, self, cluster_str):
        cluster = self._get_cluster(cluster_str)
        if any(service.cluster_name == cluster.name and service.status != "INACTIVE"
               for service in self.services.values()):
            raise refuse("ClusterContainsServicesException",
                         "The Cluster cannot be deleted while Services are active.")
        if any(task.last_status != "STOPPED" for task in self.tasks.get(cluster.name, {}).values()):
            raise refuse("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active.")
        return original(self, cluster_str)

    @replaces(EC2ContainerServiceBackend, "describe_clusters")
    def describe_clusters(original, self, cluster_names):
        found, failures = original(self, cluster_names)
        for cluster in found:
            tasks = [task for task in self.tasks.get(cluster.name, {}).values() if task.desired_status == "RUNNING"]
            cluster.running_tasks_count = sum(1 for task in tasks if task.last_status == "RUNNING")
            cluster.pending_tasks_count = len(tasks) - cluster.running_tasks_count
            cluster.active_services_count = sum(1 for service in self.services.values() if
                                                service.cluster_name == cluster.name and service.status == "ACTIVE")
        return found, failures

    @replaces(EC2ContainerServiceBackend, "list_clusters")
    def list_clusters(original, self):
        return [cluster.arn for cluster in self.clusters.values() if cluster.status == "ACTIVE"]

    @replaces(EC2ContainerServiceBackend, "list_services")
    def list_services(original, self, cluster_str, scheduling_strategy=None, launch_type=None):
        gone = {service.arn for service in self.services.values() if service.status == "INACTIVE"}
        return [arn for arn in original(self, cluster_str, scheduling_strategy, launch_type) if arn not in gone]


def _definitions() -> None:
    @replaces(EC2ContainerServiceBackend, "register_task_definition")
    def register_task_definition(original, self, family, container_definitions, **kwargs):
        if "FARGATE" in (kwargs.get("requires_compatibilities") or []):
            kwargs["cpu"], kwargs["memory"] = _fargate_size(kwargs.get("cpu"), kwargs.get("memory"))
            if kwargs.get("network_mode") != "awsvpc":
                raise refuse("ClientException", "Fargate only supports network mode 'awsvpc'.")
            _execution_role(container_definitions, kwargs.get("execution_role_arn"))
        if kwargs.get("network_mode") == "awsvpc":
            for container in container_definitions:
                for mapping in container.get("portMappings") or []:
                    _port(mapping)
        for container in container_definitions:
            container.setdefault("systemControls", [])
        definition = original(self, family, container_definitions, **kwargs)
        definition.registered_at, definition.registered_by = utcnow(), USER_ARN
        return definition

    @replaces(EC2ContainerServiceBackend, "describe_task_definition")
    def describe_task_definition(original, self, task_definition_str):
        name = task_definition_str.split("/")[-1]
        if ":" in name:
            return original(self, task_definition_str)
        active = [definition for definition in self.task_definitions.get(name, {}).values()
                  if definition.status == "ACTIVE"]
        if not active:
            raise refuse("ClientException", "Unable to describe task definition.")
        return max(active, key=lambda definition: definition.revision)

    @replaces(EC2ContainerServiceResponse, "list_task_definitions")
    def list_task_definitions(original, self):
        result = dict(original(self).result)
        found = sorted(result["taskDefinitionArns"], key=_revision_order, reverse=self._get_param("sort") == "DESC")
        return ActionResult({**result, "taskDefinitionArns": found})


def _revision_order(arn: str) -> tuple[str, int]:
    family, _, revision = arn.rpartition(":")
    return family, int(revision)


def _fargate_size(cpu: Any, memory: Any) -> tuple[str, str]:
    if not cpu:
        raise refuse("ClientException", "Fargate requires that 'cpu' be defined at the task level.")
    if not memory:
        raise refuse("ClientException", "Fargate requires that 'memory' be defined at the task level.")
    units, size = _amount(str(cpu), "vcpu"), _amount(str(memory), "gb")
    if size not in FARGATE.get(units, []):
        raise refuse("ClientException", f"No Fargate configuration exists for given values: {units} CPU, {size} "
                                        "memory.")
    return str(units), str(size)


def _amount(text: str, unit: str) -> int:
    """"1 vCPU" and "2GB" are stored in units and MiB."""
    lowered = text.lower().replace(" ", "")
    try:
        if lowered.endswith(unit):
            return int(float(lowered[:-len(unit)]) * 1024)
        return int(lowered)
    except ValueError:
        raise refuse("ClientException", f"Invalid setting for container: '{text}'") from None


def _execution_role(containers: list[dict[str, Any]], role: str | None) -> None:
    for container in containers:
        if role:
            continue
        if ".dkr.ecr." in str(container.get("image", "")):
            raise refuse("ClientException",
                         "Fargate requires task definition to have execution role ARN to support ECR images.")
        if (container.get("logConfiguration") or {}).get("logDriver") == "awslogs":
            raise refuse("ClientException",
                         "Fargate requires task definition to have execution role ARN to support log driver awslogs.")


def _port(mapping: dict[str, Any]) -> None:
    mapping.setdefault("protocol", "tcp")
    if not mapping.get("hostPort"):
        mapping["hostPort"] = mapping.get("containerPort")
    if mapping["hostPort"] != mapping.get("containerPort"):
        raise refuse("ClientException", "When networkMode=awsvpc, the host ports and container ports in port mappings "
                                        "must match.")


def _tasks() -> None:
    @replaces(EC2ContainerServiceBackend, "run_task")
    def run_task(original, self, cluster_str, task_definition_str, count, overrides, started_by, tags, launch_type,
                 networking_configuration=None, group=None, platform_version=None):
        if launch_type != "FARGATE":
            return original(self, cluster_str, task_definition_str, count, overrides, started_by, tags, launch_type,
                            networking_configuration, group, platform_version)
        cluster = self._get_cluster(cluster_str)
        if cluster.status != "ACTIVE":
            raise refuse("ClusterNotFoundException", "Cluster not found.")
        definition = self.describe_task_definition(task_definition_str)
        if definition.status != "ACTIVE":
            raise refuse("ClientException", "TaskDefinition is inactive")
        if not (networking_configuration or {}).get("awsvpcConfiguration"):
            raise invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
        check_subnets(self, networking_configuration["awsvpcConfiguration"])
        started = []
        for _ in range(count):
            task = SandboxTask(self, cluster, definition, networking_configuration,
                               group=group or f"family:{definition.family}", started_by=started_by or "",
                               tags=tags, platform_version=platform_version, overrides=overrides)
            task.on_change = _ends(task)
            self.tasks.setdefault(cluster.name, {})[task.task_arn] = task
            task.launch()
            started.append(task)
        return started

    @replaces(EC2ContainerServiceBackend, "stop_task")
    def stop_task(original, self, cluster_str, task_str, reason):
        cluster = self._get_cluster(cluster_str)
        for arn, task in self.tasks.get(cluster.name, {}).items():
            if arn.split("/")[-1] == task_str.split("/")[-1]:
                if not isinstance(task, SandboxTask):
                    return original(self, cluster_str, task_str, reason)
                task.stop(reason or "Task stopped by user", "UserInitiated")
                task.on_change()
                return task
        raise invalid("The referenced task was not found.")

    @replaces(EC2ContainerServiceBackend, "list_tasks")
    def list_tasks(original, self, cluster_str=None, container_instance=None, family=None, started_by=None,
                   service_name=None, desiredStatus=None):
        found = [task for cluster, tasks in self.tasks.items() for task in tasks.values()
                 if cluster_str is None or cluster == self._get_cluster(cluster_str).name]
        return [task for task in found
                if task.desired_status == (desiredStatus or "RUNNING")
                and (not service_name or task.group == f"service:{service_name.split('/')[-1]}")
                and (not family or task.task_definition_arn.split("/")[-1].rsplit(":", 1)[0] == family)
                and (not started_by or task.started_by == started_by)
                and (not container_instance or task.container_instance_arn == container_instance)]

    @replaces(EC2ContainerServiceResponse, "describe_tasks")
    def describe_tasks(original, self):
        asked = self._get_param("tasks", [])
        if len(asked) > 100:
            raise invalid("Tasks cannot have more than 100 elements.")
        result = dict(original(self).result)
        known = {task.task_arn.split("/")[-1] for task in result["tasks"]}
        cluster = self.ecs_backend._get_cluster(self._get_param("cluster", "default"))
        result["failures"] = [{"arn": entry if entry.startswith("arn:") else cluster.arn.replace(
            ":cluster/", ":task/") + "/" + entry, "reason": "MISSING"}
            for entry in asked if entry.split("/")[-1] not in known]
        return ActionResult(result)


def _ends(task: SandboxTask):
    """A task that runs on its own does its work and exits well, after as long as a start takes."""
    def on_change() -> None:
        if task.running and not task.groups and not task.real:
            for container in task.containers:
                container.exit_code = 0
            CLOCK.after("ecs.task.start", lambda: task.stop("Essential container in task exited",
                                                            "EssentialContainerExited", at_once=True))
    return on_change


def _page(method: str, key: str, default: int) -> None:
    original = getattr(EC2ContainerServiceResponse, method)

    def paged(self):
        size, token = int(self._get_param("maxResults") or default), self._get_param("nextToken")
        if not 1 <= size <= 100:
            raise invalid("maxResults must be between 1 and 100.")
        try:
            start = int(base64.urlsafe_b64decode(token.encode()).decode()) if token else 0
        except ValueError:
            raise invalid("Invalid token") from None
        result = dict(original(self).result)
        found = result[key]
        result[key] = found[start:start + size]
        if start + size < len(found):
            result["nextToken"] = base64.urlsafe_b64encode(str(start + size).encode()).decode()
        return ActionResult(result)

    paged.__name__ = method
    setattr(EC2ContainerServiceResponse, method, paged)
