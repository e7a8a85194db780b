"""Every request against the API model of its service: unknown and missing members, types, patterns, lengths, ranges, enums.

Checks are made once for a shape and kept. What AWS takes although its model says otherwise stands in EXCEPTIONS.
"""

from __future__ import annotations

import functools
import re
from typing import Any, Callable

from .errors import Answer, error_answer
from .request import Call
from .request_patterns import compile_pattern

Problem = tuple[str, str, str]  # path, kind, AWS's sentence about the constraint
Check = Callable[[Any, str, list[Problem]], None]

# (service, operation or *, path with * for numbers, kind) -> why AWS takes it.
EXCEPTIONS: dict[tuple[str, str, str, str], str] = {
    ("s3", "*", "Bucket", "pattern"): "the names of buckets have rules of their own, see bucket_name",
    ("s3", "CreateBucket", "CreateBucketConfiguration.LocationConstraint", "enum"): "regions newer than the model exist",
    ("ec2", "*", "Filters.*.Values.*", "enum"): "filter values are never checked",
    ("iam", "CreateServiceLinkedRole", "AWSServiceName", "pattern"): "the pattern lacks the dots of service names",
    ("rds", "*", "Filters.*.Name", "enum"): "an unknown filter has an error of its own",
}
# Members whose values an error never repeats.
HIDDEN = re.compile(r"password|secret|token|policy|document|environment", re.IGNORECASE)
# Services of the JSON protocols by the code of their validation errors; the rest say ValidationException.
JSON_CODES = {
    "ecs": "InvalidParameterException", "ecr": "InvalidParameterException", "logs": "InvalidParameterException",
    "tagging": "InvalidParameterException", "wafv2": "WAFInvalidParameterException",
}
# Query services that tell a missing parameter from a wrong one, as EC2 does.
MISSING = {"ec2", "rds"}


def check_request(call: Call) -> Answer | None:
    """The service's refusal of a request that its model does not allow, or None."""
    decoded = call.decoded
    if decoded.shape is None:
        return None
    problems: list[Problem] = []
    for path, kind in decoded.strange:
        sentence = "is not recognized" if kind == "unknown" else f"Member must be of type {kind}"
        problems.append((path, kind if kind == "unknown" else "type", sentence))
    broken = {path for path, kind, _ in problems if kind == "type"}
    found: list[Problem] = []
    _check(decoded.shape)(decoded.params, "", found)
    problems += [problem for problem in found if problem[0] not in broken]
    problems = [problem for problem in problems if not _excepted(call, problem)]
    return _refusal(call, problems, decoded.params) if problems else None


def _excepted(call: Call, problem: Problem) -> bool:
    path = re.sub(r"(^|\.)\d+(?=\.|$)", r"\1*", problem[0])
    return any((call.service, action, path, problem[1]) in EXCEPTIONS for action in (call.action, "*"))


# Checks of shapes


@functools.lru_cache(maxsize=None)
def _check(shape: Any) -> Check:
    kind = shape.type_name
    maker = {"structure": _structure, "list": _list, "map": _map, "string": _string, "integer": _number, "long": _number,
             "float": _number, "double": _number}.get(kind)
    return maker(shape) if maker else _nothing


def _nothing(value: Any, path: str, problems: list[Problem]) -> None:
    return None


def _structure(shape: Any) -> Check:
    # What comes in a header is not decoded, so it is not missed either.
    required = [name for name in shape.required_members
                if shape.members[name].serialization.get("location") not in ("header", "headers")
                and not shape.members[name].metadata.get("idempotencyToken")
                and shape.serialization.get("payload") != name]
    members = shape.members

    def check(value: Any, path: str, problems: list[Problem]) -> None:
        if not isinstance(value, dict):
            return
        for name in required:
            if value.get(name) is None:
                problems.append((f"{path}{name}", "required", "Member must not be null"))
        for name, item in value.items():
            if item is not None:
                _check(members[name])(item, f"{path}{name}.", problems)

    return check


def _list(shape: Any) -> Check:
    bounds, member = _length(shape), shape.member

    def check(value: Any, path: str, problems: list[Problem]) -> None:
        bounds(len(value), path, problems)
        for number, item in enumerate(value, 1):
            if item is not None:
                _check(member)(item, f"{path}{number}.", problems)

    return check


