//! `elbv2.load_balancer`: application load balancers.
//!
//! Crash between `CreateLoadBalancer` and `ModifyLoadBalancerAttributes`: the balancer carries our tags, is found by them or by name, and
//! its attributes show as changes.
//!
//! Left out: IPv6, outposts and IPAM pools, because the subnets have IPv4 alone; network and gateway load balancers, because services here
//! speak HTTP; WAF, because an ACL is a resource of its own; attributes that the stack does not name, because AWS fills them in and adds
//! further ones; listeners, because each is a resource of its own: one without this stack's tags is somebody else's, is left alone, and
//! goes with its load balancer.

use aws_sdk_elasticloadbalancingv2::types::{
    LoadBalancer as Balancer, LoadBalancerSchemeEnum, LoadBalancerStateEnum,
};
use futures::TryFutureExt;
use futures::future::try_join_all;
use serde::Deserialize;

use super::settings::{Settings, differing, int, is_on, settings, text};
use super::{reads, tags};
use crate::aws::ec2::interfaces::{interfaces, sentence};
use crate::aws::{Aws, aws_error};
use crate::kind::{
    Asked, Class, CloudError, Collision, Cx, Extent, Field, Identity, Kind, Patience, Readiness,
    Step, TAGS, Verb, Wanted,
};
use crate::model::{Attributes, KindName, PhysicalId, Tags, Value};

mod facets;
mod fields;

pub struct LoadBalancer;

#[derive(Deserialize)]
pub struct Spec {
    name: String,
    scheme: String,
    subnets: Vec<String>,
    security_groups: Vec<String>,
    idle_timeout: i64,
    deletion_protection: bool,
    drop_invalid_headers: bool,
    http2: Option<bool>,
    access_logs: Option<AccessLogs>,
}

#[derive(Deserialize)]
struct AccessLogs {
    bucket: String,
    prefix: Option<String>,
}

#[derive(Clone)]
pub struct Live {
    arn: String,
    balancer: Balancer,
    /// Empty while a look only waits for it to become active.
    settings: Settings,
    tags: Tags,
}

const IDLE_TIMEOUT: &str = "idle_timeout.timeout_seconds";
const DELETION_PROTECTION: &str = "deletion_protection.enabled";
const DROP_INVALID: &str = "routing.http.drop_invalid_header_fields.enabled";
const HTTP2: &str = "routing.http2.enabled";
const LOGS: &str = "access_logs.s3.enabled";
const LOGS_BUCKET: &str = "access_logs.s3.bucket";
const LOGS_PREFIX: &str = "access_logs.s3.prefix";

const MODIFY: &str = "elasticloadbalancing:ModifyLoadBalancerAttributes";

impl Kind<Aws> for LoadBalancer {
    const NAME: KindName = KindName::new("elbv2.load_balancer");
    const DOC: &'static str = "An application load balancer.";
    const FIELDS: &'static [Field] = fields::FIELDS;
    const IDENTITY: Identity = Identity {
        natural_key: &["name"],
        collision: Collision::Suffix {
            field: "name",
            longest: 32,
        },
    };
    // Active after 2 to 4 minutes; its interfaces may stay for more than half an hour after the delete. What EC2 has just made, Elastic Load
    // Balancing sees a little later, and so it does a bucket's policy; for no longer than five minutes, since the same answers tell mistakes.
    const PATIENCE: Patience = Patience::slow(150, 2400)
        .not_yet(&[
            ("LoadBalancerNotFound", ""),
            ("SubnetNotFound", ""),
            ("InvalidSubnet", "no internet gateway"),
            ("InvalidSecurityGroup", ""),
            ("ValidationError", "not found"),
            ("InvalidConfigurationRequest", "Access Denied for bucket"),
        ])
        .lag(300);

    type Spec = Spec;
    type Live = Live;

