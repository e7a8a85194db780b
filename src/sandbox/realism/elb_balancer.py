"""Load balancers: names, zones, states, interfaces and protection. API pages: CreateLoadBalancer,
DeleteLoadBalancer."""

from __future__ import annotations

import re

from moto.elbv2.models import ELBv2Backend, FakeLoadBalancer

from . import interfaces
from .clock import CLOCK
from .errors import refuse
from .patch import replaces
from .runner import RUNNER

# What an application load balancer answers before anything is set. API page: LoadBalancerAttribute.
DEFAULTS = {
    "access_logs.s3.enabled": "false",
    "access_logs.s3.bucket": "",
    "access_logs.s3.prefix": "",
    "connection_logs.s3.enabled": "false",
    "connection_logs.s3.bucket": "",
    "connection_logs.s3.prefix": "",
    "client_keep_alive.seconds": "3600",
    "deletion_protection.enabled": "false",
    "idle_timeout.timeout_seconds": "60",
    "ipv6.deny_all_igw_traffic": "false",
    "load_balancing.cross_zone.enabled": "true",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}
ZONE_OF_BALANCERS = {"us-east-1": "Z35SXDOTRQ7X7K", "us-east-2": "Z3AADJGX6KTTL2", "us-west-1": "Z368ELLRRE2KJ0",
                     "us-west-2": "Z1H1FL5HABSF5", "eu-west-1": "Z32O12XQLNTSW2", "eu-central-1": "Z215JYRZR1TBD5"}


def install() -> None:
    # moto activates on the first describe; here the clock does.
    FakeLoadBalancer.activate = lambda self: None
    FakeLoadBalancer.dns_name = property(lambda self: RUNNER.name_of(self) or self._name,
                                         lambda self, name: setattr(self, "_name", name))
    _create()
    _delete()
    _change()


def _create() -> None:
    @replaces(ELBv2Backend, "create_load_balancer")
    def create_load_balancer(original, self, name, security_groups, subnet_ids, subnet_mappings=None, scheme=None,
                             loadbalancer_type=None, ip_address_type="ipv4", tags=None):
        scheme, kind = scheme or "internet-facing", loadbalancer_type or "application"
        _check_name(name)
        wanted = list(subnet_ids or []) + [mapping["SubnetId"] for mapping in subnet_mappings or []]
        subnets = [_subnet(self, subnet_id) for subnet_id in wanted]
        groups = sorted(security_groups or _default_groups(self, subnets, kind))
        for known in self.load_balancers.values():
            if known.name == name:
                same = (known.scheme == scheme and known.type == kind and known.ip_address_type == ip_address_type
                        and sorted(subnet.id for subnet in known.subnets) == sorted(wanted)
                        and sorted(known.security_groups) == groups)
                if same:
                    return known
                raise refuse("DuplicateLoadBalancerName",
                             f"A load balancer with the same name '{name}' exists, but with different settings")
        _check_places(self, subnets, groups, scheme, kind)
        balancer = original(self, name, groups, subnet_ids, subnet_mappings, scheme, kind, ip_address_type, tags)
        number = int(balancer.arn.rsplit("/", 1)[1][:8], 16)
        prefix = "internal-" if scheme == "internal" else ""
        balancer.dns_name = f"{prefix}{name}-{number}.{self.region_name}.elb.amazonaws.com"
        balancer.canonical_hosted_zone_id = ZONE_OF_BALANCERS.get(self.region_name, "Z35SXDOTRQ7X7K")
        if kind == "application":
            balancer.attrs = dict(DEFAULTS)
        balancer.interfaces = {}
        _place(self, balancer)
        CLOCK.after("lb.create", lambda: setattr(balancer, "state", "active"))
        return balancer


def _check_name(name: str) -> None:
    if len(name) > 32:
        raise refuse("ValidationError", f"The load balancer name '{name}' cannot be longer than '32' characters")
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?", name) or name.startswith("internal-"):
        raise refuse("ValidationError", f"The load balancer name '{name}' can only contain characters that are "
                                        "alphanumeric characters and hyphens(-), cannot begin or end with a hyphen "
                                        "or begin with 'internal-'")


def _subnet(elb, subnet_id: str):
    for zone in elb.ec2_backend.subnets.values():
        if subnet_id in zone:
            return zone[subnet_id]
    raise refuse("SubnetNotFound", f"The subnet ID '{subnet_id}' is not valid")


