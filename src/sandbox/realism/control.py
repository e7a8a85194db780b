"""The control API under /_sandbox/: what a test asks of the local AWS beside AWS's own API."""

from __future__ import annotations

import json
import os
import time
from typing import Any
from urllib.parse import parse_qs

from . import ACCOUNT, LAYER_VERSION
from .clock import CLOCK
from .ecr_lifecycle import expire
from .ecr_tokens import TOKENS
from .ecs_preflight import IMAGES
from .faults import BadFault
from .http import Answer, Request
from .lag import DEFAULTS, LAG
from .permissions import policies_from
from .registry_line import LINE
from .registry_outside import OUTSIDE
from .runner_control import RUNNER_ROUTES, BadRequest, Conflict

REGISTRY_KEYS = {"bytes_per_second", "endpoint", "expire_images", "expire_tokens", "later_chunks", "token_requests"}


def control(sandbox: Any, request: Request) -> Answer:
    """Answer one control request in JSON; 400 with a sentence when it makes no sense, 404 for an unknown path."""
    route = (request.method, request.path[len("/_sandbox/"):].strip("/"))
    handler = ROUTES.get(route)
    if handler is None:
        known = sorted(f"{method} /_sandbox/{path}" for method, path in ROUTES)
        return _json(404, {"error": f"no such control: {route[0]} {request.path}", "known": known})
    try:
        return _json(200, handler(sandbox, request))
    except Conflict as error:
        return _json(409, {"error": str(error)})
    except (BadRequest, BadFault) as error:
        return _json(400, {"error": str(error)})


def _json(status: int, value: Any) -> Answer:
    return status, [("Content-Type", "application/json")], json.dumps(value, sort_keys=True).encode()


def _body(request: Request) -> Any:
    try:
        return json.loads(request.body or b"null")
    except ValueError as error:
        raise BadRequest(f"the body is not JSON: {error}") from None


def _health(sandbox: Any, request: Request) -> Any:
    return {"status": "ok", "instance": sandbox.instance, "pid": os.getpid(), "account": ACCOUNT, "layer": LAYER_VERSION, "clock_factor": CLOCK.factor,
            "uptime_seconds": round(time.time() - sandbox.started, 3), "last_seq": sandbox.calls.last}


def _stop(sandbox: Any, request: Request) -> Any:
    sandbox.stop()
    return {"status": "ok", "pid": os.getpid()}


def _reset(sandbox: Any, request: Request) -> Any:
    sandbox.reset()
    return {"status": "ok"}


def _calls(sandbox: Any, request: Request) -> Any:
    since = parse_qs(request.query).get("since", ["0"])[0]
    if not since.isdigit():
        raise BadRequest("since is a sequence number")
    return {"calls": sandbox.calls.since(int(since)), "last_seq": sandbox.calls.last}


def _clear_calls(sandbox: Any, request: Request) -> Any:
    sandbox.calls.clear()
    return {"status": "ok", "last_seq": sandbox.calls.last}


def _add_faults(sandbox: Any, request: Request) -> Any:
    body = _body(request)
    specs = body if isinstance(body, list) else [body]
    return {"ids": [sandbox.faults.add(spec) for spec in specs]}


def _list_faults(sandbox: Any, request: Request) -> Any:
    return {"faults": sandbox.faults.listed()}


def _clear_faults(sandbox: Any, request: Request) -> Any:
    sandbox.faults.clear()
    return {"status": "ok"}


def _clock(sandbox: Any, request: Request) -> Any:
    body = _body(request)
    factor = body.get("factor") if isinstance(body, dict) else None
    if not isinstance(factor, (int, float)) or isinstance(factor, bool) or factor < 0:
        raise BadRequest('the body is {"factor": a number, 0 or more}')
    with sandbox.lock:
        CLOCK.set_factor(float(factor))
    return {"factor": CLOCK.factor}


def _iam(sandbox: Any, request: Request) -> Any:
    body = _body(request)
    if body is not None and not isinstance(body, dict):
        raise BadRequest('the body is {"allow": ["ec2:*", ...]}, {"allow": null}, a policy document, or {"policies": '
                         '[documents], "boundary": ..., "session": ...}')
    if body is None or "allow" in body:
        sandbox.permissions.set(None if body is None else body["allow"])
    else:
        sandbox.permissions.use(policies_from(body))
    return {"allow": sandbox.permissions.allowed}


