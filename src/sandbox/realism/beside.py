"""The further IAM actions that AWS checks beside a call's own: where it tags what it makes, and where it hands a service a role.

Service authorization reference, "dependent actions"; the tagging action of each service is also told by its guide on tagging.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from .request import Call

# Calls, the parameter that holds tags, the action.
TAGGING = [
    ("acm:RequestCertificate", "Tags", "acm:AddTagsToCertificate"),
    ("application-autoscaling:RegisterScalableTarget", "Tags", "application-autoscaling:TagResource"),
    ("dynamodb:CreateTable", "Tags", "dynamodb:TagResource"),
    ("ec2:*", "TagSpecification", "ec2:CreateTags"),
    ("ecr:CreateRepository", "tags", "ecr:TagResource"),
    ("ecs:*", "tags", "ecs:TagResource"),
    ("elasticloadbalancing:Create*", "Tags", "elasticloadbalancing:AddTags"),
    ("iam:CreateInstanceProfile", "Tags", "iam:TagInstanceProfile"),
    ("iam:CreateOpenIDConnectProvider", "Tags", "iam:TagOpenIDConnectProvider"),
    ("iam:CreatePolicy", "Tags", "iam:TagPolicy"),
    ("iam:CreateRole", "Tags", "iam:TagRole"),
    ("iam:CreateUser", "Tags", "iam:TagUser"),
    ("kms:CreateKey", "Tags", "kms:TagResource"),
    ("logs:CreateLogGroup", "tags", "logs:TagResource"),
    ("monitoring:PutMetricAlarm", "Tags", "cloudwatch:TagResource"),
    ("rds:Create*", "Tags", "rds:AddTagsToResource"),
    ("s3:CreateBucket", "Tags", "s3:TagResource"),
    ("secretsmanager:CreateSecret", "Tags", "secretsmanager:TagResource"),
    ("wafv2:CreateWebACL", "Tags", "wafv2:TagResource"),
]
# Calls, and parameters of which each hands a role to the service. A task definition that is put to use hands on its own.
PASSING = [
    ("application-autoscaling:RegisterScalableTarget", {"RoleARN"}, "application-autoscaling.amazonaws.com"),
    ("ecs:RegisterTaskDefinition", {"executionRoleArn", "taskRoleArn"}, "ecs-tasks.amazonaws.com"),
    ("ecs:CreateService", {"role"}, "ecs.amazonaws.com"),
    ("rds:CreateDBInstance", {"MonitoringRoleArn"}, "monitoring.rds.amazonaws.com"),
    ("rds:ModifyDBInstance", {"MonitoringRoleArn"}, "monitoring.rds.amazonaws.com"),
]
USING = {"ecs:CreateService", "ecs:RunTask", "ecs:StartTask", "ecs:UpdateService"}


def beside(call: Call) -> list[str]:
    """What must be allowed beside the call's own action."""
    found = [action for calls, parameter, action in TAGGING if fnmatchcase(call.name, calls) and parameter in call.given]
    if passed_roles(call):
        found.append("iam:PassRole")
    return found


def passed_roles(call: Call) -> list[tuple[str, str]]:
    """The roles that a call hands on, and the service that each goes to."""
    from .access_resources import role_arn

    found = [(role_arn(call.members[name]), service) for passes, names, service in PASSING if call.name == passes
             for name in sorted(names) if call.members.get(name)]
    if call.name in USING and call.members.get("taskDefinition"):
        overrides = call.members.get("overrides") or {}
        definition = _definition(call.region, call.members["taskDefinition"])
        for member, attribute in (("executionRoleArn", "execution_role_arn"), ("taskRoleArn", "task_role_arn")):
            name = overrides.get(member) or getattr(definition, attribute, None)
            if name:
                found.append((role_arn(name), "ecs-tasks.amazonaws.com"))
    return found


def _definition(region: str, name: str) -> Any:
    """A registered task definition, or None."""
    from moto.ecs.models import ecs_backends

    from . import ACCOUNT

    try:
        return ecs_backends[ACCOUNT][region].describe_task_definition(name)
    except Exception:  # moto's own error for an unknown one; the call itself will say so
        return None
