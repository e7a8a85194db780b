"""The parameters of a call as its API model has them, from whichever protocol they came in, and what did not fit."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

from .request import SERVICES, Call

# Signing names that are not botocore's names of the service.
MODELS = {**{name: model for name, (model, _) in SERVICES.items()}, "tagging": "resourcegroupstaggingapi"}
# Query parameters that belong to the protocol.
PROTOCOL = {"Action", "Version"}


@dataclass
class Decoded:
    """Parameters by the model's names, and (path, kind) of what it does not have: kind is `unknown` or a type."""

    shape: Any = None
    params: dict[str, Any] = field(default_factory=dict)
    strange: list[tuple[str, str]] = field(default_factory=list)


@functools.lru_cache(maxsize=None)
def operation_model(service: str, action: str) -> Any:
    """botocore's model of an operation, or None when there is none."""
    from moto.core.utils import get_service_model

    try:
        return get_service_model(MODELS.get(service, service)).operation_model(action)
    except Exception:  # botocore's own errors differ from version to version; all mean: no such model
        return None


def decode(call: Call) -> Decoded:
    """Read a call's parameters. What cannot be read at all has no shape, and nothing is asked of it."""
    operation = operation_model(call.service, call.action)
    if operation is None or operation.input_shape is None or call.binary:
        return Decoded()
    metadata = operation.service_model.metadata
    spoken = {metadata["protocol"], *metadata.get("protocols", ())}
    if not spoken & {"ec2", "query", "json"} and call.service != "s3":
        return Decoded()
    found = Decoded(operation.input_shape)
    if call.protocol in ("ec2", "query"):
        tree = _tree({key: value for key, value in call.params.items() if key not in PROTOCOL})
        found.params = _from_query(tree, found.shape, "", found, call.protocol == "ec2") or {}
    elif call.protocol == "s3":
        _from_rest(call, operation, found)
    elif call.protocol == "json":
        try:
            value = json.loads(call.body or b"{}")
        except ValueError:
            return Decoded()
        found.params = _from_json(value, found.shape, "", found) or {}
    else:
        return Decoded()
    return found


def _tree(flat: dict[str, str]) -> dict[str, Any]:
    """`A.B.1` = x as nested dicts."""
    root: dict[str, Any] = {}
    for key, value in flat.items():
        node, parts = root, key.split(".")
        for part in parts[:-1]:
            step = node.setdefault(part, {})
            if not isinstance(step, dict):
                step = node[part] = {"": step}
            node = step
        if isinstance(node.get(parts[-1]), dict):
            node[parts[-1]][""] = value
        else:
            node[parts[-1]] = value
    return root


@functools.lru_cache(maxsize=None)
def _names(shape: Any, ec2: bool) -> dict[str, tuple[str, Any]]:
    """Name on the wire -> (member, its shape). Shapes live as long as the process."""
    found = {}
    for name, member in shape.members.items():
        how = member.serialization
        wire = how.get("name", name)
        if ec2:
            wire = how.get("queryName") or (wire[0].upper() + wire[1:])
        found[wire] = (name, member)
    return found


def _from_query(node: Any, shape: Any, path: str, found: Decoded, ec2: bool) -> Any:
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(node, dict):
            return {}
        names, result = _names(shape, ec2), {}
        for wire, value in node.items():
            if wire not in names:
                found.strange.append((f"{path}{wire}", "unknown"))
                continue
            name, member = names[wire]
            result[name] = _from_query(value, member, f"{path}{name}.", found, ec2)
        return result
    if kind == "list":
        items = _items(node, shape, ec2)
        return [_from_query(item, shape.member, f"{path}{number}.", found, ec2) for number, item in items]
    if kind == "map":
        entries = node.get("entry", node) if isinstance(node, dict) else {}
        key = shape.key.serialization.get("name", "key")
        value = shape.value.serialization.get("name", "value")
        return {entry.get(key, ""): _from_query(entry.get(value, ""), shape.value, f"{path}{entry.get(key)}.", found, ec2)
                for entry in entries.values() if isinstance(entry, dict)}
    text = node.get("", "") if isinstance(node, dict) else node
    return _scalar(text, kind, path, found)


