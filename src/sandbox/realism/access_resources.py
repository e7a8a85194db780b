"""The resources that IAM judges a call by: ARNs from what the call names. Service authorization reference.

A resource that is to be made has `*` where AWS gives the id. Calls without an entry have no resource of their own: `*`.
"""

from __future__ import annotations

from typing import Any, Callable

from . import ACCOUNT
from .request import Call

# EC2: what a call makes, and the parameters that name what it touches.
EC2: dict[str, tuple[str, tuple[str, ...]]] = {
    "AllocateAddress": ("elastic-ip", ()),
    "AssociateRouteTable": ("", ("RouteTableId", "SubnetId")),
    "AttachInternetGateway": ("", ("InternetGatewayId", "VpcId")),
    "AuthorizeSecurityGroupEgress": ("", ("GroupId",)),
    "AuthorizeSecurityGroupIngress": ("", ("GroupId",)),
    "CreateInternetGateway": ("internet-gateway", ()),
    "CreateNatGateway": ("natgateway", ("SubnetId", "AllocationId")),
    "CreateRoute": ("", ("RouteTableId",)),
    "CreateRouteTable": ("route-table", ("VpcId",)),
    "CreateSecurityGroup": ("security-group", ("VpcId",)),
    "CreateSubnet": ("subnet", ("VpcId",)),
    "CreateTags": ("", ("Resources",)),
    "CreateVpc": ("vpc", ()),
    "CreateVpcEndpoint": ("vpc-endpoint", ("VpcId", "RouteTableIds", "SubnetIds", "SecurityGroupIds")),
    "DeleteInternetGateway": ("", ("InternetGatewayId",)),
    "DeleteNatGateway": ("", ("NatGatewayId",)),
    "DeleteRoute": ("", ("RouteTableId",)),
    "DeleteRouteTable": ("", ("RouteTableId",)),
    "DeleteSecurityGroup": ("", ("GroupId",)),
    "DeleteSubnet": ("", ("SubnetId",)),
    "DeleteTags": ("", ("Resources",)),
    "DeleteVpc": ("", ("VpcId",)),
    "DeleteVpcEndpoints": ("", ("VpcEndpointIds",)),
    "DescribeVpcAttribute": ("", ("VpcId",)),
    "DetachInternetGateway": ("", ("InternetGatewayId", "VpcId")),
    "DisassociateAddress": ("", ("AllocationId", "PublicIp")),
    "DisassociateRouteTable": ("", ("AssociationId",)),
    "GetSecurityGroupsForVpc": ("", ("VpcId",)),
    "ModifySubnetAttribute": ("", ("SubnetId",)),
    "ModifyVpcAttribute": ("", ("VpcId",)),
    "ModifyVpcEndpoint": ("", ("VpcEndpointId", "AddRouteTableIds", "AddSubnetIds", "AddSecurityGroupIds")),
    "ReleaseAddress": ("", ("AllocationId",)),
    "ReplaceRoute": ("", ("RouteTableId",)),
    "ReplaceRouteTableAssociation": ("", ("RouteTableId", "AssociationId")),
    "RevokeSecurityGroupEgress": ("", ("GroupId",)),
    "RevokeSecurityGroupIngress": ("", ("GroupId",)),
    "UpdateSecurityGroupRuleDescriptionsEgress": ("", ("GroupId",)),
    "UpdateSecurityGroupRuleDescriptionsIngress": ("", ("GroupId",)),
}
EC2_PREFIX = {"vpc": "vpc", "subnet": "subnet", "sg": "security-group", "rtb": "route-table", "igw": "internet-gateway",
              "nat": "natgateway", "eipalloc": "elastic-ip", "vpce": "vpc-endpoint", "eni": "network-interface",
              "sgr": "security-group-rule", "rtbassoc": "route-table-association"}

# Condition keys that a call's parameters fill: (call, parameter) -> key.
PARAMETER_KEYS = {
    ("iam:AttachRolePolicy", "PolicyArn"): "iam:PolicyARN",
    ("iam:DetachRolePolicy", "PolicyArn"): "iam:PolicyARN",
    ("iam:CreateRole", "PermissionsBoundary"): "iam:PermissionsBoundary",
    ("iam:PutRolePermissionsBoundary", "PermissionsBoundary"): "iam:PermissionsBoundary",
    ("iam:CreateServiceLinkedRole", "AWSServiceName"): "iam:AWSServiceName",
    ("s3:ListObjectsV2", "Prefix"): "s3:prefix",
    ("s3:ListObjectVersions", "Prefix"): "s3:prefix",
    ("secretsmanager:CreateSecret", "Name"): "secretsmanager:Name",
    ("rds:CreateDBInstance", "Engine"): "rds:DatabaseEngine",
    ("rds:CreateDBInstance", "DBInstanceClass"): "rds:DatabaseClass",
}


