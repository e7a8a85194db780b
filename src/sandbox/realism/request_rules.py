"""Rules between fields, and forms, that AWS has and its API models have not. Each names its source."""

from __future__ import annotations

import re
from typing import Any, Callable, Iterator

from .errors import Answer, error_answer
from .iam_documents import check_policy
from .request import Call

Problem = tuple[str, str]  # code, sentence
# ECS developer guide, "Task definition parameters", `image`.
IMAGE = re.compile(r"[A-Za-z0-9\-_:./@#]{1,255}")
VARIABLE = re.compile(r"[A-Za-z_][^=\s\0]*")
HOST = re.compile(r"[A-Za-z0-9\-.*?]{1,128}")
PATH = re.compile(r"[A-Za-z0-9_\-.$/~\"'@:+&*?]{1,128}")
CODES = re.compile(r"\d{3}(-\d{3})?(,\d{3}(-\d{3})?)*")
DESCRIPTION = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")
SECRET = re.compile(r"[A-Za-z0-9/_+=.@!\-]{1,512}")


def check_rules(call: Call) -> Answer | None:
    """The refusal of a request that breaks a rule of its service, or None."""
    for rule in (*RULES.get(call.name, ()), _tags):
        for code, sentence in rule(call.members, call):
            return error_answer(call, 400, code, sentence)
    return None


# Tags: IAM user guide, "Tagging IAM resources"; EC2 user guide, "Tag restrictions".


def _tags(members: dict[str, Any], call: Call) -> Iterator[Problem]:
    lists = [members.get("Tags"), members.get("tags")] + [spec.get("Tags") for spec in members.get("TagSpecifications") or []]
    for tags in lists:
        if isinstance(tags, dict):
            keys = list(tags)
        elif isinstance(tags, list):
            keys = [str(tag.get("Key", tag.get("key", ""))) for tag in tags if isinstance(tag, dict)]
        else:
            continue
        if call.service == "iam" and len({key.lower() for key in keys}) < len(keys):
            yield "InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        reserved = next((key for key in keys if key.lower().startswith("aws:")), None)
        if reserved is not None and call.service in TAG_CODES:
            yield TAG_CODES[call.service], f"Tag keys starting with 'aws:' are reserved for internal use: {reserved}"


TAG_CODES = {"ec2": "InvalidParameterValue", "iam": "InvalidInput", "elasticloadbalancing": "ValidationError",
             "rds": "InvalidParameterValue", "ecs": "InvalidParameterException", "ecr": "InvalidTagParameterException",
             "logs": "InvalidParameterException", "secretsmanager": "InvalidParameterException"}


# ECS: RegisterTaskDefinition


def _definition(members: dict[str, Any], call: Call) -> Iterator[Problem]:
    containers = members.get("containerDefinitions") or []
    names = [container.get("name") for container in containers]
    if len(set(names)) < len(names):
        yield "ClientException", "Container name must be unique within a task definition."
    for container in containers:
        yield from _container(container)


def _container(container: dict[str, Any]) -> Iterator[Problem]:
    if not IMAGE.fullmatch(str(container.get("image") or "")):
        yield "ClientException", "Container.image should not be null, empty or hold other characters than letters, digits and -_:./@#."
    plain = [str(entry.get("name") or "") for entry in container.get("environment") or []]
    secret = [str(entry.get("name") or "") for entry in container.get("secrets") or []]
    for name in [*plain, *secret]:
        if not VARIABLE.fullmatch(name):
            yield "ClientException", f"The environment variable name '{name}' is not valid: it must start with a letter or an " \
                                     "underscore, and must not contain spaces or '='."
    for name in secret:
        if secret.count(name) > 1 or name in plain:
            yield "ClientException", "The secret name must be unique and not shared with any new or existing environment variables " \
                                     f"set on the container, such as '{name}'."


# Elastic Load Balancing: pages of CreateTargetGroup, CreateRule, CreateListener; user guide, "Listener rules".


def _group(members: dict[str, Any], call: Call) -> Iterator[Problem]:
    path = members.get("HealthCheckPath")
    if path is not None and not path.startswith("/"):
        yield "ValidationError", f"Health check path '{path}' must begin with a '/' character"
    codes = (members.get("Matcher") or {}).get("HttpCode")
    if codes is None:
        return
    if not CODES.fullmatch(codes):
        yield "ValidationError", f"Health check matcher HTTP code '{codes}' must be a list of codes and ranges, such as 200,202 or 200-299"
    for number in re.findall(r"\d+", codes):
        if not 200 <= int(number) <= 499:
            yield "ValidationError", f"Health check matcher HTTP code '{codes}' must be within '200-499' inclusively"


def _rule(members: dict[str, Any], call: Call) -> Iterator[Problem]:
    total = 0
    for condition in members.get("Conditions") or []:
        kind = condition.get("Field") or ""
        config = next((value for key, value in condition.items() if key.endswith("Config")), None) or {}
        values = condition.get("Values") or config.get("Values") or []
        total += len(values)
        if not values and kind in ("path-pattern", "host-header", "source-ip", "http-request-method", "query-string", "http-header"):
            yield "ValidationError", f"A condition value must be specified for the field '{kind}'"
        form = {"path-pattern": PATH, "host-header": HOST}.get(kind)
        for value in values if form else []:
            if not form.fullmatch(str(value)):
                yield "ValidationError", f"The condition value '{value}' contains a character that is not valid for the field '{kind}'"
    if total > 5:
        yield "ValidationError", "A rule can only have '5' condition values"


