"""EC2: what must be gone before what. API pages: DeleteVpc, DeleteSubnet, DeleteSecurityGroup,
DetachInternetGateway."""

from __future__ import annotations

from moto.ec2.models import EC2Backend

from . import interfaces
from .errors import refuse
from .patch import replaces


def install() -> None:
    _networks()
    _gateways()
    _routes()
    _groups()


def _going(ec2) -> str | None:
    """The VPC that is being deleted right now, whose main table and default group go with it."""
    return ec2.__dict__.get("_vpc_going")


def _networks() -> None:
    @replaces(EC2Backend, "delete_vpc")
    def delete_vpc(original, self, vpc_id):
        self.get_vpc(vpc_id)
        attached = any(igw.vpc and igw.vpc.id == vpc_id for igw in self.internet_gateways.values())
        groups = [group for group in self.groups.get(vpc_id, {}).values() if group.name != "default"]
        tables = [table for table in self.route_tables.values()
                  if table.vpc_id == vpc_id and table.main_association_id is None]
        if attached or groups or tables or interfaces.in_vpc(self, vpc_id):
            raise refuse("DependencyViolation", f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
        self._vpc_going = vpc_id
        try:
            vpc = original(self, vpc_id)
        finally:
            self._vpc_going = None
        for acl in [acl for acl in self.network_acls.values() if acl.vpc_id == vpc_id]:
            self.network_acls.pop(acl.id)
        return vpc

    @replaces(EC2Backend, "delete_subnet")
    def delete_subnet(original, self, subnet_id):
        self.get_subnet(subnet_id)
        if interfaces.in_subnet(self, subnet_id):
            raise refuse("DependencyViolation", f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
        for table in self.route_tables.values():
            for association, target in list(table._associations.items()):
                if target == subnet_id:
                    table._associations.pop(association)
        return original(self, subnet_id)


def _gateways() -> None:
    @replaces(EC2Backend, "attach_internet_gateway")
    def attach_internet_gateway(original, self, internet_gateway_id, vpc_id):
        self.get_vpc(vpc_id)
        gateway = self.get_internet_gateway(internet_gateway_id)
        if gateway.vpc:
            raise refuse("Resource.AlreadyAssociated",
                         f"resource {internet_gateway_id} is already attached to network {gateway.vpc.id}")
        if any(igw.vpc and igw.vpc.id == vpc_id for igw in self.internet_gateways.values()):
            raise refuse("InvalidParameterValue", f"Network {vpc_id} already has an internet gateway attached")
        return original(self, internet_gateway_id, vpc_id)

    @replaces(EC2Backend, "detach_internet_gateway")
    def detach_internet_gateway(original, self, internet_gateway_id, vpc_id):
        gateway = self.get_internet_gateway(internet_gateway_id)
        if gateway.vpc and gateway.vpc.id == vpc_id and any(eni.public_ip for eni in interfaces.in_vpc(self, vpc_id)):
            raise refuse("DependencyViolation", f"Network {vpc_id} has some mapped public address(es). Please unmap "
                                                "those public address(es) before detaching the gateway.")
        return original(self, internet_gateway_id, vpc_id)

    @replaces(EC2Backend, "release_address")
    def release_address(original, self, address=None, allocation_id=None):
        found = self.address_by_allocation([allocation_id]) if allocation_id else self.address_by_ip([address])
        if found[0].association_id:
            raise refuse("InvalidIPAddress.InUse", f"Address {found[0].public_ip} is in use.")
        return original(self, address=address, allocation_id=allocation_id)

    @replaces(EC2Backend, "disassociate_address")
    def disassociate_address(original, self, address=None, association_id=None):
        found = self.address_by_association([association_id]) if association_id else self.address_by_ip([address])
        if isinstance(found[0].eni, interfaces.ServiceInterface):
            raise refuse("AuthFailure", "You do not have permission to access the specified resource.")
        return original(self, address=address, association_id=association_id)


def _routes() -> None:
    @replaces(EC2Backend, "delete_route_table")
    def delete_route_table(original, self, route_table_id):
        table = self.get_route_table(route_table_id)
        # The main table goes with its VPC: moto's delete_vpc calls this.
        if table.main_association_id and _going(self) != table.vpc_id:
            raise refuse("DependencyViolation",
                         f"The routeTable '{route_table_id}' has dependencies and cannot be deleted.")
        return original(self, route_table_id)

    @replaces(EC2Backend, "associate_route_table")
    def associate_route_table(original, self, route_table_id, gateway_id=None, subnet_id=None):
        self.get_route_table(route_table_id)
        for table in self.route_tables.values():
            if subnet_id and subnet_id in table._associations.values():
                raise refuse("Resource.AlreadyAssociated", f"the specified association for route table "
                                                           f"{route_table_id} conflicts with an existing association")
        return original(self, route_table_id, gateway_id=gateway_id, subnet_id=subnet_id)

    @replaces(EC2Backend, "create_route")
    def create_route(original, self, route_table_id, destination_cidr_block, *args, **kwargs):
        _check_target(self, self.get_route_table(route_table_id), kwargs)
        return original(self, route_table_id, destination_cidr_block, *args, **kwargs)

    @replaces(EC2Backend, "replace_route")
    def replace_route(original, self, route_table_id, destination_cidr_block, *args, **kwargs):
        targets = dict(kwargs)
        if len(args) > 2:
            targets["nat_gateway_id"] = args[2]
        _check_target(self, self.get_route_table(route_table_id), targets)
        return original(self, route_table_id, destination_cidr_block, *args, **kwargs)

    from moto.ec2.models.route_tables import Route

    def state(self):
        if self.nat_gateway is not None and self.nat_gateway.state in ("deleting", "deleted", "failed"):
            return "blackhole"
        if self.gateway is not None and self.gateway.id.startswith("igw-"):
            gateway = self.route_table.ec2_backend.internet_gateways.get(self.gateway.id)
            if gateway is None or gateway.vpc is None:
                return "blackhole"
        return "active"

    Route.state = property(state)


def _check_target(ec2, table, targets) -> None:
    gateway_id, nat_id = targets.get("gateway_id"), targets.get("nat_gateway_id")
    if gateway_id and gateway_id.startswith("igw-"):
        gateway = ec2.get_internet_gateway(gateway_id)
        if gateway.vpc is None or gateway.vpc.id != table.vpc_id:
            raise refuse("InvalidParameterValue",
                         f"route table {table.id} and network gateway {gateway_id} belong to different networks")
    if nat_id:
        nat = ec2.nat_gateways.get(nat_id)
        if nat is None or nat.state in ("deleting", "deleted", "failed"):
            raise refuse("InvalidNatGatewayID.NotFound", f"The natGateway ID '{nat_id}' does not exist")


def _groups() -> None:
    @replaces(EC2Backend, "delete_security_group")
    def delete_security_group(original, self, name=None, group_id=None):
        group = self.get_security_group_from_id(group_id) if group_id else None
        if group is None:
            return original(self, name=name, group_id=group_id)
        if group.name == "default" and _going(self) != group.vpc_id:
            raise refuse("CannotDelete", f'the specified group: "{group.id}" name: "default" cannot be deleted by a '
                                         "user")
        others = [other for groups in self.groups.values() for other in groups.values() if other.id != group.id]
        referenced = any(rule.source_group.get("GroupId") == group.id
                         for other in others for rule in other.ingress_rules + other.egress_rules)
        if referenced or interfaces.with_group(self, group.id):
            raise refuse("DependencyViolation", f"resource {group.id} has a dependent object")
        return original(self, name=name, group_id=group_id)
