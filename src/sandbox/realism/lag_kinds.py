"""What a new resource is called in each service's calls and answers, and how each service says that it does not know it."""

from __future__ import annotations

from dataclasses import dataclass, field

EC2_NOT_FOUND = {
    "vpc": ("InvalidVpcID.NotFound", "The vpc ID '{id}' does not exist"),
    "subnet": ("InvalidSubnetID.NotFound", "The subnet ID '{id}' does not exist"),
    "igw": ("InvalidInternetGatewayID.NotFound", "The internetGateway ID '{id}' does not exist"),
    "rtb": ("InvalidRouteTableID.NotFound", "The routeTable ID '{id}' does not exist"),
    "rtbassoc": ("InvalidAssociationID.NotFound", "The association ID '{id}' does not exist"),
    "sg": ("InvalidGroup.NotFound", "The security group '{id}' does not exist"),
    "sgr": ("InvalidSecurityGroupRuleId.NotFound", "The security group rule ID '{id}' does not exist"),
    "nat": ("NatGatewayNotFound", "The Nat Gateway {id} was not found"),
    "eipalloc": ("InvalidAllocationID.NotFound", "The allocation ID '{id}' does not exist"),
    "vpce": ("InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '{id}' does not exist"),
}
# What other services say of an EC2 id that they do not see: (service, prefix) -> code, sentence.
ELSEWHERE = {
    ("elasticloadbalancing", "vpc"): ("ValidationError", "The VPC ID '{id}' is not found"),
    ("elasticloadbalancing", "subnet"): ("SubnetNotFound", "The subnet ID '{id}' does not exist"),
    ("elasticloadbalancing", "sg"): ("InvalidSecurityGroup", "The security group ID '{id}' does not exist"),
    ("rds", "subnet"): ("InvalidSubnet", "Some input subnets in :[{id}] are invalid."),
    ("rds", "sg"): ("InvalidParameterValue", "Invalid security group , groupId= {id}, groupName=."),
    ("ecs", "subnet"): ("InvalidParameterException", "Error retrieving subnet information for [{id}]: The subnet ID '{id}' does "
                                                     "not exist (ErrorCode: InvalidSubnetID.NotFound)"),
    ("ecs", "sg"): ("InvalidParameterException", "Error retrieving security group information for [{id}]: The security group "
                                                 "'{id}' does not exist (ErrorCode: InvalidGroup.NotFound)"),
    ("ecs", "role"): ("ClientException", "Role is not valid"),
    ("ecs", "targetgroup"): ("InvalidParameterException", "The target group with targetGroupArn {id} does not exist."),
    ("iam", "role-principal"): ("MalformedPolicyDocument", "Invalid principal in policy: \"AWS\":\"{id}\""),
    ("s3", "role-principal"): ("MalformedPolicy", "Invalid principal in policy"),
    ("ecr", "role-principal"): ("InvalidParameterException", "Invalid parameter at 'PolicyText' failed to satisfy constraint: "
                                                             "'Principal not found'"),
}


@dataclass(frozen=True)
class Kind:
    """A kind of resource that a call makes.

    `ids` are the elements of the answer that identify it (dots lead down in JSON); `name` is the parameter that names it
    when it is made; `known_by` are the parameters of its service that may hold that name. `lists` are pairs of a list's
    element and the identifying element of its items; `absent` is the refusal when it is asked for.
    """

    kind: str
    service: str
    create: str
    ids: tuple[str, ...]
    name: str = ""
    known_by: tuple[str, ...] = ()
    lists: tuple[tuple[str, str], ...] = ()
    absent: tuple[str, str, int] = ("", "", 400)
    # The element of an answer that lists what was asked for and is not there, instead of an error.
    failures: frozenset[str] = field(default_factory=frozenset)


def _ec2(prefix: str, create: str, tag: str, listing: str) -> Kind:
    return Kind(prefix, "ec2", create, (tag,), lists=((listing, tag),), absent=(*EC2_NOT_FOUND[prefix], 400))


