"""Service-linked roles: the first call of an account that needs one makes it, with the caller's rights.

IAM user guide, "Service-linked role permissions"; the refusals are the services' own (findings of public reports:
kubernetes/kops#16218, hashicorp/terraform-provider-aws#10100).
"""

from __future__ import annotations

import json
from typing import Any

from . import ACCOUNT, USER_ARN
from .errors import denied, error_answer, refuse
from .iam_evaluator import AccessRequest
from .lag import LAG
from .patch import replaces
from .request import Call

ACTION = "iam:CreateServiceLinkedRole"
# Service -> the end of its role's name.
ROLES = {"ecs.amazonaws.com": "ECS", "elasticloadbalancing.amazonaws.com": "ElasticLoadBalancing", "rds.amazonaws.com": "RDS"}
NEEDED = {
    "ecs:CreateCluster": "ecs.amazonaws.com",
    "ecs:CreateService": "ecs.amazonaws.com",
    "elasticloadbalancing:CreateLoadBalancer": "elasticloadbalancing.amazonaws.com",
    "elasticloadbalancing:CreateTargetGroup": "elasticloadbalancing.amazonaws.com",
    "rds:CreateDBSubnetGroup": "rds.amazonaws.com",
    "rds:CreateDBInstance": "rds.amazonaws.com",
}
ECS_TEXT = "Unable to assume the service linked role. Please verify that the ECS service linked role exists."
RDS_TEXTS = {
    "CreateDBSubnetGroup": "Missing necessary credentials to create the service linked role. Verify that you have "
                           "permission to create ServiceLinkedRoles.",
    "CreateDBInstance": "Unable to create the resource. Verify that you have permission to create service linked role. "
                        "Otherwise wait and try again later",
}


def install() -> None:
    from moto.iam.models import IAMBackend

    @replaces(IAMBackend, "create_service_linked_role")
    def create_service_linked_role(original, self, service_name, description, suffix):
        if service_name in ROLES and not suffix:
            if exists(service_name):
                raise refuse("InvalidInput", f"Service role name {role_name(service_name)} has been taken in this account, "
                                             "please try a different suffix.")
            return make(service_name)
        return original(self, service_name, description, suffix)


def role_name(service: str) -> str:
    return f"AWSServiceRoleFor{ROLES[service]}"


def role_arn(service: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{service}/{role_name(service)}"


def _backend() -> Any:
    from moto.iam.models import iam_backends

    return iam_backends[ACCOUNT]["aws"]


def exists(service: str) -> bool:
    return any(role.arn == role_arn(service) for role in _backend().roles.values())


def make(service: str) -> Any:
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
    return _backend().create_role(role_name(service), json.dumps(trust), f"/aws-service-role/{service}/", None, "", [],
                                  "3600", linked_service=service)


def missing(call: Call) -> str | None:
    """The service whose role a call needs and the account does not have yet."""
    service = NEEDED.get(call.name)
    return service if service and not exists(service) else None


def provide(call: Call, permissions: Any) -> Any:
    """Make the role that a call needs; or the answer, when its caller may not. To be called under the sandbox's lock."""
    service = missing(call)
    if service is None:
        return _spreads(call)
    wanted = AccessRequest(ACTION, role_arn(service), {"iam:AWSServiceName": service, "aws:PrincipalArn": USER_ARN})
    refused = permissions.refusal([wanted])
    if refused is None:
        make(service)
        LAG.linked_role_made(service)
        return _spreads(call)
    return spreading(call) or denied(call, USER_ARN, refused[0].action, refused[0].resource, refused[1].reason)


def _spreads(call: Call) -> Any:
    """While a role that is there has not come to its service, the service says so."""
    service = NEEDED.get(call.name)
    if service is None or call.service not in ("ecs", "rds") or not LAG.role_spreads(service):
        return None
    return spreading(call)


def spreading(call: Call) -> Any:
    """What ECS and RDS say while their role is not there to be used; None for the services that name the permission."""
    if call.service == "ecs":
        return error_answer(call, 400, "InvalidParameterException", ECS_TEXT)
    if call.service == "rds":
        return error_answer(call, 400, "InvalidParameterValue", RDS_TEXTS[call.action])
    return None
