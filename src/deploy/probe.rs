//! The last check: does the load balancer answer? Asked through its own address, as a client would, where that can be reached from here.
//!
//! The targets are healthy by then. So only what a target itself answers counts against the release: rules, firewalls, proxies and checks
//! of host names answer for reasons of their own, and are reported.

use std::time::Duration;

use futures::TryFutureExt;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use tokio::time::{Instant, sleep};

use crate::aws::elbv2::routing::listeners;
use crate::aws::{Aws, aws_error, glance};
use crate::kind::CloudError;
use crate::session::Target;

mod route;

use route::{Route, find_route};

const GROUPS: &str = "elasticloadbalancing:DescribeTargetGroups";
const BALANCERS: &str = "elasticloadbalancing:DescribeLoadBalancers";
/// So many answers in a row, each from a target that the balancer chose.
const IN_A_ROW: u32 = 5;
/// So many attempts that did not get there, and it is no accident.
const UNREACHED: u32 = 3;
/// So many answers in a row that say nothing of the release, and others will not come.
const UNCLEAR: u32 = 20;
/// Between two requests.
const GAP: Duration = Duration::from_millis(500);

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// So many 200s in a row, at this address.
    Well { url: String, times: u32 },
    /// A target answers, and not well; or the balancer does, and the targets are not healthy.
    Badly { url: String, what: String },
    /// Something answers that says nothing of the release.
    Unclear { url: String, what: String },
    /// Nobody can say from here, and why.
    NotReached(String),
    /// Nothing sends the service requests.
    NoBalancer,
}

impl Answered {
    /// For people.
    pub fn words(&self) -> String {
        match self {
            Self::Well { url, times } => format!("{url} answered well {times} times in a row"),
            Self::Badly { url, what } => format!("{url} answered {what}"),
            Self::Unclear { url, what } => {
                format!("{url} answered {what}. Its targets are healthy, so the release stays")
            }
            Self::NotReached(why) => {
                format!("not asked through the load balancer: {why}. Its targets are healthy")
            }
            Self::NoBalancer => "nothing sends it requests".into(),
        }
    }
}

/// What one answer says of the release.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Judgement {
    Well,
    /// A target failed to answer.
    Target,
    /// The balancer found no target that answers: the targets' health decides.
    Balancer,
    /// Why it says nothing.
    Unclear(&'static str),
}

/// A load balancer's front.
struct Front {
    name: String,
    route: Route,
}

/// The address that is asked, and what is known about the way there.
struct Request {
    client: reqwest::Client,
    url: String,
    host: Option<String>,
    /// A proxy of this network may answer in the service's place.
    proxied: bool,
}

/// Asks for the readiness path until it answered well often enough, or `patience` has run out.
pub async fn probe(aws: &Aws, target: &Target, patience: Duration) -> Result<Answered, CloudError> {
    let Some(group) = &target.target_group else {
        return Ok(Answered::NoBalancer);
    };
    let front = match front(aws, group).await? {
        None => return Ok(Answered::NoBalancer),
        Some(Err(reason)) => return Ok(Answered::NotReached(reason)),
        Some(Ok(front)) => front,
    };
    let local = aws.endpoint.is_some();
    let Some(place) = place(&front, local) else {
        return Ok(Answered::NotReached(format!(
            "{} is a name of a local AWS that has no load balancer behind it",
            front.name
        )));
    };
    let client = match client(local) {
        Ok(client) => client,
        Err(error) => return Ok(Answered::NotReached(error.to_string())),
    };
    let request = Request {
        client,
        url: format!("{}://{place}{}", front.route.scheme, front.route.path),
        host: front.route.host,
        proxied: !local && has_proxy(),
    };
    let (answered, balancer_failed) = request.repeat(patience).await;
    match answered {
        Answered::Unclear { url, what } if balancer_failed && !healthy(aws, group).await? => {
            Ok(Answered::Badly { url, what })
        }
        answered => Ok(answered),
    }
}

