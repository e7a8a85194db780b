//! Load balancers, listeners, rules and target groups: pairs of fields that Elastic Load Balancing refuses (API reference:
//! CreateTargetGroup, CreateListener, CreateRule, RedirectActionConfig; user guide, "Quotas for your Application Load Balancers").

use std::collections::{BTreeMap, BTreeSet};

use super::Seen;
use crate::diagnostic::code;
use crate::model::Value;
use crate::stack::check::join;
use crate::stack::checked::Resource;
use crate::stack::desk::Desk;
use crate::stack::net::Net;

/// Values of all conditions of one rule together.
const MOST_VALUES: usize = 5;
const MOST_GROUPS: usize = 5;
/// At most one of each in a rule.
const ONCE: [&str; 4] = [
    "host-header",
    "path-pattern",
    "http-request-method",
    "source-ip",
];

pub fn check(desk: &mut Desk<'_>, seen: &Seen<'_>) {
    for group in seen.of_kind("elbv2.target_group") {
        health_check(desk, seen, group);
        let slow_start = group.attributes.get("slow_start").as_int();
        if slow_start.is_some_and(|seconds| (1..30).contains(&seconds)) {
            desk.error(
                code::OUT_OF_BOUNDS,
                seen.span(group, "slow_start"),
                "`slow_start` must be 0, or 30 to 900 seconds",
            )
            .help("write `slow_start: 30`, or leave it out");
        }
    }
    for listener in seen.of_kind("elbv2.listener") {
        protocol(desk, seen, listener);
        action(desk, seen, listener, "default_action");
    }
    for rule in seen.of_kind("elbv2.listener_rule") {
        conditions(desk, seen, rule);
        action(desk, seen, rule, "action");
    }
    for balancer in seen.of_kind("elbv2.load_balancer") {
        one_subnet_per_zone(desk, seen, balancer);
    }
}

fn health_check(desk: &mut Desk<'_>, seen: &Seen<'_>, group: &Resource) {
    let Some(check) = group.attributes.get("health_check").as_map() else {
        return;
    };
    let number = |field: &str| check.get(field).and_then(Value::as_int);
    if let (Some(interval), Some(timeout)) = (number("interval"), number("timeout"))
        && timeout >= interval
    {
        desk.error(
            code::CONTRADICTION,
            seen.span(group, "health_check.timeout"),
            format!(
                "the timeout of a health check ({timeout} s) must be below its interval ({interval} s)"
            ),
        )
        .help(format!("write `timeout: {}`, or a longer interval", (interval - 1).max(2)));
    }
}

fn protocol(desk: &mut Desk<'_>, seen: &Seen<'_>, listener: &Resource) {
    let protocol = listener.attributes.text("protocol").unwrap_or_default();
    let given = |field: &str| !listener.attributes.get(field).is_null();
    if protocol == "HTTPS" && !given("certificate") {
        desk.error(
            code::MISSING,
            seen.span(listener, "protocol"),
            format!(
                "the HTTPS listener `{}` needs a `certificate`",
                listener.address
            ),
        )
        .help("add `certificate:` with the ARN of a certificate of ACM");
    }
    for field in ["certificate", "ssl_policy"] {
        if protocol == "HTTP" && given(field) {
            desk.error(
                code::CONTRADICTION,
                seen.span(listener, field),
                format!("an HTTP listener must not have a `{field}`"),
            )
            .help("write `protocol: HTTPS`, or leave it out");
        }
    }
    let certificate = seen.text(listener, "certificate");
    let region = certificate
        .as_deref()
        .filter(|arn| arn.contains(":acm:"))
        .and_then(|arn| arn.split(':').nth(3));
    if let (Some(region), Some(stack)) = (region, seen.region)
        && region != stack
    {
        desk.error(
            code::CONTRADICTION,
            seen.span(listener, "certificate"),
            format!("the certificate is in {region}, and a load balancer in {stack} takes only those of {stack}"),
        )
        .help(format!("request one in {stack}, and write its ARN"));
    }
}

