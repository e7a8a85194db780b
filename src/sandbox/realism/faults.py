"""Calls that go wrong on request.

A fault is a JSON object. Matching: `service`, `action` (either may be absent or "*"; a trailing * is a prefix),
`mutating` (bool), `nth` (the nth matching call, from 1), `every` (each k-th), `probability` with `seed`, `times`
(how often it fires at most; 1 when `nth` is given, else without limit). `kind` is one of

    delay      {"seconds": s}           before the call is carried out
    late       {"seconds": s}           carried out at once, answered later
    throttle                            the service's own throttling error, not carried out
    refuse     {"code","message","status"}  that error, not carried out
    status     {"status": 500}          a bare HTTP error without AWS's body, not carried out
    lose       carried out; the connection is closed without an answer
    drop       the connection is closed before anything is done
    cut        {"bytes": n}             the connection is closed when so much of the body has arrived
    omit       {"element"}              carried out; this field is left out of the answer, wherever it stands
    rewrite    {"element","value"}      carried out; the field has this value, such as one of an enum that is new
    reorder    {"seed": n}              carried out; the lists of the answer come in another order
    error_in_ok {"code","message"}      not carried out; an <Error> in an answer with status 200, as S3's can be
    short_page {"items": n}             a page with so few items that is not the last; 0: none (S3's ListObjectsV2 alone)

`refuse` may say `shape` (json, query, ec2, s3): the form of another protocol's errors.
"""

from __future__ import annotations

import random
import threading
from typing import Any

from . import answer_faults
from .request import Call

KINDS = {"delay", "late", "throttle", "refuse", "status", "lose", "drop", "cut"} | answer_faults.KINDS
SHAPES = {"json", "query", "ec2", "s3"}
KEYS = {"id", "kind", "service", "action", "mutating", "nth", "every", "probability", "seed", "times", "seconds",
        "bytes", "code", "message", "status", "element", "value", "items", "shape"}


class BadFault(ValueError):
    """A fault that says nothing this module understands."""


class Faults:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[dict[str, Any]] = []
        self._next = 0

    def add(self, spec: dict[str, Any]) -> int:
        """Register one fault, return its id. Raises BadFault with a sentence on an unknown key or kind."""
        if not isinstance(spec, dict):
            raise BadFault("a fault is a JSON object")
        unknown = sorted(set(spec) - KEYS)
        if unknown:
            raise BadFault(f"unknown keys: {', '.join(unknown)}")
        if spec.get("kind") not in KINDS:
            raise BadFault(f"kind must be one of {', '.join(sorted(KINDS))}")
        if spec["kind"] in ("delay", "late") and not isinstance(spec.get("seconds"), (int, float)):
            raise BadFault("delay and late need `seconds`")
        if spec["kind"] in ("refuse", "error_in_ok") and not spec.get("code"):
            raise BadFault(f"{spec['kind']} needs `code`")
        if spec["kind"] in ("omit", "rewrite") and not spec.get("element"):
            raise BadFault(f"{spec['kind']} needs `element`")
        if spec["kind"] == "rewrite" and "value" not in spec:
            raise BadFault("rewrite needs `value`")
        if spec.get("shape", "json") not in SHAPES:
            raise BadFault(f"shape must be one of {', '.join(sorted(SHAPES))}")
        with self._lock:
            self._next += 1
            times = spec.get("times", 1 if "nth" in spec else None)
            self._faults.append({**spec, "id": self._next, "times": times, "seen": 0, "fired": 0,
                                 "random": random.Random(spec.get("seed", 0))})
            return self._next

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def listed(self) -> list[dict[str, Any]]:
        with self._lock:
            return [{k: v for k, v in fault.items() if k != "random"} for fault in self._faults]

    def for_call(self, call: Call) -> list[dict[str, Any]]:
        """The faults that strike this call, in the order they were added; counts are moved on."""
        with self._lock:
            return [fault for fault in self._faults if self._strikes(fault, call)]

    @staticmethod
    def _strikes(fault: dict[str, Any], call: Call) -> bool:
        if not _named(fault.get("service"), call.service) or not _named(fault.get("action"), call.action):
            return False
        if "mutating" in fault and bool(fault["mutating"]) != call.mutating:
            return False
        fault["seen"] += 1
        if fault["times"] is not None and fault["fired"] >= fault["times"]:
            return False
        if "nth" in fault and fault["seen"] < int(fault["nth"]):
            return False
        if "every" in fault and fault["seen"] % max(1, int(fault["every"])):
            return False
        if "probability" in fault and fault["random"].random() >= float(fault["probability"]):
            return False
        fault["fired"] += 1
        return True


def _named(pattern: Any, name: str) -> bool:
    if pattern in (None, "*"):
        return True
    if str(pattern).endswith("*"):
        return name.startswith(str(pattern)[:-1])
    return name == pattern