impl Request {
    /// Asks until the answers are clear; whether the last one came from a balancer without a target that answers.
    async fn repeat(&self, patience: Duration) -> (Answered, bool) {
        let since = Instant::now();
        let (mut unreached, mut well, mut unclear) = (0, 0, 0);
        let mut balancer = false;
        let mut last = Answered::NotReached("nothing was asked".into());
        while since.elapsed() < patience {
            match self.send().await {
                Ok((Judgement::Well, _)) => {
                    well += 1;
                    if well >= IN_A_ROW {
                        let url = self.url.clone();
                        return (Answered::Well { url, times: well }, false);
                    }
                    continue;
                }
                Ok((judgement, status)) => {
                    balancer = judgement == Judgement::Balancer;
                    last = self.answered(judgement, status);
                    unclear += u32::from(!balancer && matches!(last, Answered::Unclear { .. }));
                }
                // A name that is not known, a port that nobody listens at: an internal balancer, or a way that is closed to us.
                Err(error) => {
                    let url = &self.url;
                    last =
                        Answered::NotReached(format!("{url} cannot be reached from here: {error}"));
                    unreached += 1;
                }
            }
            if unreached >= UNREACHED || unclear >= UNCLEAR {
                break;
            }
            well = 0;
            sleep(GAP).await;
        }
        (last, balancer)
    }

    async fn send(&self) -> Result<(Judgement, StatusCode), String> {
        let mut request = self.client.get(&self.url);
        if let Some(host) = &self.host {
            request = request.header(reqwest::header::HOST, host);
        }
        match request.send().await {
            Ok(answer) => {
                let status = answer.status();
                Ok((judge(status, answer.headers(), self.proxied), status))
            }
            Err(error) if error.is_connect() => Err("no connection".into()),
            Err(error) if error.is_timeout() => Err("no answer in time".into()),
            Err(error) => Err(error.without_url().to_string()),
        }
    }

    fn answered(&self, judgement: Judgement, status: StatusCode) -> Answered {
        let url = match &self.host {
            Some(host) => format!("{} (host {host})", self.url),
            None => self.url.clone(),
        };
        let what = match judgement {
            Judgement::Unclear(why) => format!("{status}: {why}"),
            _ => status.to_string(),
        };
        match judgement {
            Judgement::Target => Answered::Badly { url, what },
            _ => Answered::Unclear { url, what },
        }
    }
}

/// What an answer says of the release. Only a server error that a target gave itself counts against it.
fn judge(status: StatusCode, headers: &HeaderMap, proxied: bool) -> Judgement {
    let server = headers.get(reqwest::header::SERVER);
    let server = server
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let proxy = ["via", "proxy-authenticate", "proxy-status", "x-squid-error"];
    if status.is_success() {
        Judgement::Well
    } else if status.is_redirection() {
        Judgement::Unclear("it redirects to another host, or a login stands in front")
    } else if !status.is_server_error() {
        Judgement::Unclear(
            "a rule, a firewall, a login or the application's own check of host names may say so",
        )
    } else if server.starts_with("awselb/") {
        Judgement::Balancer
    } else if proxied || proxy.iter().any(|name| headers.contains_key(*name)) {
        Judgement::Unclear("a proxy between here and the load balancer may say so")
    } else {
        Judgement::Target
    }
}

/// Whether this network has a proxy, by the variables that the HTTP client goes by.
fn has_proxy() -> bool {
    ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
        .iter()
        .any(|name| {
            [name.to_string(), name.to_lowercase()]
                .iter()
                .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
        })
}

/// Whether all targets of the group that are not leaving are healthy, and there are any.
async fn healthy(aws: &Aws, group: &str) -> Result<bool, CloudError> {
    let targets = glance::targets(aws, group).await?.unwrap_or_default();
    let mut staying = targets
        .iter()
        .filter(|one| one.state != "draining")
        .peekable();
    Ok(staying.peek().is_some() && staying.all(|one| one.state == "healthy"))
}

/// `local`: a local AWS, to which no proxy leads.
fn client(local: bool) -> reqwest::Result<reqwest::Client> {
    // Another host's answer is not the service's: a login page answers 200.
    let same_host = reqwest::redirect::Policy::custom(|attempt| {
        let here = attempt.previous().last().and_then(|url| url.host_str());
        if attempt.previous().len() > 3 || attempt.url().host_str() != here {
            attempt.stop()
        } else {
            attempt.follow()
        }
    });
    let builder = reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .connect_timeout(Duration::from_secs(3))
        .user_agent(crate::aws::user_agent())
        .redirect(same_host)
        // A rule's host goes into the `Host` header, which HTTP/2 takes from the address.
        .http1_only()
        // The certificate is for the service's own name, not for the balancer's; nothing secret is sent.
        .danger_accept_invalid_certs(true);
    let builder = if local { builder.no_proxy() } else { builder };
    builder.build()
}