fn conditions(desk: &mut Desk<'_>, seen: &Seen<'_>, rule: &Resource) {
    let conditions = rule
        .attributes
        .get("conditions")
        .as_list()
        .unwrap_or_default();
    let mut used = BTreeSet::new();
    let mut count = 0;
    for (i, condition) in conditions.iter().enumerate() {
        let path = join("conditions", &i.to_string());
        let Some(map) = condition.as_map() else {
            continue;
        };
        let field = map
            .get("field")
            .and_then(Value::as_text)
            .unwrap_or_default();
        if ONCE.contains(&field) && !used.insert(field) {
            desk.error(
                code::CONTRADICTION,
                seen.span(rule, &path),
                format!(
                    "`{}` has two conditions on the {}",
                    rule.address,
                    plain(field)
                ),
            )
            .help("put the values into one condition: any of them matches");
        }
        let has_header = map.get("header").is_some_and(|header| !header.is_null());
        if has_header != (field == "http-header") {
            desk.error(
                code::CONTRADICTION,
                seen.span(rule, &path),
                "a condition on `http-header` names its `header`, and no other does",
            )
            .help("write `field: http-header` and `header: NAME` together");
        }
        let values = map
            .get("values")
            .and_then(Value::as_list)
            .unwrap_or_default();
        count += values.len();
        condition_values(desk, seen, rule, (field, values), &path);
    }
    if count > MOST_VALUES {
        desk.error(
            code::OUT_OF_BOUNDS,
            seen.span(rule, "conditions"),
            format!(
                "`{}` has {count} condition values; a rule takes at most {MOST_VALUES} in all",
                rule.address
            ),
        )
        .help("use `*`, or spread them over two rules with priorities of their own");
    }
}

fn condition_values(
    desk: &mut Desk<'_>,
    seen: &Seen<'_>,
    rule: &Resource,
    (field, values): (&str, &[Value]),
    path: &str,
) {
    if values.is_empty() {
        desk.error(
            code::MISSING,
            seen.span(rule, path),
            format!("the {} of `{}` has no value", plain(field), rule.address),
        )
        .help("name at least one, or leave the condition out");
    }
    for (i, value) in values.iter().enumerate() {
        let known = seen.known(value);
        let Some(text) = known.as_text() else {
            continue;
        };
        if let Some((reason, help)) = condition_value(field, text) {
            let path = join(&join(path, "values"), &i.to_string());
            desk.error(
                code::NAME_RULE,
                seen.span(rule, &path),
                format!(
                    "`{text}` cannot be a {} in `{}`: {reason}",
                    plain(field),
                    rule.address
                ),
            )
            .help(help);
        }
    }
}

fn plain(field: &str) -> &str {
    match field {
        "host-header" => "host",
        "path-pattern" => "path",
        "http-request-method" => "method",
        "http-header" => "header value",
        "query-string" => "query string",
        "source-ip" => "source network",
        other => other,
    }
}

/// Why ELB refuses a value (API reference, RuleCondition), and what to write.
fn condition_value(field: &str, text: &str) -> Option<(&'static str, String)> {
    let only = |also: &str| {
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || also.contains(c))
    };
    if text.is_empty() || text.chars().count() > 128 {
        return Some((
            "it must have 1 to 128 characters",
            "write a shorter one".into(),
        ));
    }
    match field {
        "host-header" => {
            if let Some((host, _)) = text.split_once(':') {
                let help = format!("write `{host}`: a listener has one port");
                return Some(("it must not contain a port", help));
            }
            (!only("-.*?_")).then(|| {
                let reason = "allowed are letters, digits, `-`, `.`, `*` and `?`";
                (reason, "for example `api.example.com`".into())
            })
        }
        "path-pattern" => (!only("_-.$/~\"'@:+&*?")).then(|| {
            let reason = "allowed are letters, digits and `_-.$/~\"'@:+&*?`";
            (reason, "for example `/api/*`".into())
        }),
        "http-request-method" => (!text
            .chars()
            .all(|c| c.is_ascii_uppercase() || "-_".contains(c)))
        .then(|| {
            (
                "it must be uppercase",
                format!("write `{}`", text.to_uppercase()),
            )
        }),
        "source-ip" => Net::parse(text).is_none().then(|| {
            let help = format!("write `{text}/32`, or another network");
            ("it must be a network in CIDR notation", help)
        }),
        _ => None,
    }
}

