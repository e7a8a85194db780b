//! Rules as values: how the stack writes them, how AWS writes them back, and one normal form for both.

use aws_sdk_ec2::types::{
    IpPermission, IpRange, Ipv6Range, SecurityGroup, SecurityGroupRule, UserIdGroupPair,
};
use serde::Deserialize;

use crate::aws::ec2::cidr::canonical;
use crate::kind::{Class, CloudError};
use crate::model::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Ingress,
    Egress,
}

/// A rule as the stack writes it.
#[derive(Deserialize)]
pub struct RuleSpec {
    protocol: String,
    from_port: Option<i32>,
    to_port: Option<i32>,
    cidr: Option<String>,
    cidr_ipv6: Option<String>,
    security_group: Option<String>,
    description: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    V4(String),
    V6(String),
    Group(String),
    /// Made by hand: this kind has no field for it.
    PrefixList(String),
}

/// A rule in normal form. All but the description is its identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    protocol: String,
    /// None with protocol `-1`, and where AWS says -1 for a protocol without ports.
    ports: Option<(i32, i32)>,
    peer: Peer,
    pub description: Option<String>,
}

/// A rule as AWS has it.
#[derive(Clone, Debug)]
pub struct LiveRule {
    /// `sgr-…`; empty for one that no read has seen yet.
    pub id: String,
    pub direction: Direction,
    pub rule: Rule,
}

impl RuleSpec {
    /// Into normal form. Refuses what AWS would read differently from what is written.
    pub fn rule(&self, direction: Direction) -> Result<Rule, CloudError> {
        let wrong =
            |text: &str| CloudError::new(direction.authorize(), Class::Invalid, "Rule", text);
        let peers = [
            self.cidr.as_deref().map(|cidr| Peer::V4(canonical(cidr))),
            self.cidr_ipv6
                .as_deref()
                .map(|cidr| Peer::V6(canonical(cidr))),
            self.security_group.clone().map(Peer::Group),
        ];
        let mut peers = peers.into_iter().flatten();
        let (Some(peer), None) = (peers.next(), peers.next()) else {
            return Err(wrong(
                "a rule needs exactly one of cidr, cidr_ipv6 and security_group",
            ));
        };
        let protocol = protocol(&self.protocol);
        let ports = match (protocol.as_str(), self.from_port, self.to_port) {
            ("-1", None, None) => None,
            ("-1", ..) => {
                return Err(wrong(
                    "protocol -1 means all traffic and takes no from_port and to_port",
                ));
            }
            (_, None, Some(_)) => return Err(wrong("a rule with to_port needs from_port too")),
            ("icmp" | "icmpv6", from, to) => Some((from.unwrap_or(-1), to.unwrap_or(-1))),
            ("tcp" | "udp", None, None) => Some((0, 65535)),
            (_, Some(from), to) => Some((from, to.unwrap_or(from))),
            (_, None, None) => None,
        };
        Ok(Rule {
            protocol,
            ports,
            peer,
            description: self.description.clone().filter(|text| !text.is_empty()),
        })
    }
}

/// Names for numbers, as AWS writes them back.
fn protocol(text: &str) -> String {
    match text.to_ascii_lowercase().as_str() {
        "6" => "tcp".into(),
        "17" => "udp".into(),
        "1" => "icmp".into(),
        "58" => "icmpv6".into(),
        "all" => "-1".into(),
        other => other.to_owned(),
    }
}

/// For protocols without ports AWS says -1, or nothing; for ICMP -1 means every type.
fn ports(protocol: &str, from: Option<i32>, to: Option<i32>) -> Option<(i32, i32)> {
    match (protocol, from, to) {
        ("-1", ..) => None,
        ("icmp" | "icmpv6", from, to) => Some((from.unwrap_or(-1), to.unwrap_or(-1))),
        (_, Some(-1) | None, Some(-1) | None) => None,
        (_, from, to) => Some((from.unwrap_or(-1), to.unwrap_or(-1))),
    }
}

/// The rules that a group's own description carries, without ids.
pub fn of_group(group: &SecurityGroup) -> Vec<LiveRule> {
    let ingress = group.ip_permissions().iter();
    let egress = group.ip_permissions_egress().iter();
    ingress
        .map(|permission| (Direction::Ingress, permission))
        .chain(egress.map(|permission| (Direction::Egress, permission)))
        .flat_map(|(direction, permission)| {
            let protocol = protocol(permission.ip_protocol().unwrap_or("-1"));
            let ports = ports(&protocol, permission.from_port(), permission.to_port());
            peers(permission)
                .into_iter()
                .map(move |(peer, description)| LiveRule {
                    id: String::new(),
                    direction,
                    rule: Rule {
                        protocol: protocol.clone(),
                        ports,
                        peer,
                        description: description.filter(|text| !text.is_empty()),
                    },
                })
        })
        .collect()
}

