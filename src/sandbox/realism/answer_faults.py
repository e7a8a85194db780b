"""Answers that are not as a client expects them, on request: without a field, with another value, in another order, an error
inside a 200, a short page."""

from __future__ import annotations

import json
import random
from typing import Any, Callable
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from .http import Answer, Request
from .request import Call

KINDS = {"omit", "rewrite", "reorder", "error_in_ok", "short_page"}
# Service -> where its page size is told, the parameter, the least that AWS takes.
PAGE_SIZE = {
    "s3": ("query", "max-keys", 1), "iam": ("form", "MaxItems", 1), "elasticloadbalancing": ("form", "PageSize", 1),
    "ec2": ("form", "MaxResults", 5), "rds": ("form", "MaxRecords", 20), "ecs": ("json", "maxResults", 1),
    "ecr": ("json", "maxResults", 1), "logs": ("json", "limit", 1), "secretsmanager": ("json", "MaxResults", 1),
    "tagging": ("json", "ResourcesPerPage", 1),
}
# A token of an empty page: what it stands for follows.
EMPTY = "sandbox-empty-page:"


def prepare(call: Call, request: Request, fault: dict[str, Any] | None) -> None:
    """Ask for a short page where a fault wants one, and take back the token of an empty one."""
    if call.name == "s3:ListObjectsV2":
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        token = query.get("continuation-token", "")
        if token.startswith(EMPTY):
            del query["continuation-token"]
            if token != EMPTY:
                query["continuation-token"] = token[len(EMPTY):]
            _set_query(request, query)
    if fault is None or call.service not in PAGE_SIZE:
        return
    where, name, least = PAGE_SIZE[call.service]
    size = str(max(least, int(fault.get("items", 1))))
    if where == "query":
        _set_query(request, {**dict(parse_qsl(request.query, keep_blank_values=True)), name: size})
    elif where == "form":
        pairs = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        _set_body(request, urlencode({**pairs, name: size}).encode())
    else:
        _set_body(request, json.dumps({**json.loads(request.body or b"{}"), name: int(size)}).encode())


def _set_query(request: Request, query: dict[str, str]) -> None:
    request.query = urlencode(query)
    request.target = f"{request.path}?{request.query}"


def _set_body(request: Request, body: bytes) -> None:
    request.__dict__["body"] = body


def apply(call: Call, answer: Answer, faults: list[dict[str, Any]]) -> Answer:
    """The answer as the faults make it. What is no success stays as it is."""
    for fault in faults:
        if answer is None or not 200 <= answer[0] < 300 or not isinstance(answer[2], bytes):
            return answer
        status, headers, content = answer
        kind = fault["kind"]
        if kind == "error_in_ok":
            content = error_document(str(fault["code"]), str(fault.get("message", "Refused on request.")))
        elif kind == "short_page":
            content = _emptied(call, content) if int(fault.get("items", 1)) == 0 else content
        else:
            content = _changed(content, _change(fault))
        headers = [(key, value) for key, value in headers if key.lower() != "content-length"]
        answer = status, headers, content
    return answer


def error_document(code: str, message: str) -> bytes:
    """S3's error, which may come with any status."""
    return (f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message>'
            "</Error>").encode()


def _emptied(call: Call, content: bytes) -> bytes:
    """A page of S3's list that holds nothing and is not the last."""
    if call.name != "s3:ListObjectsV2":
        return content
    token = call.params.get("continuation-token", "")
    root = ElementTree.fromstring(content)
    space = root.tag[:root.tag.index("}") + 1] if root.tag.startswith("{") else ""
    for part in list(root):
        if part.tag.rpartition("}")[2] in ("Contents", "CommonPrefixes", "NextContinuationToken", "IsTruncated", "KeyCount"):
            root.remove(part)
    for name, text in (("IsTruncated", "true"), ("KeyCount", "0"), ("NextContinuationToken", EMPTY + token.removeprefix(EMPTY))):
        ElementTree.SubElement(root, space + name).text = text
    return _written(root)


# Changes of fields: for a document's (names, values), what becomes of it

Change = Callable[[Any], Any]


def _change(fault: dict[str, Any]) -> Change:
    if fault["kind"] == "reorder":
        chance = random.Random(fault.get("seed", 0))
        return lambda node: _reorder(node, chance)
    name, value = str(fault["element"]), fault.get("value")
    return lambda node: _field(node, name, fault["kind"] == "omit", value)


def _changed(content: bytes, change: Change) -> bytes:
    if content.lstrip()[:1] == b"{":
        document = json.loads(content)
        change(document)
        return json.dumps(document).encode()
    if content.lstrip()[:1] != b"<":
        return content
    root = ElementTree.fromstring(content)
    change(root)
    return _written(root)


def _written(root: Any) -> bytes:
    if root.tag.startswith("{"):
        ElementTree.register_namespace("", root.tag[1:root.tag.index("}")])
    return b'<?xml version="1.0" encoding="UTF-8"?>' + ElementTree.tostring(root)


def _field(node: Any, name: str, omit: bool, value: Any) -> None:
    if isinstance(node, list):
        for item in node:
            _field(item, name, omit, value)
    elif isinstance(node, dict):
        if name in node and omit:
            del node[name]
        elif name in node:
            node[name] = value
        for item in node.values():
            _field(item, name, omit, value)
    elif isinstance(node, ElementTree.Element):
        for part in list(node):
            if part.tag.rpartition("}")[2] != name:
                _field(part, name, omit, value)
            elif omit:
                node.remove(part)
            else:
                part.clear()
                part.text = str(value)


def _reorder(node: Any, chance: random.Random) -> None:
    """Shuffle what is a list; members of a structure keep their places in XML, where they have none."""
    if isinstance(node, dict):
        for item in node.values():
            _reorder(item, chance)
    elif isinstance(node, list):
        chance.shuffle(node)
        for item in node:
            _reorder(item, chance)
    elif isinstance(node, ElementTree.Element):
        parts = list(node)
        if len(parts) > 1 and len({part.tag for part in parts}) == 1:
            chance.shuffle(parts)
            node[:] = parts
        for part in parts:
            _reorder(part, chance)
