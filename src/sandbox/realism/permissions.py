"""IAM on request: the caller's policies, or a list of allowed actions, and what a call needs of them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Iterable, Iterator

from .access_context import request_context
from .access_resources import resources_of
from .beside import beside, passed_roles
from .iam_evaluator import AccessRequest, Decision, as_list, first_refused
from .request import Call

# API operations whose IAM action has another name. S3's are many: an object is read and written by few actions.
ACTION_OF = {
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "s3:HeadObject": "s3:GetObject",
    "s3:CopyObject": "s3:PutObject",
    "s3:UploadPart": "s3:PutObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
    "s3:DeleteBucketTagging": "s3:PutBucketTagging",
    "s3:GetBucketCors": "s3:GetBucketCORS",
    "s3:PutBucketCors": "s3:PutBucketCORS",
    "s3:DeleteBucketCors": "s3:PutBucketCORS",
    "s3:GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:DeleteBucketOwnershipControls": "s3:PutBucketOwnershipControls",
    "tagging:GetResources": "tag:GetResources",
    "monitoring:*": "cloudwatch:*",
}
# Needs no permission in AWS, see the page of the operation.
FREE = {"sts:GetCallerIdentity", "sts:GetSessionToken"}


class Permissions:
    """What the caller may do; without policies, everything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._allowed: list[str] | None = None
        self._policies: Policies | None = None

    def set(self, allowed: list[str] | None) -> None:
        """Allow exactly these actions (`ec2:CreateVpc`, `ec2:Describe*`, `*`) on every resource; None allows everything."""
        with self._lock:
            self._allowed = None if allowed is None else [str(entry).lower() for entry in allowed]
            statement = {"Effect": "Allow", "Action": self._allowed or [], "Resource": "*"}
            self._policies = None if allowed is None else Policies([{"Version": "2012-10-17", "Statement": [statement]}])

    def use(self, policies: "Policies") -> None:
        """Judge calls by these documents."""
        with self._lock:
            self._policies = policies
            self._allowed = entries_of(policies.identity)

    @property
    def allowed(self) -> list[str] | None:
        return self._allowed

    def refusal(self, requests: Iterable[AccessRequest]) -> tuple[AccessRequest, Decision] | None:
        """The first of these that the caller may not do, and why."""
        policies = self._policies
        if policies is None:
            return None
        return first_refused(requests, policies.identity, policies.boundary, policies.session)

    def refused_in(self, call: Call) -> tuple[AccessRequest, Decision] | None:
        """The first thing that a call needs and its caller may not do. To be called under the sandbox's lock."""
        return None if self._policies is None else self.refusal(access_requests(call))


@dataclass(frozen=True)
class Policies:
    """Documents of the identity, of its permissions boundary and of the session; None: there is none."""

    identity: list[Any]
    boundary: list[Any] | None = None
    session: list[Any] | None = None


def access_requests(call: Call) -> Iterator[AccessRequest]:
    """Everything that IAM is asked when a call is made: its own action first, then those beside it."""
    for action in actions_of(call):
        if action in FREE:
            continue
        if action == "iam:PassRole":
            yield from _passes(call)
            continue
        for resource in resources_of(call, action):
            yield AccessRequest(action, resource, request_context(call, action, resource))
    if call.name == "elasticloadbalancing:CreateLoadBalancer":
        yield from _network_reads(call)


def _passes(call: Call) -> Iterator[AccessRequest]:
    for arn, service in passed_roles(call):
        context = request_context(call, "iam:PassRole", arn)
        yield AccessRequest("iam:PassRole", arn, {**context, "iam:PassedToService": service})


def _network_reads(call: Call) -> Iterator[AccessRequest]:
    """What the first load balancer of newer accounts asks of the caller."""
    from moto.ec2.models import ec2_backends

    from . import ACCOUNT

    yield AccessRequest("ec2:DescribeAccountAttributes", "*", request_context(call, "ec2:DescribeAccountAttributes", "*"))
    backend = ec2_backends[ACCOUNT][call.region]
    networks = {subnet.vpc_id for zone in backend.subnets.values() for subnet in zone.values()
                if subnet.id in (call.members.get("Subnets") or [])}
    for network in sorted(networks) or ["*"]:
        arn = f"arn:aws:ec2:{call.region}:{ACCOUNT}:vpc/{network}"
        yield AccessRequest("ec2:GetSecurityGroupsForVpc", arn, request_context(call, "ec2:GetSecurityGroupsForVpc", arn))


def actions_of(call: Call) -> list[str]:
    """The IAM actions AWS checks for a call: its own first, then those beside it."""
    name = ACTION_OF.get(call.name, call.name)
    if name.startswith("monitoring:"):
        name = "cloudwatch:" + call.action
    if call.service == "s3" and call.action == "DeleteObject" and "versionId" in call.params:
        name = "s3:DeleteObjectVersion"
    if call.service == "s3" and call.action == "GetObject" and "versionId" in call.params:
        name = "s3:GetObjectVersion"
    if call.service == "registry":
        name = f"ecr:{call.action}"
    return [name, *beside(call)]


def policies_from(document: Any) -> Policies:
    """The documents of a control request: one policy, or `{"policies": […], "boundary": …, "session": …}`."""
    if "policies" not in document:
        return Policies([document])
    return Policies(as_list(document["policies"]), *(
        None if document.get(name) is None else as_list(document[name]) for name in ("boundary", "session")))


def entries_of(documents: list[Any]) -> list[str]:
    """The actions that Allow statements name, for the answer of a control request."""
    return [str(action) for document in documents for statement in as_list(document.get("Statement", []))
            if statement.get("Effect") == "Allow" for action in as_list(statement.get("Action", []))]