def resources_of(call: Call, action: str) -> list[str]:
    """The ARNs that `action` is asked for when this call is made; `*` when it knows no resources."""
    reader = READERS.get(call.service)
    found = reader(call, action) if reader else []
    return [arn for arn in dict.fromkeys(found) if arn] or ["*"]


def listed(value: Any) -> list[str]:
    """A parameter's text or texts."""
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _arn(call: Call, service: str, rest: str) -> str:
    return f"arn:aws:{service}:{call.region}:{ACCOUNT}:{rest}"


def ec2_arn(call: Call, identifier: str) -> str:
    """The ARN of what has this id; empty for what is none of a kind known here."""
    kind = EC2_PREFIX.get(identifier.rpartition("-")[0])
    return _arn(call, "ec2", f"{kind}/{identifier}") if kind else ""


def _ec2(call: Call, action: str) -> list[str]:
    made, named = EC2.get(call.action, ("", ()))
    if action == "ec2:CreateTags" and call.action != "CreateTags":
        kinds = [spec.get("ResourceType") for spec in call.members.get("TagSpecifications") or []]
        return [_arn(call, "ec2", f"{kind}/*") for kind in kinds if kind]
    found = [_arn(call, "ec2", f"{made}/*")] if made else []
    for name in named:
        found += [ec2_arn(call, identifier) for identifier in listed(call.members.get(name))]
    return found


def _after(text: str, mark: str) -> str:
    return text.split(mark, 1)[1] if mark in text else text


def cluster_arn(call: Call) -> str:
    """The cluster that a call names, or the one named default."""
    name = call.members.get("cluster") or "default"
    return name if name.startswith("arn:") else _arn(call, "ecs", f"cluster/{name}")


def _ecs(call: Call, action: str) -> list[str]:
    members, verb = call.members, call.action
    inside = cluster_arn(call).rpartition("/")[2]
    if verb in ("TagResource", "UntagResource", "ListTagsForResource"):
        return listed(members.get("resourceArn"))
    if verb == "CreateCluster":
        return [_arn(call, "ecs", f"cluster/{members.get('clusterName') or 'default'}")]
    if verb in ("DeleteCluster", "UpdateCluster", "PutClusterCapacityProviders"):
        return [cluster_arn(call)]
    if verb == "DescribeClusters":
        return [name if name.startswith("arn:") else _arn(call, "ecs", f"cluster/{name}")
                for name in listed(members.get("clusters")) or ["default"]]
    if verb in ("CreateService", "DeleteService", "UpdateService"):
        name = members.get("serviceName") or members.get("service") or ""
        return [_arn(call, "ecs", f"service/{inside}/{name.rpartition('/')[2]}")]
    if verb == "DescribeServices":
        return [_arn(call, "ecs", f"service/{inside}/{name.rpartition('/')[2]}") for name in listed(members.get("services"))]
    if verb in ("DescribeTasks", "StopTask"):
        tasks = listed(members.get("tasks")) or listed(members.get("task"))
        return [_arn(call, "ecs", f"task/{inside}/{name.rpartition('/')[2]}") for name in tasks]
    if verb == "RegisterTaskDefinition":
        return [_arn(call, "ecs", f"task-definition/{members.get('family')}:*")]
    if verb in ("RunTask", "StartTask"):
        name = _after(members.get("taskDefinition") or "", ":task-definition/")
        return [_arn(call, "ecs", f"task-definition/{name if ':' in name else name + ':*'}")]
    return []


def _elb(call: Call, action: str) -> list[str]:
    members, verb = call.members, call.action
    if verb.startswith("Describe"):
        return []
    if verb == "CreateLoadBalancer":
        kind = {"network": "net", "gateway": "gwy"}.get(members.get("Type") or "", "app")
        return [_arn(call, "elasticloadbalancing", f"loadbalancer/{kind}/{members.get('Name')}/*")]
    if verb == "CreateTargetGroup":
        return [_arn(call, "elasticloadbalancing", f"targetgroup/{members.get('Name')}/*")]
    tagging = action.endswith(":AddTags")
    if verb == "CreateListener" and tagging:
        return [str(members.get("LoadBalancerArn")).replace(":loadbalancer/", ":listener/") + "/*"]
    if verb == "CreateRule" and tagging:
        return [str(members.get("ListenerArn")).replace(":listener/", ":listener-rule/") + "/*"]
    if verb == "SetRulePriorities":
        return listed([pair.get("RuleArn") for pair in members.get("RulePriorities") or []])
    names = ("ResourceArns", "LoadBalancerArn", "ListenerArn", "RuleArn", "TargetGroupArn")
    return [arn for name in names for arn in listed(members.get(name))]


