"""The condition keys of a request: who asks, the tags it gives, the tags of what it touches, and the service's own keys."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any

from . import ACCOUNT, USER_ARN
from .access_resources import PARAMETER_KEYS, cluster_arn
from .request import Call

# Services with a resource tag key of their own beside aws:ResourceTag.
TAG_KEYS = ("ec2", "ecs", "ecr", "iam", "elasticloadbalancing", "secretsmanager")


def request_context(call: Call, action: str, resource: str) -> dict[str, Any]:
    """The keys and values that conditions on this action and resource are held against."""
    now = time.time()
    found: dict[str, Any] = {
        "aws:PrincipalArn": USER_ARN, "aws:PrincipalAccount": ACCOUNT, "aws:PrincipalType": "User",
        "aws:username": USER_ARN.rpartition("/")[2], "aws:userid": "AIDASANDBOX0000000000",
        "aws:RequestedRegion": call.region, "aws:SecureTransport": True, "aws:SourceIp": "127.0.0.1",
        "aws:CurrentTime": datetime.fromtimestamp(now, timezone.utc).isoformat(), "aws:EpochTime": int(now),
        "aws:UserAgent": call.user_agent, "aws:ResourceAccount": ACCOUNT,
    }
    tags = request_tags(call)
    found.update({f"aws:RequestTag/{key}": value for key, value in tags.items()})
    keys = [*tags, *removed_keys(call)]
    if keys:
        found["aws:TagKeys"] = keys
    service = resource.split(":")[2] if resource.startswith("arn:") else ""
    for key, value in tags_of(call, resource).items():
        found[f"aws:ResourceTag/{key}"] = value
        if service in TAG_KEYS:
            found[f"{service}:ResourceTag/{key}"] = value
    if call.service == "ecs" and call.action not in ("CreateCluster", "RegisterTaskDefinition", "DescribeClusters"):
        found["ecs:cluster"] = cluster_arn(call)
    if action == "ec2:CreateTags" and call.action != "CreateTags":
        found["ec2:CreateAction"] = call.action
    if action == "elasticloadbalancing:AddTags" and call.action != "AddTags":
        found["elasticloadbalancing:CreateAction"] = call.action
    for (name, parameter), key in PARAMETER_KEYS.items():
        if name == call.name and call.members.get(parameter):
            found[key] = call.members[parameter]
    return found


def request_tags(call: Call) -> dict[str, str]:
    """The tags that a call carries, in whichever form its service takes them."""
    members = call.members
    given = [members.get("Tags"), members.get("tags"), (members.get("CreateBucketConfiguration") or {}).get("Tags"),
             (members.get("Tagging") or {}).get("TagSet") if isinstance(members.get("Tagging"), dict) else None]
    given += [spec.get("Tags") for spec in members.get("TagSpecifications") or []]
    found: dict[str, str] = {}
    for tags in given:
        if isinstance(tags, dict):
            found.update({key: value or "" for key, value in tags.items()})
        for tag in tags if isinstance(tags, list) else []:
            key = tag.get("Key", tag.get("key"))
            if key is not None:
                found[key] = tag.get("Value", tag.get("value")) or ""
    return found


def removed_keys(call: Call) -> list[str]:
    """The keys that a call takes away."""
    return [str(key) for name in ("TagKeys", "tagKeys") for key in call.members.get(name) or []]


def tags_of(call: Call, resource: str) -> dict[str, str]:
    """The tags of a resource that exists; none for any other."""
    parts = resource.split(":", 5)
    if len(parts) < 6 or "*" in resource:
        return {}
    reader = READERS.get(parts[2])
    try:
        return _flat(reader(parts[3] or "us-east-1", parts[5], resource)) if reader else {}
    except Exception:  # moto raises each service's own NotFound; a resource that is not there has no tags
        return {}


def _flat(tags: Any) -> dict[str, str]:
    """Tags as a dict, from a dict or from a list of pairs."""
    if isinstance(tags, dict):
        return dict(tags)
    return {tag.get("Key", tag.get("key")): tag.get("Value", tag.get("value", "")) for tag in tags or []}


def _ec2(region: str, rest: str, arn: str) -> Any:
    from moto.ec2.models import ec2_backends

    return ec2_backends[ACCOUNT][region].tags.get(rest.rpartition("/")[2], {})


def _ecs(region: str, rest: str, arn: str) -> Any:
    from moto.ecs.models import ecs_backends

    return ecs_backends[ACCOUNT][region].list_tags_for_resource(arn)


def _elb(region: str, rest: str, arn: str) -> Any:
    from moto.elbv2.models import elbv2_backends

    return elbv2_backends[ACCOUNT][region].describe_tags([arn]).get(arn, {})


def _rds(region: str, rest: str, arn: str) -> Any:
    from moto.rds.models import rds_backends

    return rds_backends[ACCOUNT][region].list_tags_for_resource(arn)


def _iam(region: str, rest: str, arn: str) -> Any:
    from moto.iam.models import iam_backends

    backend = iam_backends[ACCOUNT]["aws"]
    if rest.startswith("policy/"):
        return backend.get_policy(arn).tags
    return backend.get_role(rest.rpartition("/")[2]).tags


def _s3(region: str, rest: str, arn: str) -> Any:
    from moto.s3.models import s3_backends

    backend = s3_backends[ACCOUNT]["aws"]
    return backend.tagger.get_tag_dict_for_resource(backend.get_bucket(rest.partition("/")[0]).arn)


def _logs(region: str, rest: str, arn: str) -> Any:
    from moto.logs.models import logs_backends

    name = rest.split(":")[1]
    return logs_backends[ACCOUNT][region].tagger.get_tag_dict_for_resource(f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{name}")


def _secrets(region: str, rest: str, arn: str) -> Any:
    from moto.secretsmanager.models import secretsmanager_backends

    secrets = secretsmanager_backends[ACCOUNT][region].secrets.values()
    return next((secret.tags for secret in secrets if secret.arn == arn), {})


def _ecr(region: str, rest: str, arn: str) -> Any:
    from moto.ecr.models import ecr_backends

    return ecr_backends[ACCOUNT][region].tagger.get_tag_dict_for_resource(arn)


READERS = {"ec2": _ec2, "ecs": _ecs, "elasticloadbalancing": _elb, "rds": _rds, "iam": _iam, "s3": _s3, "logs": _logs,
           "secretsmanager": _secrets, "ecr": _ecr}
