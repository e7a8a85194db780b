"""Networks: what blocks what, NAT gateways that take time, pages, tokens and dry runs."""

import pytest
from botocore.exceptions import ClientError

from conftest import code

gap = pytest.mark.gap


@gap
def test_a_vpc_with_a_gateway_stays(aws):
    vpc = aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    gateway = aws.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    aws.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    assert code(aws.ec2.delete_vpc, VpcId=vpc) == "DependencyViolation"
    aws.ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    assert code(aws.ec2.delete_vpc, VpcId=vpc) is None


@gap
def test_a_vpc_with_a_group_stays(aws):
    vpc = aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = aws.ec2.create_security_group(GroupName="a", Description="a", VpcId=vpc)["GroupId"]
    assert code(aws.ec2.delete_vpc, VpcId=vpc) == "DependencyViolation"
    aws.ec2.delete_security_group(GroupId=group)
    assert code(aws.ec2.delete_vpc, VpcId=vpc) is None


@gap
def test_a_second_gateway_is_refused(aws, network):
    other = aws.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    assert code(aws.ec2.attach_internet_gateway, InternetGatewayId=other,
                VpcId=network.vpc) == "InvalidParameterValue"


@gap
def test_default_group_and_main_table_cannot_be_deleted(aws, network):
    groups = aws.ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [network.vpc]}])["SecurityGroups"]
    default = next(group["GroupId"] for group in groups if group["GroupName"] == "default")
    assert code(aws.ec2.delete_security_group, GroupId=default) == "CannotDelete"
    tables = aws.ec2.describe_route_tables(Filters=[{"Name": "association.main", "Values": ["true"]},
                                                    {"Name": "vpc-id", "Values": [network.vpc]}])["RouteTables"]
    assert code(aws.ec2.delete_route_table, RouteTableId=tables[0]["RouteTableId"]) == "DependencyViolation"


@gap
def test_a_subnet_has_one_association_and_takes_it_along(aws, network):
    other = aws.ec2.create_route_table(VpcId=network.vpc)["RouteTable"]["RouteTableId"]
    assert code(aws.ec2.associate_route_table, RouteTableId=other,
                SubnetId=network.subnets[0]) == "Resource.AlreadyAssociated"
    assert code(aws.ec2.delete_route_table, RouteTableId=network.table) == "DependencyViolation"
    for subnet in network.subnets:
        aws.ec2.delete_subnet(SubnetId=subnet)
    assert code(aws.ec2.delete_route_table, RouteTableId=network.table) is None


@gap
def test_routes_need_a_target_of_the_same_network(aws, network):
    free = aws.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    assert code(aws.ec2.create_route, RouteTableId=network.table, DestinationCidrBlock="1.0.0.0/8",
                GatewayId=free) == "InvalidParameterValue"
    assert code(aws.ec2.create_route, RouteTableId=network.table, DestinationCidrBlock="1.0.0.0/8",
                NatGatewayId="nat-0123456789abcdef0") == "InvalidNatGatewayID.NotFound"


def nat(aws, network, **more):
    address = aws.ec2.allocate_address(Domain="vpc")["AllocationId"]
    return aws.ec2.create_nat_gateway(SubnetId=network.subnets[0], AllocationId=address, **more)["NatGateway"], address


def state(aws, identity):
    return aws.ec2.describe_nat_gateways(NatGatewayIds=[identity])["NatGateways"][0]["State"]


@gap
def test_a_nat_gateway_takes_time_both_ways(aws, network):
    aws.clock(1)
    made, address = nat(aws, network)
    identity = made["NatGatewayId"]
    assert (made["State"], state(aws, identity)) == ("pending", "pending")
    aws.clock(0)
    assert state(aws, identity) == "available"
    aws.ec2.create_tags(Resources=[identity], Tags=[{"Key": "kept", "Value": "yes"}])
    aws.clock(1)
    aws.ec2.delete_nat_gateway(NatGatewayId=identity)
    assert state(aws, identity) == "deleting"
    assert code(aws.ec2.release_address, AllocationId=address) == "InvalidIPAddress.InUse"
    aws.clock(0)
    assert state(aws, identity) == "deleted"
    # It stays listed, with its tags, and holds nothing any more.
    listed = aws.ec2.describe_nat_gateways(Filters=[{"Name": "tag:kept", "Values": ["yes"]}])["NatGateways"]
    assert [entry["NatGatewayId"] for entry in listed] == [identity]
    assert code(aws.ec2.release_address, AllocationId=address) is None


@gap
def test_a_nat_gateway_blocks_subnet_gateway_and_address(aws, network):
    made, address = nat(aws, network)
    for association in network.associations:
        aws.ec2.disassociate_route_table(AssociationId=association)
    assert code(aws.ec2.delete_subnet, SubnetId=network.subnets[0]) == "DependencyViolation"
    assert code(aws.ec2.detach_internet_gateway, InternetGatewayId=network.gateway,
                VpcId=network.vpc) == "DependencyViolation"
    assert code(aws.ec2.release_address, AllocationId=address) == "InvalidIPAddress.InUse"
    aws.ec2.delete_nat_gateway(NatGatewayId=made["NatGatewayId"])
    assert code(aws.ec2.delete_subnet, SubnetId=network.subnets[0]) is None
    assert code(aws.ec2.detach_internet_gateway, InternetGatewayId=network.gateway, VpcId=network.vpc) is None


@gap
def test_a_nat_gateway_without_a_way_out_fails(aws):
    vpc = aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = aws.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    address = aws.ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = aws.ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    found = aws.ec2.describe_nat_gateways(NatGatewayIds=[made])["NatGateways"][0]
    assert (found["State"], found["FailureCode"]) == ("failed", "Gateway.NotAttached")


