//! A table's routes: the destination is a route's identity, its target can be replaced.

use aws_sdk_ec2::types::{self, RouteOrigin};
use serde::Deserialize;

use crate::aws::ec2::cidr::canonical;
use crate::aws::{Aws, aws_error};
use crate::kind::{Class, CloudError, Cx};
use crate::model::Value;

/// A route as the stack wishes it.
#[derive(Deserialize)]
pub struct Route {
    destination: String,
    gateway_id: Option<String>,
    nat_gateway_id: Option<String>,
}

#[derive(Clone, PartialEq, Eq)]
enum Target {
    Gateway(String),
    Nat(String),
    /// Made by hand, to something this kind has no field for.
    Other(String),
}

/// A route as AWS has it.
#[derive(Clone)]
pub struct LiveRoute {
    /// A network in canonical form, or a prefix list's id.
    destination: String,
    target: Target,
}

/// Each route has exactly one target, and no two the same destination.
pub fn check(routes: &[Route]) -> Result<(), CloudError> {
    let wrong = |text: String| {
        Err(CloudError::new(
            "ec2:CreateRoute",
            Class::Invalid,
            "Route",
            text,
        ))
    };
    for (index, route) in routes.iter().enumerate() {
        let destination = canonical(&route.destination);
        if route.target().is_none() {
            return wrong(format!(
                "the route to {destination} needs exactly one of gateway_id and nat_gateway_id"
            ));
        }
        if routes[..index]
            .iter()
            .any(|other| canonical(&other.destination) == destination)
        {
            return wrong(format!("two routes lead to {destination}"));
        }
    }
    Ok(())
}

impl Route {
    fn target(&self) -> Option<Target> {
        match (&self.gateway_id, &self.nat_gateway_id) {
            (Some(id), None) => Some(Target::Gateway(id.clone())),
            (None, Some(id)) => Some(Target::Nat(id.clone())),
            _ => None,
        }
    }
}

impl LiveRoute {
    /// `None` for what is not a route of the table's own: see the head of `route_table.rs`.
    pub fn read(route: &types::Route) -> Option<Self> {
        let gateway = route.gateway_id().unwrap_or_default();
        let made = route.origin() == Some(&RouteOrigin::CreateRoute);
        if !made || gateway == "local" || gateway.starts_with("vpce-") {
            return None;
        }
        let destination = route
            .destination_cidr_block()
            .or(route.destination_ipv6_cidr_block())
            .or(route.destination_prefix_list_id())?;
        let target = match route.nat_gateway_id() {
            Some(nat) => Target::Nat(nat.to_owned()),
            None if gateway.starts_with("igw-") => Target::Gateway(gateway.to_owned()),
            None => Target::Other(other_target(route).to_owned()),
        };
        Some(Self {
            destination: canonical(destination),
            target,
        })
    }

    pub fn observed(&self) -> Value {
        let (name, id) = match &self.target {
            Target::Gateway(id) => ("gateway_id", id),
            Target::Nat(id) => ("nat_gateway_id", id),
            Target::Other(id) => ("other_target", id),
        };
        Value::map([
            ("destination", Value::text(&self.destination)),
            (name, Value::text(id)),
        ])
    }
}

fn other_target(route: &types::Route) -> &str {
    [
        route.gateway_id(),
        route.egress_only_internet_gateway_id(),
        route.transit_gateway_id(),
        route.vpc_peering_connection_id(),
        route.instance_id(),
        route.network_interface_id(),
        route.local_gateway_id(),
        route.carrier_gateway_id(),
        route.core_network_arn(),
    ]
    .into_iter()
    .flatten()
    .find(|id| !id.is_empty())
    .unwrap_or_default()
}

