"""Whether policies allow a request, as IAM decides it: pure, from documents and a request's context to a decision.

IAM user guide, "Policy evaluation logic", "IAM JSON policy element reference" and "Multivalued context keys". An explicit
deny anywhere wins; otherwise the identity's policies must allow, and the permissions boundary and the session policies
too, where there are any. Policies of resources and organizations are not looked at.
"""

from __future__ import annotations

import base64
import functools
import ipaddress
import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Callable, Iterable, Iterator, Mapping, Sequence

ALLOWED = "allowed"
EXPLICIT_DENY = "explicit deny"
# Which kind of policy does not allow.
IDENTITY, BOUNDARY, SESSION = "identity-based policy", "permissions boundary", "session policy"
# Stand for `*` and `?` that a variable brought in: they are no wildcards.
STAR, MARK = "\ue000", "\ue001"
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True)
class AccessRequest:
    """One action on one resource; `context` holds condition keys, in any case, with a text or a list of texts each."""

    action: str
    resource: str = "*"
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """What came of it: `reason` is ALLOWED, EXPLICIT_DENY, or the kind of policy that does not allow.

    `source` is the kind of policy that decided, `statement` its statement's Sid, or its number there.
    """

    allowed: bool
    reason: str
    source: str = ""
    statement: str = ""

    def __bool__(self) -> bool:
        return self.allowed


def evaluate(request: AccessRequest, identity: Sequence[Mapping], boundary: Sequence[Mapping] | None = None,
             session: Sequence[Mapping] | None = None) -> Decision:
    """Decide one request. `boundary` and `session` are None where there is none; an empty one allows nothing.

    Raises ValueError for a condition operator that does not exist.
    """
    context = normalize_context(request.context)
    sources = [(IDENTITY, identity), (BOUNDARY, boundary), (SESSION, session)]
    allowed: dict[str, str] = {}
    for source, documents in sources:
        for effect, name in _matching_statements(request, documents or (), context):
            if effect == "Deny":
                return Decision(False, EXPLICIT_DENY, source, name)
            allowed.setdefault(source, name)
    for source, documents in sources:
        if documents is not None and source not in allowed:
            return Decision(False, source, source)
    return Decision(True, ALLOWED, IDENTITY, allowed[IDENTITY])


def first_refused(requests: Iterable[AccessRequest], identity: Sequence[Mapping],
                  boundary: Sequence[Mapping] | None = None,
                  session: Sequence[Mapping] | None = None) -> tuple[AccessRequest, Decision] | None:
    """The first request that is not allowed, with its decision; None when all are."""
    for request in requests:
        decision = evaluate(request, identity, boundary, session)
        if not decision:
            return request, decision
    return None


def _matching_statements(request: AccessRequest, documents: Iterable[Mapping],
                         context: Mapping[str, list[str]]) -> Iterator[tuple[str, str]]:
    """Effect and name of each statement that speaks of this request."""
    for document in documents:
        variables = context if document.get("Version") == "2012-10-17" else None
        for number, statement in enumerate(as_list(document.get("Statement", []))):
            if _statement_applies(statement, request, context, variables):
                yield statement.get("Effect", ""), str(statement.get("Sid") or number)


def _statement_applies(statement: Mapping, request: AccessRequest, context: Mapping[str, list[str]],
                       variables: Mapping[str, list[str]] | None) -> bool:
    if "NotAction" in statement:
        named = not matches_action(statement["NotAction"], request.action)
    else:
        named = matches_action(statement.get("Action", []), request.action)
    if not named:
        return False
    if "NotResource" in statement:
        meant = not matches_resource(statement["NotResource"], request.resource, variables)
    else:
        meant = matches_resource(statement.get("Resource", []), request.resource, variables)
    return meant and conditions_hold(statement.get("Condition") or {}, context, variables)


# Actions and resources


def matches_action(patterns: Any, action: str) -> bool:
    """Whether an Action or NotAction element names this action, whatever their case."""
    return any(_wildcards(str(pattern).lower()).fullmatch(action.lower()) for pattern in as_list(patterns))


def matches_resource(patterns: Any, resource: str, variables: Mapping[str, list[str]] | None = None) -> bool:
    """Whether a Resource or NotResource element names this ARN. A variable without a value matches nothing."""
    filled = (fill_variables(str(pattern), variables) for pattern in as_list(patterns))
    return any(pattern is not None and matches_arn(pattern, resource) for pattern in filled)


def matches_arn(pattern: str, arn: str) -> bool:
    """Compare part by part: a wildcard ends with its part, and parts that the pattern leaves out are any."""
    if pattern == "*":
        return True
    if arn == "*":
        # An action without a resource of its own is asked for on every resource.
        return False
    wanted, found = pattern.split(":", 5), arn.split(":", 5)
    if len(found) < 6:
        return bool(_wildcards(pattern).fullmatch(arn))
    wanted += ["*"] * (6 - len(wanted))
    return all(_wildcards(part).fullmatch(have) for part, have in zip(wanted, found))


@functools.lru_cache(maxsize=8192)
def _wildcards(pattern: str) -> re.Pattern[str]:
    source = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(source.replace(STAR, r"\*").replace(MARK, r"\?"), re.DOTALL)