RDS = {"DBInstanceIdentifier": "db", "DBSubnetGroupName": "subgrp", "DBParameterGroupName": "pg",
       "DBSnapshotIdentifier": "snapshot", "SourceDBParameterGroupIdentifier": "pg"}
RDS_LISTS = {"DescribeDBInstances": "db", "DescribeDBSubnetGroups": "subgrp", "DescribeDBParameterGroups": "pg",
             "DescribeDBSnapshots": "snapshot"}


def _rds(call: Call, action: str) -> list[str]:
    members = call.members
    if "ResourceName" in members:
        return listed(members["ResourceName"])
    found = [_arn(call, "rds", f"{kind}:{members[name]}") for name, kind in RDS.items() if members.get(name)]
    if action == "rds:AddTagsToResource" and found:
        return found[:1]
    if not found and call.action in RDS_LISTS:
        return [_arn(call, "rds", f"{RDS_LISTS[call.action]}:*")]
    return found


def role_arn(name: str) -> str:
    """The ARN of a role: with its path when it exists, by its bare name when it does not."""
    from moto.iam.models import iam_backends

    if name.startswith("arn:"):
        return name
    roles = iam_backends[ACCOUNT]["aws"].roles.values()
    return next((role.arn for role in roles if role.name == name), f"arn:aws:iam::{ACCOUNT}:role/{name}")


def _iam(call: Call, action: str) -> list[str]:
    members, verb = call.members, call.action
    path = members.get("Path") or "/"
    if verb == "CreateRole":
        return [f"arn:aws:iam::{ACCOUNT}:role{path}{members.get('RoleName')}"]
    if verb == "CreatePolicy":
        return [f"arn:aws:iam::{ACCOUNT}:policy{path}{members.get('PolicyName')}"]
    if verb == "CreateServiceLinkedRole":
        return [f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{members.get('AWSServiceName')}/*"]
    if members.get("RoleName"):
        return [role_arn(members["RoleName"])]
    return listed(members.get("PolicyArn"))


def _s3(call: Call, action: str) -> list[str]:
    bucket, key = call.members.get("Bucket"), call.members.get("Key")
    if not bucket or call.action == "ListBuckets":
        return []
    if call.action == "DeleteObjects":
        entries = (call.members.get("Delete") or {}).get("Objects") or []
        return [f"arn:aws:s3:::{bucket}/{entry.get('Key')}" for entry in entries]
    return [f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"]


def _logs(call: Call, action: str) -> list[str]:
    members = call.members
    if call.action in ("TagResource", "UntagResource", "ListTagsForResource"):
        return listed(members.get("resourceArn"))
    name = members.get("logGroupName") or members.get("logGroupIdentifier") or ""
    if action == "logs:TagResource":
        return [_arn(call, "logs", f"log-group:{name}")]
    return [_arn(call, "logs", f"log-group:{name}:log-stream:{members.get('logStreamName') or ''}")]


def _secrets(call: Call, action: str) -> list[str]:
    from moto.secretsmanager.models import secretsmanager_backends

    if call.action == "ListSecrets":
        return []
    names = listed(call.members.get("SecretIdList")) or listed(call.members.get("SecretId")) or listed(call.members.get("Name"))
    if action == "secretsmanager:BatchGetSecretValue":
        return []
    known = {secret.name: secret.arn for secret in secretsmanager_backends[ACCOUNT][call.region].secrets.values()}
    return [name if name.startswith("arn:") else known.get(name) or _arn(call, "secretsmanager", f"secret:{name}")
            for name in names]


def _ecr(call: Call, action: str) -> list[str]:
    members = call.members or call.params
    if members.get("resourceArn"):
        return listed(members["resourceArn"])
    names = listed(members.get("repositoryNames")) or listed(members.get("repositoryName"))
    if call.action == "DescribeRepositories" and not names:
        names = ["*"]
    return [_arn(call, "ecr", f"repository/{name}") for name in names]


def _dynamodb(call: Call, action: str) -> list[str]:
    return [_arn(call, "dynamodb", f"table/{name}") for name in listed(call.members.get("TableName"))]


READERS: dict[str, Callable[[Call, str], list[str]]] = {
    "ec2": _ec2, "ecs": _ecs, "elasticloadbalancing": _elb, "rds": _rds, "iam": _iam, "s3": _s3, "logs": _logs,
    "secretsmanager": _secrets, "ecr": _ecr, "registry": _ecr, "dynamodb": _dynamodb,
}
