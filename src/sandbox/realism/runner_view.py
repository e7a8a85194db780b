"""What a runner is shown: tasks, load balancers, target groups and databases, and how to start one task as ECS would."""

from __future__ import annotations

import json
from typing import Any

from . import ACCOUNT
from .clock import CLOCK
from .ecs_preflight import PLATFORMS, REGISTRY, ecr_image
from .runner import RUNNER


def world() -> dict[str, Any]:
    """Everything that a runner follows. Secrets are in the databases' passwords alone."""
    return {"clock_factor": CLOCK.factor, "tasks": [_task(task) for task in RUNNER.tasks()], "services": _services(),
            "balancers": _balancers(), "groups": _groups(), "databases": _databases()}


def _backends(backends: Any) -> list[Any]:
    return list(backends[ACCOUNT].values())


def _task(task: Any) -> dict[str, Any]:
    return {"arn": task.task_arn, "id": task.id, "status": task.last_status, "address": task.address,
            "service": task.group.partition("service:")[2],
            "groups": [{"arn": group.arn, "port": port} for group, port in task.groups]}


def _services() -> list[dict[str, Any]]:
    from moto.ecs.models import ecs_backends

    shown = []
    for backend in _backends(ecs_backends):
        for service in backend.services.values():
            if service.status != "ACTIVE":
                continue
            primary = service.rollout.primary
            shown.append({
                "name": service.name, "cluster": service.cluster_name, "desired": service.desired_count,
                "running": service.running_count, "steady": service.rollout.stable, "rollout": primary.rollout,
                "revision": primary.task_definition.rsplit("/", 1)[-1], "failed": primary.failed,
                "said": service.events[0]["message"] if service.events else "",
                "grace": int(getattr(service, "health_check_grace_period_seconds", 0) or 0),
                "healthy": sum(1 for deployment in service.rollout.deployments for task in deployment.live()
                               if task.healthy)})
    return shown


def _balancers() -> list[dict[str, Any]]:
    from moto.elbv2.models import elbv2_backends

    shown = []
    for backend in _backends(elbv2_backends):
        for balancer in backend.load_balancers.values():
            if balancer.type != "application" or balancer.state != "active":
                continue
            shown.append({
                "arn": balancer.arn, "name": balancer.name,
                "idle_timeout": float(balancer.attrs.get("idle_timeout.timeout_seconds") or 60),
                "preserve_host": str(balancer.attrs.get("routing.http.preserve_host_header.enabled")).lower() == "true",
                "listeners": [{"arn": listener.arn, "protocol": listener.protocol, "port": int(listener.port),
                               "rules": _rules(listener)} for listener in balancer.listeners.values()]})
    return shown


def _rules(listener: Any) -> list[dict[str, Any]]:
    """In the order in which they are tried: by priority, the default last."""
    rules = sorted(listener.rules.values(), key=lambda rule: (rule.is_default, 0 if rule.is_default else int(rule.priority)))
    return [{"conditions": rule.conditions, "actions": [action.data for action in rule.actions]} for rule in rules]


def _groups() -> list[dict[str, Any]]:
    from moto.elbv2.models import elbv2_backends

    shown = []
    for backend in _backends(elbv2_backends):
        for group in backend.target_groups.values():
            shown.append({
                "arn": group.arn, "port": group.port, "path": group.health_check_path or "/",
                "check_port": str(group.health_check_port or "traffic-port"),
                "interval": float(group.health_check_interval_seconds or 30),
                "timeout": float(group.health_check_timeout_seconds or 5),
                "healthy_threshold": int(group.healthy_threshold_count or 5),
                "unhealthy_threshold": int(group.unhealthy_threshold_count or 2),
                "matcher": str((group.matcher or {}).get("HttpCode") or "200"),
                "targets": [{"id": target["Id"], "port": int(target.get("Port") or group.port or 80),
                             "state": target.get("state", "healthy")} for target in group.targets.values()]})
    return shown


def _databases() -> list[dict[str, Any]]:
    from moto.rds.models import rds_backends

    shown = []
    for backend in _backends(rds_backends):
        for database in backend.databases.values():
            if database.engine != "postgres" or database.status == "deleting" or not hasattr(database, "_reachable"):
                continue
            shown.append({
                "id": database.dbi_resource_id, "name": database.db_instance_identifier, "address": database.address,
                "port": int(database.port or 5432), "version": database.engine_version,
                "database": database.db_name or "postgres", "user": database.master_username,
                "password": getattr(database, "_master_user_password", None) or ""})
    return shown


