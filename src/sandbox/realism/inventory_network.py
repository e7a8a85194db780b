"""The inventory of networks and load balancers."""

from __future__ import annotations

from typing import Any

from . import interfaces


def network(ec2: Any, labels: Any) -> dict[str, list[dict[str, Any]]]:
    tags = lambda thing: {tag["key"]: tag["value"] for tag in thing.get_tags()}  # noqa: E731
    vpcs, subnets = [], []
    for vpc in ec2.vpcs.values():
        if vpc.is_default:
            continue
        entry = labels.learn(vpc.id, tags(vpc), vpc.cidr_block)
        vpcs.append({**entry, "cidr": vpc.cidr_block, "dns_support": _true(vpc.enable_dns_support),
                     "dns_hostnames": _true(vpc.enable_dns_hostnames), "tenancy": vpc.instance_tenancy,
                     "cidrs": sorted(item["cidr_block"] for item in vpc.get_cidr_block_association_set())})
    ours = {identity for identity, vpc in ec2.vpcs.items() if not vpc.is_default}
    for subnet in ec2.describe_subnets():
        if subnet.vpc_id in ours:
            entry = labels.learn(subnet.id, tags(subnet), subnet.cidr_block)
            subnets.append({**entry, "vpc": labels.of(subnet.vpc_id), "cidr": subnet.cidr_block,
                            "zone": subnet.availability_zone, "public_ip": _true(subnet.map_public_ip_on_launch)})
    gateways = [{**labels.learn(igw.id, tags(igw), "internet-gateway"), "vpc": labels.of(igw.vpc and igw.vpc.id)}
                for igw in ec2.internet_gateways.values() if not (igw.vpc and igw.vpc.is_default)]
    addresses = [(address, labels.learn(address.allocation_id, tags(address), "address"))
                 for address in ec2.addresses]
    nats = [{**labels.learn(nat.id, tags(nat), "nat-gateway"), "subnet": labels.of(nat.subnet_id),
             "state": nat.state, "connectivity": nat.connectivity_type,
             "addresses": labels.all(item.get("allocationId") for item in nat.address_set if item.get("allocationId"))}
            for nat in ec2.nat_gateways.values() if nat.state != "deleted"]
    endpoints = [(endpoint, labels.learn(endpoint.id, tags(endpoint), endpoint.service_name))
                 for endpoint in ec2.vpc_end_points.values() if endpoint.state.lower() != "deleted"]
    holders = {nat._eni.id: nat.id for nat in ec2.nat_gateways.values()}
    return {
        "vpcs": vpcs, "subnets": subnets, "internet_gateways": gateways, "nat_gateways": nats,
        "addresses": [{**entry, "used_by": labels.of(holders.get(address.eni.id, address.eni.id))
                       if address.eni else None} for address, entry in addresses],
        "route_tables": [_table(table, tags(table), labels) for table in ec2.route_tables.values()
                         if table.vpc_id in ours and _written(table)],
        **_groups(ec2, labels, ours, tags),
        "vpc_endpoints": [
            {**entry, "vpc": labels.of(endpoint.vpc_id), "service": endpoint.service_name, "type": endpoint.vpc_endpoint_type,
             "state": endpoint.state, "route_tables": labels.all(endpoint.route_table_ids or []),
             "subnets": labels.all(endpoint.subnet_ids or [])} for endpoint, entry in endpoints],
        "network_interfaces": [
            {**labels.learn(eni.id, tags(eni), "interface"), "subnet": labels.of(eni.subnet.id)}
            for eni in ec2.enis.values()
            if eni.subnet.vpc_id in ours and not isinstance(eni, interfaces.ServiceInterface)],
    }


def _true(value: Any) -> bool:
    return str(value).lower() == "true"


def _written(table: Any) -> bool:
    """Whether a route table is the user's, or AWS's main one with something of the user's in it."""
    return not table.main_association_id or len(table.routes) > 1 or bool(table._associations)


def _table(table: Any, tags: dict[str, str], labels: Any) -> dict[str, Any]:
    routes = []
    for route in table.routes:
        if not route.local:
            target = route.nat_gateway or route.gateway or route.interface or route.egress_only_igw or route.vpc_pcx
            routes.append({"to": route.destination_cidr_block or route.destination_ipv6_cidr_block,
                           "via": labels.of(target.id if target else None), "state": route.state})
    return {**labels.learn(table.id, tags, "main" if table.main_association_id else "route-table"),
            "vpc": labels.of(table.vpc_id), "routes": sorted(routes, key=str),
            "associations": labels.all(table._associations.values())}


