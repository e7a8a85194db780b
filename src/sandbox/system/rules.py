"""Which rule of a listener a request meets, and what its action says. API pages: RuleCondition, Action,
RedirectActionConfig."""

from __future__ import annotations

import fnmatch
import ipaddress
import random
import re
from typing import Any
from urllib.parse import parse_qsl

from .http1 import Head


def action_for(listener: dict[str, Any], request: Head, client: str) -> dict[str, Any]:
    """The last action of the first rule that the request meets; the default rule meets all."""
    for rule in listener["rules"]:
        if all(_meets(condition, request, client) for condition in rule["conditions"] or []):
            return (rule["actions"] or [{}])[-1]
    return {}


def _values(condition: dict[str, Any], config: str) -> list[Any]:
    return (condition.get(config) or {}).get("Values") or condition.get("Values") or []


def _meets(condition: dict[str, Any], request: Head, client: str) -> bool:
    kind = condition.get("Field")
    path, _, query = request.first[1].partition("?")
    if kind == "path-pattern":
        return any(_like(path, value) for value in _values(condition, "PathPatternConfig"))
    if kind == "host-header":
        host = (request.get("host") or "").rsplit(":", 1)[0].lower()
        return any(_like(host, value.lower()) for value in _values(condition, "HostHeaderConfig"))
    if kind == "http-request-method":
        return request.first[0] in _values(condition, "HttpRequestMethodConfig")
    if kind == "source-ip":
        address = ipaddress.ip_address(client)
        return any(address in ipaddress.ip_network(value, strict=False)
                   for value in _values(condition, "SourceIpConfig"))
    if kind == "http-header":
        config = condition.get("HttpHeaderConfig") or {}
        said = request.all(str(config.get("HttpHeaderName", "")).lower())
        return any(_like(value.lower(), wanted.lower()) for value in said for wanted in config.get("Values") or [])
    if kind == "query-string":
        return any(_asks(pair, query) for pair in _values(condition, "QueryStringConfig"))
    return False


def _asks(pair: dict[str, str], query: str) -> bool:
    return any(_like(value.lower(), str(pair.get("Value", "")).lower())
               and (not pair.get("Key") or key.lower() == pair["Key"].lower())
               for key, value in parse_qsl(query, keep_blank_values=True))


def _like(text: str, pattern: str) -> bool:
    """`*` any run of characters, `?` any one; brackets mean nothing here."""
    return re.fullmatch(fnmatch.translate(pattern.replace("[", "[[]")), text) is not None


def group_for(action: dict[str, Any]) -> str | None:
    """A target group, drawn by the weights. None: every weight is 0, or there is none."""
    groups = (action.get("ForwardConfig") or {}).get("TargetGroups") or []
    if not groups:
        return action.get("TargetGroupArn")
    weights = [float(entry.get("Weight", 1)) for entry in groups]
    if not any(weights):
        return None
    return random.choices([entry["TargetGroupArn"] for entry in groups], weights)[0]


def redirect(config: dict[str, str], request: Head, protocol: str, port: int, ports: dict[int, int]) -> tuple[int, str]:
    """Status and location of a redirect. `ports`: where the balancer's listeners really are, by the port of their own."""
    target, query = (request.first[1].split("?", 1) + [""])[:2]
    host, _, shown = (request.get("host") or "127.0.0.1").partition(":")
    said = {"#{protocol}": protocol.lower(), "#{host}": host, "#{port}": str(port), "#{path}": target.lstrip("/"),
            "#{query}": query}

    def fill(text: str) -> str:
        for word, value in said.items():
            text = text.replace(word, value)
        return text

    to = fill(str(config.get("Protocol") or "#{protocol}")).lower()
    asked = int(fill(str(config.get("Port") or "#{port}")))
    real = ports.get(asked, int(shown or asked) if asked == port else asked)
    location = f"{to}://{fill(config.get('Host') or '#{host}')}:{real}{fill(config.get('Path') or '/#{path}')}"
    asked_query = fill(config.get("Query") if config.get("Query") is not None else "#{query}")
    return int(str(config.get("StatusCode", "HTTP_302"))[-3:]), location + (f"?{asked_query}" if asked_query else "")
