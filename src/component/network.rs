//! `network`: a VPC with its gateways, subnets and route tables.

use super::{Build, Component};
use crate::diagnostic::code;
use crate::kind::{Field, Literal, Type};
use crate::model::Value;

pub const NETWORK: Component = Component {
    name: "network",
    doc: "A VPC with public and private subnets, an internet gateway, NAT gateways and route tables.",
    fields: &[
        Field::new("cidr", Type::Cidr, "The VPC's IPv4 network, `/16` to `/28`.").required(),
        Field::new(
            "public_subnets",
            Type::List(&Type::Cidr),
            "Networks of subnets that reach the internet directly, one per zone.",
        )
        .default(Literal::EmptyList),
        Field::new(
            "private_subnets",
            Type::List(&Type::Cidr),
            "Networks of subnets without a way in; out through NAT gateways, one per zone.",
        )
        .default(Literal::EmptyList),
        Field::new(
            "nat_gateways",
            Type::OneOf(&["none", "single", "per_az"]),
            "How private subnets reach the internet: not at all, through one NAT gateway, or through one in each zone.",
        )
        .default(Literal::Text("single")),
        Field::new(
            "availability_zones",
            Type::List(&Type::Int { min: 0, max: 25 }),
            "The zone of the first, second, … subnet, as an index into the region's zones; starts over when there are more subnets. Not given: 0, 1, 2, …, without zones that are known to lack Fargate or current instance classes (`use1-az3` and the like) as long as there are others.",
        ),
        Field::new(
            "map_public_ip",
            Type::Bool,
            "Whether what starts in a public subnet gets a public address unasked.",
        )
        .default(Literal::Bool(false)),
        Field::new("name", Type::Text, "What the `Name` tags begin with. Not given: `${prefix}`."),
    ],
    exports: &[
        Field::computed("id", Type::Text, "The VPC's id."),
        Field::computed("vpc_id", Type::Text, "The VPC's id."),
        Field::computed("cidr", Type::Cidr, "The VPC's network."),
        Field::computed("public_subnets", Type::List(&Type::Text), "Ids of the public subnets."),
        Field::computed("private_subnets", Type::List(&Type::Text), "Ids of the private subnets."),
        Field::computed("internet_gateway", Type::Text, "The internet gateway's id."),
        Field::computed("public_route_tables", Type::List(&Type::Text), "Ids of the public route tables."),
        Field::computed("private_route_tables", Type::List(&Type::Text), "Ids of the private route tables."),
        Field::computed("nat_ips", Type::List(&Type::Text), "Public addresses of the NAT gateways."),
    ],
    existing: &[
        Field::new("vpc_id", Type::Text, "The VPC's id."),
        Field::new("tags", Type::Map(&Type::Text), "Tags that the VPC carries; exactly one has to."),
        Field::new("public_subnets", Type::List(&Type::Text), "Ids of its public subnets. Not given: those with a route to an internet gateway, one in each ordinary zone."),
        Field::new("private_subnets", Type::List(&Type::Text), "Ids of its private subnets. Not given: the others, one in each ordinary zone, and those with a way out (a NAT gateway) where two zones have one."),
    ],
    expand,
};

fn expand(build: &mut Build<'_>) {
    let label = match build.fields.text("name") {
        Some(name) => name.to_owned(),
        None => build.place.prefix.clone(),
    };
    let vpc = build.own("vpc", "id");
    build
        .make("vpc", "ec2.vpc", [("cidr", build.get("cidr"))])
        .label(format!("{label}-vpc"));
    let public = subnets(build, "public", &label);
    let private = subnets(build, "private", &label);
    build.export("id", vpc.clone());
    build.export("vpc_id", vpc);
    build.export("cidr", build.own("vpc", "cidr"));
    public_routes(build, &public, &label);
    let nats = nat_gateways(build, &public, &private, &label);
    private_routes(build, &private, &nats, &label);
    let ids = |build: &Build<'_>, subnets: &[Subnet]| {
        Value::List(subnets.iter().map(|s| build.own(&s.child, "id")).collect())
    };
    build.export("public_subnets", ids(build, &public));
    build.export("private_subnets", ids(build, &private));
}