def fill_variables(text: str, variables: Mapping[str, list[str]] | None) -> str | None:
    """Put values in the place of `${key}` and `${key, 'default'}`; None when one has none.

    `variables` is None for documents of before 2012-10-17, where `${` means itself.
    """
    if variables is None or "${" not in text:
        return text
    lacking = False

    def value(found: re.Match[str]) -> str:
        nonlocal lacking
        inner = found.group(1)
        if inner in ("*", "?", "$"):
            return {"*": STAR, "?": MARK, "$": "$"}[inner]
        key, _, default = inner.partition(",")
        values = variables.get(key.strip().lower(), [])
        if len(values) == 1:
            return values[0].replace("*", STAR).replace("?", MARK)
        if default:
            return default.strip().strip("'")
        lacking = True
        return ""

    filled = _VARIABLE.sub(value, text)
    return None if lacking else filled


# Conditions


def normalize_context(context: Mapping[str, Any]) -> dict[str, list[str]]:
    """Keys in lower case, with lists of texts; a key without a value is not there."""
    found = {}
    for key, value in context.items():
        values = [_text(item) for item in as_list(value) if item is not None]
        if values:
            found[key.lower()] = values
    return found


def conditions_hold(conditions: Mapping, context: Mapping[str, list[str]],
                    variables: Mapping[str, list[str]] | None = None) -> bool:
    """All operators, and all keys of each, must hold; one of the values of a key is enough."""
    return all(_condition_holds(operator, key, as_list(values), context, variables)
               for operator, keys in conditions.items() for key, values in keys.items())


def _condition_holds(operator: str, key: str, values: list[Any], context: Mapping[str, list[str]],
                     variables: Mapping[str, list[str]] | None) -> bool:
    scope, _, bare = operator.rpartition(":")
    if_exists = bare.endswith("IfExists")
    name = bare[:-len("IfExists")] if if_exists else bare
    have = context.get(key.lower())
    if name == "Null":
        return any(_text(value).lower() == ("true" if have is None else "false") for value in values)
    positive, negated = OPERATORS.get(name), NEGATED.get(name)
    if (positive or negated) is None or scope not in ("", "ForAllValues", "ForAnyValue"):
        raise ValueError(f"no such condition operator: {operator}")
    if have is None:
        if scope:
            return scope == "ForAllValues" or if_exists
        return if_exists or negated is not None
    compare = positive or negated
    wanted = [text for text in (fill_variables(_text(value), variables) for value in values) if text is not None]
    fits = [any(compare(text, item) for text in wanted) for item in have]
    if negated is not None:
        fits = [not fit for fit in fits]
        return any(fits) if scope == "ForAnyValue" else all(fits)
    return all(fits) if scope == "ForAllValues" else any(fits)


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _plain(text: str) -> str:
    return text.replace(STAR, "*").replace(MARK, "?")


def _number(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def check(wanted: str, have: str) -> bool:
        try:
            return compare(float(have), float(wanted))
        except ValueError:
            return False

    return check


def _moment(text: str) -> float:
    """Seconds since 1970 of an ISO 8601 date or of such a number."""
    try:
        return float(text)
    except ValueError:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def _date(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def check(wanted: str, have: str) -> bool:
        try:
            return compare(_moment(have), _moment(wanted))
        except ValueError:
            return False

    return check


def _address(wanted: str, have: str) -> bool:
    try:
        return ipaddress.ip_address(have) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


def _binary(wanted: str, have: str) -> bool:
    try:
        return base64.b64decode(wanted, validate=True) == base64.b64decode(have, validate=True)
    except ValueError:
        return False


def _string(wanted: str, have: str) -> bool:
    return _plain(wanted) == have


def _same_letters(wanted: str, have: str) -> bool:
    return _plain(wanted).lower() == have.lower()


def _like(wanted: str, have: str) -> bool:
    return bool(_wildcards(wanted).fullmatch(have))


def _arn(wanted: str, have: str) -> bool:
    return wanted == "*" or (have.startswith("arn:") and matches_arn(wanted, have))


def as_list(value: Any) -> list[Any]:
    """One value or a list of them: policies may write both."""
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _equal(a: float, b: float) -> bool:
    return a == b


# Each compares a value of the policy with one of the request.
OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": _string,
    "StringEqualsIgnoreCase": _same_letters,
    "StringLike": _like,
    "ArnEquals": _arn,
    "ArnLike": _arn,
    "Bool": _same_letters,
    "BinaryEquals": _binary,
    "IpAddress": _address,
    "NumericEquals": _number(_equal),
    "NumericLessThan": _number(lambda have, wanted: have < wanted),
    "NumericLessThanEquals": _number(lambda have, wanted: have <= wanted),
    "NumericGreaterThan": _number(lambda have, wanted: have > wanted),
    "NumericGreaterThanEquals": _number(lambda have, wanted: have >= wanted),
    "DateEquals": _date(_equal),
    "DateLessThan": _date(lambda have, wanted: have < wanted),
    "DateLessThanEquals": _date(lambda have, wanted: have <= wanted),
    "DateGreaterThan": _date(lambda have, wanted: have > wanted),
    "DateGreaterThanEquals": _date(lambda have, wanted: have >= wanted),
}
# What holds when none of the values fits, and when the key is missing.
NEGATED: dict[str, Callable[[str, str], bool]] = {
    "StringNotEquals": _string,
    "StringNotEqualsIgnoreCase": _same_letters,
    "StringNotLike": _like,
    "ArnNotEquals": _arn,
    "ArnNotLike": _arn,
    "NotIpAddress": _address,
    "NumericNotEquals": _number(_equal),
    "DateNotEquals": _date(_equal),
}
