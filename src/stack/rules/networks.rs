//! Subnets inside their VPC, apart from one another, in enough zones, and with one route table.

use std::collections::{BTreeMap, BTreeSet};

use super::Seen;
use crate::diagnostic::code;
use crate::model::Value;
use crate::stack::checked::Resource;
use crate::stack::desk::Desk;
use crate::stack::net::Net;

/// Kinds whose `subnets` AWS wants in two zones at least (ELB: CreateLoadBalancer; RDS: CreateDBSubnetGroup).
const TWO_ZONES: &[&str] = &["elbv2.load_balancer", "rds.db_subnet_group"];

pub fn check(desk: &mut Desk<'_>, seen: &Seen<'_>) {
    if !only_ipv4(desk, seen) {
        return;
    }
    sizes(desk, seen);
    let subnets: Vec<(&Resource, Net)> = seen
        .of_kind("ec2.subnet")
        .filter_map(|subnet| Some((subnet, net(seen, subnet)?)))
        .collect();
    for (i, (subnet, network)) in subnets.iter().enumerate() {
        let vpc = subnet.attributes.get("vpc_id");
        if let Some(vpc) = seen.target(vpc)
            && let Some(outer) = net(seen, vpc)
            && !outer.contains(*network)
        {
            desk.error(
                code::CIDR_OUTSIDE,
                seen.span(subnet, "cidr"),
                format!("this subnet is not within its VPC, {}", cidr(vpc)),
            )
            .and(seen.span(vpc, "cidr"), "the VPC")
            .help(format!(
                "give the subnet a network within {}, or make the VPC's larger",
                cidr(vpc)
            ));
        }
        for (other, taken) in &subnets[..i] {
            if other.attributes.get("vpc_id") == vpc && network.overlaps(*taken) {
                desk.error(
                    code::CIDR_OVERLAP,
                    seen.span(subnet, "cidr"),
                    format!("{} overlaps with {}", cidr(subnet), cidr(other)),
                )
                .and(seen.span(other, "cidr"), "taken here")
                .help("give each subnet a network of its own");
            }
        }
    }
    for kind in TWO_ZONES {
        for resource in seen.of_kind(kind) {
            zones(desk, seen, resource);
        }
    }
    tables(desk, seen);
}

fn cidr(resource: &Resource) -> &str {
    resource.attributes.text("cidr").unwrap_or("?")
}

fn net(seen: &Seen<'_>, resource: &Resource) -> Option<Net> {
    let value = seen.known(resource.attributes.get("cidr"));
    Net::parse(value.as_text()?)
}

/// A VPC's own network is IPv4 (CreateVpc, CidrBlock). What is wrong with subnets follows from one that is not.
fn only_ipv4(desk: &mut Desk<'_>, seen: &Seen<'_>) -> bool {
    let mut is_right = true;
    for resource in seen.of_kind("ec2.vpc").chain(seen.of_kind("ec2.subnet")) {
        let Some(cidr) = seen
            .text(resource, "cidr")
            .filter(|cidr| cidr.contains(':'))
        else {
            continue;
        };
        desk.error(
            code::BAD_CIDR,
            seen.span(resource, "cidr"),
            format!(
                "`{cidr}` is an IPv6 network; the network of `{}` must be IPv4",
                resource.address
            ),
        )
        .help("for example `10.0.0.0/16`");
        is_right = false;
    }
    is_right
}

/// VPCs and subnets are `/16` to `/28` (VPC user guide, "VPC CIDR blocks").
fn sizes(desk: &mut Desk<'_>, seen: &Seen<'_>) {
    for resource in seen.of_kind("ec2.vpc").chain(seen.of_kind("ec2.subnet")) {
        if let Some(network) = net(seen, resource)
            && !(16..=28).contains(&network.prefix)
        {
            desk.error(
                code::BAD_CIDR,
                seen.span(resource, "cidr"),
                format!(
                    "AWS takes networks from /16 to /28, this is /{}",
                    network.prefix
                ),
            )
            .help("write a prefix from `/16` to `/28`");
        }
    }
}

/// A subnet uses one route table (EC2: AssociateRouteTable).
fn tables(desk: &mut Desk<'_>, seen: &Seen<'_>) {
    let mut users: BTreeMap<String, &Resource> = BTreeMap::new();
    for table in seen.of_kind("ec2.route_table") {
        for subnet in table
            .attributes
            .get("subnets")
            .as_list()
            .unwrap_or_default()
        {
            let name = match (seen.target(subnet), seen.known(subnet)) {
                (Some(target), _) => target.address.to_string(),
                (None, Value::Text(id)) => id,
                _ => continue,
            };
            let Some(other) = users.insert(name.clone(), table) else {
                continue;
            };
            if other.address == table.address {
                continue;
            }
            desk.error(
                code::TWO_TABLES,
                seen.span(table, "subnets"),
                format!(
                    "`{}` and `{}` are both to be the route table of `{name}`",
                    other.address, table.address
                ),
            )
            .and(seen.span(other, "subnets"), "taken here")
            .help("a subnet uses one route table: keep it in one of the two");
        }
    }
}

fn zones(desk: &mut Desk<'_>, seen: &Seen<'_>, resource: &Resource) {
    // Subnets may be missing for what is wrong elsewhere.
    if desk.doubts_any() {
        return;
    }
    let Some(subnets) = resource.attributes.get("subnets").as_list() else {
        return;
    };
    let mut zones = BTreeSet::new();
    for subnet in subnets {
        // A subnet that is not in the file may stand anywhere.
        let Some(target) = seen.target(subnet) else {
            return;
        };
        match target.attributes.get("availability_zone") {
            Value::Text(zone) => zones.insert(zone.as_str()),
            _ => return,
        };
    }
    if zones.len() < 2 {
        desk.error(
            code::ZONES,
            seen.span(resource, "subnets"),
            format!(
                "`{}` needs subnets in two availability zones, and has them in {}",
                resource.address,
                zones.len()
            ),
        )
        .help("add a subnet in a second zone to the network");
    }
}
