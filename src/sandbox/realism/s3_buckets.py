"""S3: what a new bucket has without asking, and who may own it. API pages: CreateBucket, PutBucketPolicy."""

from __future__ import annotations

import json
from typing import Any

import xmltodict
from moto.s3.models import FakeBucket, PublicAccessBlock, S3Backend, s3_backends
from moto.s3.responses import S3Response

from . import ACCOUNT
from .errors import Answer, error_answer, refuse
from .patch import replaces
from .request import Call


def _encryption() -> dict[str, Any]:
    return {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false"}}


def install() -> None:
    @replaces(S3Backend, "create_bucket")
    def create_bucket(original, self, bucket_name, region_name, *args, **kwargs):
        bucket = original(self, bucket_name, region_name, *args, **kwargs)
        bucket.encryption = _encryption()
        bucket.public_access_block = PublicAccessBlock("true", "true", "true", "true")
        bucket.ownership_rule = "BucketOwnerEnforced"
        return bucket

    @replaces(S3Backend, "delete_bucket_encryption")
    def delete_bucket_encryption(original, self, bucket_name):
        # It falls back to S3's own keys, never to none.
        self.get_bucket(bucket_name).encryption = _encryption()

    @replaces(S3Backend, "put_bucket_policy")
    def put_bucket_policy(original, self, bucket_name, policy):
        block = self.get_bucket(bucket_name).public_access_block
        if block is not None and str(block.block_public_policy).lower() == "true" and _public(policy):
            raise refuse("AccessDenied", f"User is not authorized to perform: s3:PutBucketPolicy on resource: "
                                         f'"arn:aws:s3:::{bucket_name}" because public policies are blocked by the '
                                         "BlockPublicPolicy block public access setting.", 403)
        return original(self, bucket_name, policy)

    @replaces(FakeBucket, "get_permission")
    def get_permission(original, self, action, resource):
        # moto takes a Deny as one whatever its condition says; everything counts as sent by TLS here, so those are passed over.
        policy = self.policy
        if policy is None:
            return original(self, action, resource)
        try:
            document = json.loads(policy)
            statements = document.get("Statement", [])
            statements = statements if isinstance(statements, list) else [statements]
            document["Statement"] = [statement for statement in statements
                                     if statement.get("Effect") != "Deny" or not statement.get("Condition")]
            self.policy = json.dumps(document).encode() if document["Statement"] else None
            return original(self, action, resource)
        finally:
            self.policy = policy

    @replaces(S3Response, "_bucket_response_put")
    def create_with_tags(original, self, request, bucket_name, querystring):
        answer = original(self, request, bucket_name, querystring)
        tags = {} if querystring else _tags(self.body)
        if tags and answer[0] == 200:
            self.backend.put_bucket_tagging(bucket_name, tags)
        return answer


def _tags(body: Any) -> dict[str, str]:
    """The tags inside a CreateBucketConfiguration."""
    try:
        configuration = (xmltodict.parse(body) or {}).get("CreateBucketConfiguration") or {}
        found = (configuration.get("Tags") or {}).get("Tag") or []
    except Exception:  # no body, or not XML: then it holds no tags either
        return {}
    found = found if isinstance(found, list) else [found]
    return {tag["Key"]: tag.get("Value") or "" for tag in found}


def _public(policy: bytes) -> bool:
    """Whether a policy lets everybody in: an Allow for all principals without a condition."""
    try:
        statements = json.loads(policy).get("Statement", [])
    except (ValueError, AttributeError):
        return False
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal")
        everybody = principal == "*" or (isinstance(principal, dict) and principal.get("AWS") in ("*", ["*"]))
        if statement.get("Effect") == "Allow" and everybody and not statement.get("Condition"):
            return True
    return False


def check_owner(headers: Any) -> None:
    """`ExpectedBucketOwner`: every bucket here belongs to the sandbox's account."""
    wanted = headers.get("x-amz-expected-bucket-owner")
    if wanted and wanted != ACCOUNT:
        raise refuse("AccessDenied", "Access Denied", 403)


def region_of(call: Call, path: str) -> str | None:
    """The region of the bucket that a call is about, when the call was signed for another one."""
    name = path.lstrip("/").split("/", 1)[0]
    if call.service != "s3" or not name or call.action == "CreateBucket":
        return None
    bucket = s3_backends[ACCOUNT]["aws"].buckets.get(name)
    if bucket is None or bucket.region_name in ("", None, call.region):
        return None
    return str(bucket.region_name)


def redirected(call: Call, region: str) -> Answer:
    """S3's answer to a call for a bucket of another region: where it is stands in a header (API guide, "Request redirection")."""
    status, headers, body = error_answer(
        call, 301, "PermanentRedirect",
        "The bucket you are attempting to access must be addressed using the specified endpoint. "
        "Please send all future requests to this endpoint.")
    return status, [*headers, ("x-amz-bucket-region", region)], body
