//! What keeps a part of a network from being deleted, where AWS says no more than `DependencyViolation`: interfaces, endpoints, security
//! groups. What this stack's own resources leave behind goes by itself and is waited for; what somebody else put there stays, so that
//! waiting is no use: it is named with the command that removes it.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{SecurityGroup, VpcEndpoint};

use super::interfaces::{InterfaceInfo, interfaces};
use super::{look, security_group, tags};
use crate::aws::{Aws, aws_error, pages};
use crate::kind::{Class, CloudError, Cx};
use crate::model::{Ownership, Scope, Tags};

/// What cannot be deleted, or detached.
#[derive(Clone, Copy)]
pub enum Stuck<'a> {
    Subnet {
        id: &'a str,
        vpc: &'a str,
    },
    SecurityGroup {
        id: &'a str,
        vpc: &'a str,
    },
    /// By public addresses that are still mapped.
    InternetGateway {
        vpc: &'a str,
    },
    Vpc {
        id: &'a str,
    },
}

impl Stuck<'_> {
    fn vpc(&self) -> &str {
        match self {
            Self::Subnet { vpc, .. }
            | Self::SecurityGroup { vpc, .. }
            | Self::InternetGateway { vpc } => vpc,
            Self::Vpc { id } => id,
        }
    }
}

/// One thing in the way. With a remedy it is somebody else's, and stays until it is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Blocker {
    text: String,
    remedy: Option<String>,
}

/// `refused` with what is in the way. An error that waiting does not mend where that is somebody else's.
pub async fn explain(aws: &Aws, cx: &Cx, refused: CloudError, stuck: Stuck<'_>) -> CloudError {
    if !refused.is(Class::InUse) {
        return refused;
    }
    match blockers(aws, &cx.scope, stuck).await {
        Ok(found) => judge(refused, &found),
        // Who may not look hears AWS's own words.
        Err(_) => refused,
    }
}

/// The most that one message names.
const NAMED: usize = 4;

fn judge(mut refused: CloudError, found: &[Blocker]) -> CloudError {
    if found.is_empty() {
        return refused;
    }
    let said = refused.message.trim_end_matches('.').to_owned();
    let foreign: Vec<&Blocker> = found.iter().filter(|one| one.remedy.is_some()).collect();
    let named: Vec<&Blocker> = match foreign.is_empty() {
        true => found.iter().collect(),
        false => foreign.clone(),
    };
    let mut texts: Vec<String> = named
        .iter()
        .take(NAMED)
        .map(|one| match &one.remedy {
            Some(remedy) => format!("{} (`{remedy}`)", one.text),
            None => one.text.clone(),
        })
        .collect();
    if named.len() > NAMED {
        texts.push(format!("{} more", named.len() - NAMED));
    }
    let texts = texts.join("; ");
    if foreign.is_empty() {
        refused.message = format!("{said}. In the way: {texts}");
        return refused;
    }
    refused.class = Class::Invalid;
    refused.message = format!(
        "{said}. In the way, and not of this stack: {texts}. Remove that, then run the same command again"
    );
    refused
}

