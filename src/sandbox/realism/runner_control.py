"""The control calls under /_sandbox/runner, of the process that runs the tasks. One runner is attached at a time."""

from __future__ import annotations

import json
from typing import Any, Callable
from urllib.parse import parse_qs

from .clock import CLOCK
from .http import Request
from .runner import RUNNER, Stranger, report_targets, report_tasks, write_logs
from .runner_view import CannotStart, launch, world


class BadRequest(ValueError):
    """A control request that cannot be understood."""


class Conflict(ValueError):
    """A control request of somebody who is not, or no longer, in charge."""


def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.body or b"null")
    except ValueError as error:
        raise BadRequest(f"the body is not JSON: {error}") from None
    if not isinstance(body, dict) or not isinstance(body.get("instance"), str):
        raise BadRequest('the body is {"instance": the word of this runner, …}')
    return body


def _attach(sandbox: Any, request: Request) -> Any:
    body = _body(request)
    with sandbox.lock:
        CLOCK.settle()
        RUNNER.attach(body["instance"], bool(body.get("host_build")))
    return {"status": "ok"}


def _detach(sandbox: Any, request: Request) -> Any:
    body = _body(request)
    with sandbox.lock:
        CLOCK.settle()
        RUNNER.detach(body["instance"])
    return {"status": "ok"}


def _world(sandbox: Any, request: Request) -> Any:
    with sandbox.lock:
        _heard(parse_qs(request.query).get("instance", [""])[0])
        CLOCK.settle()
        return world()


def _heard(instance: str) -> None:
    try:
        RUNNER.heard(instance)
    except Stranger as error:
        raise Conflict(str(error)) from None


def _report(carry_out: Callable[[dict[str, Any]], Any]) -> Callable[[Any, Request], Any]:
    """A report of the attached runner. One that lacks something is refused with a sentence."""
    def handler(sandbox: Any, request: Request) -> Any:
        body = _body(request)
        with sandbox.lock:
            _heard(body["instance"])
            CLOCK.settle()
            try:
                return carry_out(body) or {"status": "ok"}
            except (KeyError, TypeError, ValueError) as error:
                raise BadRequest(f"the report cannot be read: {error!r}") from None
    return handler


def _launch(body: dict[str, Any]) -> Any:
    task = RUNNER.task(str(body["task"]))
    if task is None:
        return {"cannot": "the task is gone", "code": "UserInitiated"}
    try:
        return launch(task)
    except CannotStart as error:
        return {"cannot": str(error), "code": "TaskFailedToStart"}


def _names(body: dict[str, Any]) -> None:
    RUNNER.names = {str(arn): str(name) for arn, name in body["names"].items()}


RUNNER_ROUTES = {
    ("GET", "runner"): _world,
    ("POST", "runner"): _attach,
    ("DELETE", "runner"): _detach,
    ("POST", "runner/launch"): _report(_launch),
    ("POST", "runner/tasks"): _report(lambda body: report_tasks(body["reports"])),
    ("POST", "runner/targets"): _report(lambda body: report_targets(body["reports"])),
    ("POST", "runner/logs"): _report(lambda body: write_logs(body["entries"])),
    ("POST", "runner/names"): _report(_names),
}
