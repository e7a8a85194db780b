"""The evaluator of policies, case by case, without a server. Sources: IAM user guide, the page named at each group."""

import sys

import pytest
from conftest import SOURCE

sys.path.insert(0, str(SOURCE))

from realism.iam_evaluator import (ALLOWED, BOUNDARY, EXPLICIT_DENY, IDENTITY, SESSION, AccessRequest, evaluate,  # noqa: E402
                                   first_refused)

BUCKET = "arn:aws:s3:::shop"
ROLE = "arn:aws:iam::000000000000:role/circles-infra/shop-task"


def allow(action="*", resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action="*", resource="*", **more):
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def document(*statements, version="2012-10-17"):
    return {"Version": version, "Statement": list(statements)}


def when(operator, key, values, **more):
    return document(allow(Condition={operator: {key: values}}, **more))


# "IAM JSON policy elements: Action", "NotAction"
ACTIONS = [
    ("the action itself", allow("ec2:CreateVpc"), "ec2:CreateVpc", True),
    ("another action", allow("ec2:CreateVpc"), "ec2:DeleteVpc", False),
    ("case does not matter", allow("EC2:createvpc"), "ec2:CreateVpc", True),
    ("a star at the end", allow("ec2:Describe*"), "ec2:DescribeVpcs", True),
    ("a star in the middle", allow("iam:*Role*"), "iam:AttachRolePolicy", True),
    ("a star for the service", allow("*:Describe*"), "ecs:DescribeServices", True),
    ("all", allow("*"), "ecs:CreateCluster", True),
    ("a question mark is one character", allow("s3:GetObjec?"), "s3:GetObject", True),
    ("and not none", allow("s3:GetObject?"), "s3:GetObject", False),
    ("a dot is itself", allow("s3.GetObject"), "s3:GetObject", False),
    ("one of a list", allow(["s3:PutObject", "s3:GetObject"]), "s3:GetObject", True),
    ("a prefix is not the action", allow("ec2:Create"), "ec2:CreateVpc", False),
    ("NotAction: another one", {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, "ec2:CreateVpc", True),
    ("NotAction: this one", {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, "iam:PassRole", False),
    ("NotAction: one of a list", {"Effect": "Allow", "NotAction": ["iam:*", "ec2:*"], "Resource": "*"}, "ec2:CreateVpc", False),
    ("no statement", None, "ec2:CreateVpc", False),
]


@pytest.mark.parametrize("statement, action, expected", [case[1:] for case in ACTIONS], ids=[case[0] for case in ACTIONS])
def test_actions(statement, action, expected):
    policy = document(*([statement] if statement else []))
    decision = evaluate(AccessRequest(action), [policy])
    assert decision.allowed is expected
    assert decision.reason == (ALLOWED if expected else IDENTITY)


# "IAM JSON policy elements: Resource", "NotResource"; "Incomplete ARNs"
RESOURCES = [
    ("the ARN itself", {"Resource": ROLE}, ROLE, True),
    ("another one", {"Resource": ROLE}, ROLE + "2", False),
    ("case matters", {"Resource": BUCKET.upper()}, BUCKET, False),
    ("a star at the end", {"Resource": "arn:aws:iam::*:role/circles-infra/*"}, ROLE, True),
    ("a path is part of a name", {"Resource": "arn:aws:iam::*:role/shop-*"}, ROLE, False),
    ("a star crosses slashes", {"Resource": "arn:aws:iam::000000000000:role/*"}, ROLE, True),
    ("a star stays within its part", {"Resource": "arn:aws:*:role/circles-infra/*"}, ROLE, False),
    ("the last part may hold colons", {"Resource": "arn:aws:logs:*:*:log-group:/ecs/*"},
     "arn:aws:logs:us-east-1:000000000000:log-group:/ecs/shop:*", True),
    ("an ARN without its end", {"Resource": "arn:aws:s3"}, BUCKET, True),
    ("of another service", {"Resource": "arn:aws:sqs"}, BUCKET, False),
    ("a bucket is not its objects", {"Resource": BUCKET}, BUCKET + "/key", False),
    ("objects are not their bucket", {"Resource": BUCKET + "/*"}, BUCKET, False),
    ("one of a list", {"Resource": [BUCKET, BUCKET + "/*"]}, BUCKET + "/key", True),
    ("a question mark", {"Resource": "arn:aws:s3:::sho?"}, BUCKET, True),
    ("an action without resources needs a star", {"Resource": BUCKET}, "*", False),
    ("and has it", {"Resource": "*"}, "*", True),
    ("NotResource: another one", {"NotResource": BUCKET}, ROLE, True),
    ("NotResource: this one", {"NotResource": ["arn:aws:s3:::shop*"]}, BUCKET, False),
    ("NotResource: one of a list", {"NotResource": [ROLE, BUCKET]}, BUCKET, False),
]


@pytest.mark.parametrize("part, resource, expected", [case[1:] for case in RESOURCES], ids=[case[0] for case in RESOURCES])
def test_resources(part, resource, expected):
    policy = document({"Effect": "Allow", "Action": "*", **part})
    assert evaluate(AccessRequest("s3:GetObject", resource), [policy]).allowed is expected


# "IAM JSON policy elements: Condition operators"
CONDITIONS = [
    ("StringEquals", "aws:RequestTag/a", "1", {"aws:RequestTag/a": "1"}, True),
    ("StringEquals", "aws:RequestTag/a", "1", {"aws:RequestTag/a": "2"}, False),
    ("StringEquals", "aws:RequestTag/a", ["1", "2"], {"aws:RequestTag/a": "2"}, True),
    ("StringEquals", "aws:requesttag/A", "1", {"aws:RequestTag/a": "1"}, True),
    ("StringEquals", "aws:RequestTag/a", "X", {"aws:RequestTag/a": "x"}, False),
    ("StringEquals", "aws:RequestTag/a", "x*", {"aws:RequestTag/a": "xyz"}, False),
    ("StringEquals", "aws:RequestTag/a", "1", {}, False),
    ("StringEqualsIfExists", "aws:RequestTag/a", "1", {}, True),
    ("StringEqualsIfExists", "aws:RequestTag/a", "1", {"aws:RequestTag/a": "2"}, False),
    ("StringNotEquals", "aws:RequestTag/a", "1", {"aws:RequestTag/a": "2"}, True),
    ("StringNotEquals", "aws:RequestTag/a", ["1", "2"], {"aws:RequestTag/a": "2"}, False),
    ("StringNotEquals", "aws:RequestTag/a", "1", {}, True),
    ("StringNotEqualsIfExists", "aws:RequestTag/a", "1", {}, True),
    ("StringNotEqualsIfExists", "aws:RequestTag/a", "1", {"aws:RequestTag/a": "1"}, False),
    ("StringEqualsIgnoreCase", "iam:AWSServiceName", "ECS.amazonaws.com", {"iam:AWSServiceName": "ecs.amazonaws.com"}, True),
    ("StringNotEqualsIgnoreCase", "aws:RequestTag/a", "X", {"aws:RequestTag/a": "x"}, False),
    ("StringLike", "iam:AWSServiceName", "*.amazonaws.com", {"iam:AWSServiceName": "rds.amazonaws.com"}, True),
    ("StringLike", "aws:RequestTag/a", "x?z", {"aws:RequestTag/a": "xyz"}, True),
    ("StringLike", "aws:RequestTag/a", "x", {"aws:RequestTag/a": "xyz"}, False),
    ("StringLike", "aws:RequestTag/a", "*", {}, False),
    ("StringNotLike", "aws:RequestTag/a", "x*", {"aws:RequestTag/a": "xyz"}, False),
    ("StringNotLike", "aws:RequestTag/a", "x*", {"aws:RequestTag/a": "abc"}, True),
    ("Bool", "aws:SecureTransport", "true", {"aws:SecureTransport": True}, True),
    ("Bool", "aws:SecureTransport", True, {"aws:SecureTransport": "false"}, False),
    ("Bool", "aws:MultiFactorAuthPresent", "true", {}, False),
    ("BoolIfExists", "aws:MultiFactorAuthPresent", "true", {}, True),
    ("Null", "aws:RequestTag/a", "true", {}, True),
    ("Null", "aws:RequestTag/a", "true", {"aws:RequestTag/a": "1"}, False),
    ("Null", "aws:RequestTag/a", "false", {"aws:RequestTag/a": "1"}, True),
    ("Null", "aws:TagKeys", True, {"aws:TagKeys": []}, True),
    ("ArnEquals", "aws:PrincipalArn", ROLE, {"aws:PrincipalArn": ROLE}, True),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/circles-infra/*", {"aws:PrincipalArn": ROLE}, True),
    ("ArnEquals", "ecs:cluster", "arn:aws:ecs:*:*:cluster/shop", {"ecs:cluster": "arn:aws:ecs:us-east-1:0:cluster/shop"}, True),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:*:task", {"aws:PrincipalArn": ROLE}, False),
    ("ArnLike", "aws:PrincipalArn", "*", {"aws:PrincipalArn": ROLE}, True),
    ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:user/*", {"aws:PrincipalArn": ROLE}, True),
    ("ArnNotEquals", "aws:PrincipalArn", ROLE, {"aws:PrincipalArn": ROLE}, False),
    ("ArnNotEquals", "aws:PrincipalArn", ROLE, {}, True),
    ("NumericLessThan", "s3:max-keys", "10", {"s3:max-keys": 5}, True),
    ("NumericLessThan", "s3:max-keys", "10", {"s3:max-keys": 10}, False),
    ("NumericGreaterThanEquals", "s3:max-keys", 10, {"s3:max-keys": "10"}, True),
    ("NumericEquals", "s3:max-keys", "10", {"s3:max-keys": "10.0"}, True),
    ("NumericEquals", "s3:max-keys", "10", {"s3:max-keys": "many"}, False),
    ("DateLessThan", "aws:CurrentTime", "2030-01-01T00:00:00Z", {"aws:CurrentTime": "2026-11-30T12:00:00Z"}, True),
    ("DateGreaterThan", "aws:EpochTime", "2030-01-01", {"aws:EpochTime": "1700000000"}, False),
    ("IpAddress", "aws:SourceIp", "10.0.0.0/8", {"aws:SourceIp": "10.1.2.3"}, True),
    ("NotIpAddress", "aws:SourceIp", "10.0.0.0/8", {"aws:SourceIp": "10.1.2.3"}, False),
    ("BinaryEquals", "key", "QQ==", {"key": "QQ=="}, True),
    ("StringEquals", "iam:PassedToService", "ecs-tasks.amazonaws.com", {"iam:PassedToService": "ec2.amazonaws.com"}, False),
    # "Multivalued context keys"
    ("ForAllValues:StringEquals", "aws:TagKeys", ["a", "b"], {"aws:TagKeys": ["a"]}, True),
    ("ForAllValues:StringEquals", "aws:TagKeys", ["a", "b"], {"aws:TagKeys": ["a", "c"]}, False),
    ("ForAllValues:StringEquals", "aws:TagKeys", ["a", "b"], {}, True),
    ("ForAllValues:StringEquals", "aws:TagKeys", ["a", "b"], {"aws:TagKeys": []}, True),
    ("ForAllValues:StringLike", "aws:TagKeys", "circles-infra:*", {"aws:TagKeys": ["circles-infra:stack", "circles-infra:address"]}, True),
    ("ForAllValues:StringNotEquals", "aws:TagKeys", ["a"], {"aws:TagKeys": ["b", "c"]}, True),
    ("ForAllValues:StringNotEquals", "aws:TagKeys", ["a"], {"aws:TagKeys": ["a", "c"]}, False),
    ("ForAllValues:StringNotEquals", "aws:TagKeys", ["a"], {}, True),
    ("ForAnyValue:StringEquals", "aws:TagKeys", ["a", "b"], {"aws:TagKeys": ["a", "c"]}, True),
    ("ForAnyValue:StringEquals", "aws:TagKeys", ["a", "b"], {"aws:TagKeys": ["c"]}, False),
    ("ForAnyValue:StringEquals", "aws:TagKeys", ["a"], {}, False),
    ("ForAnyValue:StringEqualsIfExists", "aws:TagKeys", ["a"], {}, True),
    ("ForAnyValue:StringNotEquals", "aws:TagKeys", ["a"], {"aws:TagKeys": ["a", "c"]}, True),
    ("ForAnyValue:StringNotEquals", "aws:TagKeys", ["a"], {}, False),
]


@pytest.mark.parametrize("operator, key, values, context, expected", CONDITIONS,
                         ids=[f"{number}-{case[0]}-{case[4]}" for number, case in enumerate(CONDITIONS)])
def test_conditions(operator, key, values, context, expected):
    assert evaluate(AccessRequest("ec2:CreateVpc", "*", context), [when(operator, key, values)]).allowed is expected


def test_all_operators_and_all_keys_must_hold():
    policy = document(allow(Condition={"StringEquals": {"aws:RequestTag/a": "1", "aws:RequestTag/b": "2"},
                                       "Bool": {"aws:SecureTransport": "true"}}))
    full = {"aws:RequestTag/a": "1", "aws:RequestTag/b": "2", "aws:SecureTransport": True}
    assert evaluate(AccessRequest("s3:GetObject", "*", full), [policy])
    for key in full:
        less = {name: value for name, value in full.items() if name != key}
        assert not evaluate(AccessRequest("s3:GetObject", "*", less), [policy]), key


# "IAM policy elements: Variables and tags"
VARIABLES = [
    ("a value", "arn:aws:s3:::${aws:username}", {"aws:username": "shop"}, True),
    ("no value", "arn:aws:s3:::${aws:username}", {}, False),
    ("a default", "arn:aws:s3:::${aws:username, 'shop'}", {}, True),
    ("a star in a value is a star", "arn:aws:s3:::${aws:username}", {"aws:username": "*"}, False),
    ("a star that is one", "arn:aws:s3:::${*}", {}, False),
    ("in an old version it means itself", "arn:aws:s3:::${aws:username}", {"aws:username": "shop"}, None),
]


@pytest.mark.parametrize("resource, context, expected", [case[1:] for case in VARIABLES], ids=[case[0] for case in VARIABLES])
def test_variables(resource, context, expected):
    policy = document(allow("*", resource), version="2008-10-17" if expected is None else "2012-10-17")
    assert evaluate(AccessRequest("s3:GetObject", BUCKET, context), [policy]).allowed is bool(expected)


def test_a_condition_may_compare_two_keys():
    policy = when("StringEquals", "aws:ResourceTag/team", "${aws:PrincipalTag/team}")
    for team, expected in (("a", True), ("b", False)):
        context = {"aws:ResourceTag/team": "a", "aws:PrincipalTag/team": team}
        assert evaluate(AccessRequest("ec2:DeleteVpc", "*", context), [policy]).allowed is expected


# "Policy evaluation logic": documents of the identity, boundary, session; allowed, reason, source.
LAYERS = [
    ("nothing allows", [], None, None, IDENTITY, IDENTITY),
    ("one of two allows", [document(), document(allow())], None, None, ALLOWED, IDENTITY),
    ("a deny in the same document", [document(allow(), deny("ec2:*"))], None, None, EXPLICIT_DENY, IDENTITY),
    ("a deny before the allow", [document(deny("ec2:*"), allow())], None, None, EXPLICIT_DENY, IDENTITY),
    ("a deny in another document", [document(allow()), document(deny())], None, None, EXPLICIT_DENY, IDENTITY),
    ("a deny of something else", [document(allow(), deny("s3:*"))], None, None, ALLOWED, IDENTITY),
    ("a deny by NotAction", [document(allow(), {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"})], None, None,
     EXPLICIT_DENY, IDENTITY),
    ("a deny whose condition fails",
     [document(allow(), deny(Condition={"StringEquals": {"aws:RequestTag/a": "1"}}))], None, None, ALLOWED, IDENTITY),
    ("a deny of what lacks a tag", [document(allow(), deny(Condition={"Null": {"aws:RequestTag/a": "true"}}))], None, None,
     EXPLICIT_DENY, IDENTITY),
    ("the boundary allows", [document(allow())], [document(allow("ec2:*"))], None, ALLOWED, IDENTITY),
    ("the boundary does not", [document(allow())], [document(allow("s3:*"))], None, BOUNDARY, BOUNDARY),
    ("the boundary alone allows", [document()], [document(allow())], None, IDENTITY, IDENTITY),
    ("the boundary denies", [document(allow())], [document(allow(), deny("ec2:*"))], None, EXPLICIT_DENY, BOUNDARY),
    ("an empty boundary", [document(allow())], [], None, BOUNDARY, BOUNDARY),
    ("the session allows", [document(allow())], None, [document(allow("ec2:CreateVpc"))], ALLOWED, IDENTITY),
    ("the session does not", [document(allow())], None, [document(allow("ec2:DeleteVpc"))], SESSION, SESSION),
    ("the session alone allows", [document(allow("s3:*"))], None, [document(allow())], IDENTITY, IDENTITY),
    ("the session denies", [document(allow())], None, [document(allow(), deny())], EXPLICIT_DENY, SESSION),
    ("all three allow", [document(allow())], [document(allow("ec2:*"))], [document(allow("*:Create*"))], ALLOWED, IDENTITY),
    ("two of three allow", [document(allow())], [document(allow())], [document(allow("s3:*"))], SESSION, SESSION),
    ("one statement, not a list", [{"Version": "2012-10-17", "Statement": allow()}], None, None, ALLOWED, IDENTITY),
]


@pytest.mark.parametrize("identity, boundary, session, reason, source", [case[1:] for case in LAYERS],
                         ids=[case[0] for case in LAYERS])
def test_layers(identity, boundary, session, reason, source):
    decision = evaluate(AccessRequest("ec2:CreateVpc"), identity, boundary, session)
    assert (decision.allowed, decision.reason, decision.source) == (reason == ALLOWED, reason, source)


def test_the_statement_that_decides_is_named():
    policy = document(allow("ec2:*", Sid="Network"), deny("ec2:Delete*"))
    assert evaluate(AccessRequest("ec2:CreateVpc"), [policy]).statement == "Network"
    assert evaluate(AccessRequest("ec2:DeleteVpc"), [policy]).statement == "1"


def test_every_resource_of_a_call_must_be_allowed():
    policy = document(allow("rds:CreateDBInstance", ["arn:aws:rds:*:*:db:shop-*", "arn:aws:rds:*:*:subgrp:shop-*"]))
    wanted = [AccessRequest("rds:CreateDBInstance", f"arn:aws:rds:us-east-1:0:{name}") for name in
              ("db:shop-db", "subgrp:shop-db", "pg:shop-db")]
    refused = first_refused(wanted, [policy])
    assert refused[0].resource.endswith("pg:shop-db") and refused[1].reason == IDENTITY
    assert first_refused(wanted[:2], [policy]) is None


@pytest.mark.parametrize("operator", ["StringEqual", "ForSomeValues:StringEquals", "stringlike", ""])
def test_an_operator_that_does_not_exist_is_an_error(operator):
    with pytest.raises(ValueError, match="no such condition operator"):
        evaluate(AccessRequest("s3:GetObject", "*", {"aws:RequestTag/a": "1"}), [when(operator, "aws:RequestTag/a", "1")])