struct Subnet {
    child: String,
    zone: usize,
}

fn subnets(build: &mut Build<'_>, which: &'static str, label: &str) -> Vec<Subnet> {
    let field = format!("{which}_subnets");
    let chosen: Vec<usize> = build
        .list("availability_zones")
        .iter()
        .filter_map(|zone| usize::try_from(zone.as_int()?).ok())
        .collect();
    let unnamed = unnamed_zones(&build.place.zones, &build.place.limited_zones);
    let mut made = Vec::new();
    for (i, cidr) in build.list(&field).iter().enumerate() {
        let zone = if chosen.is_empty() {
            unnamed.get(i).copied().unwrap_or(i)
        } else {
            chosen[i % chosen.len()]
        };
        let child = format!("{which}-subnet-{}", i + 1);
        let Some(zone_name) = build.place.zones.get(zone).cloned() else {
            let zones = build.place.zones.len();
            build.problem(
                &format!("{field}.{i}"),
                code::ZONES,
                format!(
                    "this subnet would stand in availability zone {zone}, and {} has {zones} (0 to {})",
                    build.place.region,
                    zones.saturating_sub(1)
                ),
                Some(format!("say which zones to use: `availability_zones: [{}]`", (0..zones.min(3)).map(|z| z.to_string()).collect::<Vec<_>>().join(", "))),
            );
            continue;
        };
        let public_ip = which == "public" && build.flag("map_public_ip");
        let vpc = build.own("vpc", "id");
        build
            .make(
                &child,
                "ec2.subnet",
                [
                    ("vpc_id", vpc),
                    ("cidr", cidr.clone()),
                    ("availability_zone", Value::Text(zone_name)),
                    ("map_public_ip", Value::Bool(public_ip)),
                ],
            )
            .from("cidr", format!("{field}.{i}"))
            .from("availability_zone", "availability_zones")
            .label(format!("{label}-{child}"));
        made.push(Subnet { child, zone });
    }
    made
}

/// The zones of the first, second, … subnet where the stack names none: those with limits come last.
fn unnamed_zones(zones: &[String], limited: &[String]) -> Vec<usize> {
    let (last, first): (Vec<usize>, Vec<usize>) =
        (0..zones.len()).partition(|index| limited.contains(&zones[*index]));
    first.into_iter().chain(last).collect()
}

fn public_routes(build: &mut Build<'_>, public: &[Subnet], label: &str) {
    if public.is_empty() {
        build.export("public_route_tables", Value::List(Vec::new()));
        return;
    }
    let vpc = build.own("vpc", "id");
    build
        .make(
            "internet-gateway",
            "ec2.internet_gateway",
            [("vpc_id", vpc.clone())],
        )
        .label(format!("{label}-internet-gateway"));
    let route = Value::map([
        ("destination", Value::from("0.0.0.0/0")),
        ("gateway_id", build.own("internet-gateway", "id")),
    ]);
    let subnets = public.iter().map(|s| build.own(&s.child, "id")).collect();
    build
        .make(
            "public-route-table",
            "ec2.route_table",
            [
                ("vpc_id", vpc),
                ("routes", Value::List(vec![route])),
                ("subnets", Value::List(subnets)),
            ],
        )
        .label(format!("{label}-public"));
    build.export("internet_gateway", build.own("internet-gateway", "id"));
    let table = build.own("public-route-table", "id");
    build.export("public_route_tables", Value::List(vec![table]));
}

/// One NAT gateway: the zone it serves (`None`: all) and the child's name.
struct Nat {
    zone: Option<usize>,
    child: String,
}