    fn permissions(verb: Verb) -> &'static [&'static str] {
        match verb {
            Verb::Read => &[
                reads::LOAD_BALANCERS,
                "elasticloadbalancing:DescribeLoadBalancerAttributes",
                "elasticloadbalancing:DescribeTags",
                "tag:GetResources",
                "elasticloadbalancing:DescribeTargetGroups",
            ],
            Verb::Create => &[
                "elasticloadbalancing:CreateLoadBalancer",
                "elasticloadbalancing:AddTags",
                "elasticloadbalancing:DescribeTags",
                "iam:CreateServiceLinkedRole",
                // CreateLoadBalancer asks them of the caller in newer accounts.
                "ec2:DescribeAccountAttributes",
                "ec2:GetSecurityGroupsForVpc",
                MODIFY,
            ],
            Verb::Update => &[
                "elasticloadbalancing:SetSubnets",
                "elasticloadbalancing:SetSecurityGroups",
                "ec2:GetSecurityGroupsForVpc",
                "elasticloadbalancing:AddTags",
                "elasticloadbalancing:RemoveTags",
                MODIFY,
            ],
            Verb::Delete => &[
                "elasticloadbalancing:DeleteLoadBalancer",
                reads::LOAD_BALANCERS,
                "ec2:DescribeNetworkInterfaces",
                MODIFY,
            ],
        }
    }

    async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        let ids: Vec<String> = asked.ids().map(|id| id.as_str().to_owned()).collect();
        let direct = asked.extent == Extent::Items
            && ids.len() == asked.items.len()
            && ids.len() <= reads::ARNS;
        let all = if direct {
            reads::load_balancers_by_arn(aws, &ids).await?
        } else {
            reads::load_balancers(aws, asked).await?.to_vec()
        };
        let names = asked.texts("name");
        // While the engine waits for one, its state is all there is to know.
        let waiting =
            |balancer: &Balancer| direct && state(balancer) == LoadBalancerStateEnum::Provisioning;
        let named = |balancer: &Balancer| {
            let name = balancer.load_balancer_name().unwrap_or_default();
            names.iter().any(|asked| asked == name)
        };
        let known = |balancer: &&Balancer| asked.has_id(arn(balancer)) || named(balancer);
        let arns = |worth: &dyn Fn(&&Balancer) -> bool| -> Vec<String> {
            let worth = all.iter().filter(|one| worth(one) && !waiting(one));
            worth.map(|one| arn(one).to_owned()).collect()
        };
        let by_id = asked.extent == Extent::Items && ids.len() == asked.items.len();
        let of = reads::Tagged {
            candidates: &arns(&|one| !by_id || known(one)),
            known: &arns(&known),
            resource_type: reads::LOAD_BALANCER_TYPE,
        };
        let all_tags = reads::tags_of(aws, asked, of).await?;
        let found = all.iter().filter_map(|balancer| {
            let tags = all_tags.get(arn(balancer)).cloned().unwrap_or_default();
            (asked.wants(arn(balancer), &tags) || named(balancer)).then_some((balancer, tags))
        });
        try_join_all(found.map(|(balancer, tags)| async move {
            let settings = if waiting(balancer) {
                Settings::new()
            } else {
                facets::read_settings(aws, arn(balancer)).await?
            };
            Ok(Live {
                arn: arn(balancer).to_owned(),
                balancer: balancer.clone(),
                settings,
                tags,
            })
        }))
        .await
    }

    async fn create(aws: &Aws, cx: &Cx, spec: &Spec) -> Result<Live, CloudError> {
        const CREATE: &str = "elasticloadbalancing:CreateLoadBalancer";
        let request = aws
            .elb
            .create_load_balancer()
            .name(&spec.name)
            .scheme(LoadBalancerSchemeEnum::from(spec.scheme.as_str()))
            .set_subnets(Some(spec.subnets.clone()))
            .set_security_groups(Some(spec.security_groups.clone()))
            .set_tags(Some(tags::list(&cx.tags)));
        let made = async {
            let answer = request.send().await.map_err(|e| aws_error(CREATE, e))?;
            let balancer = answer.load_balancers.unwrap_or_default().into_iter().next();
            let balancer = balancer.ok_or_else(|| {
                CloudError::malformed(&Self::NAME, "CreateLoadBalancer answered without one")
            })?;
            tags::confirm_made_here(aws, cx, arn(&balancer)).await?;
            Ok(balancer)
        };
        let balancer = cx
            .send(CREATE, made, |made| Some(PhysicalId::new(arn(made))))
            .await?;
        let mut live = Live {
            arn: arn(&balancer).to_owned(),
            balancer,
            // What a new one has (API reference, LoadBalancerAttribute).
            settings: settings([
                (IDLE_TIMEOUT, "60"),
                (DELETION_PROTECTION, "false"),
                (DROP_INVALID, "false"),
                (HTTP2, "true"),
                (LOGS, "false"),
            ]),
            tags: cx.tags.clone(),
        };
        facets::modify(aws, cx, &mut live, &facets::wished(spec)).await?;
        Ok(live)
    }

    async fn update(
        aws: &Aws,
        cx: &Cx,
        live: &Live,
        wanted: &Wanted<Spec>,
    ) -> Result<Step<Live>, CloudError> {
        let mut live = live.clone();
        if wanted.changes("security_groups") {
            facets::set_security_groups(aws, cx, &mut live, &wanted.spec.security_groups).await?;
        }
        if wanted.changes("subnets") {
            facets::set_subnets(aws, cx, &mut live, &wanted.spec.subnets).await?;
        }
        facets::modify(aws, cx, &mut live, &facets::wished(&wanted.spec)).await?;
        if wanted.changes(TAGS) {
            tags::change(aws, cx, &live.arn, &live.tags).await?;
            live.tags = cx.tags.clone();
        }
        Ok(Step::Done(live))
    }

    async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        const DELETE: &str = "elasticloadbalancing:DeleteLoadBalancer";
        let there = cx.round == 0
            || !reads::load_balancers_by_arn(aws, std::slice::from_ref(&live.arn))
                .await?
                .is_empty();
        if there {
            facets::unprotect(aws, cx, live).await?;
            let request = aws.elb.delete_load_balancer().load_balancer_arn(&live.arn);
            let answer = cx
                .call(DELETE, request.send().map_err(|e| aws_error(DELETE, e)))
                .await;
            match answer {
                Err(error) if !error.is(Class::NotFound) => return Err(error),
                _ => {}
            }
        }
        // Its interfaces outlive the call by minutes, and keep its subnets and security groups from going.
        let description = vec![interface_description(&live.arn)];
        let left = interfaces(aws, vec![("description", description)]).await?;
        if left.is_empty() {
            Ok(Step::Done(()))
        } else {
            Ok(Step::Again(sentence(&left)))
        }
    }

    fn id(live: &Live) -> PhysicalId {
        PhysicalId::new(&live.arn)
    }

    fn unmanageable(live: &Live) -> Option<String> {
        let found = live.balancer.r#type()?.as_str();
        (found != "application").then(|| {
            format!("it is a {found} load balancer: this kind is application load balancers")
        })
    }

    fn tags(live: &Live) -> Tags {
        live.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        let balancer = &live.balancer;
        let settings = &live.settings;
        let subnets: Vec<&str> = balancer
            .availability_zones()
            .iter()
            .filter_map(|zone| zone.subnet_id())
            .collect();
        let logs = is_on(settings, LOGS).unwrap_or(false).then(|| {
            let mut parts = vec![("bucket", Value::from(text(settings, LOGS_BUCKET)))];
            parts.extend(text(settings, LOGS_PREFIX).map(|prefix| ("prefix", prefix.into())));
            Value::map(parts)
        });
        Attributes::new([
            ("name", balancer.load_balancer_name().into()),
            (
                "scheme",
                balancer.scheme().map(|scheme| scheme.as_str()).into(),
            ),
            ("subnets", subnets.into()),
            (
                "security_groups",
                balancer.security_groups().to_vec().into(),
            ),
            // AWS names it always; an emulator may leave out what has its default.
            (
                "idle_timeout",
                int(settings, IDLE_TIMEOUT).unwrap_or(60).into(),
            ),
            (
                "deletion_protection",
                is_on(settings, DELETION_PROTECTION).into(),
            ),
            ("drop_invalid_headers", is_on(settings, DROP_INVALID).into()),
            ("http2", is_on(settings, HTTP2).into()),
            ("access_logs", logs.unwrap_or_default()),
            ("arn", Value::text(&live.arn)),
            ("dns_name", balancer.dns_name().into()),
            ("zone_id", balancer.canonical_hosted_zone_id().into()),
            ("vpc_id", balancer.vpc_id().into()),
        ])
    }

    fn readiness(live: &Live) -> Readiness {
        let reason = live.balancer.state().and_then(|state| state.reason());
        match state(&live.balancer) {
            // Short of capacity, but serving.
            LoadBalancerStateEnum::Active | LoadBalancerStateEnum::ActiveImpaired => {
                Readiness::Ready
            }
            LoadBalancerStateEnum::Failed => {
                Readiness::Broken(reason.unwrap_or("its set-up failed").to_owned())
            }
            other => Readiness::NotYet(other.as_str().to_owned()),
        }
    }
}

fn arn(balancer: &Balancer) -> &str {
    balancer.load_balancer_arn().unwrap_or_default()
}

fn state(balancer: &Balancer) -> LoadBalancerStateEnum {
    balancer
        .state()
        .and_then(|state| state.code().cloned())
        .unwrap_or(LoadBalancerStateEnum::Provisioning)
}

/// `…:loadbalancer/app/web/1a2b` → `ELB app/web/1a2b`, which is what its interfaces are described as (ELB user guide).
fn interface_description(arn: &str) -> String {
    let path = arn
        .split_once(":loadbalancer/")
        .map_or(arn, |(_, path)| path);
    format!("ELB {path}")
}