def _listener(members: dict[str, Any], call: Call) -> Iterator[Problem]:
    policy = members.get("SslPolicy")
    if policy and not re.fullmatch(r"ELBSecurityPolicy-[A-Za-z0-9\-]+", policy):
        yield "SSLPolicyNotFound", f"SSL policy '{policy}' not found"


# EC2


def _security_group(members: dict[str, Any], call: Call) -> Iterator[Problem]:
    for name in ("GroupName", "Description"):
        if not DESCRIPTION.fullmatch(members.get(name) or ""):
            yield "InvalidParameterValue", f"Value ({members.get(name)}) for parameter {name} is invalid. Character sets beyond " \
                                           "a-zA-Z0-9. _-:/()#,@[]+=&;{}!$* are not supported."
    if (members.get("GroupName") or "").startswith("sg-"):
        yield "InvalidParameterValue", "Group names may not be in the format sg-*"


def _permissions(members: dict[str, Any], call: Call) -> Iterator[Problem]:
    seen = []
    for permission in members.get("IpPermissions") or []:
        ranges = [("CidrIp", entry) for entry in permission.get("IpRanges") or []] + [
            ("CidrIpv6", entry) for entry in permission.get("Ipv6Ranges") or []]
        pairs = [("GroupId", entry) for entry in permission.get("UserIdGroupPairs") or []]
        for key, entry in [*ranges, *pairs]:
            text = str(entry.get(key) or "")
            if (key == "CidrIp" and ":" in text) or (key == "CidrIpv6" and ":" not in text):
                yield "InvalidParameterValue", f"CIDR block {text} is malformed"
            if not DESCRIPTION.fullmatch(entry.get("Description") or ""):
                yield "InvalidParameterValue", "Invalid rule description. Valid descriptions are strings less than 256 characters " \
                                               "from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
            rule = (permission.get("IpProtocol"), permission.get("FromPort"), permission.get("ToPort"), key, text)
            if rule in seen:
                yield "InvalidParameterValue", "The same permission must not appear multiple times"
            seen.append(rule)


# S3: pages of PutBucketLifecycleConfiguration and PutBucketEncryption

ACTIONS = ("Expiration", "Transitions", "NoncurrentVersionExpiration", "NoncurrentVersionTransitions", "AbortIncompleteMultipartUpload")


def _lifecycle(members: dict[str, Any], call: Call) -> Iterator[Problem]:
    rules = (members.get("LifecycleConfiguration") or {}).get("Rules") or []
    names = [rule["ID"] for rule in rules if rule.get("ID")]
    if len(set(names)) < len(names):
        yield "InvalidArgument", "Rule ID must be unique. Found same ID for one or more rules"
    if any(not any(action in rule for action in ACTIONS) for rule in rules):
        yield "InvalidRequest", "At least one action needs to be specified in a rule"


def _encryption(members: dict[str, Any], call: Call) -> Iterator[Problem]:
    for rule in (members.get("ServerSideEncryptionConfiguration") or {}).get("Rules") or []:
        default = rule.get("ApplyServerSideEncryptionByDefault") or {}
        if default.get("KMSMasterKeyID") and default.get("SSEAlgorithm") not in ("aws:kms", "aws:kms:dsse"):
            yield "InvalidArgument", "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse"


# CloudWatch Logs, Secrets Manager, IAM, RDS


def _log_group(members: dict[str, Any], call: Call) -> Iterator[Problem]:
    if str(members.get("logGroupName") or "").lower().startswith("aws/"):
        yield "InvalidParameterException", "Log groups starting with AWS/ are reserved for AWS."


def _secret(members: dict[str, Any], call: Call) -> Iterator[Problem]:
    if not SECRET.fullmatch(members.get("Name") or ""):
        yield "ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"


def _policy(members: dict[str, Any], call: Call) -> Iterator[Problem]:
    problem = check_policy(members.get("PolicyDocument") or "")
    if problem:
        yield "MalformedPolicyDocument", problem


def _parameters(members: dict[str, Any], call: Call) -> Iterator[Problem]:
    for parameter in members.get("Parameters") or []:
        name = str(parameter.get("ParameterName") or "")
        if name != name.lower():
            yield "InvalidParameterValue", f"Could not find parameter with name: {name}"


Rule = Callable[[dict[str, Any], Call], Iterator[Problem]]
RULES: dict[str, tuple[Rule, ...]] = {
    "ecs:RegisterTaskDefinition": (_definition,),
    "elasticloadbalancing:CreateTargetGroup": (_group,),
    "elasticloadbalancing:ModifyTargetGroup": (_group,),
    "elasticloadbalancing:CreateRule": (_rule,),
    "elasticloadbalancing:ModifyRule": (_rule,),
    "elasticloadbalancing:CreateListener": (_listener,),
    "elasticloadbalancing:ModifyListener": (_listener,),
    "ec2:CreateSecurityGroup": (_security_group,),
    "ec2:AuthorizeSecurityGroupIngress": (_permissions,),
    "ec2:AuthorizeSecurityGroupEgress": (_permissions,),
    "s3:PutBucketLifecycleConfiguration": (_lifecycle,),
    "s3:PutBucketEncryption": (_encryption,),
    "logs:CreateLogGroup": (_log_group,),
    "secretsmanager:CreateSecret": (_secret,),
    "iam:CreatePolicy": (_policy,),
    "iam:CreatePolicyVersion": (_policy,),
    "iam:PutRolePolicy": (_policy,),
    "rds:ModifyDBParameterGroup": (_parameters,),
    "rds:ResetDBParameterGroup": (_parameters,),
}