fn nat_gateways(
    build: &mut Build<'_>,
    public: &[Subnet],
    private: &[Subnet],
    label: &str,
) -> Vec<Nat> {
    let wanted = build.fields.text("nat_gateways").unwrap_or("single");
    let mut nats = Vec::new();
    let mut ips = Vec::new();
    if wanted != "none" && !private.is_empty() {
        if public.is_empty() {
            build.problem(
                "nat_gateways",
                code::CONTRADICTION,
                "a NAT gateway stands in a public subnet, and this network has none",
                Some("add `public_subnets`, or write `nat_gateways: none`".into()),
            );
        }
        let single = wanted == "single";
        for (i, subnet) in public
            .iter()
            .take(if single { 1 } else { public.len() })
            .enumerate()
        {
            if nats.iter().any(|nat: &Nat| nat.zone == Some(subnet.zone)) {
                continue;
            }
            let number = if single {
                String::new()
            } else {
                format!("-{}", i + 1)
            };
            let (ip, nat) = (format!("nat-ip{number}"), format!("nat{number}"));
            // Both need the way out: AWS refuses them in a VPC without an attached internet gateway.
            let gateway = build.own("internet-gateway", "id");
            build
                .make(&ip, "ec2.elastic_ip", [])
                .after(gateway.clone())
                .label(format!("{label}-{ip}"));
            let (subnet_id, allocation) = (build.own(&subnet.child, "id"), build.own(&ip, "id"));
            build
                .make(
                    &nat,
                    "ec2.nat_gateway",
                    [("subnet_id", subnet_id), ("allocation_id", allocation)],
                )
                .after(gateway)
                .label(format!("{label}-{nat}"));
            ips.push(build.own(&ip, "public_ip"));
            nats.push(Nat {
                zone: (!single).then_some(subnet.zone),
                child: nat,
            });
        }
    }
    build.export("nat_ips", Value::List(ips));
    nats
}

/// One table for all private subnets, or one for each zone when each has its own NAT gateway.
fn private_routes(build: &mut Build<'_>, private: &[Subnet], nats: &[Nat], label: &str) {
    let per_zone = nats.iter().any(|nat| nat.zone.is_some());
    let mut groups: Vec<(String, Vec<&Subnet>, Option<&Nat>)> = Vec::new();
    if per_zone {
        for subnet in private {
            let nat = nats.iter().find(|nat| nat.zone == Some(subnet.zone));
            let same = |group: &&mut (String, Vec<&Subnet>, Option<&Nat>)| {
                group
                    .1
                    .first()
                    .is_some_and(|first| first.zone == subnet.zone)
            };
            if let Some(group) = groups.iter_mut().find(same) {
                group.1.push(subnet);
                continue;
            }
            // A zone without a public subnet goes out through the first NAT gateway.
            let name = format!("private-route-table-{}", groups.len() + 1);
            groups.push((name, vec![subnet], nat.or(nats.first())));
        }
    } else if !private.is_empty() {
        let all = private.iter().collect();
        groups.push(("private-route-table".into(), all, nats.first()));
    }
    let vpc = build.own("vpc", "id");
    let mut tables = Vec::new();
    for (name, subnets, nat) in groups {
        let routes = nat.iter().map(|nat| {
            Value::map([
                ("destination", Value::from("0.0.0.0/0")),
                ("nat_gateway_id", build.own(&nat.child, "id")),
            ])
        });
        let routes = Value::List(routes.collect());
        let subnets = subnets.iter().map(|s| build.own(&s.child, "id")).collect();
        build
            .make(
                &name,
                "ec2.route_table",
                [
                    ("vpc_id", vpc.clone()),
                    ("routes", routes),
                    ("subnets", Value::List(subnets)),
                ],
            )
            .label(format!("{label}-{}", name.replace("-route-table", "")));
        tables.push(build.own(&name, "id"));
    }
    build.export("private_route_tables", Value::List(tables));
}

#[cfg(test)]
mod tests {
    use super::unnamed_zones;

    #[test]
    fn limited_zones_come_last() {
        let zones: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).into();
        let limited = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(unnamed_zones(&zones, &[]), [0, 1, 2, 3]);
        assert_eq!(unnamed_zones(&zones, &limited(&["a"])), [1, 2, 3, 0]);
        assert_eq!(unnamed_zones(&zones, &limited(&["b", "d"])), [0, 2, 1, 3]);
    }
}
