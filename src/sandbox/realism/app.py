"""What happens to one request: control, or log, faults, permissions, then moto."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from dataclasses import replace
from typing import Any, Callable

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from . import USER_ARN, answer_faults
from .calls import CallLog
from . import registry
from .clock import CLOCK
from .ecr_tokens import TOKENS
from .ecs_preflight import IMAGES
from .errors import Refusal, denied, error_answer, throttled
from .faults import Faults
from .http import Answer, Request
from .lag import LAG
from .permissions import Permissions
from .registry_blobs import BLOBS
from .registry_line import LINE
from .registry_outside import OUTSIDE
from .request import Call, identify
from .request_checks import check_request
from .request_rules import check_rules
from .runner import RUNNER
from .service_roles import provide
from .s3_buckets import check_owner, redirected, region_of


class Sandbox:
    """The whole local AWS: moto behind one lock, and what may go wrong in front of it."""

    def __init__(self, instance: str = "") -> None:
        self.instance = instance
        self.stop: Callable[[], None] = lambda: None
        self.calls = CallLog()
        self.faults = Faults()
        self.permissions = Permissions()
        self.started = time.time()
        # moto's backends have no locks: two calls at once can make it fail with a RuntimeError. One at a time.
        self.lock = threading.RLock()
        self._moto = DomainDispatcherApplication(create_backend_app)
        self.address = ("127.0.0.1", 0)

    def handle(self, request: Request) -> Answer:
        """Answer one HTTP request; None closes the connection without an answer."""
        if request.path.startswith("/_sandbox/"):
            from .control import control

            try:
                return control(self, request)
            except Exception:
                traceback.print_exc(file=sys.stderr)
                return 500, [("Content-Type", "application/json")], b'{"error": "the sandbox failed, see its log"}'
        if registry.is_registry(request):
            call = registry.named(request)
        else:
            call = identify(request.method, request.path, request.query, request.headers, request.body)
        seq, start = self.calls.begin(), time.monotonic()
        status, code = 0, ""
        try:
            answer = self._answer(call, request)
            if answer is None:
                code = "ConnectionClosed"
                return None
            status, code = answer[0], error_code(answer)
            return answer
        finally:
            self.calls.add({
                "seq": seq, "start": start, "end": time.monotonic(), "service": call.service, "action": call.action,
                "mutating": call.mutating, "status": status, "code": code, "user_agent": call.user_agent,
            })

    def _answer(self, call: Call, request: Request) -> Answer:
        late, lose = 0.0, False
        changes: list[dict[str, Any]] = []
        for fault in self.faults.for_call(call):
            kind = fault["kind"]
            if kind == "delay":
                time.sleep(float(fault["seconds"]))
            elif kind == "late":
                late += float(fault["seconds"])
            elif kind == "lose":
                lose = True
            elif kind == "drop":
                return None
            elif kind == "throttle":
                return throttled(call)
            elif kind == "refuse":
                shaped = replace(call, protocol=fault["shape"]) if "shape" in fault else call
                return error_answer(shaped, int(fault.get("status", 400)), fault["code"],
                                    fault.get("message", "Refused on request."))
            elif kind in answer_faults.KINDS:
                changes.append(fault)
            elif kind == "status":
                status = int(fault.get("status", 500))
                return status, [("Content-Type", "text/plain")], b"Injected failure"
            elif kind == "cut":
                self._read_some(request, int(fault.get("bytes", 0)))
                return None
        with self.lock:
            refused = self.permissions.refused_in(call)
        if refused is not None:
            return denied(call, USER_ARN, refused[0].action, refused[0].resource, refused[1].reason)
        if call.service == registry.SERVICE:
            # Layers take long, and moto is not asked for them: the lock is taken within, for manifests alone.
            answer = registry.answer(self, request)
            if late:
                time.sleep(late)
            return None if lose else answer
        refused = check_request(call) or check_rules(call)
        if refused:
            return refused
        with self.lock:
            RUNNER.check()
            CLOCK.settle()
            answer = LAG.before(call) or provide(call, self.permissions) or self._changed(call, request, changes)
            answer = LAG.after(call, answer)
        if late:
            time.sleep(late)
        return None if lose else answer

    def _changed(self, call: Call, request: Request, changes: list[dict[str, Any]]) -> Answer:
        """Carry a call out and change its answer as faults ask."""
        instead = next((fault for fault in changes if fault["kind"] == "error_in_ok"), None)
        if instead is not None:
            return answer_faults.apply(call, (200, [("Content-Type", "application/xml")], b""), [instead])
        answer_faults.prepare(call, request, next((fault for fault in changes if fault["kind"] == "short_page"), None))
        return answer_faults.apply(call, self._carry_out(call, request), changes)

    @staticmethod
    def _read_some(request: Request, most: int) -> None:
        """Take some of the body, so that the connection is cut in the middle of it."""
        for piece in request.stream.pieces(min(most, 65536) or 1):
            most -= len(piece)
            if most <= 0:
                return

    def _carry_out(self, call: Call, request: Request) -> Answer:
        if call.service == "ec2" and call.params.get("DryRun", "").lower() == "true":
            # Permissions were looked at before; nothing else is promised of a dry run.
            return error_answer(call, 412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
        try:
            if call.service == "s3":
                check_owner(request.headers)
                region = region_of(call, request.path)
                if region:
                    return redirected(call, region)
            return self.moto(request)
        except Refusal as refusal:
            return error_answer(call, refusal.status, refusal.code, refusal.message)
        except NotImplementedError as error:
            return error_answer(call, 501, "NotImplemented", f"The sandbox does not know {call.name}: {error}")
        except Exception:  # moto's own defect: an answer in AWS's form, the trace in the server's log
            traceback.print_exc(file=sys.stderr)
            return error_answer(call, 500, "InternalFailure", f"The sandbox failed at {call.name}.")

    def moto(self, request: Request) -> Answer:
        """Pass a request to moto as it is."""
        said: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            said["status"], said["headers"] = int(status.split(" ", 1)[0]), headers

        chunks = self._moto(request.environ(self.address), start_response)
        try:
            body = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        return said["status"], said["headers"], body

    def reset(self) -> None:
        """Forget every resource, the log, the faults, the permissions and what images do. The clock stays."""
        from moto.moto_api._internal.models import moto_api_backend

        with self.lock:
            CLOCK.clear()
            moto_api_backend.reset()
            self.calls.clear()
            self.faults.clear()
            self.permissions.set(None)
            IMAGES.clear()
            BLOBS.clear()
            TOKENS.clear()
            OUTSIDE.use(None)
            LINE.clear()
            RUNNER.forget()
            LAG.clear()


def error_code(answer: tuple[int, list, bytes]) -> str:
    """The AWS error code of an answer, empty for a success."""
    import json
    import re

    status, headers, body = answer
    if status < 400:
        return ""
    for key, value in headers:
        if key.lower() == "x-amzn-errortype":
            return str(value).split(":")[0].split("#")[-1]
    match = re.search(rb"<Code>([^<]+)</Code>", body)
    if match:
        return match.group(1).decode()
    try:
        return str(json.loads(body).get("__type", "")).split("#")[-1]
    except (ValueError, AttributeError):
        return ""
