//! How requests reach a target group: through a listener's default action, or through a rule with its host and path. Pure.

use aws_sdk_elasticloadbalancingv2::types::{Listener, RuleCondition};

use crate::aws::elbv2::routing::{ListenerRules, forwards_to};

/// A request that the load balancer forwards to the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub scheme: &'static str,
    pub port: u16,
    /// The host that a rule asks for; otherwise the load balancer's own name will do.
    pub host: Option<String>,
    pub path: String,
}

/// The route to `group` for its health path. `local`: a plain listener is preferred, since a local AWS has no certificates.
///
/// # Errors
/// Why there is none, for people.
pub fn find_route(
    all: &[ListenerRules],
    group: &str,
    path: &str,
    local: bool,
) -> Result<Route, String> {
    let mut routes = Vec::new();
    let mut reasons = Vec::new();
    for one in all {
        let Some((scheme, port)) = address(&one.listener) else {
            continue;
        };
        let route = |host: Option<String>| Route {
            scheme,
            port,
            host,
            path: path.to_owned(),
        };
        if forwards_to(one.listener.default_actions(), group) {
            routes.push(route(None));
            continue;
        }
        let rules = one.rules.iter().filter(|r| forwards_to(r.actions(), group));
        for rule in rules {
            match host_of(rule.conditions(), path) {
                Ok(host) => routes.push(route(host)),
                Err(reason) => reasons.push(reason),
            }
        }
    }
    let first = if local { "http" } else { "https" };
    let best = routes.iter().find(|route| route.scheme == first);
    match best.or(routes.first()) {
        Some(route) => Ok(route.clone()),
        None => Err(reasons.into_iter().next().unwrap_or_else(|| {
            "no listener or rule of the load balancer forwards to its target group".into()
        })),
    }
}

fn address(listener: &Listener) -> Option<(&'static str, u16)> {
    let scheme = match listener.protocol()?.as_str() {
        "HTTPS" => "https",
        "HTTP" => "http",
        _ => return None,
    };
    Some((scheme, u16::try_from(listener.port()?).ok()?))
}

/// The host by which a `GET` of the path meets all conditions of a rule.
fn host_of(conditions: &[RuleCondition], path: &str) -> Result<Option<String>, String> {
    let mut host = None;
    for condition in conditions {
        let values = values(condition);
        match condition.field().unwrap_or_default() {
            "path-pattern" if values.iter().any(|pattern| matches_pattern(pattern, path)) => {}
            "path-pattern" => {
                return Err(format!(
                    "its rules forward {}, not the health path {path}",
                    values.join(", ")
                ));
            }
            "host-header" => {
                let exact = values.iter().find(|value| !value.contains(['*', '?']));
                host = exact.or(values.first()).map(|value| example_of(value));
            }
            "http-request-method" if values.iter().any(|value| value == "GET") => {}
            other => return Err(format!("its rules depend on {other}")),
        }
    }
    Ok(host)
}

fn values(condition: &RuleCondition) -> Vec<String> {
    let nested = match condition.field().unwrap_or_default() {
        "path-pattern" => condition
            .path_pattern_config()
            .map(|config| config.values()),
        "host-header" => condition.host_header_config().map(|config| config.values()),
        "http-request-method" => condition
            .http_request_method_config()
            .map(|config| config.values()),
        _ => None,
    };
    match nested {
        Some(values) if !values.is_empty() => values.to_vec(),
        _ => condition.values().to_vec(),
    }
}

/// A host that a pattern matches: `*.example.com` → `www.example.com`.
fn example_of(pattern: &str) -> String {
    pattern.replace('*', "www").replace('?', "x")
}

