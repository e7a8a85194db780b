"""A role that may do what `circles-infra permissions` prints, and nothing more: the whole run is made under it."""

import json
import time

from calls import Aws, AwsError, Keys

PREFIX = "circles-test-"


def documents(printed):
    """The policies of `permissions`: one document, or an object of names and documents."""
    document = json.loads(printed)
    return {"policy": document} if "Statement" in document else document


class TestRole:
    __test__ = False

    def __init__(self, aws, account, name):
        self.aws, self.account, self.name = aws, account, f"{PREFIX}{name}"

    def create(self, policies):
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                         "Principal": {"AWS": f"arn:aws:iam::{self.account}:root"}}]}
        self.aws.iam("CreateRole", RoleName=self.name, AssumeRolePolicyDocument=json.dumps(trust), MaxSessionDuration=7200,
                     **{"Tags.member.1.Key": "circles-test", "Tags.member.1.Value": self.name})
        for name, document in policies.items():
            text = json.dumps(document, separators=(",", ":"))
            made = self.aws.iam("CreatePolicy", PolicyName=f"{self.name}-{name}"[:128], PolicyDocument=text)
            self.aws.iam("AttachRolePolicy", RoleName=self.name, PolicyArn=made.find(".//Arn").text)

    def assume(self, patience=120):
        """IAM spreads a role for some seconds. Chained sessions last an hour at most, so the role is assumed anew for each phase."""
        deadline = time.monotonic() + patience
        while True:
            try:
                answer = self.aws.sts("AssumeRole", RoleArn=f"arn:aws:iam::{self.account}:role/{self.name}",
                                      RoleSessionName="circles-test", DurationSeconds=3600)
            except AwsError as error:
                if error.code != "AccessDenied" or time.monotonic() > deadline:
                    raise
                time.sleep(5)
                continue
            found = {element.tag: element.text for element in answer.find(".//Credentials")}
            return Keys(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])


def delete_role(aws: Aws, name):
    try:
        attached = aws.iam("ListAttachedRolePolicies", RoleName=name)
    except AwsError as error:
        if error.code == "NoSuchEntity":
            return
        raise
    for arn in [element.text for element in attached.iter("PolicyArn")]:
        aws.iam("DetachRolePolicy", RoleName=name, PolicyArn=arn)
        if f":policy/{PREFIX}" in arn:
            aws.iam("DeletePolicy", PolicyArn=arn)
    aws.iam("DeleteRole", RoleName=name)


def _pages(aws, action, element):
    marker = {}
    while True:
        answer = aws.iam(action, **marker)
        yield from answer.iter(element)
        if answer.findtext(".//IsTruncated") != "true":
            return
        marker = {"Marker": answer.findtext(".//Marker")}


def test_roles(aws):
    return [name.text for name in _pages(aws, "ListRoles", "RoleName") if name.text.startswith(PREFIX)]


test_roles.__test__ = False


def stray_policies(aws):
    """Policies of roles that are gone: a run that was cut off between the two."""
    return [arn.text for arn in _pages(aws, "ListPolicies", "Arn") if f":policy/{PREFIX}" in (arn.text or "")]