def _say_image(sandbox: Any, request: Request) -> Any:
    body = _body(request)
    if not isinstance(body, dict) or not isinstance(body.get("image"), str):
        raise BadRequest('the body is {"image": digest, tag or reference, "behaviour": "runs|crashes|unhealthy"}')
    with sandbox.lock:
        try:
            IMAGES.say(body["image"], str(body.get("behaviour")), [str(line) for line in body.get("log") or []])
        except ValueError as error:
            raise BadRequest(str(error)) from None
        return {"images": IMAGES.listed()}


def _list_images(sandbox: Any, request: Request) -> Any:
    return {"images": IMAGES.listed()}


def _clear_images(sandbox: Any, request: Request) -> Any:
    with sandbox.lock:
        IMAGES.clear()
    return {"status": "ok"}


def _registry(sandbox: Any, request: Request) -> Any:
    body = _body(request)
    if not isinstance(body, dict) or not set(body) <= REGISTRY_KEYS:
        raise BadRequest(f"the body is an object with some of {', '.join(sorted(REGISTRY_KEYS))}")
    said: dict[str, Any] = {}
    with sandbox.lock:
        if "endpoint" in body:
            if body["endpoint"] is not None and not str(body["endpoint"]).startswith(("http://", "https://")):
                raise BadRequest("endpoint is an address such as http://127.0.0.1:5000")
            OUTSIDE.use(body["endpoint"])
        if "bytes_per_second" in body:
            LINE.bytes_per_second = _positive(body["bytes_per_second"], "bytes_per_second")
        if "token_requests" in body:
            uses = _positive(body["token_requests"], "token_requests")
            TOKENS.limit(None if uses is None else int(uses))
        if "later_chunks" in body:
            if body["later_chunks"] not in ("dropped", "kept"):
                raise BadRequest("later_chunks is dropped or kept")
            LINE.drop_later = body["later_chunks"] == "dropped"
        if body.get("expire_tokens"):
            said["tokens"] = TOKENS.expire()
        if body.get("expire_images"):
            said["images"] = _expire_images()
    return {**said, "endpoint": OUTSIDE.endpoint}


def _positive(value: Any, name: str) -> float | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0):
        raise BadRequest(f"{name} is a number above 0, or null")
    return value


def _set_lag(sandbox: Any, request: Request) -> Any:
    body = _body(request) or {}
    if not isinstance(body, dict) or not set(body) <= set(DEFAULTS):
        raise BadRequest(f"the body is an object with some of {', '.join(sorted(DEFAULTS))}")
    looks = body.get("looks", DEFAULTS["looks"])
    pair = looks if isinstance(looks, list) else [looks, looks]
    if len(pair) != 2 or not all(isinstance(look, int) and look >= 0 for look in pair) or pair[0] > pair[1]:
        raise BadRequest("looks is a number, or the least and the most")
    for name in ("share", "seconds"):
        if not isinstance(body.get(name, 0), (int, float)) or body.get(name, 0) < 0:
            raise BadRequest(f"{name} is a number, 0 or more")
    with sandbox.lock:
        LAG.configure(body)
        return LAG.figures()


def _lag(sandbox: Any, request: Request) -> Any:
    with sandbox.lock:
        return LAG.figures()


def _no_lag(sandbox: Any, request: Request) -> Any:
    with sandbox.lock:
        LAG.configure(None)
    return {"status": "ok"}


def _expire_images() -> list[str]:
    from moto.ecr.models import ecr_backends

    return sorted(digest for region in ecr_backends[ACCOUNT].values() for repository in region.repositories.values()
                  for digest in expire(repository))


def _inventory(sandbox: Any, request: Request) -> Any:
    from .inventory import take

    with sandbox.lock:
        CLOCK.settle()
        return take(with_ids=parse_qs(request.query).get("ids", ["0"])[0] in ("1", "true"))


ROUTES = {
    **RUNNER_ROUTES,
    ("GET", "health"): _health,
    ("POST", "reset"): _reset,
    ("POST", "stop"): _stop,
    ("GET", "calls"): _calls,
    ("POST", "calls/clear"): _clear_calls,
    ("GET", "faults"): _list_faults,
    ("POST", "faults"): _add_faults,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "clock"): _clock,
    ("POST", "iam"): _iam,
    ("GET", "lag"): _lag,
    ("POST", "lag"): _set_lag,
    ("DELETE", "lag"): _no_lag,
    ("GET", "inventory"): _inventory,
    ("POST", "registry"): _registry,
    ("GET", "images"): _list_images,
    ("POST", "images"): _say_image,
    ("DELETE", "images"): _clear_images,
}