class CannotStart(Exception):
    """A task whose parts cannot be had; the message is the task's stop reason."""


def launch(task: Any) -> dict[str, Any]:
    """How to start a task: images, commands, the environment with the secrets' values as they are now, log streams.
    Raises CannotStart."""
    definition = task.definition
    changes = {entry.get("name"): entry for entry in (task.overrides or {}).get("containerOverrides") or []}
    return {"task": task.task_arn, "id": task.id, "region": task.region_name, "family": definition.family,
            "revision": definition.revision,
            "containers": [_container(task, entry, changes.get(entry.get("name")) or {})
                           for entry in definition.container_definitions]}


def _container(task: Any, entry: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    environment = {item["name"]: item.get("value", "") for item in entry.get("environment") or []}
    environment.update({item["name"]: item.get("value", "") for item in change.get("environment") or []})
    secrets = {item["name"]: _secret(task, str(item.get("valueFrom", ""))) for item in entry.get("secrets") or []}
    return {
        "name": entry["name"], "essential": entry.get("essential", True), "image": _image(task, str(entry.get("image", ""))),
        "entry_point": entry.get("entryPoint"), "command": change.get("command") or entry.get("command"),
        "user": entry.get("user"), "folder": entry.get("workingDirectory"), "environment": environment,
        "secrets": secrets, "ports": [int(port["containerPort"]) for port in entry.get("portMappings") or []],
        "stop_timeout": float(entry.get("stopTimeout") or 30), "health_check": entry.get("healthCheck"),
        "logs": _logs(task, entry)}


def _image(task: Any, reference: str) -> dict[str, Any]:
    found, digest, image = ecr_image(ACCOUNT, reference)
    match = REGISTRY.fullmatch(reference)
    return {"reference": reference, "digest": digest, "host_build": not found or match is None or image is None,
            "architecture": PLATFORMS.get((task.definition.runtime_platform or {}).get("cpuArchitecture", "X86_64"), "amd64"),
            "repository": match["name"] if match else None, "region": match["region"] if match else None}


def _secret(task: Any, source: str) -> str:
    """`arn`, or `arn:json-key:version-stage:version-id`. ECS developer guide, "Pass Secrets Manager secrets"."""
    from moto.secretsmanager.models import secretsmanager_backends

    problem = "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from asm: "
    parts = source.split(":")
    if len(parts) < 7 or parts[2] != "secretsmanager":
        raise CannotStart(f"{problem}the sandbox resolves secrets of Secrets Manager alone")
    arn = ":".join(parts[:7])
    key, stage, version = (parts[7:] + ["", "", ""])[:3]
    backend = secretsmanager_backends[ACCOUNT][parts[3]]
    secret = next((item for item in backend.secrets.values() if item.arn == arn or item.arn.rsplit("-", 1)[0] == arn), None)
    versions = list(secret.versions.values()) if secret is not None else []
    wanted = next((item for item in versions if (item["version_id"] == version if version else
                                                 (stage or "AWSCURRENT") in item["version_stages"])), None)
    if wanted is None:
        raise CannotStart(f"{problem}ResourceNotFoundException: Secrets Manager can't find the specified secret.")
    text = wanted.get("secret_string") or ""
    if not key:
        return text
    try:
        value = json.loads(text)[key]
    except (ValueError, KeyError, TypeError):
        raise CannotStart(f"{problem}retrieved secret from Secrets Manager did not contain json key {key}") from None
    return value if isinstance(value, str) else json.dumps(value)


def _logs(task: Any, entry: dict[str, Any]) -> dict[str, str] | None:
    """The awslogs driver's stream: prefix/container/task. ECS developer guide, "Send Amazon ECS logs to CloudWatch"."""
    logging = entry.get("logConfiguration") or {}
    options = logging.get("options") or {}
    if logging.get("logDriver") != "awslogs" or not options.get("awslogs-group"):
        return None
    prefix = options.get("awslogs-stream-prefix")
    stream = f"{prefix}/{entry['name']}/{task.id}" if prefix else task.id
    return {"group": options["awslogs-group"], "region": options.get("awslogs-region", task.region_name), "stream": stream}