def _groups(ec2: Any, labels: Any, ours: set[str], tags: Any) -> dict[str, list[dict[str, Any]]]:
    known = [group for vpc_id, groups in ec2.groups.items() if vpc_id in ours for group in groups.values()]
    entries = [(group, labels.learn(group.id, {}, group.name), tags(group)) for group in known]
    found = []
    for group, entry, group_tags in entries:
        rules = sorted([_rule(rule, labels, tags(rule)) for rule in group.ingress_rules + group.egress_rules], key=str)
        plain = [rule for rule in rules if not (rule["egress"] and rule["protocol"] == "-1"
                                                and rule["peer"] in ("0.0.0.0/0", "::/0"))]
        if group.name == "default" and not plain:
            continue
        found.append({**entry, "tags": dict(sorted(group_tags.items())), "vpc": labels.of(group.vpc_id),
                      "description": group.description, "rules": rules})
    return {"security_groups": found}


def _rule(rule: Any, labels: Any, tags: dict[str, str]) -> dict[str, Any]:
    peer = rule.ip_range.get("CidrIp") or rule.ip_range.get("CidrIpv6") or rule.prefix_list_id
    return {"egress": rule.is_egress, "protocol": rule.ip_protocol, "from": rule.from_port, "to": rule.to_port,
            "peer": peer or labels.of(rule.source_group.get("GroupId")), "description": rule.description or "",
            "tags": dict(sorted(tags.items()))}


def balancers(elb: Any, labels: Any) -> dict[str, list[dict[str, Any]]]:
    tags = elb.tagging_service.get_tag_dict_for_resource
    groups = [{**labels.learn(group.arn, {}, group.name), "tags": _ordered(tags(group.arn)),
               **{name: labels.of(getattr(group, name)) for name in GROUP_FIELDS},
               "matcher": getattr(group, "matcher", None), "attributes": _texts(group.attributes),
               "targets": len(group.targets)}
              for group in elb.target_groups.values()]
    found, listeners, rules = [], [], []
    for balancer in elb.load_balancers.values():
        found.append({**labels.learn(balancer.arn, {}, balancer.name), "tags": _ordered(tags(balancer.arn)),
                      "scheme": balancer.scheme, "type": balancer.type, "state": balancer.state,
                      "ip_address_type": balancer.ip_address_type, "vpc": labels.of(balancer.vpc_id),
                      "subnets": labels.all(subnet.id for subnet in balancer.subnets),
                      "security_groups": labels.all(balancer.security_groups),
                      "attributes": _texts(balancer.attrs)})
        for listener in balancer.listeners.values():
            label = f"{balancer.name}:{listener.port}"
            listeners.append({**labels.learn(listener.arn, {}, label), "tags": _ordered(tags(listener.arn)),
                              "protocol": listener.protocol, "port": int(listener.port),
                              "certificates": labels.all(listener.certificates),
                              "ssl_policy": listener.ssl_policy, "actions": _actions(listener.default_actions, labels)})
            for rule in listener.rules.values():
                if not rule.is_default:
                    rules.append({**labels.learn(rule.arn, {}, f"{label}:{rule.priority}"),
                                  "tags": _ordered(tags(rule.arn)), "priority": str(rule.priority),
                                  "conditions": labels.deep(rule.conditions), "actions": _actions(rule.actions, labels)})
    return {"load_balancers": found, "listeners": listeners, "listener_rules": rules, "target_groups": groups}


GROUP_FIELDS = ("protocol", "protocol_version", "port", "vpc_id", "target_type", "ip_address_type",
                "health_check_protocol", "health_check_port", "health_check_path", "health_check_interval_seconds",
                "health_check_timeout_seconds", "health_check_enabled", "healthy_threshold_count",
                "unhealthy_threshold_count")


def _actions(actions: Any, labels: Any) -> list[Any]:
    return [labels.deep(action.data) for action in actions]


def _ordered(tags: dict[str, str]) -> dict[str, str]:
    return dict(sorted(tags.items()))


def _texts(values: dict[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in sorted(values.items())}
