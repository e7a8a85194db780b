"""What test runs left in an account, found by tag and by name, from any machine; and its removal."""

import re

from calls import AwsError
from role import delete_role, stray_policies, test_roles

ECS = "AmazonEC2ContainerServiceV20141113"
STACK_TAG = "circles-infra:stack"
STACK_NAME = re.compile(r"^ct-[0-9a-f]{6}$")


def tagged(aws):
    """ARNs by the stack that they belong to."""
    found, token = {}, ""
    while True:
        answer = aws.json("tagging", "ResourceGroupsTaggingAPI_20170126.GetResources",
                          {"TagFilters": [{"Key": STACK_TAG}], "ResourcesPerPage": 100, "PaginationToken": token})
        for mapping in answer.get("ResourceTagMappingList", []):
            tags = {tag["Key"]: tag["Value"] for tag in mapping["Tags"]}
            if STACK_NAME.match(tags.get(STACK_TAG, "")):
                found.setdefault(tags[STACK_TAG], []).append(mapping["ResourceARN"])
        token = answer.get("PaginationToken")
        if not token:
            return found


def named(aws):
    """IAM roles and log groups whose names tell the stack: the tagging API does not list IAM."""
    found = {}

    def note(name, arn):
        match = re.search(r"\bct-[0-9a-f]{6}\b", name)
        if match:
            found.setdefault(match.group(), []).append(arn)

    marker = {}
    while True:
        answer = aws.iam("ListRoles", PathPrefix="/circles-infra/", **marker)
        for role in answer.iter("Arn"):
            note(role.text, role.text)
        if answer.findtext(".//IsTruncated") != "true":
            break
        marker = {"Marker": answer.findtext(".//Marker")}
    for prefix in ("/ecs/ct-", "/aws/rds/instance/ct-"):
        answer = aws.json("logs", "Logs_20140328.DescribeLogGroups", {"logGroupNamePrefix": prefix})
        for group in answer.get("logGroups", []):
            note(group["logGroupName"], group["arn"])
    return found


def is_gone(aws, arn):
    """What AWS goes on listing for a while after it is gone: gateways, clusters, services and tasks. Task definitions are for good,
    cost nothing, and are INACTIVE."""
    kind, _, rest = arn.split(":", 5)[5].partition("/")
    ecs = f"{ECS}.Describe"
    try:
        if kind == "natgateway":
            answer = aws.query("ec2", "DescribeNatGateways", "2016-11-15", **{"NatGatewayId.1": rest})
            return answer.findtext(".//state") in (None, "deleted")
        if kind == "task-definition":
            answer = aws.json("ecs", f"{ecs}TaskDefinition", {"taskDefinition": arn})
            return answer["taskDefinition"]["status"] != "ACTIVE"
        if kind == "cluster":
            found = aws.json("ecs", f"{ecs}Clusters", {"clusters": [arn]})["clusters"]
        elif kind == "service":
            found = aws.json("ecs", f"{ecs}Services", {"cluster": rest.split("/")[0], "services": [arn]})["services"]
        elif kind == "task":
            found = aws.json("ecs", f"{ecs}Tasks", {"cluster": rest.split("/")[0], "tasks": [arn]})["tasks"]
            return all(task["lastStatus"] == "STOPPED" for task in found)
        else:
            return False
        return all(thing["status"] == "INACTIVE" for thing in found)
    except AwsError as error:
        return "NotFound" in error.code


def scan(aws, stack=None):
    """Everything of test runs, or of one, by stack."""
    all_found = {}
    for part in (tagged(aws), named(aws)):
        for name, arns in part.items():
            if stack in (None, name):
                all_found.setdefault(name, set()).update(arns)
    alive = {name: sorted(arn for arn in arns if not is_gone(aws, arn)) for name, arns in all_found.items()}
    return {name: arns for name, arns in alive.items() if arns}


def clean(aws, destroy):
    """Destroys every stack that a test left, by `destroy(stack)`, and removes the roles of test runs. What was found, and what stayed."""
    found = scan(aws)
    for stack in found:
        destroy(stack)
    for name in test_roles(aws):
        delete_role(aws, name)
    for arn in stray_policies(aws):
        try:
            aws.iam("DeletePolicy", PolicyArn=arn)
        except AwsError as error:
            print(f"{arn}: {error}")
    return found, scan(aws)
