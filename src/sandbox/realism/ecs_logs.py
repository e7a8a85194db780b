"""What containers write, in the log stream that the awslogs driver would make."""

from __future__ import annotations

import time
from typing import Any


def write_log(definition: Any, container: str, task: str, account: str, lines: list[str]) -> None:
    """Put lines into `<prefix>/<container>/<task>` of the container's log group, as the task definition says.

    Nothing happens without the awslogs driver, its prefix, or its group.
    """
    entry = next((entry for entry in definition.container_definitions if entry.get("name") == container), {})
    logging = entry.get("logConfiguration") or {}
    options = logging.get("options") or {}
    prefix, group = options.get("awslogs-stream-prefix"), options.get("awslogs-group")
    if not lines or logging.get("logDriver") != "awslogs" or not prefix or not group:
        return
    from moto.logs.models import logs_backends

    logs = logs_backends[account][options.get("awslogs-region", definition.arn.split(":")[3])]
    if group not in logs.groups:
        return
    stream = f"{prefix}/{container}/{task}"
    if stream not in logs.groups[group].streams:
        logs.create_log_stream(group, stream)
    now = int(time.time() * 1000)
    logs.put_log_events(group, stream, [{"timestamp": now, "message": line} for line in lines])
