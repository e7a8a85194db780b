"""Answers that are not as expected, on request."""

import pytest
from botocore.exceptions import ClientError

from conftest import code


def fault(aws, **spec):
    status, answer = aws.control("POST", "faults", spec)
    assert status == 200, answer


def test_a_field_is_left_out_or_has_another_value(aws):
    vpc = aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    aws.ecs.create_cluster(clusterName="c")

    def shown():
        return (aws.ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0].get("State"),
                aws.ecs.describe_clusters(clusters=["c"])["clusters"][0].get("status"))

    before = shown()
    for kind, value, expected in (("omit", None, None), ("rewrite", "archived", "archived")):
        for element in ("state", "status"):
            fault(aws, kind=kind, element=element, action="Describe*", **({} if value is None else {"value": value}))
        assert shown() == (expected, expected)
        aws.control("DELETE", "faults")
    assert shown() == before == ("available", "ACTIVE")


def test_lists_come_in_another_order(aws):
    blocks = [f"10.{number}.0.0/16" for number in range(8)]
    for block in blocks:
        aws.ec2.create_vpc(CidrBlock=block)
    fault(aws, kind="reorder", seed=3, action="DescribeVpcs")
    found = [vpc["CidrBlock"] for vpc in aws.ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]]
    assert sorted(found) == blocks != found


def test_an_error_in_a_success_changes_nothing(aws):
    aws.s3.create_bucket(Bucket="b-1")
    aws.s3.put_object(Bucket="b-1", Key="k", Body=b"x")
    fault(aws, kind="error_in_ok", code="InternalError", service="s3", action="DeleteObjects")
    with pytest.raises(ClientError, match="InternalError"):
        aws.s3.delete_objects(Bucket="b-1", Delete={"Objects": [{"Key": "k"}]})
    assert aws.s3.list_objects_v2(Bucket="b-1")["KeyCount"] == 1


@pytest.mark.parametrize("items", [0, 1, 2])
def test_a_short_page_is_not_the_last(aws, items):
    aws.s3.create_bucket(Bucket="b-1")
    for key in "abc":
        aws.s3.put_object(Bucket="b-1", Key=key, Body=b"x")
    fault(aws, kind="short_page", items=items, service="s3", action="ListObjectsV2", nth=1)
    first = aws.s3.list_objects_v2(Bucket="b-1")
    assert (first["IsTruncated"], len(first.get("Contents", []))) == (True, items)
    rest = aws.s3.list_objects_v2(Bucket="b-1", ContinuationToken=first["NextContinuationToken"])
    assert [entry["Key"] for entry in first.get("Contents", []) + rest["Contents"]] == ["a", "b", "c"] and not rest["IsTruncated"]


def test_an_empty_page_may_come_in_the_middle(aws):
    aws.s3.create_bucket(Bucket="b-1")
    for key in "abc":
        aws.s3.put_object(Bucket="b-1", Key=key, Body=b"x")
    fault(aws, kind="short_page", items=0, service="s3", action="ListObjectsV2", nth=2)
    pages = aws.s3.get_paginator("list_objects_v2").paginate(Bucket="b-1", PaginationConfig={"PageSize": 2})
    assert [[entry["Key"] for entry in page.get("Contents", [])] for page in pages] == [["a", "b"], [], ["c"]]


def test_pages_of_other_services_are_short(aws):
    for name in "ab":
        aws.ecs.create_cluster(clusterName=name)
        aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    fault(aws, kind="short_page", items=1, mutating=False)
    first = aws.ecs.list_clusters()
    assert len(first["clusterArns"]) == 1 and first["nextToken"]
    roles = aws.iam.list_roles()
    assert len(roles["Roles"]) == 1 and roles["IsTruncated"]


@pytest.mark.parametrize("service, call, shape", [
    ("ecs", lambda aws: aws.ecs.list_clusters(), "query"), ("ec2", lambda aws: aws.ec2.describe_vpcs(), "query"),
    ("iam", lambda aws: aws.iam.list_roles(), "json")])
def test_a_code_in_another_protocols_shape(aws, service, call, shape):
    fault(aws, kind="refuse", code="Throttling", message="Rate exceeded", shape=shape, service=service)
    with pytest.raises(Exception):
        call(aws)
    entry = aws.control("GET", "calls")[1]["calls"][-1]
    assert (entry["status"], entry["code"]) == (400, "Throttling")


def test_a_fault_of_an_answer_says_what_it_needs(aws):
    for spec in ({"kind": "omit"}, {"kind": "rewrite", "element": "a"}, {"kind": "error_in_ok"}, {"kind": "refuse", "code": "x", "shape": "soap"}):
        assert aws.control("POST", "faults", spec)[0] == 400
    assert code(aws.ec2.describe_vpcs) is None