@gap
def test_a_nat_gateway_token_replays(aws, network):
    address = aws.ec2.allocate_address(Domain="vpc")["AllocationId"]
    asked = dict(SubnetId=network.subnets[0], AllocationId=address, ClientToken="once")
    first = aws.ec2.create_nat_gateway(**asked)["NatGateway"]["NatGatewayId"]
    assert aws.ec2.create_nat_gateway(**asked)["NatGateway"]["NatGatewayId"] == first
    other = {**asked, "SubnetId": network.subnets[1]}
    assert code(aws.ec2.create_nat_gateway, **other) == "IdempotentParameterMismatch"
    assert code(aws.ec2.create_nat_gateway, **{**asked, "ClientToken": "two"}) == "Resource.AlreadyAssociated"


@gap
def test_a_route_table_token_replays(aws, network):
    made = [aws.ec2.create_route_table(VpcId=network.vpc, ClientToken="t")["RouteTable"]["RouteTableId"]
            for _ in range(2)]
    assert made[0] == made[1]


@gap
def test_a_route_to_a_deleted_nat_is_a_black_hole(aws, network):
    made, _ = nat(aws, network)
    aws.ec2.create_route(RouteTableId=network.table, DestinationCidrBlock="8.0.0.0/8",
                         NatGatewayId=made["NatGatewayId"])
    aws.ec2.delete_nat_gateway(NatGatewayId=made["NatGatewayId"])
    routes = aws.ec2.describe_route_tables(RouteTableIds=[network.table])["RouteTables"][0]["Routes"]
    assert next(route["State"] for route in routes if route["DestinationCidrBlock"] == "8.0.0.0/8") == "blackhole"


@gap
def test_unknown_nat_gateways_are_an_error(aws):
    missing = "nat-0123456789abcdef0"
    assert code(aws.ec2.describe_nat_gateways, NatGatewayIds=[missing]) == "NatGatewayNotFound"
    assert code(aws.ec2.delete_nat_gateway, NatGatewayId=missing) == "NatGatewayNotFound"


@gap
def test_a_referenced_group_stays(aws, network):
    other = aws.ec2.create_security_group(GroupName="db", Description="db", VpcId=network.vpc)["GroupId"]
    rule = [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": network.group}]}]
    aws.ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=rule)
    assert code(aws.ec2.delete_security_group, GroupId=network.group) == "DependencyViolation"
    aws.ec2.revoke_security_group_ingress(GroupId=other, IpPermissions=rule)
    assert code(aws.ec2.delete_security_group, GroupId=network.group) is None


@gap
def test_a_group_of_an_interface_stays(aws, network):
    eni = aws.ec2.create_network_interface(SubnetId=network.subnets[0], Groups=[network.group])["NetworkInterface"]
    assert code(aws.ec2.delete_security_group, GroupId=network.group) == "DependencyViolation"
    assert code(aws.ec2.delete_subnet, SubnetId=network.subnets[0]) == "DependencyViolation"
    aws.ec2.delete_network_interface(NetworkInterfaceId=eni["NetworkInterfaceId"])
    assert code(aws.ec2.delete_security_group, GroupId=network.group) is None


@gap
def test_one_bad_rule_fails_the_whole_batch_and_descriptions_are_kept(aws, network):
    known = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80,
             "UserIdGroupPairs": [{"GroupId": network.group, "Description": "from itself"}]}
    new = {"IpProtocol": "tcp", "FromPort": 81, "ToPort": 81, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    aws.ec2.authorize_security_group_ingress(GroupId=network.group, IpPermissions=[known])
    plain = {**known, "UserIdGroupPairs": [{"GroupId": network.group}]}
    assert code(aws.ec2.authorize_security_group_ingress, GroupId=network.group,
                IpPermissions=[new, plain]) == "InvalidPermission.Duplicate"
    rules = aws.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [network.group]}])
    ingress = [rule for rule in rules["SecurityGroupRules"] if not rule["IsEgress"]]
    assert [rule.get("Description") for rule in ingress] == ["from itself"]
    two = [new, {**new, "FromPort": 82, "ToPort": 82}]
    answer = aws.ec2.authorize_security_group_ingress(GroupId=network.group, IpPermissions=two)
    assert len(answer["SecurityGroupRules"]) == 2


@gap
def test_describes_page(aws):
    vpc = aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    made = {aws.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24")["Subnet"]["SubnetId"] for n in range(12)}
    asked = dict(Filters=[{"Name": "vpc-id", "Values": [vpc]}], MaxResults=5)
    sizes, found, token = [], set(), None
    while token is not None or not sizes:
        page = aws.ec2.describe_subnets(**asked, **({"NextToken": token} if token else {}))
        sizes.append(len(page["Subnets"]))
        found |= {subnet["SubnetId"] for subnet in page["Subnets"]}
        token = page.get("NextToken")
    assert (sizes, found) == ([5, 5, 2], made)
    assert code(aws.ec2.describe_subnets, SubnetIds=list(made), MaxResults=5) == "InvalidParameterCombination"
    assert code(aws.ec2.describe_vpcs, MaxResults=5, NextToken="nonsense") == "InvalidNextToken"


@gap
def test_a_dry_run_does_nothing(aws):
    with pytest.raises(ClientError) as refused:
        aws.ec2.create_vpc(CidrBlock="10.9.0.0/16", DryRun=True)
    assert refused.value.response["Error"]["Code"] == "DryRunOperation"
    found = aws.ec2.describe_vpcs(Filters=[{"Name": "cidr-block-association.cidr-block", "Values": ["10.9.0.0/16"]}])
    assert found["Vpcs"] == []
