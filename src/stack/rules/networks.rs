//! Subnets inside their VPC, apart from one another, and in enough zones.

use std::collections::BTreeSet;

use super::Seen;
use crate::diagnostic::code;
use crate::model::Value;
use crate::stack::checked::Resource;
use crate::stack::desk::Desk;
use crate::stack::net::Net;

/// Kinds whose `subnets` AWS wants in two zones at least (ELB: CreateLoadBalancer; RDS: CreateDBSubnetGroup).
const TWO_ZONES: &[&str] = &["elbv2.load_balancer", "rds.db_subnet_group"];

pub fn check(desk: &mut Desk<'_>, seen: &Seen<'_>) {
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
            .and(seen.span(vpc, "cidr"), "the VPC");
        }
        for (other, taken) in &subnets[..i] {
            if other.attributes.get("vpc_id") == vpc && network.overlaps(*taken) {
                desk.error(
                    code::CIDR_OVERLAP,
                    seen.span(subnet, "cidr"),
                    format!("{} overlaps with {}", cidr(subnet), cidr(other)),
                )
                .and(seen.span(other, "cidr"), "taken here");
            }
        }
    }
    for kind in TWO_ZONES {
        for resource in seen.of_kind(kind) {
            zones(desk, seen, resource);
        }
    }
}

fn cidr(resource: &Resource) -> &str {
    resource.attributes.text("cidr").unwrap_or("?")
}

fn net(seen: &Seen<'_>, resource: &Resource) -> Option<Net> {
    let value = seen.known(resource.attributes.get("cidr"));
    Net::parse(value.as_text()?)
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
            );
        }
    }
}

fn zones(desk: &mut Desk<'_>, seen: &Seen<'_>, resource: &Resource) {
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
