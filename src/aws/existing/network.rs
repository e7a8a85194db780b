//! A network of somebody else's: the VPC, and which of its subnets are public. One subnet a zone, since load balancers take no more; in an
//! ordinary zone, since neither they nor databases stand in a local one; and of the private ones those with a way out first, since tasks in
//! another cannot pull their image.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{Filter, RouteState, RouteTable, Subnet, Vpc};

use super::{Lookup, exactly_one};
use crate::aws::{Aws, aws_error, pages};
use crate::kind::CloudError;
use crate::model::{Attributes, Value};

impl Aws {
    pub(super) async fn existing_network(&self, lookup: &Lookup) -> Result<Attributes, CloudError> {
        const ACTION: &str = "ec2:DescribeVpcs";
        let filters = filters(lookup);
        let found: Vec<Vpc> = pages(
            self,
            ACTION,
            |token| {
                let call = self
                    .ec2
                    .describe_vpcs()
                    .set_filters(Some(filters.clone()))
                    .max_results(1000)
                    .set_next_token(token);
                async move { call.send().await.map_err(|e| aws_error(ACTION, e)) }
            },
            |page| page.next_token(),
        )
        .await?
        .into_iter()
        .flat_map(|page| page.vpcs.unwrap_or_default())
        .collect();
        let vpc = exactly_one(lookup, ACTION, found)?;
        let id = vpc.vpc_id().unwrap_or_default().to_owned();
        let (subnets, tables) = tokio::try_join!(self.subnets_of(&id), self.tables_of(&id))?;
        let (public, private): (Vec<&Subnet>, Vec<&Subnet>) = subnets
            .iter()
            .filter(|subnet| is_in_ordinary_zone(subnet))
            .partition(|subnet| is_public(subnet, &tables));
        let (public, private) = (one_per_zone(&public), private_choice(&private, &tables));
        let ids = |subnets: Vec<&Subnet>| {
            let ids: BTreeSet<String> = subnets
                .iter()
                .filter_map(|s| s.subnet_id().map(str::to_owned))
                .collect();
            Value::from(ids.into_iter().collect::<Vec<_>>())
        };
        Ok(Attributes::new([
            ("id", Value::text(&id)),
            ("vpc_id", Value::text(&id)),
            ("cidr", Value::from(vpc.cidr_block().map(str::to_owned))),
            ("public_subnets", ids(public)),
            ("private_subnets", ids(private)),
        ]))
    }

    async fn subnets_of(&self, vpc: &str) -> Result<Vec<Subnet>, CloudError> {
        const ACTION: &str = "ec2:DescribeSubnets";
        let answers = pages(
            self,
            ACTION,
            |token| {
                let call = self
                    .ec2
                    .describe_subnets()
                    .filters(filter("vpc-id", vpc))
                    .max_results(1000)
                    .set_next_token(token);
                async move { call.send().await.map_err(|e| aws_error(ACTION, e)) }
            },
            |page| page.next_token(),
        )
        .await?;
        Ok(answers
            .into_iter()
            .flat_map(|page| page.subnets.unwrap_or_default())
            .collect())
    }

    async fn tables_of(&self, vpc: &str) -> Result<Vec<RouteTable>, CloudError> {
        const ACTION: &str = "ec2:DescribeRouteTables";
        let answers = pages(
            self,
            ACTION,
            |token| {
                let call = self
                    .ec2
                    .describe_route_tables()
                    .filters(filter("vpc-id", vpc))
                    .max_results(100)
                    .set_next_token(token);
                async move { call.send().await.map_err(|e| aws_error(ACTION, e)) }
            },
            |page| page.next_token(),
        )
        .await?;
        Ok(answers
            .into_iter()
            .flat_map(|page| page.route_tables.unwrap_or_default())
            .collect())
    }
}

fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

fn filters(lookup: &Lookup) -> Vec<Filter> {
    let mut all = Vec::new();
    for (name, value) in &lookup.criteria {
        match (name.as_str(), value) {
            ("vpc_id" | "id", Value::Text(id)) => all.push(filter("vpc-id", id)),
            ("name", Value::Text(text)) => all.push(filter("tag:Name", text)),
            ("cidr", Value::Text(cidr)) => all.push(filter("cidr", cidr)),
            ("tags", Value::Map(tags)) => {
                all.extend(tags.iter().filter_map(|(key, value)| {
                    Some(filter(&format!("tag:{key}"), value.as_text()?))
                }));
            }
            _ => {}
        }
    }
    all
}

/// Ids of ordinary zones have one hyphen (`use1-az1`), those of local and Wavelength zones more (`use1-bos1-az1`).
fn is_in_ordinary_zone(subnet: &Subnet) -> bool {
    subnet
        .availability_zone_id()
        .is_none_or(|id| id.matches('-').count() == 1)
}

/// The first subnet, by id, of each zone.
fn one_per_zone<'a>(subnets: &[&'a Subnet]) -> Vec<&'a Subnet> {
    let mut sorted = subnets.to_vec();
    sorted.sort_by_key(|subnet| subnet.subnet_id());
    let mut zones = BTreeSet::new();
    sorted.retain(|subnet| zones.insert(subnet.availability_zone()));
    sorted
}

