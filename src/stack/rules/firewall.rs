//! Rules of security groups: their ports, their one peer, and nothing twice (EC2 API reference, AuthorizeSecurityGroupIngress, IpPermission).

use std::collections::BTreeMap;

use super::Seen;
use crate::diagnostic::code;
use crate::model::Value;
use crate::stack::check::join;
use crate::stack::checked::Resource;
use crate::stack::desk::Desk;

const PEERS: [&str; 3] = ["cidr", "cidr_ipv6", "security_group"];

pub fn check(desk: &mut Desk<'_>, seen: &Seen<'_>) {
    for group in seen.of_kind("ec2.security_group") {
        for direction in ["ingress", "egress"] {
            let rules = group
                .attributes
                .get(direction)
                .as_list()
                .unwrap_or_default();
            for (i, rule) in rules.iter().enumerate() {
                let path = join(direction, &i.to_string());
                for (field, message, help) in problems(seen, rule) {
                    let path = join(&path, field);
                    desk.error(code::CONTRADICTION, seen.span(group, &path), message)
                        .help(help);
                }
            }
            duplicates(desk, seen, group, direction, rules);
        }
    }
}

/// What is wrong with one rule: the field, the sentence, and what to write.
fn problems(seen: &Seen<'_>, rule: &Value) -> Vec<(&'static str, String, String)> {
    let Some(rule) = rule.as_map() else {
        return Vec::new();
    };
    let given = |field: &str| rule.get(field).filter(|value| !value.is_null());
    let known = |field: &str| given(field).map(|value| seen.known(value));
    let port = |field: &str| known(field).and_then(|value| value.as_int());
    let mut problems = Vec::new();
    let protocol = known("protocol");
    let protocol = protocol
        .as_ref()
        .and_then(Value::as_text)
        .unwrap_or_default();
    for field in ["from_port", "to_port"] {
        if protocol == "-1" && given(field).is_some() {
            let message = format!("a rule for all protocols (`-1`) must not have a `{field}`");
            let help = "leave the ports out, or name a protocol: `protocol: tcp`";
            problems.push((field, message, help.to_owned()));
        }
        if matches!(protocol, "tcp" | "udp") && port(field).is_some_and(|port| port < 0) {
            let message = format!("a {protocol} port must be between 0 and 65535");
            problems.push((field, message, "leave it out for all ports".to_owned()));
        }
    }
    if let (Some(from), Some(to)) = (port("from_port"), port("to_port"))
        && matches!(protocol, "tcp" | "udp")
        && from > to
    {
        let message = format!("`from_port` {from} must not be above `to_port` {to}");
        let help = format!("write `from_port: {to}` and `to_port: {from}`");
        problems.push(("from_port", message, help));
    }
    let peers: Vec<&str> = PEERS
        .into_iter()
        .filter(|peer| given(peer).is_some())
        .collect();
    if peers.len() != 1 {
        let message = match peers.as_slice() {
            [] => "a rule needs one peer; this one has none".to_owned(),
            many => format!(
                "a rule must have one peer; this one has `{}`",
                many.join("` and `")
            ),
        };
        let help =
            "write one of `cidr`, `cidr_ipv6` and `security_group`; a second peer is a second rule";
        problems.push(("", message, help.to_owned()));
    }
    for (field, is_ipv6, other) in [("cidr", false, "cidr_ipv6"), ("cidr_ipv6", true, "cidr")] {
        if let Some(Value::Text(network)) = known(field)
            && network.contains(':') != is_ipv6
        {
            let version = if is_ipv6 { "IPv6" } else { "IPv4" };
            let message = format!("`{field}` must be an {version} network; `{network}` is not one");
            problems.push((field, message, format!("write `{other}: \"{network}\"`")));
        }
    }
    problems
}

/// AWS compares protocol, ports and peer, and not the description.
fn duplicates(
    desk: &mut Desk<'_>,
    seen: &Seen<'_>,
    group: &Resource,
    direction: &str,
    rules: &[Value],
) {
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    for (i, rule) in rules.iter().enumerate() {
        let Some(identity) = identity(seen, rule) else {
            continue;
        };
        let Some(earlier) = first.get(&identity) else {
            first.insert(identity, i);
            continue;
        };
        let place = |i: usize| seen.span(group, &join(direction, &i.to_string()));
        let (here, there) = (place(i), place(*earlier));
        let message = format!(
            "two {direction} rules of `{}` are the same: {identity}",
            group.address
        );
        let finding = desk
            .error(code::CONTRADICTION, here, message)
            .help("keep one of the two; a description does not tell them apart");
        if there != here {
            drop(finding.and(there, "the first"));
        }
    }
}

/// `tcp 80 and 10.0.0.0/8`: what AWS tells two rules apart by.
fn identity(seen: &Seen<'_>, rule: &Value) -> Option<String> {
    let rule = rule.as_map()?;
    let known = |field: &str| {
        rule.get(field)
            .filter(|value| !value.is_null())
            .map(|value| seen.known(value))
    };
    let text = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        Value::Int(int) => int.to_string(),
        Value::Expr(expr) => format!("{expr:?}"),
        _ => String::new(),
    };
    let protocol = known("protocol").map(|value| text(&value))?;
    let from = known("from_port").map(|value| text(&value));
    let to = known("to_port")
        .map(|value| text(&value))
        .or_else(|| from.clone());
    let ports = match (from, to) {
        (Some(from), Some(to)) if from == to => format!(" {from}"),
        (Some(from), Some(to)) => format!(" {from}-{to}"),
        _ => String::new(),
    };
    let peer = PEERS.into_iter().find_map(|peer| {
        let value = known(peer)?;
        let shown = match &value {
            Value::Expr(_) => seen
                .target(&value)
                .map_or_else(|| text(&value), |target| target.address.to_string()),
            other => text(other),
        };
        Some(shown)
    })?;
    let protocol = if protocol == "-1" {
        "all protocols".into()
    } else {
        protocol
    };
    Some(format!("{protocol}{ports}, {peer}"))
}
