"""NAT gateways: they become available and go away slowly, hold an interface and an address, and can fail."""

from __future__ import annotations

from moto.ec2.models import EC2Backend
from moto.ec2.models.nat_gateways import NatGateway
from moto.ec2.utils import generic_filter

from . import interfaces
from .clock import CLOCK
from .errors import refuse
from .lag import LAG
from .patch import replaces


def install() -> None:
    @replaces(EC2Backend, "create_nat_gateway")
    def create_nat_gateway(original, self, subnet_id, allocation_id, tags=None, connectivity_type="public"):
        subnet = self.get_subnet(subnet_id)
        public = (connectivity_type or "public") == "public"
        if public and not allocation_id:
            raise refuse("MissingParameter", "The request must contain the parameter AllocationId")
        if allocation_id:
            address = self.address_by_allocation([allocation_id])[0]
            if address.association_id:
                raise refuse("Resource.AlreadyAssociated",
                             f"Elastic IP address [{allocation_id}] is already associated")
        nat = original(self, subnet_id, allocation_id, tags, connectivity_type or "public")
        nat.connectivity_type = connectivity_type or "public"
        _own_interface(self, nat, subnet)
        nat.state = "pending"
        routed = any(igw.vpc and igw.vpc.id == subnet.vpc_id for igw in self.internet_gateways.values()) \
            and LAG.gateway_seen(subnet.vpc_id)
        CLOCK.after("nat.create", lambda: _arrive(self, nat, routed or not public))
        return nat

    @replaces(EC2Backend, "delete_nat_gateway")
    def delete_nat_gateway(original, self, nat_gateway_id):
        nat = self.nat_gateways.get(nat_gateway_id)
        if nat is None:
            raise refuse("NatGatewayNotFound", f"The Nat Gateway {nat_gateway_id} was not found")
        if nat.state in ("deleting", "deleted"):
            return nat
        nat.state = "deleting"
        CLOCK.after("nat.delete", lambda: _leave(self, nat))
        return nat

    @replaces(EC2Backend, "describe_nat_gateways")
    def describe_nat_gateways(original, self, filters, nat_gateway_ids):
        found = list(self.nat_gateways.values())
        for wanted in nat_gateway_ids or []:
            if wanted not in self.nat_gateways:
                raise refuse("NatGatewayNotFound", f"The Nat Gateway {wanted} was not found")
        if nat_gateway_ids:
            found = [nat for nat in found if nat.id in nat_gateway_ids]
        return generic_filter(filters, found)

    def get_filter_value(self, filter_name, method_name=None):
        if filter_name == "nat-gateway-id":
            return self.id
        return super(NatGateway, self).get_filter_value(filter_name, "DescribeNatGateways")

    NatGateway.get_filter_value = get_filter_value
    NatGateway.failure_code = NatGateway.failure_message = None


def _own_interface(ec2, nat, subnet) -> None:
    """Replace moto's plain interface by one that is the service's, in the subnet's range."""
    plain = nat._eni
    eni = interfaces.add_interface(ec2, subnet.id, [], f"Interface for NAT Gateway {nat.id}", kind="nat_gateway",
                                   attached_by="amazon-aws", requester="amazon-aws")
    eni._group_set = []
    eni.public_ip = plain.public_ip
    for address in ec2.addresses:
        if address.eni is plain:
            address.eni = eni
    ec2.enis.pop(plain.id, None)
    nat._eni, nat.private_ip = eni, eni.private_ip_address
    for entry in nat.address_set:
        entry.update(networkInterfaceId=eni.id, privateIp=eni.private_ip_address)


def _arrive(ec2, nat, routed: bool) -> None:
    if nat.state != "pending":
        return
    if routed:
        nat.state = "available"
        return
    nat.state, nat.failure_code = "failed", "Gateway.NotAttached"
    nat.failure_message = f"Network {nat.vpc_id} has no Internet gateway attached"
    _let_go(ec2, nat)


def _leave(ec2, nat) -> None:
    """`deleted` gateways stay listed, with their tags, as in AWS for about an hour."""
    nat.state = "deleted"
    _let_go(ec2, nat)


def _let_go(ec2, nat) -> None:
    for address in ec2.addresses:
        if address.eni is nat._eni:
            address.eni = address.instance = address.association_id = None
    interfaces.remove_interface(ec2, nat._eni.id)