/// Where two zones have a private subnet with a way out, those zones alone; else one subnet a zone, with a way out where there is one.
fn private_choice<'a>(subnets: &[&'a Subnet], tables: &[RouteTable]) -> Vec<&'a Subnet> {
    let (open, closed): (Vec<&Subnet>, Vec<&Subnet>) = subnets
        .iter()
        .partition(|subnet| has_way_out(subnet, tables));
    let mut chosen = one_per_zone(&open);
    if chosen.len() >= 2 {
        return chosen;
    }
    let zones: BTreeSet<Option<&str>> = chosen.iter().map(|one| one.availability_zone()).collect();
    let others = one_per_zone(&closed).into_iter();
    chosen.extend(others.filter(|one| !zones.contains(&one.availability_zone())));
    chosen
}

/// A subnet is public when its route table leads to an internet gateway.
fn is_public(subnet: &Subnet, tables: &[RouteTable]) -> bool {
    table_of(subnet, tables).is_some_and(|table| {
        table.routes().iter().any(|route| {
            route
                .gateway_id()
                .is_some_and(|gateway| gateway.starts_with("igw-"))
        })
    })
}

/// Whether anything but an internet gateway leads from it to everywhere: a NAT gateway or instance, a transit gateway.
fn has_way_out(subnet: &Subnet, tables: &[RouteTable]) -> bool {
    table_of(subnet, tables).is_some_and(|table| {
        table.routes().iter().any(|route| {
            let target = [
                route.nat_gateway_id(),
                route.transit_gateway_id(),
                route.network_interface_id(),
                route.instance_id(),
                route.vpc_peering_connection_id(),
                route.core_network_arn(),
            ];
            route.destination_cidr_block() == Some("0.0.0.0/0")
                && route.state() != Some(&RouteState::Blackhole)
                && target.into_iter().flatten().any(|id| !id.is_empty())
        })
    })
}

/// Its own route table, or else the VPC's main one.
fn table_of<'a>(subnet: &Subnet, tables: &'a [RouteTable]) -> Option<&'a RouteTable> {
    let id = subnet.subnet_id();
    let own = tables.iter().find(|table| {
        table
            .associations()
            .iter()
            .any(|a| a.subnet_id().is_some() && a.subnet_id() == id)
    });
    let main = || {
        tables
            .iter()
            .find(|table| table.associations().iter().any(|a| a.main() == Some(true)))
    };
    own.or_else(main)
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{Route, RouteTableAssociation};

    use super::*;

    fn subnet(id: &str, zone: &str, zone_id: &str) -> Subnet {
        Subnet::builder()
            .subnet_id(id)
            .availability_zone(zone)
            .availability_zone_id(zone_id)
            .build()
    }

    /// A table for these subnets with a default route to a NAT gateway.
    fn nat_table(subnets: &[&str]) -> RouteTable {
        let route = Route::builder()
            .destination_cidr_block("0.0.0.0/0")
            .nat_gateway_id("nat-1");
        let associations = subnets
            .iter()
            .map(|id| RouteTableAssociation::builder().subnet_id(*id).build());
        RouteTable::builder()
            .routes(route.build())
            .set_associations(Some(associations.collect()))
            .build()
    }

    fn ids(subnets: Vec<&Subnet>) -> Vec<&str> {
        subnets.iter().filter_map(|one| one.subnet_id()).collect()
    }

    #[test]
    fn one_subnet_stands_for_a_zone() {
        let all = [
            subnet("subnet-3", "us-east-1a", "use1-az1"),
            subnet("subnet-1", "us-east-1a", "use1-az1"),
            subnet("subnet-2", "us-east-1b", "use1-az2"),
        ];
        let all: Vec<&Subnet> = all.iter().collect();
        assert_eq!(ids(one_per_zone(&all)), ["subnet-1", "subnet-2"]);
    }

    #[test]
    fn local_zones_are_left_out() {
        assert!(is_in_ordinary_zone(&subnet(
            "subnet-1",
            "us-east-1a",
            "use1-az1"
        )));
        assert!(!is_in_ordinary_zone(&subnet(
            "subnet-1",
            "us-east-1-bos-1a",
            "use1-bos1-az1"
        )));
        assert!(!is_in_ordinary_zone(&subnet(
            "subnet-1",
            "us-east-1-wl1-bos-wlz-1",
            "use1-wl1-bos-wlz1"
        )));
        assert!(is_in_ordinary_zone(
            &Subnet::builder().subnet_id("subnet-1").build()
        ));
    }

    #[test]
    fn private_subnets_with_a_way_out_come_first() {
        let all = [
            subnet("subnet-1", "us-east-1a", "use1-az1"),
            subnet("subnet-2", "us-east-1b", "use1-az2"),
            subnet("subnet-3", "us-east-1a", "use1-az1"),
            subnet("subnet-4", "us-east-1b", "use1-az2"),
            subnet("subnet-5", "us-east-1c", "use1-az4"),
        ];
        let all: Vec<&Subnet> = all.iter().collect();
        let choice = |open: &[&str]| ids(private_choice(&all, &[nat_table(open)]));
        // Two zones are enough: a database's own subnets stay out of it.
        assert_eq!(choice(&["subnet-3", "subnet-4"]), ["subnet-3", "subnet-4"]);
        // One is not: the other zones follow.
        assert_eq!(choice(&["subnet-3"]), ["subnet-3", "subnet-2", "subnet-5"]);
        assert_eq!(choice(&[]), ["subnet-1", "subnet-2", "subnet-5"]);
    }
}
