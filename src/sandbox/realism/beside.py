"""The further IAM actions that AWS checks beside a call's own: where it tags what it makes, and where it hands a service a role.

Service authorization reference, "dependent actions"; the tagging action of each service is also told by its guide on tagging.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

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
    ("application-autoscaling:RegisterScalableTarget", {"RoleARN"}),
    ("ecs:RegisterTaskDefinition", {"executionRoleArn", "taskRoleArn"}),
    ("ecs:CreateService", {"taskDefinition", "role"}),
    ("ecs:RunTask", {"taskDefinition"}),
    ("ecs:StartTask", {"taskDefinition"}),
    ("rds:CreateDBInstance", {"MonitoringRoleArn"}),
    ("rds:ModifyDBInstance", {"MonitoringRoleArn"}),
]


def beside(call: Call) -> list[str]:
    """What must be allowed beside the call's own action."""
    found = [action for calls, parameter, action in TAGGING if fnmatchcase(call.name, calls) and parameter in call.given]
    if any(call.name == passes and roles & call.given for passes, roles in PASSING):
        found.append("iam:PassRole")
    return found
