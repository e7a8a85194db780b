"""Reading ids out of answers, and taking resources and tags out of them."""

from __future__ import annotations

import json
import re
from typing import Any, Callable
from xml.etree import ElementTree

TAGS = {"tagSet", "Tags", "tags", "TagList", "TagSet"}


def read_id(content: bytes, path: str) -> str:
    """The first element of this name in XML, or the value at this path in JSON; empty when there is none."""
    if content[:1] == b"{":
        node = json.loads(content)
        for part in path.split("."):
            node = node.get(part, {}) if isinstance(node, dict) else {}
        return node if isinstance(node, str) else ""
    found = re.search(rf"<{path}>([^<]+)</{path}>".encode(), content)
    return found.group(1).decode() if found else ""


def edit(content: bytes, hide: Callable[[str, str, str], bool], untag: Callable[[str, str, str], bool]) -> bytes:
    """Take items out of the answer's lists, and tags off its items.

    Both are asked with the list's name, the identifying element's name and its text, for every such pair of an item.
    """
    if content[:1] == b"{":
        document = json.loads(content)
        _edit_json(document, hide, untag)
        return json.dumps(document).encode()
    if content.lstrip()[:1] != b"<":
        return content
    root = ElementTree.fromstring(content)
    namespace = root.tag[1:].split("}")[0] if root.tag.startswith("{") else ""
    _edit_xml(root, hide, untag)
    if namespace:
        ElementTree.register_namespace("", namespace)
    return b'<?xml version="1.0" encoding="UTF-8"?>' + ElementTree.tostring(root)


def _bare(tag: str) -> str:
    return tag.rpartition("}")[2]


def _edit_xml(node: Any, hide: Callable, untag: Callable) -> None:
    for part in list(node):
        listing = _bare(node.tag)
        pairs = [(_bare(leaf.tag), leaf.text or "") for leaf in part if not len(leaf)]
        if any(hide(listing, name, text) for name, text in pairs):
            node.remove(part)
            continue
        if any(untag(listing, name, text) for name, text in pairs):
            for leaf in list(part):
                if _bare(leaf.tag) in TAGS:
                    part.remove(leaf)
        _edit_xml(part, hide, untag)


def _edit_json(node: Any, hide: Callable, untag: Callable) -> None:
    if not isinstance(node, dict):
        return
    for listing, items in list(node.items()):
        if isinstance(items, dict):
            _edit_json(items, hide, untag)
        if not isinstance(items, list):
            continue
        kept = []
        for item in items:
            pairs = [("", item)] if isinstance(item, str) else [
                (name, text) for name, text in item.items() if isinstance(text, str)] if isinstance(item, dict) else []
            if any(hide(listing, name, text) for name, text in pairs):
                continue
            if isinstance(item, dict) and any(untag(listing, name, text) for name, text in pairs):
                for name in TAGS & set(item):
                    item[name] = []
            _edit_json(item, hide, untag)
            kept.append(item)
        node[listing] = kept


def report_missing(content: bytes, missing: list[str]) -> bytes:
    """Add what was asked for and is not shown to an ECS answer's failures."""
    document = json.loads(content)
    known = {failure.get("arn") for failure in document.setdefault("failures", [])}
    document["failures"] += [{"arn": arn, "reason": "MISSING"} for arn in missing if arn not in known]
    return json.dumps(document).encode()


def leaves(value: Any, key: str = "") -> list[tuple[str, str]]:
    """Every text among parameters with the member that holds it; filters are no names of resources."""
    if isinstance(value, dict):
        return [pair for name, item in value.items() if name not in ("Filters", "Filter", "filters")
                for pair in leaves(item, name)]
    if isinstance(value, list):
        return [pair for item in value for pair in leaves(item, key)]
    return [(key, value)] if isinstance(value, str) else []
