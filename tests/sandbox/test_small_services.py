"""Buckets, secrets, roles, log groups."""

import json

import pytest

from conftest import code

gap = pytest.mark.gap


@gap
def test_a_new_bucket_is_encrypted_private_and_without_acls(aws):
    s3 = aws.s3
    s3.create_bucket(Bucket="media-1")
    rules = s3.get_bucket_encryption(Bucket="media-1")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert set(s3.get_public_access_block(Bucket="media-1")["PublicAccessBlockConfiguration"].values()) == {True}
    owner = s3.get_bucket_ownership_controls(Bucket="media-1")["OwnershipControls"]["Rules"]
    assert owner == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    s3.delete_bucket_encryption(Bucket="media-1")
    assert code(s3.get_bucket_encryption, Bucket="media-1") is None


@gap
def test_a_public_policy_is_blocked(aws):
    aws.s3.create_bucket(Bucket="media-1")
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::media-1/*"}
    asked = dict(Bucket="media-1", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert code(aws.s3.put_bucket_policy, **asked) == "AccessDenied"
    aws.s3.delete_public_access_block(Bucket="media-1")
    assert code(aws.s3.put_bucket_policy, **asked) is None


@gap
def test_a_bucket_takes_tags_at_birth(aws):
    aws.s3.create_bucket(Bucket="media-1", CreateBucketConfiguration={"Tags": [{"Key": "a", "Value": "b"}]})
    assert aws.s3.get_bucket_tagging(Bucket="media-1")["TagSet"] == [{"Key": "a", "Value": "b"}]


@gap
def test_another_owner_is_refused(aws):
    aws.s3.create_bucket(Bucket="media-1")
    assert code(aws.s3.get_bucket_versioning, Bucket="media-1", ExpectedBucketOwner="111122223333") == "AccessDenied"
    account = aws.sts.get_caller_identity()["Account"]
    assert code(aws.s3.get_bucket_versioning, Bucket="media-1", ExpectedBucketOwner=account) is None


@gap
def test_a_name_in_its_recovery_window_is_taken(aws):
    secrets = aws.secretsmanager
    secrets.create_secret(Name="app", SecretString="{}")
    secrets.delete_secret(SecretId="app", RecoveryWindowInDays=7)
    assert code(secrets.create_secret, Name="app", SecretString="{}") == "InvalidRequestException"
    assert code(secrets.put_secret_value, SecretId="app", SecretString="{}") == "InvalidRequestException"
    assert code(secrets.tag_resource, SecretId="app", Tags=[{"Key": "a", "Value": "b"}]) == "InvalidRequestException"
    secrets.restore_secret(SecretId="app")
    assert code(secrets.put_secret_value, SecretId="app", SecretString="{}") is None


@gap
def test_a_moved_label_is_where_reads_go(aws):
    secrets = aws.secretsmanager
    first = secrets.create_secret(Name="app", SecretString="first")["VersionId"]
    second = secrets.put_secret_value(SecretId="app", SecretString="second", VersionStages=["next"])["VersionId"]
    assert secrets.get_secret_value(SecretId="app")["SecretString"] == "first"
    move = dict(SecretId="app", VersionStage="AWSCURRENT", MoveToVersionId=second)
    secrets.update_secret_version_stage(**move, RemoveFromVersionId=first)
    assert secrets.get_secret_value(SecretId="app")["SecretString"] == "second"
    assert secrets.get_secret_value(SecretId="app", VersionStage="AWSPREVIOUS")["SecretString"] == "first"
    assert code(secrets.update_secret_version_stage, **move, RemoveFromVersionId=first) == "InvalidParameterException"


def test_a_recovery_window_has_seven_days_at_least(aws):
    aws.secretsmanager.create_secret(Name="app", SecretString="{}")
    assert code(aws.secretsmanager.delete_secret, SecretId="app", RecoveryWindowInDays=6) is not None


@gap
def test_an_attached_policy_stays_and_role_names_ignore_case(aws):
    iam = aws.iam
    document = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]})
    arn = iam.create_policy(PolicyName="read", PolicyDocument=document)["Policy"]["Arn"]
    iam.create_role(RoleName="Task", AssumeRolePolicyDocument="{}")
    iam.attach_role_policy(RoleName="Task", PolicyArn=arn)
    assert code(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    assert code(iam.delete_role, RoleName="Task") == "DeleteConflict"
    assert code(iam.create_role, RoleName="task", AssumeRolePolicyDocument="{}") == "EntityAlreadyExists"
    iam.detach_role_policy(RoleName="Task", PolicyArn=arn)
    assert code(iam.delete_policy, PolicyArn=arn) is None


def test_aws_policies_are_there_and_are_counted_anew_after_a_reset(aws):
    arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    for _ in range(2):
        aws.iam.create_role(RoleName="exec", AssumeRolePolicyDocument="{}")
        aws.iam.attach_role_policy(RoleName="exec", PolicyArn=arn)
        assert aws.iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
        aws.reset()


@gap
def test_only_some_retentions_exist(aws):
    aws.logs.create_log_group(logGroupName="/a")
    assert code(aws.logs.put_retention_policy, logGroupName="/a", retentionInDays=13) == "InvalidParameterException"
    assert code(aws.logs.put_retention_policy, logGroupName="/a", retentionInDays=14) is None


@gap
def test_the_account_is_nobodys(aws):
    assert aws.sts.get_caller_identity()["Account"] == "000000000000"
    role = aws.iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    assert role == "arn:aws:iam::000000000000:role/r"
    assert aws.ec2.describe_vpcs()["Vpcs"][0]["OwnerId"] == "000000000000"


@gap
def test_tags_die_with_the_log_group(aws):
    aws.logs.create_log_group(logGroupName="/twice", tags={"a": "b"})
    aws.logs.delete_log_group(logGroupName="/twice")
    aws.logs.create_log_group(logGroupName="/twice")
    assert aws.logs.list_tags_log_group(logGroupName="/twice")["tags"] == {}
    aws.logs.delete_log_group(logGroupName="/twice")