KINDS = [
    _ec2("vpc", "CreateVpc", "vpcId", "vpcSet"),
    _ec2("subnet", "CreateSubnet", "subnetId", "subnetSet"),
    _ec2("igw", "CreateInternetGateway", "internetGatewayId", "internetGatewaySet"),
    _ec2("rtb", "CreateRouteTable", "routeTableId", "routeTableSet"),
    _ec2("sg", "CreateSecurityGroup", "groupId", "securityGroupInfo"),
    _ec2("nat", "CreateNatGateway", "natGatewayId", "natGatewaySet"),
    _ec2("eipalloc", "AllocateAddress", "allocationId", "addressesSet"),
    _ec2("vpce", "CreateVpcEndpoint", "vpcEndpointId", "vpcEndpointSet"),
    Kind("role", "iam", "CreateRole", ("Arn", "RoleName"), "RoleName", ("RoleName",),
         (("Roles", "RoleName"), ("RoleDetailList", "RoleName")),
         ("NoSuchEntity", "The role with name {name} cannot be found.", 404)),
    Kind("policy", "iam", "CreatePolicy", ("Arn",), lists=(("Policies", "Arn"),),
         absent=("NoSuchEntity", "Policy {id} was not found.", 404)),
    Kind("loadbalancer", "elasticloadbalancing", "CreateLoadBalancer", ("LoadBalancerArn",), "Name", ("Names",),
         (("LoadBalancers", "LoadBalancerArn"),), ("LoadBalancerNotFound", "Load balancer '{id}' not found", 400)),
    Kind("targetgroup", "elasticloadbalancing", "CreateTargetGroup", ("TargetGroupArn",), "Name", ("Names",),
         (("TargetGroups", "TargetGroupArn"),), ("TargetGroupNotFound", "One or more target groups not found", 400)),
    Kind("listener", "elasticloadbalancing", "CreateListener", ("ListenerArn",), lists=(("Listeners", "ListenerArn"),),
         absent=("ListenerNotFound", "One or more listeners not found", 400)),
    Kind("rule", "elasticloadbalancing", "CreateRule", ("RuleArn",), lists=(("Rules", "RuleArn"),),
         absent=("RuleNotFound", "One or more rules not found", 400)),
    Kind("subgrp", "rds", "CreateDBSubnetGroup", ("DBSubnetGroupArn",), "DBSubnetGroupName", ("DBSubnetGroupName",),
         (("DBSubnetGroups", "DBSubnetGroupName"),), ("DBSubnetGroupNotFoundFault", "DB subnet group '{name}' does not exist.", 404)),
    Kind("pg", "rds", "CreateDBParameterGroup", ("DBParameterGroupArn",), "DBParameterGroupName", ("DBParameterGroupName",),
         (("DBParameterGroups", "DBParameterGroupName"),), ("DBParameterGroupNotFound", "DBParameterGroup not found: {name}", 404)),
    Kind("db", "rds", "CreateDBInstance", ("DBInstanceArn",), "DBInstanceIdentifier", ("DBInstanceIdentifier",),
         (("DBInstances", "DBInstanceIdentifier"),), ("DBInstanceNotFound", "DBInstance {name} not found.", 404)),
    Kind("cluster", "ecs", "CreateCluster", ("cluster.clusterArn",), "clusterName", ("cluster", "clusters"),
         (("clusters", "clusterArn"), ("clusterArns", "")), ("ClusterNotFoundException", "Cluster not found.", 400),
         frozenset({"DescribeClusters"})),
    Kind("service", "ecs", "CreateService", ("service.serviceArn",), "serviceName", ("service", "services"),
         (("services", "serviceArn"), ("serviceArns", "")), ("ServiceNotFoundException", "Service not found.", 400),
         frozenset({"DescribeServices"})),
    Kind("taskdef", "ecs", "RegisterTaskDefinition", ("taskDefinition.taskDefinitionArn",),
         lists=(("taskDefinitionArns", ""),), absent=("ClientException", "Unable to describe task definition.", 400)),
    Kind("repository", "ecr", "CreateRepository", ("repository.repositoryArn",), "repositoryName",
         ("repositoryName", "repositoryNames"), (("repositories", "repositoryArn"),),
         ("RepositoryNotFoundException", "The repository with name '{name}' does not exist in the registry", 400)),
    Kind("loggroup", "logs", "CreateLogGroup", (), "logGroupName", ("logGroupName", "logGroupIdentifier"),
         (("logGroups", "logGroupName"),), ("ResourceNotFoundException", "The specified log group does not exist.", 400)),
    Kind("secret", "secretsmanager", "CreateSecret", ("ARN",), "Name", ("SecretId", "SecretIdList"),
         (("SecretList", "ARN"),), ("ResourceNotFoundException", "Secrets Manager can't find the specified secret.", 400)),
    Kind("bucket", "s3", "CreateBucket", (), "Bucket", ("Bucket",), (("Buckets", "Name"),),
         ("NoSuchBucket", "The specified bucket does not exist", 404)),
]
BY_CREATE = {(kind.service, kind.create): kind for kind in KINDS}


def refusal_of(kind: Kind, service: str, action: str, identifier: str, name: str) -> tuple[str, str, int]:
    """Code, sentence and status with which `service` says that it does not know this resource."""
    if (service, kind.kind) in ELSEWHERE:
        code, text = ELSEWHERE[(service, kind.kind)]
        return code, text.format(id=identifier, name=name), 400
    if kind.kind == "nat" and not action.startswith(("Describe", "Delete")):
        return "InvalidNatGatewayID.NotFound", f"The natGateway ID '{identifier}' does not exist", 400
    if kind.kind == "targetgroup" and service == "elasticloadbalancing" and not action.startswith("Describe"):
        return "TargetGroupNotFound", f"Target groups '{identifier}' not found", 400
    code, text, status = kind.absent
    return code, text.format(id=identifier, name=name), status
