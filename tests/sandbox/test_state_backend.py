"""What a state in S3 and a lease in DynamoDB stand on: conditional writes, versions, regions, keys of tables."""

import json
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.config import Config

from conftest import code

gap = pytest.mark.gap


def put(**conditions):
    return dict(Bucket="states", Key="state.json", Body=b"{}", **conditions)


def test_an_object_is_made_only_once(aws):
    aws.s3.create_bucket(Bucket="states")
    tag = aws.s3.put_object(**put(IfNoneMatch="*"))["ETag"]
    assert code(aws.s3.put_object, **put(IfNoneMatch="*")) == "PreconditionFailed"
    assert aws.s3.get_object(Bucket="states", Key="state.json")["ETag"] == tag


def test_an_object_is_written_only_over_what_was_read(aws):
    aws.s3.create_bucket(Bucket="states")
    assert code(aws.s3.put_object, **put(IfMatch='"0"')) == "NoSuchKey"
    first = aws.s3.put_object(Bucket="states", Key="state.json", Body=b"1")["ETag"]
    aws.s3.put_object(Bucket="states", Key="state.json", Body=b"2", IfMatch=first)
    assert code(aws.s3.put_object, **put(IfMatch=first)) == "PreconditionFailed"
    assert aws.s3.get_object(Bucket="states", Key="state.json")["Body"].read() == b"2"


def test_a_refused_write_leaves_no_version(aws):
    aws.s3.create_bucket(Bucket="states")
    aws.s3.put_bucket_versioning(Bucket="states", VersioningConfiguration={"Status": "Enabled"})
    aws.s3.put_object(**put())
    assert code(aws.s3.put_object, **put(IfNoneMatch="*")) == "PreconditionFailed"
    assert len(aws.s3.list_object_versions(Bucket="states")["Versions"]) == 1


def test_a_deleted_object_can_be_made_again(aws):
    aws.s3.create_bucket(Bucket="states")
    aws.s3.put_bucket_versioning(Bucket="states", VersioningConfiguration={"Status": "Enabled"})
    aws.s3.put_object(**put(IfNoneMatch="*"))
    aws.s3.delete_object(Bucket="states", Key="state.json")
    assert code(aws.s3.put_object, **put(IfNoneMatch="*")) is None


@gap
def test_a_bucket_in_another_region_says_where_it_is(aws):
    there = boto3.client("s3", endpoint_url=aws.url, region_name="eu-west-1", aws_access_key_id="test",
                         aws_secret_access_key="test",
                         config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}))
    there.create_bucket(Bucket="states", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    there.put_object(**put())
    # boto3 follows the redirect by itself, so the answer is looked at without it.
    request = aws.s3.generate_presigned_url("get_object", Params={"Bucket": "states", "Key": "state.json"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    assert refused.value.code == 301
    assert refused.value.headers["x-amz-bucket-region"] == "eu-west-1"
    assert b"PermanentRedirect" in refused.value.read()


@gap
def test_a_deny_without_tls_denies_nothing_here(aws):
    aws.s3.create_bucket(Bucket="states")
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::states/*",
                 "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.s3.put_bucket_policy(Bucket="states", Policy=policy)
    assert code(aws.s3.put_object, **put()) is None
    assert code(aws.s3.get_object, Bucket="states", Key="state.json") is None
    assert json.loads(aws.s3.get_bucket_policy(Bucket="states")["Policy"]) == json.loads(policy)
    del statement["Condition"]
    aws.s3.put_bucket_policy(Bucket="states", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert code(aws.s3.get_object, Bucket="states", Key="state.json") in ("AccessDenied", "403")


def test_a_table_takes_items_under_a_condition(aws):
    aws.dynamodb.create_table(
        TableName="locks", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}])
    item = {"LockID": {"S": "a"}, "Tag": {"S": "1"}}
    new = dict(TableName="locks", ConditionExpression="attribute_not_exists(LockID)")
    assert code(aws.dynamodb.put_item, Item=item, **new) is None
    assert code(aws.dynamodb.put_item, Item=item, **new) == "ConditionalCheckFailedException"
    over = dict(TableName="locks", ConditionExpression="#tag = :tag", ExpressionAttributeNames={"#tag": "Tag"})
    assert code(aws.dynamodb.put_item, Item=item, ExpressionAttributeValues={":tag": {"S": "1"}}, **over) is None
    assert code(aws.dynamodb.put_item, Item=item, ExpressionAttributeValues={":tag": {"S": "0"}},
                **over) == "ConditionalCheckFailedException"


def test_a_table_with_another_key_refuses_items(aws):
    aws.dynamodb.create_table(
        TableName="locks", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}])
    assert code(aws.dynamodb.get_item, TableName="locks", Key={"LockID": {"S": "a"}}) == "ValidationException"
    assert code(aws.dynamodb.get_item, TableName="none", Key={"LockID": {"S": "a"}}) == "ResourceNotFoundException"
