"""Network interfaces that AWS services put into a customer's subnets, and that block deletes while they live."""

from __future__ import annotations

from typing import Any

from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.utils import random_eni_id, random_private_ip, random_public_ip


class ServiceAttachment:
    """The attachment of an interface to something that is not an instance of the customer's."""

    def __init__(self, eni: "ServiceInterface") -> None:
        self.attachment_id = eni.attachment_id
        self.instance_owner_id = eni.attached_by
        self.instance_id = None
        self.status = "attached"
        self.device_index = 1
        self.network_card_index = 0
        self.delete_on_termination = False
        self.attach_time = None


class ServiceInterface(NetworkInterface):
    """An interface owned by a service; described and filtered as AWS shows it."""

    attached_by = ""

    @property
    def attachment(self) -> ServiceAttachment:
        return ServiceAttachment(self)

    def get_filter_value(self, filter_name: str, method_name: str | None = None) -> Any:
        if filter_name == "attachment.instance-owner-id":
            return self.attached_by
        if filter_name == "attachment.status":
            return "attached"
        if filter_name == "requester-managed":
            return "true"
        return super().get_filter_value(filter_name, method_name)


def add_interface(
    ec2: Any, subnet_id: str, groups: list[str], description: str, *, kind: str = "interface",
    attached_by: str = "amazon-aws", requester: str = "", public: bool = False,
) -> ServiceInterface:
    """Create an interface in a subnet. `groups` empty takes the VPC's default group, as in AWS."""
    subnet = ec2.get_subnet(subnet_id)
    eni = ServiceInterface(ec2, subnet, _free_address(ec2, subnet), group_ids=list(groups), description=description)
    eni.attachment_id = "eni-attach-" + random_eni_id()[4:]
    eni.attached_by = attached_by
    eni.interface_type = kind
    eni.requester_managed = True
    eni.requester_id = requester or attached_by
    eni.status = "in-use"
    if public:
        eni.public_ip = random_public_ip()
    ec2.enis[eni.id] = eni
    return eni


def _free_address(ec2: Any, subnet: Any) -> str:
    """An address that no other interface of the subnet has; moto draws one at random, and two may come out the same."""
    taken = {eni.private_ip_address for eni in in_subnet(ec2, subnet.id)}
    while True:
        address = random_private_ip(subnet.cidr_block)
        if address not in taken:
            return address


def remove_interface(ec2: Any, eni_id: str) -> None:
    """Take an interface away; one that is gone already is fine."""
    ec2.enis.pop(eni_id, None)


def in_subnet(ec2: Any, subnet_id: str) -> list[NetworkInterface]:
    return [eni for eni in ec2.enis.values() if eni.subnet.id == subnet_id]


def in_vpc(ec2: Any, vpc_id: str) -> list[NetworkInterface]:
    return [eni for eni in ec2.enis.values() if eni.subnet.vpc_id == vpc_id]


def with_group(ec2: Any, group_id: str) -> list[NetworkInterface]:
    return [eni for eni in ec2.enis.values() if any(group.id == group_id for group in eni.group_set)]