/// An action has exactly the part that its type names, and a redirect leads elsewhere.
fn action(desk: &mut Desk<'_>, seen: &Seen<'_>, resource: &Resource, field: &str) {
    let Some(map) = resource.attributes.get(field).as_map() else {
        return;
    };
    let given = |part: &str| map.get(part).filter(|value| !value.is_null());
    let ty = map.get("type").and_then(Value::as_text).unwrap_or_default();
    let needed = match ty {
        "forward" => "target_groups",
        "redirect" => "redirect",
        "fixed-response" => "fixed_response",
        _ => return,
    };
    for part in ["target_groups", "redirect", "fixed_response"] {
        let is_given = match given(part) {
            Some(Value::List(items)) => !items.is_empty(),
            Some(_) => true,
            None => false,
        };
        if is_given == (part == needed) {
            continue;
        }
        let (message, help) = if part == needed {
            (
                format!("an action of type `{ty}` needs `{part}`"),
                format!("add `{part}:`"),
            )
        } else {
            (
                format!("an action of type `{ty}` must not have `{part}`"),
                "leave it out, or change the type".to_owned(),
            )
        };
        desk.error(
            code::CONTRADICTION,
            seen.span(resource, &join(field, part)),
            message,
        )
        .help(help);
    }
    let groups = given("target_groups")
        .and_then(Value::as_list)
        .unwrap_or_default();
    if groups.len() > MOST_GROUPS {
        desk.error(
            code::OUT_OF_BOUNDS,
            seen.span(resource, &join(field, "target_groups")),
            format!(
                "an action forwards to at most {MOST_GROUPS} target groups, this one to {}",
                groups.len()
            ),
        )
        .help("leave some out");
    }
    if ty == "redirect" && given("redirect").is_some_and(is_loop) {
        desk.error(
            code::CONTRADICTION,
            seen.span(resource, &join(field, "redirect")),
            "a redirect must change the protocol, port, host or path, else it is a loop",
        )
        .help("for example `redirect: { protocol: HTTPS, port: \"443\", status: HTTP_301 }`");
    }
}

fn is_loop(redirect: &Value) -> bool {
    let unchanged = [
        ("protocol", "#{protocol}"),
        ("port", "#{port}"),
        ("host", "#{host}"),
        ("path", "/#{path}"),
    ];
    let Some(map) = redirect.as_map() else {
        return false;
    };
    unchanged.iter().all(|(part, same)| match map.get(*part) {
        None | Some(Value::Null) => true,
        Some(value) => value.as_text() == Some(same),
    })
}

/// A load balancer takes one subnet a zone (CreateLoadBalancer, Subnets).
fn one_subnet_per_zone(desk: &mut Desk<'_>, seen: &Seen<'_>, balancer: &Resource) {
    let subnets = balancer
        .attributes
        .get("subnets")
        .as_list()
        .unwrap_or_default();
    let mut zones: BTreeMap<String, &Resource> = BTreeMap::new();
    for subnet in subnets.iter().filter_map(|subnet| seen.target(subnet)) {
        let Some(zone) = seen.text(subnet, "availability_zone") else {
            continue;
        };
        if let Some(other) = zones.get(&zone) {
            desk.error(
                code::ZONES,
                seen.span(balancer, "subnets"),
                format!(
                    "`{}` and `{}` are both in {zone}; a load balancer takes one subnet for each zone",
                    other.address, subnet.address
                ),
            )
            .and(seen.span(subnet, "availability_zone"), "the second")
            .help("name the balancer's `subnets`, one for each zone, or move the subnet");
            return;
        }
        zones.insert(zone, subnet);
    }
}
