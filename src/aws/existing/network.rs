//! A network of somebody else's: the VPC, and which of its subnets are public.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{Filter, RouteTable, Subnet, Vpc};

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
            .partition(|subnet| is_public(subnet, &tables));
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

/// A subnet is public when its route table (its own, or else the VPC's main one) leads to an internet gateway.
fn is_public(subnet: &Subnet, tables: &[RouteTable]) -> bool {
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
    own.or_else(main).is_some_and(|table| {
        table.routes().iter().any(|route| {
            route
                .gateway_id()
                .is_some_and(|gateway| gateway.starts_with("igw-"))
        })
    })
}