def _default_groups(elb, subnets, kind: str) -> list[str]:
    if kind != "application" or not subnets:
        return []
    return [elb.ec2_backend.get_default_security_group(subnets[0].vpc_id).id]


def _check_places(elb, subnets, groups, scheme: str, kind: str) -> None:
    zones = [subnet.availability_zone for subnet in subnets]
    if kind == "application" and len(set(zones)) < 2:
        raise refuse("ValidationError",
                     "At least two subnets in two different Availability Zones must be specified")
    if len(set(zones)) < len(zones):
        raise refuse("InvalidConfigurationRequest",
                     "A load balancer cannot be attached to multiple subnets in the same Availability Zone")
    if len({subnet.vpc_id for subnet in subnets}) > 1:
        raise refuse("InvalidConfigurationRequest", "The subnets must belong to one VPC")
    for group_id in groups:
        group = elb.ec2_backend.get_security_group_from_id(group_id)
        if group is None or group.vpc_id != subnets[0].vpc_id:
            raise refuse("InvalidConfigurationRequest", f"One or more security groups are invalid: '{group_id}'")
    if subnets and scheme == "internet-facing":
        gateways = elb.ec2_backend.internet_gateways.values()
        if not subnets[0].ec2_backend.vpcs[subnets[0].vpc_id].is_default and not any(
                igw.vpc and igw.vpc.id == subnets[0].vpc_id for igw in gateways):
            raise refuse("InvalidSubnet", f"VPC {subnets[0].vpc_id} has no internet gateway")


def _place(elb, balancer) -> None:
    """One interface per subnet, under the name a customer sees: `ELB app/<name>/<id>`."""
    wanted = {subnet.id for subnet in balancer.subnets}
    for subnet_id in sorted(wanted - set(balancer.interfaces)):
        eni = interfaces.add_interface(
            elb.ec2_backend, subnet_id, balancer.security_groups,
            "ELB " + balancer.arn.split(":loadbalancer/")[1], attached_by="amazon-elb", requester="amazon-elb",
            public=balancer.scheme == "internet-facing")
        balancer.interfaces[subnet_id] = eni
    for subnet_id in set(balancer.interfaces) - wanted:
        interfaces.remove_interface(elb.ec2_backend, balancer.interfaces.pop(subnet_id).id)
    for eni in balancer.interfaces.values():
        eni._group_set = [group for group in map(elb.ec2_backend.get_security_group_from_id, balancer.security_groups)
                          if group]


def _delete() -> None:
    @replaces(ELBv2Backend, "delete_load_balancer")
    def delete_load_balancer(original, self, arn):
        balancer = self.load_balancers.get(arn)
        if balancer is None:
            return
        if str(balancer.attrs.get("deletion_protection.enabled")).lower() == "true":
            raise refuse("OperationNotPermitted",
                         f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled")
        for listener in balancer.listeners.values():
            for gone in [listener.arn, *listener.rules]:
                self.tagging_service.delete_all_tags_for_resource(str(gone))
        self.tagging_service.delete_all_tags_for_resource(arn)
        original(self, arn)
        going = [eni.id for eni in balancer.interfaces.values()]

        def leave() -> None:
            for eni_id in going:
                interfaces.remove_interface(self.ec2_backend, eni_id)

        CLOCK.after("lb.enis", leave)


def _change() -> None:
    @replaces(ELBv2Backend, "set_security_groups")
    def set_security_groups(original, self, arn, sec_groups):
        original(self, arn, sec_groups)
        _place(self, self.load_balancers[arn])

    @replaces(ELBv2Backend, "set_subnets")
    def set_subnets(original, self, arn, subnets, subnet_mappings):
        answer = original(self, arn, subnets, subnet_mappings)
        _place(self, self.load_balancers[arn])
        return answer

    @replaces(ELBv2Backend, "add_tags")
    def add_tags(original, self, resource_arns, tags):
        # moto stops at 10 tags; the quota is 50.
        for arn in resource_arns:
            self._get_resource_by_arn(arn)
            known = self.tagging_service.get_tag_dict_for_resource(arn)
            if len({*known, *(tag["Key"] for tag in tags)}) > 50:
                raise refuse("TooManyTags", "The quota for the number of tags that can be assigned to a load "
                                            "balancer has been reached")
            self.tagging_service.tag_resource(arn, tags)
