"""What IAM refuses about a policy of an identity: `MalformedPolicyDocument`. IAM user guide, "Grammar of the IAM JSON policy language"."""

from __future__ import annotations

import json
import re
from typing import Any

from .iam_evaluator import NEGATED, OPERATORS, as_list

ACTION = re.compile(r"\*|[a-zA-Z0-9\-]+:[a-zA-Z0-9*?]+")
RESOURCE = re.compile(r"\*|arn:[^:]*:.*")
ELEMENTS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}


def check_policy(text: str) -> str | None:
    """IAM's sentence about the first thing that is wrong with a document, or None."""
    try:
        document = json.loads(text)
    except ValueError:
        return "Syntax errors in policy."
    if not isinstance(document, dict) or not set(document) <= {"Version", "Id", "Statement"} or "Statement" not in document:
        return "Syntax errors in policy."
    if document.get("Version", "2008-10-17") not in ("2012-10-17", "2008-10-17"):
        return "The policy must contain a valid version string"
    statements = as_list(document["Statement"])
    names = [statement.get("Sid") for statement in statements if isinstance(statement, dict) and statement.get("Sid")]
    for statement in statements:
        problem = _check_statement(statement)
        if problem:
            return problem
    if len(set(names)) < len(names):
        return "Statement IDs (SID) in a single policy must be unique."
    return None


def _check_statement(statement: Any) -> str | None:
    if not isinstance(statement, dict):
        return "Syntax errors in policy."
    if "Principal" in statement or "NotPrincipal" in statement:
        return "Policy document should not specify a principal."
    if not set(statement) <= ELEMENTS or statement.get("Effect") not in ("Allow", "Deny"):
        return "Syntax errors in policy."
    if not re.fullmatch(r"[0-9A-Za-z]*", str(statement.get("Sid", ""))):
        return "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
    actions = as_list(statement.get("Action", statement.get("NotAction", [])))
    resources = as_list(statement.get("Resource", statement.get("NotResource", [])))
    if not actions or ("Action" in statement and "NotAction" in statement):
        return "Policy statement must contain actions."
    if not resources or ("Resource" in statement and "NotResource" in statement):
        return "Policy statement must contain resources."
    if not all(isinstance(action, str) and ACTION.fullmatch(action) for action in actions):
        return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
    for resource in resources:
        if not isinstance(resource, str) or not RESOURCE.fullmatch(resource):
            return f'Resource {resource} must be in ARN format or "*".'
    return _check_conditions(statement.get("Condition") or {})


def _check_conditions(conditions: Any) -> str | None:
    if not isinstance(conditions, dict):
        return "Syntax errors in policy."
    for operator, keys in conditions.items():
        bare = operator.rpartition(":")[2]
        bare = bare[:-len("IfExists")] if bare.endswith("IfExists") else bare
        if bare != "Null" and bare not in OPERATORS and bare not in NEGATED:
            return f"Invalid Condition type : {operator}."
        if not isinstance(keys, dict):
            return "Syntax errors in policy."
        if any(":" not in key for key in keys):
            return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
    return None