/// Host and port to ask. A local AWS that has load balancers names them by an address of this machine, port included; its other names
/// are never looked up in the DNS, where they may be somebody else's.
fn place(front: &Front, local: bool) -> Option<String> {
    if !local {
        return Some(format!("{}:{}", front.name, front.route.port));
    }
    let (host, port) = front.name.rsplit_once(':').unwrap_or((&front.name, ""));
    let here = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    let port = port.parse().unwrap_or(front.route.port);
    here.then(|| format!("{host}:{port}"))
}

/// How requests reach the group. `None`: no load balancer has it; an error: why none of its rules can be followed from here.
async fn front(aws: &Aws, group: &str) -> Result<Option<Result<Front, String>>, CloudError> {
    let request = aws.elb.describe_target_groups().target_group_arns(group);
    let answer = aws
        .read(GROUPS, || {
            request.clone().send().map_err(|e| aws_error(GROUPS, e))
        })
        .await?;
    let found = answer.target_groups().first();
    let path = found
        .and_then(|group| group.health_check_path())
        .unwrap_or("/");
    let Some(arn) = found.and_then(|group| group.load_balancer_arns().first()) else {
        return Ok(None);
    };
    let balancers = aws.elb.describe_load_balancers().load_balancer_arns(arn);
    let (balancers, listeners) = tokio::try_join!(
        aws.read(BALANCERS, || balancers
            .clone()
            .send()
            .map_err(|e| aws_error(BALANCERS, e))),
        listeners(aws, arn),
    )?;
    let balancer = balancers.load_balancers().first();
    let Some(name) = balancer.and_then(|one| one.dns_name()) else {
        return Ok(None);
    };
    let route = find_route(&listeners, group, path, aws.endpoint.is_some());
    Ok(Some(route.map(|route| Front {
        name: name.to_owned(),
        route,
    })))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn only_what_a_target_answers_counts_against_the_release() {
        let of = |status: u16, headers: &[(&'static str, &'static str)], proxied: bool| {
            let headers = headers.iter().map(|(name, value)| {
                let name = reqwest::header::HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            });
            let status = StatusCode::from_u16(status).expect("a status");
            judge(status, &headers.collect(), proxied)
        };
        let unclear = |judgement: Judgement| matches!(judgement, Judgement::Unclear(_));
        assert_eq!(of(200, &[], true), Judgement::Well);
        assert_eq!(of(500, &[("server", "uvicorn")], false), Judgement::Target);
        assert_eq!(of(503, &[], false), Judgement::Target);
        // The balancer itself, with or without targets.
        assert_eq!(
            of(503, &[("server", "awselb/2.0")], false),
            Judgement::Balancer
        );
        // A rule's fixed answer, WAF, a host check, a login.
        for status in [301, 302, 400, 401, 403, 404, 407, 421, 429] {
            assert!(unclear(of(status, &[], false)), "{status}");
        }
        // A proxy that gives itself away, and one that may be there.
        assert!(unclear(of(502, &[("via", "1.1 squid")], false)));
        assert!(unclear(of(
            503,
            &[("x-squid-error", "ERR_DNS_FAIL 0")],
            false
        )));
        assert!(unclear(of(502, &[], true)));
    }

    #[test]
    fn names_of_a_local_aws_are_only_asked_where_they_are_here() {
        let front = |name: &str| Front {
            name: name.into(),
            route: Route {
                scheme: "http",
                port: 80,
                host: None,
                path: "/health".into(),
            },
        };
        let real = "circles-alb-1.us-east-1.elb.amazonaws.com";
        assert_eq!(place(&front(real), false), Some(format!("{real}:80")));
        assert_eq!(place(&front(real), true), None);
        assert_eq!(
            place(&front("127.0.0.1:8123"), true).as_deref(),
            Some("127.0.0.1:8123")
        );
        assert_eq!(
            place(&front("127.0.0.1"), true).as_deref(),
            Some("127.0.0.1:80")
        );
    }
}