/// The other sides of a merged permission, each with its text.
fn peers(permission: &IpPermission) -> Vec<(Peer, Option<String>)> {
    let v4 = permission
        .ip_ranges()
        .iter()
        .filter_map(|range| Some((Peer::V4(canonical(range.cidr_ip()?)), range.description())));
    let v6 = permission
        .ipv6_ranges()
        .iter()
        .filter_map(|range| Some((Peer::V6(canonical(range.cidr_ipv6()?)), range.description())));
    let groups = permission
        .user_id_group_pairs()
        .iter()
        .filter_map(|pair| Some((Peer::Group(pair.group_id()?.to_owned()), pair.description())));
    let lists = permission.prefix_list_ids().iter().filter_map(|list| {
        let id = list.prefix_list_id()?.to_owned();
        Some((Peer::PrefixList(id), list.description()))
    });
    v4.chain(v6)
        .chain(groups)
        .chain(lists)
        .map(|(peer, text)| (peer, text.map(str::to_owned)))
        .collect()
}

impl Direction {
    pub fn authorize(self) -> &'static str {
        match self {
            Self::Ingress => "ec2:AuthorizeSecurityGroupIngress",
            Self::Egress => "ec2:AuthorizeSecurityGroupEgress",
        }
    }

    pub fn revoke(self) -> &'static str {
        match self {
            Self::Ingress => "ec2:RevokeSecurityGroupIngress",
            Self::Egress => "ec2:RevokeSecurityGroupEgress",
        }
    }

    pub fn describe(self) -> &'static str {
        match self {
            Self::Ingress => "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
            Self::Egress => "ec2:UpdateSecurityGroupRuleDescriptionsEgress",
        }
    }
}

impl LiveRule {
    /// The rule every new group has.
    pub fn allow_all_egress() -> Self {
        Self {
            id: String::new(),
            direction: Direction::Egress,
            rule: Rule {
                protocol: "-1".into(),
                ports: None,
                peer: Peer::V4("0.0.0.0/0".into()),
                description: None,
            },
        }
    }

    pub fn read(rule: &SecurityGroupRule) -> Option<Self> {
        let peer = if let Some(cidr) = rule.cidr_ipv4() {
            Peer::V4(canonical(cidr))
        } else if let Some(cidr) = rule.cidr_ipv6() {
            Peer::V6(canonical(cidr))
        } else if let Some(list) = rule.prefix_list_id() {
            Peer::PrefixList(list.to_owned())
        } else {
            Peer::Group(rule.referenced_group_info()?.group_id()?.to_owned())
        };
        let protocol = protocol(rule.ip_protocol()?);
        let ports = ports(&protocol, rule.from_port(), rule.to_port());
        Some(Self {
            id: rule.security_group_rule_id().unwrap_or_default().to_owned(),
            direction: if rule.is_egress() == Some(true) {
                Direction::Egress
            } else {
                Direction::Ingress
            },
            rule: Rule {
                protocol,
                ports,
                peer,
                description: rule
                    .description()
                    .filter(|text| !text.is_empty())
                    .map(str::to_owned),
            },
        })
    }

    pub fn names(&self, group: &str) -> bool {
        matches!(&self.rule.peer, Peer::Group(other) if other == group)
    }

    pub fn names_other_than(&self, group: &str) -> bool {
        matches!(&self.rule.peer, Peer::Group(other) if other != group)
    }
}

impl Rule {
    /// Whether both let the same traffic through; descriptions aside.
    pub fn is_same(&self, other: &Rule) -> bool {
        self.protocol == other.protocol && self.ports == other.ports && self.peer == other.peer
    }

    pub fn observed(&self) -> Value {
        let (peer, id) = match &self.peer {
            Peer::V4(cidr) => ("cidr", cidr),
            Peer::V6(cidr) => ("cidr_ipv6", cidr),
            Peer::Group(group) => ("security_group", group),
            Peer::PrefixList(list) => ("prefix_list", list),
        };
        let mut entries = vec![
            ("protocol", Value::text(&self.protocol)),
            (peer, Value::text(id)),
        ];
        if let Some((from, to)) = self.ports {
            entries.push(("from_port", from.into()));
            entries.push(("to_port", to.into()));
        }
        if let Some(description) = &self.description {
            entries.push(("description", Value::text(description)));
        }
        Value::map(entries)
    }

    /// As authorise, revoke and describe calls take it.
    pub fn permission(&self) -> IpPermission {
        let permission = IpPermission::builder()
            .ip_protocol(&self.protocol)
            .set_from_port(self.ports.map(|(from, _)| from))
            .set_to_port(self.ports.map(|(_, to)| to));
        let description = self.description.clone();
        match &self.peer {
            Peer::V4(cidr) => permission.ip_ranges(
                IpRange::builder()
                    .cidr_ip(cidr)
                    .set_description(description)
                    .build(),
            ),
            Peer::V6(cidr) => permission.ipv6_ranges(
                Ipv6Range::builder()
                    .cidr_ipv6(cidr)
                    .set_description(description)
                    .build(),
            ),
            Peer::Group(group) => permission.user_id_group_pairs(
                UserIdGroupPair::builder()
                    .group_id(group)
                    .set_description(description)
                    .build(),
            ),
            Peer::PrefixList(list) => permission.prefix_list_ids(
                aws_sdk_ec2::types::PrefixListId::builder()
                    .prefix_list_id(list)
                    .set_description(description)
                    .build(),
            ),
        }
        .build()
    }
}

#[cfg(test)]
mod tests;
