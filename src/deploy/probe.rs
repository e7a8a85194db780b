//! The last check: does the load balancer answer? Asked through its own address, as a client would, where that can be reached from here.

use std::time::Duration;

use futures::TryFutureExt;
use tokio::time::{Instant, sleep};

use crate::aws::{Aws, aws_error};
use crate::kind::CloudError;
use crate::session::Target;

const GROUPS: &str = "elasticloadbalancing:DescribeTargetGroups";
const BALANCERS: &str = "elasticloadbalancing:DescribeLoadBalancers";
const LISTENERS: &str = "elasticloadbalancing:DescribeListeners";
/// So many answers in a row, each from a target that the balancer chose.
const IN_A_ROW: u32 = 5;

/// So many attempts that did not get there, and it is no accident.
const UNREACHED: u32 = 3;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// So many 200s in a row, at this address.
    Well { url: String, times: u32 },
    /// It answers, and not well.
    Badly { url: String, what: String },
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
            Self::NotReached(why) => {
                format!("not asked through the load balancer: {why}. Its targets are healthy")
            }
            Self::NoBalancer => "nothing sends it requests".into(),
        }
    }
}

/// A load balancer's front.
struct Front {
    name: String,
    scheme: &'static str,
    port: u16,
    path: String,
}

/// Asks for the readiness path until it answered well often enough, or `patience` has run out.
pub async fn probe(aws: &Aws, target: &Target, patience: Duration) -> Result<Answered, CloudError> {
    let Some(front) = front(aws, target).await? else {
        return Ok(Answered::NoBalancer);
    };
    let host = match place(&front, aws.endpoint.is_some()) {
        Some(host) => host,
        None => {
            return Ok(Answered::NotReached(format!(
                "{} is a name of a local AWS that has no load balancer behind it",
                front.name
            )));
        }
    };
    let url = format!("{}://{host}{}", front.scheme, front.path);
    let client = match client(aws.endpoint.is_some()) {
        Ok(client) => client,
        Err(error) => return Ok(Answered::NotReached(error.to_string())),
    };
    let since = Instant::now();
    let mut unreached = 0;
    let (mut well, mut last) = (0, Answered::NotReached("nothing was asked".into()));
    while since.elapsed() < patience {
        match client.get(&url).send().await {
            Ok(answer) if answer.status().is_success() => {
                well += 1;
                if well >= IN_A_ROW {
                    return Ok(Answered::Well { url, times: well });
                }
                continue;
            }
            Ok(answer) => {
                last = Answered::Badly {
                    url: url.clone(),
                    what: answer.status().to_string(),
                }
            }
            // A name that is not known, a port that nobody listens at: an internal balancer, or a way that is closed to us.
            Err(error) if error.is_connect() || error.is_timeout() => {
                last = Answered::NotReached(format!("{url} cannot be reached from here"));
                unreached += 1;
                if unreached >= UNREACHED {
                    return Ok(last);
                }
            }
            Err(error) => {
                last = Answered::Badly {
                    url: url.clone(),
                    what: error.without_url().to_string(),
                }
            }
        }
        well = 0;
        sleep(Duration::from_millis(500)).await;
    }
    Ok(last)
}

/// `local`: a local AWS, to which no proxy leads.
fn client(local: bool) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .connect_timeout(Duration::from_secs(3))
        .user_agent(crate::aws::user_agent())
        .redirect(reqwest::redirect::Policy::limited(3))
        // The certificate is for the service's own name, not for the balancer's; nothing secret is sent.
        .danger_accept_invalid_certs(true);
    let builder = if local { builder.no_proxy() } else { builder };
    builder.build()
}

/// Host and port to ask. A local AWS that has load balancers names them by an address of this machine, port included; its other names
/// are never looked up in the DNS, where they may be somebody else's.
fn place(front: &Front, local: bool) -> Option<String> {
    if !local {
        return Some(format!("{}:{}", front.name, front.port));
    }
    let (host, port) = front.name.rsplit_once(':').unwrap_or((&front.name, ""));
    let here = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    let port = port.parse().unwrap_or(front.port);
    here.then(|| format!("{host}:{port}"))
}

async fn front(aws: &Aws, target: &Target) -> Result<Option<Front>, CloudError> {
    let Some(group) = &target.target_group else {
        return Ok(None);
    };
    let request = aws.elb.describe_target_groups().target_group_arns(group);
    let answer = aws
        .read(GROUPS, || {
            request.clone().send().map_err(|e| aws_error(GROUPS, e))
        })
        .await?;
    let found = answer.target_groups().first();
    let path = found
        .and_then(|group| group.health_check_path())
        .unwrap_or("/")
        .to_owned();
    let Some(arn) = found
        .and_then(|group| group.load_balancer_arns().first())
        .cloned()
    else {
        return Ok(None);
    };
    let balancers = aws.elb.describe_load_balancers().load_balancer_arns(&arn);
    let listeners = aws.elb.describe_listeners().load_balancer_arn(&arn);
    let (balancers, listeners) = tokio::try_join!(
        aws.read(BALANCERS, || balancers
            .clone()
            .send()
            .map_err(|e| aws_error(BALANCERS, e))),
        aws.read(LISTENERS, || listeners
            .clone()
            .send()
            .map_err(|e| aws_error(LISTENERS, e)))
    )?;
    let Some(name) = balancers
        .load_balancers()
        .first()
        .and_then(|one| one.dns_name())
    else {
        return Ok(None);
    };
    // Where there is HTTPS, plain HTTP only redirects to it. A local AWS goes by its plain listener, where there is one.
    let local = aws.endpoint.is_some();
    let of = |protocol: &str| {
        listeners
            .listeners()
            .iter()
            .find(|one| one.protocol().map(|p| p.as_str()) == Some(protocol))
            .and_then(|one| one.port())
            .and_then(|port| u16::try_from(port).ok())
    };
    let (scheme, port) = match (of("HTTPS"), of("HTTP")) {
        (_, Some(port)) if local => ("http", port),
        (Some(port), _) => ("https", port),
        (None, Some(port)) => ("http", port),
        (None, None) => return Ok(None),
    };
    Ok(Some(Front {
        name: name.to_owned(),
        scheme,
        port,
        path,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_local_aws_are_only_asked_where_they_are_here() {
        let front = |name: &str| Front {
            name: name.into(),
            scheme: "http",
            port: 80,
            path: "/health".into(),
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
