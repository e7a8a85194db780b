//! Network interfaces. AWS's own services (load balancers, Fargate, NAT, endpoints, databases) make them in our subnets and take them
//! away some time after their owner is gone; until then they keep subnets, security groups and addresses from being deleted.

use std::fmt;

use aws_sdk_ec2::types::{Filter, NetworkInterface};

use crate::aws::{Aws, aws_error};
use crate::kind::CloudError;

/// What `DescribeNetworkInterfaces` says of one interface, as far as it tells whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceInfo {
    pub id: String,
    /// `ELB app/<name>/<id>`, `Interface for NAT Gateway nat-…`, `arn:aws:ecs:…:attachment/…`, `RDSNetworkInterface`; empty if none.
    pub description: String,
    /// `interface`, `nat_gateway`, `network_load_balancer`, `vpc_endpoint`, …; empty if AWS does not say.
    pub interface_type: String,
    /// The service that made it (`amazon-elb`, an account id); empty for one of the user's own.
    pub requester: String,
    pub subnet: String,
    pub security_groups: Vec<String>,
    /// Attached to something.
    pub in_use: bool,
    /// A public address is mapped to it.
    pub is_public: bool,
    /// Made and taken away by a service of AWS's.
    pub requester_managed: bool,
}

/// How services of AWS's describe the interfaces that they make.
const SERVICES: &[&str] = &[
    "ELB ",
    "Interface for NAT Gateway ",
    "VPC Endpoint Interface ",
    "RDSNetworkInterface",
];

impl InterfaceInfo {
    /// Whether it goes by itself, some time after what it belongs to.
    pub fn is_managed(&self) -> bool {
        let of_ecs = self.description.starts_with("arn:") && self.description.contains(":ecs:");
        self.requester_managed
            || !matches!(self.interface_type.as_str(), "" | "interface")
            || of_ecs
            || SERVICES
                .iter()
                .any(|service| self.description.starts_with(service))
    }

    pub fn is_of_endpoint(&self) -> bool {
        self.interface_type == "vpc_endpoint" || self.description.starts_with("VPC Endpoint ")
    }
}

impl fmt::Display for InterfaceInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = [&self.description, &self.interface_type]
            .into_iter()
            .find(|text| !text.is_empty());
        match what {
            Some(what) => write!(f, "{} ({what})", self.id),
            None => f.write_str(&self.id),
        }
    }
}

/// Every network interface that all `filters` (name, values) match: `subnet-id`, `group-id`, `description`, `vpc-id`, … Fully paged.
/// Filters: API reference, DescribeNetworkInterfaces. IAM action: `ec2:DescribeNetworkInterfaces`.
pub async fn interfaces(
    aws: &Aws,
    filters: Vec<(&str, Vec<String>)>,
) -> Result<Vec<InterfaceInfo>, CloudError> {
    let filters: Vec<Filter> = filters
        .into_iter()
        .map(|(name, values)| {
            Filter::builder()
                .name(name)
                .set_values(Some(values))
                .build()
        })
        .collect();
    let mut found = Vec::new();
    let mut token = None;
    loop {
        let page = aws
            .read("ec2:DescribeNetworkInterfaces", || async {
                aws.ec2
                    .describe_network_interfaces()
                    .set_filters(Some(filters.clone()))
                    .max_results(1000)
                    .set_next_token(token.clone())
                    .send()
                    .await
                    .map_err(|e| aws_error("ec2:DescribeNetworkInterfaces", e))
            })
            .await?;
        found.extend(page.network_interfaces().iter().map(info));
        token = page.next_token;
        if token.is_none() {
            return Ok(found);
        }
    }
}

fn info(interface: &NetworkInterface) -> InterfaceInfo {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    InterfaceInfo {
        id: text(interface.network_interface_id()),
        description: text(interface.description()),
        interface_type: text(interface.interface_type().map(|kind| kind.as_str())),
        requester: text(interface.requester_id()),
        subnet: text(interface.subnet_id()),
        security_groups: interface
            .groups()
            .iter()
            .filter_map(|group| group.group_id().map(str::to_owned))
            .collect(),
        in_use: interface.attachment().is_some(),
        is_public: interface
            .association()
            .is_some_and(|association| association.public_ip().is_some()),
        requester_managed: interface.requester_managed().unwrap_or(false),
    }
}

/// What stands in the way, in one sentence for the live view: at most three by name.
pub fn sentence(left: &[InterfaceInfo]) -> String {
    let mut names: Vec<String> = left.iter().take(3).map(ToString::to_string).collect();
    if left.len() > 3 {
        names.push(format!("{} more", left.len() - 3));
    }
    let noun = if left.len() == 1 {
        "network interface is"
    } else {
        "network interfaces are"
    };
    format!("{} {noun} still there: {}", left.len(), names.join(", "))
}