async fn blockers(aws: &Aws, scope: &Scope, stuck: Stuck<'_>) -> Result<Vec<Blocker>, CloudError> {
    let filter = match stuck {
        Stuck::Subnet { id, .. } => ("subnet-id", vec![id.to_owned()]),
        Stuck::SecurityGroup { id, .. } => ("group-id", vec![id.to_owned()]),
        Stuck::InternetGateway { vpc } | Stuck::Vpc { id: vpc } => ("vpc-id", vec![vpc.to_owned()]),
    };
    let mut left = interfaces(aws, vec![filter]).await?;
    if matches!(stuck, Stuck::InternetGateway { .. }) {
        left.retain(|interface| interface.is_public);
    }
    let mut found = Vec::new();
    if left.iter().any(InterfaceInfo::is_of_endpoint) {
        let endpoints = endpoints(aws, stuck.vpc()).await?;
        let known: BTreeSet<&str> = endpoints
            .iter()
            .flat_map(|endpoint| endpoint.network_interface_ids())
            .map(String::as_str)
            .collect();
        let in_the_way: Vec<&VpcEndpoint> = endpoints
            .iter()
            .filter(|endpoint| {
                let ids = endpoint.network_interface_ids();
                left.iter().any(|interface| ids.contains(&interface.id))
            })
            .collect();
        found.extend(
            in_the_way
                .iter()
                .map(|endpoint| of_endpoint(scope, endpoint)),
        );
        left.retain(|interface| !known.contains(interface.id.as_str()));
    }
    found.extend(left.iter().map(of_interface));
    match stuck {
        Stuck::SecurityGroup { id, vpc } => {
            for group in groups(aws, vpc).await? {
                found.extend(of_referring_group(aws, scope, &group, id).await?);
            }
        }
        Stuck::Vpc { id } => {
            let groups = groups(aws, id).await?;
            found.extend(groups.iter().filter_map(|group| of_group(scope, group)));
            found.extend(of_subnets(aws, scope, id).await?);
        }
        Stuck::Subnet { .. } | Stuck::InternetGateway { .. } => {}
    }
    Ok(found)
}

fn is_ours(scope: &Scope, tags: &Tags) -> bool {
    Ownership::read(tags).is_some_and(|owner| owner.is_of(scope))
}

/// An interface that a service of AWS's manages goes some time after what it belongs to; one that somebody made stays.
fn of_interface(interface: &InterfaceInfo) -> Blocker {
    let id = &interface.id;
    let remedy = match (interface.is_managed(), interface.in_use) {
        (true, _) => None,
        (false, true) => Some(format!(
            "aws ec2 describe-network-interfaces --network-interface-ids {id}"
        )),
        (false, false) => Some(format!(
            "aws ec2 delete-network-interface --network-interface-id {id}"
        )),
    };
    Blocker {
        text: format!("network interface {interface}"),
        remedy,
    }
}

/// GuardDuty's runtime monitoring puts endpoints, and a group for them, into every VPC with tasks or instances.
const GUARDDUTY_TAG: &str = "GuardDutyManaged";
const GUARDDUTY_GROUP: &str = "GuardDutyManagedSecurityGroup";

fn of_endpoint(scope: &Scope, endpoint: &VpcEndpoint) -> Blocker {
    let id = endpoint.vpc_endpoint_id().unwrap_or_default();
    let service = endpoint.service_name().unwrap_or_default();
    let tags = tags::read(endpoint.tags());
    let going = endpoint
        .state()
        .is_some_and(|state| state.as_str().to_ascii_lowercase().starts_with("delet"));
    let text = match tags.contains_key(GUARDDUTY_TAG) {
        true => format!(
            "VPC endpoint {id} of GuardDuty ({service}), which comes back while GuardDuty's agent management is on"
        ),
        false => format!("VPC endpoint {id} ({service})"),
    };
    let remedy = (!going && !is_ours(scope, &tags))
        .then(|| format!("aws ec2 delete-vpc-endpoints --vpc-endpoint-ids {id}"));
    Blocker { text, remedy }
}

/// A group beside the default one, which goes with its VPC.
fn of_group(scope: &Scope, group: &SecurityGroup) -> Option<Blocker> {
    let id = group.group_id().unwrap_or_default();
    let name = group.group_name().unwrap_or_default();
    if name == "default" {
        return None;
    }
    let text = match name.starts_with(GUARDDUTY_GROUP) {
        true => format!("security group {id} of GuardDuty ({name})"),
        false => format!("security group {id} ({name})"),
    };
    let remedy = (!is_ours(scope, &tags::read(group.tags())))
        .then(|| format!("aws ec2 delete-security-group --group-id {id}"));
    Some(Blocker { text, remedy })
}