/// ELB user guide, "Path conditions": `*` matches any number of characters, `?` exactly one; case counts.
pub fn matches_pattern(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // The last `*`, and where the text it stands for ends.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, end)) => {
                    star = Some((at, end + 1));
                    (p, t) = (at + 1, end + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use aws_sdk_elasticloadbalancingv2::types::{
        Action, ActionTypeEnum, ForwardActionConfig, HostHeaderConditionConfig,
        PathPatternConditionConfig, ProtocolEnum, Rule, TargetGroupTuple,
    };

    use super::*;

    fn forward(group: &str) -> Action {
        let action = Action::builder().r#type(ActionTypeEnum::Forward);
        action.target_group_arn(group).build()
    }

    fn fixed() -> Action {
        Action::builder()
            .r#type(ActionTypeEnum::FixedResponse)
            .build()
    }

    fn listener(
        protocol: ProtocolEnum,
        port: i32,
        action: Action,
        rules: Vec<Rule>,
    ) -> ListenerRules {
        let listener = Listener::builder().protocol(protocol).port(port);
        ListenerRules {
            listener: listener.default_actions(action).build(),
            rules,
        }
    }

    fn rule(group: &str, conditions: &[(&str, &[&str])]) -> Rule {
        let mut rule = Rule::builder().actions(forward(group));
        for (field, values) in conditions {
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            let condition = RuleCondition::builder().field(*field);
            rule = rule.conditions(match *field {
                "host-header" => {
                    let config = HostHeaderConditionConfig::builder().set_values(Some(values));
                    condition.host_header_config(config.build()).build()
                }
                "path-pattern" => {
                    let config = PathPatternConditionConfig::builder().set_values(Some(values));
                    condition.path_pattern_config(config.build()).build()
                }
                _ => condition.set_values(Some(values)).build(),
            });
        }
        rule.build()
    }

    fn found(all: &[ListenerRules]) -> Result<(String, Option<String>), String> {
        let route = find_route(all, "mine", "/health", false)?;
        assert_eq!(route.path, "/health");
        Ok((format!("{}:{}", route.scheme, route.port), route.host))
    }

    #[test]
    fn a_default_action_needs_no_host() {
        let plain = || listener(ProtocolEnum::Http, 80, forward("mine"), vec![]);
        assert_eq!(found(&[plain()]), Ok(("http:80".into(), None)));
        let secure = listener(ProtocolEnum::Https, 443, forward("mine"), vec![]);
        let both = [plain(), secure];
        assert_eq!(found(&both), Ok(("https:443".into(), None)));
        let local = find_route(&both, "mine", "/health", true).expect("a route");
        assert_eq!(local.scheme, "http");
        let groups = ["mine", "other"].map(|arn| {
            TargetGroupTuple::builder()
                .target_group_arn(arn)
                .weight(1)
                .build()
        });
        let config = ForwardActionConfig::builder().set_target_groups(Some(groups.to_vec()));
        let weighted = Action::builder()
            .r#type(ActionTypeEnum::Forward)
            .forward_config(config.build());
        assert!(forwards_to(&[weighted.build()], "mine"));
    }

    #[test]
    fn a_rule_gives_its_host_and_has_to_cover_the_path() {
        let by = |conditions: &[(&str, &[&str])]| {
            let rules = vec![rule("other", &[]), rule("mine", conditions)];
            // Plain HTTP only redirects.
            let redirect = listener(ProtocolEnum::Http, 80, fixed(), vec![]);
            found(&[redirect, listener(ProtocolEnum::Https, 443, fixed(), rules)])
        };
        let host = |name: &str| Ok(("https:443".to_owned(), Some(name.to_owned())));
        assert_eq!(
            by(&[("host-header", &["*.example.com", "api.example.com"])]),
            host("api.example.com")
        );
        assert_eq!(
            by(&[("host-header", &["*.example.com"])]),
            host("www.example.com")
        );
        assert_eq!(
            by(&[("path-pattern", &["/api/*", "/heal??"])]),
            Ok(("https:443".into(), None))
        );
        let other = by(&[("path-pattern", &["/api/*"])]).expect_err("not covered");
        assert!(
            other.contains("/api/*, not the health path /health"),
            "{other}"
        );
        let header = by(&[("http-header", &["x"])]).expect_err("not known");
        assert!(header.contains("depend on http-header"), "{header}");
        assert!(by(&[("http-request-method", &["POST"])]).is_err());
        assert!(by(&[("http-request-method", &["GET"])]).is_ok());
        assert!(found(&[listener(ProtocolEnum::Http, 80, forward("other"), vec![])]).is_err());
    }

    #[test]
    fn patterns_match_as_elb_matches() {
        for (pattern, text, expected) in [
            ("/api/*", "/api/", true),
            ("/api/*", "/api", false),
            ("*", "/health", true),
            ("/*/x/*", "/a/b/x/c", true),
            ("/img/??.png", "/img/ab.png", true),
            ("/img/??.png", "/img/a.png", false),
            ("/Health", "/health", false),
            ("/health", "/health/", false),
            ("/health**", "/health", true),
        ] {
            assert_eq!(matches_pattern(pattern, text), expected, "{pattern} {text}");
        }
    }
}