def _items(node: Any, shape: Any, ec2: bool) -> list[tuple[int, Any]]:
    """The items of a list, in order."""
    if not isinstance(node, dict):
        return []
    if not ec2:
        for name in ("member", shape.member.serialization.get("name", "member")):
            if isinstance(node.get(name), dict):
                node = node[name]
                break
    return sorted((int(key), value) for key, value in node.items() if key.isdigit())


def _from_json(value: Any, shape: Any, path: str, found: Decoded) -> Any:
    kind = shape.type_name
    if value is None:
        return None
    if kind == "structure":
        if not isinstance(value, dict):
            found.strange.append((path.rstrip("."), "structure"))
            return None
        names, result = _names(shape, False), {}
        for wire, item in value.items():
            if item is None:
                continue
            if wire not in names:
                found.strange.append((f"{path}{wire}", "unknown"))
                continue
            name, member = names[wire]
            result[name] = _from_json(item, member, f"{path}{name}.", found)
        return result
    if kind == "list":
        if not isinstance(value, list):
            found.strange.append((path.rstrip("."), "list"))
            return None
        return [_from_json(item, shape.member, f"{path}{number}.", found) for number, item in enumerate(value, 1)]
    if kind == "map":
        if not isinstance(value, dict):
            found.strange.append((path.rstrip("."), "map"))
            return None
        return {key: _from_json(item, shape.value, f"{path}{key}.", found) for key, item in value.items()}
    right = {"string": str, "integer": int, "long": int, "boolean": bool, "float": (int, float), "double": (int, float)}
    wrong = kind in right and (not isinstance(value, right[kind]) or (isinstance(value, bool) and kind != "boolean"))
    if wrong:
        found.strange.append((path.rstrip("."), kind))
        return None
    return value


def _scalar(text: str, kind: str, path: str, found: Decoded) -> Any:
    """A text of the wire as its type; a text that is none is remembered as strange."""
    try:
        if kind in ("integer", "long"):
            return int(text)
        if kind in ("float", "double"):
            return float(text)
        if kind == "boolean":
            return {"true": True, "false": False}[text.lower()]
    except (ValueError, KeyError):
        found.strange.append((path.rstrip("."), kind))
        return None
    return text


def _from_rest(call: Call, operation: Any, found: Decoded) -> None:
    """Query, path and body of a request to S3; headers are left to moto."""
    bucket, _, key = unquote(call.path).lstrip("/").partition("/")
    for name, value in (("Bucket", bucket), ("Key", key)):
        if value and name in found.shape.members:
            found.params[name] = value
    for name, member in found.shape.members.items():
        how = member.serialization
        if how.get("location") == "querystring" and how["name"] in call.params:
            found.params[name] = _scalar(call.params[how["name"]], member.type_name, f"{name}.", found)
    payload = found.shape.serialization.get("payload")
    body = found.shape.members[payload] if payload else None
    if body is None or body.type_name != "structure" or not call.body:
        return
    try:
        root = ElementTree.fromstring(call.body)
    except ElementTree.ParseError:
        found.strange.append((payload, "structure"))
        return
    found.params[payload] = _from_xml(root, body, f"{payload}.", found)


def _from_xml(node: Any, shape: Any, path: str, found: Decoded) -> Any:
    kind = shape.type_name
    if kind != "structure":
        return _scalar(node.text or "", kind, path, found)
    names, result = _names(shape, False), {}
    for part in node:
        wire = part.tag.rpartition("}")[2]
        if wire not in names:
            found.strange.append((f"{path}{wire}", "unknown"))
            continue
        name, member = names[wire]
        if member.type_name != "list":
            result[name] = _from_xml(part, member, f"{path}{name}.", found)
        elif member.serialization.get("flattened"):
            result.setdefault(name, []).append(_from_xml(part, member.member, f"{path}{name}.", found))
        else:
            result[name] = [_from_xml(item, member.member, f"{path}{name}.", found) for item in part]
    return result