/// A group with a rule that names `peer`.
async fn of_referring_group(
    aws: &Aws,
    scope: &Scope,
    group: &SecurityGroup,
    peer: &str,
) -> Result<Option<Blocker>, CloudError> {
    let id = group.group_id().unwrap_or_default();
    let mut pairs = group
        .ip_permissions()
        .iter()
        .chain(group.ip_permissions_egress())
        .flat_map(|permission| permission.user_id_group_pairs());
    if id == peer || !pairs.any(|pair| pair.group_id() == Some(peer)) {
        return Ok(None);
    }
    let name = group.group_name().unwrap_or_default();
    let text = format!("a rule of security group {id} ({name}) names it");
    if is_ours(scope, &tags::read(group.tags())) {
        return Ok(Some(Blocker { text, remedy: None }));
    }
    let commands: Vec<String> = security_group::rules_naming(aws, id, peer)
        .await?
        .into_iter()
        .map(|(direction, rules)| {
            format!(
                "aws ec2 revoke-security-group-{direction} --group-id {id} --security-group-rule-ids {}",
                rules.join(" ")
            )
        })
        .collect();
    Ok(Some(Blocker {
        text,
        remedy: Some(commands.join(" && ")),
    }))
}

async fn of_subnets(aws: &Aws, scope: &Scope, vpc: &str) -> Result<Vec<Blocker>, CloudError> {
    const ACTION: &str = "ec2:DescribeSubnets";
    let filter = &look::one("vpc-id", [vpc]);
    let pages = pages(
        aws,
        ACTION,
        |token| {
            let call = aws.ec2.describe_subnets().filters(filter.clone());
            let call = call.max_results(1000).set_next_token(token);
            async move { call.send().await.map_err(|e| aws_error(ACTION, e)) }
        },
        |page| page.next_token(),
    )
    .await?;
    let subnets = pages.iter().flat_map(|page| page.subnets());
    Ok(subnets
        .map(|subnet| {
            let id = subnet.subnet_id().unwrap_or_default();
            let cidr = subnet.cidr_block().unwrap_or_default();
            Blocker {
                text: format!("subnet {id} ({cidr})"),
                remedy: (!is_ours(scope, &tags::read(subnet.tags())))
                    .then(|| format!("aws ec2 delete-subnet --subnet-id {id}")),
            }
        })
        .collect())
}

async fn groups(aws: &Aws, vpc: &str) -> Result<Vec<SecurityGroup>, CloudError> {
    const ACTION: &str = "ec2:DescribeSecurityGroups";
    let filter = &look::one("vpc-id", [vpc]);
    let pages = pages(
        aws,
        ACTION,
        |token| {
            let call = aws.ec2.describe_security_groups().filters(filter.clone());
            let call = call.max_results(1000).set_next_token(token);
            async move { call.send().await.map_err(|e| aws_error(ACTION, e)) }
        },
        |page| page.next_token(),
    )
    .await?;
    Ok(pages
        .into_iter()
        .flat_map(|page| page.security_groups.unwrap_or_default())
        .collect())
}

async fn endpoints(aws: &Aws, vpc: &str) -> Result<Vec<VpcEndpoint>, CloudError> {
    const ACTION: &str = "ec2:DescribeVpcEndpoints";
    let filter = &look::one("vpc-id", [vpc]);
    let pages = pages(
        aws,
        ACTION,
        |token| {
            let call = aws.ec2.describe_vpc_endpoints().filters(filter.clone());
            let call = call.max_results(1000).set_next_token(token);
            async move { call.send().await.map_err(|e| aws_error(ACTION, e)) }
        },
        |page| page.next_token(),
    )
    .await?;
    Ok(pages
        .into_iter()
        .flat_map(|page| page.vpc_endpoints.unwrap_or_default())
        .collect())
}

#[cfg(test)]
mod tests;
