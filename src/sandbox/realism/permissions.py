"""IAM on request: a list of allowed actions for the caller, and a refusal for everything else."""

from __future__ import annotations

import fnmatch
import threading
from typing import Any

from .beside import beside
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
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._allowed: list[str] | None = None

    def set(self, allowed: list[str] | None) -> None:
        """Allow exactly these actions (`ec2:CreateVpc`, `ec2:Describe*`, `*`); None allows everything."""
        with self._lock:
            self._allowed = None if allowed is None else [str(entry).lower() for entry in allowed]

    @property
    def allowed(self) -> list[str] | None:
        return self._allowed

    def missing(self, call: Call) -> str | None:
        """The first IAM action of this call that no entry allows, or None."""
        allowed = self._allowed
        if allowed is None:
            return None
        for action in actions_of(call):
            if action in FREE:
                continue
            if not any(fnmatch.fnmatchcase(action.lower(), entry) for entry in allowed):
                return action
        return None


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


def entries(document: Any) -> list[str] | None:
    """The allowed actions of a control request: `{"allow": [...]}` or an IAM policy document with Allow statements."""
    if document is None or document.get("allow", "") is None:
        return None
    if "allow" in document:
        return list(document["allow"])
    found: list[str] = []
    for statement in document.get("Statement", []):
        if statement.get("Effect") == "Allow":
            actions = statement.get("Action", [])
            found.extend([actions] if isinstance(actions, str) else actions)
    return found
