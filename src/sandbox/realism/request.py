"""Which service and action an HTTP request is, read from what the client signed."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote
from xml.etree import ElementTree

# Signing name -> (botocore service, protocol family of its errors).
SERVICES = {
    "ec2": ("ec2", "ec2"),
    "elasticloadbalancing": ("elbv2", "query"),
    "rds": ("rds", "query"),
    "iam": ("iam", "query"),
    "sts": ("sts", "query"),
    "autoscaling": ("autoscaling", "query"),
    "monitoring": ("cloudwatch", "query"),
    "sns": ("sns", "query"),
    "s3": ("s3", "s3"),
    "route53": ("route53", "query"),
    "cloudfront": ("cloudfront", "query"),
    "lambda": ("lambda", "json"),
}

READING = (
    "Describe", "Get", "List", "Head", "BatchGet", "BatchCheck", "Lookup", "Simulate", "Select", "Search", "Query",
    "Scan", "Validate", "Test", "Decode",
)
# What a browser's or SDK's unsigned request to the storage service is taken for.
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/([^/]+)/([^/]+)/([^/]+)/aws4_request")


@dataclass
class Call:
    """One API call as the client meant it."""

    service: str
    action: str
    protocol: str
    region: str = "us-east-1"
    params: dict[str, str] = field(default_factory=dict)
    user_agent: str = ""
    body: bytes = field(default=b"", repr=False)
    path: str = ""
    # A body in CBOR, which is not decoded here.
    binary: bool = False

    @functools.cached_property
    def decoded(self) -> Any:
        """The parameters as the API model has them."""
        from .request_decoder import decode

        return decode(self)

    @property
    def members(self) -> dict[str, Any]:
        """The parameters by the model's names; empty where they cannot be read."""
        return self.decoded.params

    @functools.cached_property
    def given(self) -> frozenset[str]:
        """The outermost parameters that have a value."""
        if self.protocol in ("ec2", "query"):
            return frozenset(key.split(".")[0] for key, value in self.params.items() if value)
        try:
            if self.protocol == "s3":
                # `{namespace}Name`
                return frozenset(part.tag.rpartition("}")[2] for part in ElementTree.fromstring(self.body) if len(part))
            members = json.loads(self.body)
        except (ValueError, ElementTree.ParseError):
            return frozenset()
        return frozenset(name for name, value in members.items() if value) if isinstance(members, dict) else frozenset()

    @property
    def mutating(self) -> bool:
        return not self.action.startswith(READING)

    @property
    def name(self) -> str:
        return f"{self.service}:{self.action}"


def identify(method: str, path: str, query: str, headers: Any, body: bytes) -> Call:
    """Service, action and flat parameters (query protocols only) of one request.

    `path` is the raw path; `headers` answers `get(name, default)` whatever the case of the name.
    """
    queried = dict(parse_qsl(query, keep_blank_values=True))
    service, region = _signed_for(headers.get("Authorization", ""), queried.get("X-Amz-Credential", ""))
    agent = headers.get("User-Agent", "") or ""
    target = headers.get("X-Amz-Target", "")
    if target:
        service = service or target.split("_")[0].lower()
        return Call(service, target.rsplit(".", 1)[-1], "json", region, {}, agent, body)
    params = dict(queried)
    if "x-www-form-urlencoded" in (headers.get("Content-Type", "") or "") and service != "s3":
        params.update(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    if "Action" in params:
        service = service or "sts"
        return Call(service, params["Action"], SERVICES.get(service, ("", "query"))[1], region, params, agent)
    cbor = re.fullmatch(r"/service/([^/]+)/operation/([^/]+)", path)
    if cbor:
        return Call(service or cbor.group(1).lower(), cbor.group(2), "json", region, {}, agent, binary=True)
    service = service or "s3"
    model, protocol = SERVICES.get(service, (service, "json"))
    action = _rest_action(model, method, path, queried, headers)
    return Call(service, action, protocol, region, queried, agent, body, path)


def _signed_for(authorization: str, presigned: str) -> tuple[str, str]:
    match = _CREDENTIAL.search(authorization) or _CREDENTIAL.search(f"Credential={presigned}")
    return (match.group(4).lower(), match.group(3)) if match else ("", "us-east-1")


@functools.lru_cache(maxsize=None)
def _rest_operations(model: str) -> list[tuple[Any, ...]]:
    """method, path pattern, literal query keys, required (location, name) members, operation name, current."""
    from moto.core.utils import get_service_model

    found = []
    service = get_service_model(model)
    for name in service.operation_names:
        operation = service.operation_model(name)
        uri, _, literal = operation.http["requestUri"].partition("?")
        uri = re.sub(r"\\\{[^}]+?\\\+\\\}|\\\{[^}]+?\+\\\}", "(.+)", re.escape(uri.rstrip("/") or "/"))
        uri = re.sub(r"\\\{[^}]+?\\\}", "([^/]+)", uri)
        keys = frozenset(part.split("=")[0] for part in literal.split("&") if part)
        shape = operation.input_shape
        needed = []
        for member in shape.required_members if shape else []:
            how = shape.members[member].serialization
            if how.get("location") in ("querystring", "header"):
                needed.append((how["location"], how["name"]))
        found.append((operation.http["method"], re.compile(uri + "/?"), keys, tuple(needed), name, not operation.deprecated))
    return found


def _rest_action(model: str, method: str, path: str, query: dict[str, str], headers: Any) -> str:
    """The operation of a REST request: the one whose fixed and required parts the request has most of."""
    try:
        operations = _rest_operations(model)
    except Exception:  # an unknown service: named by what was sent
        return f"{method} {unquote(path)}"
    best, best_rank = "", (-1, -1, -9, False)
    for verb, pattern, keys, needed, name, current in operations:
        if verb != method or not pattern.fullmatch(path) or not keys.issubset(query):
            continue
        if any((where == "querystring" and key not in query) or (where == "header" and headers.get(key) is None)
               for where, key in needed):
            continue
        # A literal path segment says more than a placeholder.
        rank = (len(keys), len(needed), -pattern.pattern.count("("), current)
        if rank > best_rank:
            best, best_rank = name, rank
    return best or f"{method} {unquote(path)}"