def _map(shape: Any) -> Check:
    bounds = _length(shape)

    def check(value: Any, path: str, problems: list[Problem]) -> None:
        bounds(len(value), path, problems)
        for key, item in value.items():
            _check(shape.key)(key, f"{path}{key}.", problems)
            if item is not None:
                _check(shape.value)(item, f"{path}{key}.", problems)

    return check


def _string(shape: Any) -> Check:
    bounds, words = _length(shape), set(shape.enum or ())
    text = shape.metadata.get("pattern")
    pattern = compile_pattern(text) if text else None

    def check(value: Any, path: str, problems: list[Problem]) -> None:
        if not isinstance(value, str):
            return
        bounds(len(value), path, problems)
        if words and value not in words:
            problems.append((path.rstrip("."), "enum", f"Member must satisfy enum value set: [{', '.join(sorted(words))}]"))
        if pattern and not pattern.fullmatch(value):
            problems.append((path.rstrip("."), "pattern", f"Member must satisfy regular expression pattern: {text}"))

    return check


def _length(shape: Any) -> Check:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is None and most is None:
        return _nothing

    def check(size: int, path: str, problems: list[Problem]) -> None:
        if least is not None and size < least:
            problems.append((path.rstrip("."), "length", f"Member must have length greater than or equal to {least}"))
        if most is not None and size > most:
            problems.append((path.rstrip("."), "length", f"Member must have length less than or equal to {most}"))

    return check


def _number(shape: Any) -> Check:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")

    def check(value: Any, path: str, problems: list[Problem]) -> None:
        if least is not None and value < least:
            problems.append((path.rstrip("."), "range", f"Member must have value greater than or equal to {least}"))
        if most is not None and value > most:
            problems.append((path.rstrip("."), "range", f"Member must have value less than or equal to {most}"))

    return check


# Refusals


def _refusal(call: Call, problems: list[Problem], params: dict[str, Any]) -> Answer:
    path, kind, sentence = problems[0]
    if call.service == "s3":
        code = "MalformedXML" if "." in path or kind == "type" else "InvalidArgument"
        text = "The XML you provided was not well-formed or did not validate against our published schema"
        return error_answer(call, 400, code, text if code == "MalformedXML" else f"{path}: {sentence}")
    if call.service in MISSING and kind == "required":
        return error_answer(call, 400, "MissingParameter", f"The request must contain the parameter {path}")
    if call.service == "ec2":
        if kind == "unknown":
            return error_answer(call, 400, "UnknownParameter", f"The parameter {path} is not recognized")
        return error_answer(call, 400, "InvalidParameterValue", f"Value ({_value(params, path)}) for parameter {path} is "
                                                                f"invalid. {sentence}")
    if call.protocol == "json" and kind == "type":
        return error_answer(call, 400, "SerializationException", f"{path}: {sentence}")
    if call.service == "rds":
        code = "InvalidParameterValue"
    elif call.protocol == "query":
        code = "ValidationError"
    else:
        code = JSON_CODES.get(call.service, "ValidationException")
    count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected: "
    return error_answer(call, 400, code, count + "; ".join(_sentence(problem, params) for problem in problems[:10]))


def _sentence(problem: Problem, params: dict[str, Any]) -> str:
    path, kind, sentence = problem
    if kind == "unknown":
        return f"Parameter '{path}' is not recognized"
    # Coral names members with a small first letter.
    name = ".".join(part[:1].lower() + part[1:] for part in path.split("."))
    shown = "null" if kind == "required" else f"'{_value(params, path)}'"
    return f"Value {shown} at '{name}' failed to satisfy constraint: {sentence}"


def _value(params: Any, path: str) -> str:
    """The value at a path for an error; nothing of what may be a secret."""
    if HIDDEN.search(path):
        return "***"
    for part in path.split("."):
        if isinstance(params, list) and part.isdigit() and 0 < int(part) <= len(params):
            params = params[int(part) - 1]
        elif isinstance(params, dict):
            params = params.get(part, "")
        else:
            return ""
    return str(params)[:200]