/// Makes the routes the wished ones: new targets first, then new routes, then what nobody names goes.
pub async fn settle(
    aws: &Aws,
    cx: &Cx,
    table: &str,
    live: &mut Vec<LiveRoute>,
    wanted: &[Route],
) -> Result<(), CloudError> {
    for route in wanted {
        let Some(target) = route.target() else {
            continue;
        };
        let destination = canonical(&route.destination);
        match live.iter_mut().find(|live| live.destination == destination) {
            Some(live) if live.target == target => {}
            Some(live) => {
                replace(aws, cx, table, &destination, &target).await?;
                live.target = target;
            }
            None => {
                create(aws, cx, table, &destination, &target).await?;
                live.push(LiveRoute {
                    destination,
                    target,
                });
            }
        }
    }
    let extra = |live: &LiveRoute| {
        !wanted
            .iter()
            .any(|route| canonical(&route.destination) == live.destination)
    };
    for route in live.iter().filter(|route| extra(route)) {
        delete(aws, cx, table, &route.destination).await?;
    }
    live.retain(|route| !extra(route));
    Ok(())
}

/// A destination as the calls take it: IPv4, IPv6 or prefix list, each in a parameter of its own.
fn split(destination: &str) -> [Option<String>; 3] {
    let text = Some(destination.to_owned());
    if destination.starts_with("pl-") {
        [None, None, text]
    } else if destination.contains(':') {
        [None, text, None]
    } else {
        [text, None, None]
    }
}

fn ids(target: &Target) -> (Option<String>, Option<String>) {
    match target {
        Target::Gateway(id) => (Some(id.clone()), None),
        Target::Nat(id) => (None, Some(id.clone())),
        Target::Other(_) => (None, None),
    }
}

/// A route that is there already, though it was not seen, gets this target.
async fn create(
    aws: &Aws,
    cx: &Cx,
    table: &str,
    destination: &str,
    target: &Target,
) -> Result<(), CloudError> {
    let [v4, v6, list] = split(destination);
    let (gateway, nat) = ids(target);
    let answer = cx
        .call("ec2:CreateRoute", async {
            aws.ec2
                .create_route()
                .route_table_id(table)
                .set_destination_cidr_block(v4)
                .set_destination_ipv6_cidr_block(v6)
                .set_destination_prefix_list_id(list)
                .set_gateway_id(gateway)
                .set_nat_gateway_id(nat)
                .send()
                .await
                .map_err(|e| aws_error("ec2:CreateRoute", e))
        })
        .await;
    match answer {
        Err(error) if error.is(Class::Exists) => replace(aws, cx, table, destination, target).await,
        other => other.map(drop),
    }
}

async fn replace(
    aws: &Aws,
    cx: &Cx,
    table: &str,
    destination: &str,
    target: &Target,
) -> Result<(), CloudError> {
    let [v4, v6, list] = split(destination);
    let (gateway, nat) = ids(target);
    cx.call("ec2:ReplaceRoute", async {
        aws.ec2
            .replace_route()
            .route_table_id(table)
            .set_destination_cidr_block(v4)
            .set_destination_ipv6_cidr_block(v6)
            .set_destination_prefix_list_id(list)
            .set_gateway_id(gateway)
            .set_nat_gateway_id(nat)
            .send()
            .await
            .map_err(|e| aws_error("ec2:ReplaceRoute", e))
    })
    .await
    .map(drop)
}

async fn delete(aws: &Aws, cx: &Cx, table: &str, destination: &str) -> Result<(), CloudError> {
    let [v4, v6, list] = split(destination);
    let answer = cx
        .call("ec2:DeleteRoute", async {
            aws.ec2
                .delete_route()
                .route_table_id(table)
                .set_destination_cidr_block(v4)
                .set_destination_ipv6_cidr_block(v6)
                .set_destination_prefix_list_id(list)
                .send()
                .await
                .map_err(|e| aws_error("ec2:DeleteRoute", e))
        })
        .await;
    match answer {
        Err(error) if error.is(Class::NotFound) => Ok(()),
        other => other.map(drop),
    }
}
