//! What Elastic Load Balancing accepts as names, paths and codes (API reference: CreateLoadBalancer, CreateTargetGroup, Matcher,
//! RuleCondition, RedirectActionConfig, FixedResponseActionConfig, CreateListener).

use crate::kind::{ARN, TextRule, is_arn_of};

pub const BALANCER_NAME: TextRule = TextRule::length(1, 32).of("-").check(|name| {
    if name.starts_with("internal-") {
        return Some("it must not start with `internal-`, which is reserved");
    }
    hyphens(name)
});
pub const TARGET_GROUP_NAME: TextRule = TextRule::length(1, 32).of("-").check(hyphens);

fn hyphens(name: &str) -> Option<&'static str> {
    (name.starts_with('-') || name.ends_with('-'))
        .then_some("it must not start or end with a hyphen")
}

pub const CHECK_PATH: TextRule = TextRule::length(1, 1024)
    .check(|path| {
        if !path.starts_with('/') {
            return Some("it must start with `/`");
        }
        path.contains(char::is_whitespace)
            .then_some("it must not contain white space")
    })
    .example("/health");

/// Codes and ranges within 200 to 499 for an application load balancer (API reference, Matcher).
pub const MATCHER: TextRule = TextRule::length(3, 255)
    .check(|matcher| {
        let code = |text: &str| {
            text.parse::<u16>()
                .ok()
                .filter(|code| text.len() == 3 && (200..=499).contains(code))
        };
        let fits = |part: &str| match part.split_once('-') {
            Some((first, last)) => match (code(first), code(last)) {
                (Some(first), Some(last)) => first <= last,
                _ => false,
            },
            None => code(part).is_some(),
        };
        (!matcher.split(',').all(fits))
            .then_some("it must be status codes from 200 to 499, as a list or a range")
    })
    .example("200,204` or `200-299");

pub const COOKIE: TextRule = TextRule::length(1, 256).check(|name| {
    if ["AWSALB", "AWSALBAPP", "AWSALBTG"]
        .iter()
        .any(|reserved| name.starts_with(reserved))
    {
        return Some("it must not start with `AWSALB`, which is reserved");
    }
    name.contains(|c: char| c.is_whitespace() || c.is_control() || ";,=\"".contains(c))
        .then_some("it must be a cookie name, without white space, `;`, `,`, `=` or quotes")
});

pub const SSL_POLICY: TextRule = TextRule::length(1, 255)
    .of("-_")
    .check(|name| {
        (!name.starts_with("ELBSecurityPolicy-"))
            .then_some("it must be the name of a security policy, `ELBSecurityPolicy-…`")
    })
    .example("ELBSecurityPolicy-TLS13-1-2-2021-06");

/// A certificate of ACM or of IAM.
pub const CERTIFICATE: TextRule = TextRule::length(1, 2048)
    .check(|text| {
        let is_acm = is_arn_of(text, "acm") && text.contains(":certificate/");
        let is_iam = is_arn_of(text, "iam") && text.contains(":server-certificate/");
        (!is_acm && !is_iam).then_some("it must be the ARN of a certificate")
    })
    .example("arn:aws:acm:us-east-1:111122223333:certificate/12345678-1234-1234-1234-123456789012");

pub const TARGET_GROUP_ARN: TextRule = TextRule::length(1, 2048).check(|text| {
    (!(is_arn_of(text, "elasticloadbalancing") && text.contains(":targetgroup/")))
        .then_some("it must be the ARN of a target group")
});
pub const BALANCER_ARN: TextRule = TextRule::length(1, 2048).check(|text| {
    (!(is_arn_of(text, "elasticloadbalancing") && text.contains(":loadbalancer/")))
        .then_some("it must be the ARN of a load balancer")
});
pub const LISTENER_ARN: TextRule = TextRule::length(1, 2048).check(|text| {
    (!(ARN.broken_by(text).is_none() && text.contains(":listener/")))
        .then_some("it must be the ARN of a listener")
});

pub const HEADER: TextRule = TextRule::length(1, 40).of("*?-!#$%&'+.^_`|~");

pub const REDIRECT_PORT: TextRule = TextRule::length(1, 7)
    .check(|port| {
        let is_port = port.parse::<u16>().is_ok_and(|port| port > 0) || port == "#{port}";
        (!is_port).then_some("it must be a port from 1 to 65535, or `#{port}`")
    })
    .example("443");
pub const REDIRECT_HOST: TextRule = TextRule::length(1, 128).check(|host| {
    host.contains(|c: char| c.is_whitespace() || "/:".contains(c))
        .then_some("it must be a host name, without port or path")
});
pub const REDIRECT_PATH: TextRule = TextRule::length(1, 128)
    .check(|path| (!path.starts_with('/')).then_some("it must start with `/`"))
    .example("/#{path}");
pub const REDIRECT_QUERY: TextRule = TextRule::length(0, 128).check(|query| {
    query
        .starts_with('?')
        .then_some("it must not start with `?`")
});

pub const FIXED_STATUS: TextRule = TextRule::length(3, 3)
    .check(|status| {
        let fits =
            status.bytes().all(|b| b.is_ascii_digit()) && status.starts_with(['2', '4', '5']);
        (!fits).then_some("it must be a status of 2XX, 4XX or 5XX")
    })
    .example("404");
pub const CONTENT_TYPE: TextRule = TextRule::length(0, 32)
    .check(|name| {
        let offered = [
            "text/plain",
            "text/css",
            "text/html",
            "application/javascript",
            "application/json",
        ];
        (!offered.contains(&name)).then_some(
            "it must be text/plain, text/css, text/html, application/javascript or application/json",
        )
    })
    .example("application/json");
pub const BODY: TextRule = TextRule::length(0, 1024);

#[cfg(test)]
mod tests {
    use super::*;

    fn all(rule: &TextRule, right: &[&str], wrong: &[&str]) {
        for text in right {
            assert_eq!(rule.broken_by(text), None, "{text}");
        }
        for text in wrong {
            assert!(rule.broken_by(text).is_some(), "{text}");
        }
    }

    #[test]
    fn a_matcher_is_made_of_the_codes_that_a_balancer_takes() {
        all(
            &MATCHER,
            &["200", "200,204", "200-499", "200-299,301"],
            &[
                "2xx", "200-600", "199", "ok", "200,", "299-200", "0200", "200 ",
            ],
        );
    }

    #[test]
    fn paths_certificates_and_policies_have_their_form() {
        all(
            &CHECK_PATH,
            &["/", "/health?deep=1"],
            &["health", "", "/a b"],
        );
        all(&SSL_POLICY, &["ELBSecurityPolicy-2016-08"], &["TLS13", ""]);
        all(
            &CERTIFICATE,
            &[
                "arn:aws:acm:us-east-1:111122223333:certificate/1",
                "arn:aws:iam::111122223333:server-certificate/x",
            ],
            &["", "my-cert", "arn:aws:acm:us-east-1:111122223333:key/1"],
        );
        all(
            &REDIRECT_PORT,
            &["443", "#{port}"],
            &["0", "65536", "https"],
        );
        all(&FIXED_STATUS, &["200", "404", "503"], &["301", "99", "abc"]);
        all(&COOKIE, &["session"], &["AWSALB", "a b", "a=b"]);
    }
}
