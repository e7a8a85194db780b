"""Everything user-made that exists, as one stable JSON value, so that two worlds can be compared.

Ids are random, so a resource is shown under its label (address tag, name tag, name or range) and references to it by
the same label; two resources with one label are two entries. What AWS makes by itself (the default VPC, main route
tables, service interfaces) is left out. Values of secrets are never shown, nor are passwords.
"""

from __future__ import annotations

import re
from typing import Any

from . import ACCOUNT
from .inventory_network import network, balancers
from .inventory_services import (buckets, clusters, databases, extras, log_groups, repositories, roles,
                                 secret_list)

_RANDOM = [
    # Parts of names that AWS makes up: the suffix of a secret, the host of a database, the number of a balancer.
    (re.compile(r"(:secret:[^\s\"']+?)-[A-Za-z0-9]{6}(?=[:\"'\s]|$)"), r"\1"),
    (re.compile(r"\.c[0-9a-f]{10}\.([a-z0-9-]+)\.rds\.amazonaws\.com"), r".\1.rds.amazonaws.com"),
    (re.compile(r"-\d{6,}\.([a-z0-9-]+)\.elb\.amazonaws\.com"), r".\1.elb.amazonaws.com"),
]


class Labels:
    """Random id -> stable label, in the order in which they are learnt."""

    def __init__(self, with_ids: bool) -> None:
        self.with_ids = with_ids
        self._of: dict[str, str] = {}

    def learn(self, identity: str, tags: dict[str, str], fallback: str) -> dict[str, Any]:
        """The beginning of an entry: its label, and its id when asked for."""
        label = tags.get("circles-infra:address") or tags.get("Name") or fallback
        self._of[identity] = label
        entry: dict[str, Any] = {"label": label, "tags": dict(sorted(tags.items()))}
        if self.with_ids:
            entry["id"] = identity
        return entry

    def of(self, identity: Any) -> Any:
        """The label of an id; what is no known id stays as it is."""
        if identity is None:
            return None
        return self._of.get(str(identity), self.stable(str(identity)))

    def all(self, identities: Any) -> list[str]:
        return sorted(str(self.of(identity)) for identity in identities)

    def stable(self, text: str) -> str:
        """A text with the labels of ids in it and without the parts that AWS makes up."""
        for identity, label in self._of.items():
            if identity.startswith("arn:") and identity in text:
                text = text.replace(identity, label)
        for pattern, replacement in _RANDOM:
            text = pattern.sub(replacement, text)
        return text

    def deep(self, value: Any) -> Any:
        """`stable` for every text inside a value; objects become their fields."""
        if isinstance(value, str):
            return self._of.get(value) or self.stable(value)
        if isinstance(value, dict):
            return {str(key): self.deep(item) for key, item in sorted(value.items(), key=lambda pair: str(pair[0]))}
        if isinstance(value, (list, tuple, set)):
            return [self.deep(item) for item in value]
        if value is None or isinstance(value, (int, float, bool)):
            return value
        if isinstance(value, bytes):
            return self.stable(value.decode("utf-8", "replace"))
        if hasattr(value, "__dict__"):
            return self.deep({key: item for key, item in vars(value).items() if item is not None})
        return str(value)


def take(with_ids: bool = False) -> dict[str, Any]:
    """The inventory of all regions. Call under the sandbox's lock."""
    from moto import backends

    labels = Labels(with_ids)
    regions: dict[str, dict[str, Any]] = {}
    for service, parts in REGIONAL.items():
        for region, backend in sorted(backends.get_backend(service)[ACCOUNT].items()):
            for part in parts:
                found = {name: entries for name, entries in part(backend, labels).items() if entries}
                regions.setdefault(region, {}).update(_sorted(found))
    world: dict[str, Any] = {"regions": {region: found for region, found in regions.items() if found}, "global": {}}
    for service, part in {"iam": roles, "s3": buckets}.items():
        backend = backends.get_backend(service)[ACCOUNT]["aws"]
        found = {name: entries for name, entries in part(backend, labels).items() if entries}
        world["global"].update(_sorted(found))
    return world


def _sorted(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    return {name: sorted(entries, key=lambda entry: repr(sorted(entry.items(), key=str)))
            for name, entries in sorted(found.items())}


# In the order in which they refer to one another.
REGIONAL = {
    "ec2": [network],
    "acm": [extras("certificates", "_certificates", "arn", "common_name")],
    "elbv2": [balancers],
    "ecr": [repositories],
    "secretsmanager": [secret_list],
    "logs": [log_groups],
    "rds": [databases],
    "ecs": [clusters],
    "dynamodb": [extras("tables", "tables", "table_arn", "name")],
}
