//! `elbv2.target_group`: where a listener or a rule sends requests. Targets themselves are the ECS service's, never managed here.
//!
//! Crash between `CreateTargetGroup` and `ModifyTargetGroupAttributes`: the group carries our tags, and its attributes show as changes.
//!
//! Left out: gRPC and HTTP/2 to targets, Lambda and load balancers as targets, IPv6 and a health check port of its own, because tasks here
//! answer HTTP/1.1 on one port; the algorithm and other attributes that the stack does not name, because AWS fills them in; targets,
//! because ECS registers them.

use aws_sdk_elasticloadbalancingv2::types::{
    Matcher, ProtocolEnum, TargetGroup as Group, TargetTypeEnum,
};
use futures::TryFutureExt;
use futures::future::try_join_all;
use serde::Deserialize;

use super::settings::{Settings, differing, int, is_on, settings, text};
use super::{reads, tags};
use crate::aws::{Aws, aws_error};
use crate::kind::{
    Asked, Class, CloudError, Collision, Cx, Extent, Field, Identity, Kind, Patience, Readiness,
    Step, TAGS, Verb, Wanted,
};
use crate::model::{Attributes, KindName, PhysicalId, Tags, Value};

mod facets;
mod fields;

pub struct TargetGroup;

#[derive(Deserialize)]
pub struct Spec {
    name: String,
    vpc_id: String,
    port: i32,
    protocol: String,
    target_type: String,
    health_check: Option<HealthCheck>,
    deregistration_delay: i64,
    slow_start: Option<i64>,
    stickiness: Option<Stickiness>,
}

#[derive(Deserialize)]
struct HealthCheck {
    path: String,
    matcher: String,
    interval: i32,
    timeout: i32,
    healthy_threshold: i32,
    unhealthy_threshold: i32,
}

#[derive(Deserialize)]
struct Stickiness {
    duration: i64,
    cookie: Option<String>,
}

#[derive(Clone)]
pub struct Live {
    arn: String,
    group: Group,
    settings: Settings,
    tags: Tags,
}

const DELAY: &str = "deregistration_delay.timeout_seconds";
const SLOW_START: &str = "slow_start.duration_seconds";
const STICKY: &str = "stickiness.enabled";
const STICKY_TYPE: &str = "stickiness.type";
const LB_DURATION: &str = "stickiness.lb_cookie.duration_seconds";
const APP_DURATION: &str = "stickiness.app_cookie.duration_seconds";
const APP_COOKIE: &str = "stickiness.app_cookie.cookie_name";

const MODIFY: &str = "elasticloadbalancing:ModifyTargetGroup";
const MODIFY_ATTRIBUTES: &str = "elasticloadbalancing:ModifyTargetGroupAttributes";

impl Kind<Aws> for TargetGroup {
    const NAME: KindName = KindName::new("elbv2.target_group");
    const DOC: &'static str = "A group of targets that a load balancer spreads requests over.";
    const FIELDS: &'static [Field] = fields::FIELDS;
    const IDENTITY: Identity = Identity {
        natural_key: &["name"],
        collision: Collision::Suffix {
            field: "name",
            longest: 32,
        },
    };
    // Elastic Load Balancing sees a new VPC a little later than EC2: "The VPC ID 'vpc-…' is not found".
    const PATIENCE: Patience = Patience::quick().not_yet(&[
        ("TargetGroupNotFound", ""),
        ("ValidationError", "not found"),
    ]);

    type Spec = Spec;
    type Live = Live;

    fn permissions(verb: Verb) -> &'static [&'static str] {
        match verb {
            Verb::Read => &[
                reads::TARGET_GROUPS,
                reads::LOAD_BALANCERS,
                "elasticloadbalancing:DescribeTargetGroupAttributes",
                "elasticloadbalancing:DescribeTags",
                "tag:GetResources",
            ],
            Verb::Create => &[
                "elasticloadbalancing:CreateTargetGroup",
                "elasticloadbalancing:AddTags",
                "elasticloadbalancing:DescribeTags",
                "iam:CreateServiceLinkedRole",
                MODIFY_ATTRIBUTES,
            ],
            Verb::Update => &[
                MODIFY,
                MODIFY_ATTRIBUTES,
                "elasticloadbalancing:AddTags",
                "elasticloadbalancing:RemoveTags",
            ],
            Verb::Delete => &["elasticloadbalancing:DeleteTargetGroup"],
        }
    }

    async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        let all = reads::target_groups(aws, asked).await?;
        let names = asked.texts("name");
        let known = |group: &Group| {
            let name = group.target_group_name().unwrap_or_default();
            asked.has_id(arn(group)) || names.iter().any(|asked| asked == name)
        };
        let by_id =
            asked.extent == Extent::Items && asked.items.iter().all(|item| item.id.is_some());
        let arns = |worth: &dyn Fn(&Group) -> bool| -> Vec<String> {
            let worth = all.iter().filter(|one| worth(one));
            worth.map(|one| arn(one).to_owned()).collect()
        };
        let of = reads::Tagged {
            candidates: &arns(&|one| !by_id || known(one)),
            known: &arns(&known),
            resource_type: reads::TARGET_GROUP_TYPE,
        };
        let all_tags = reads::tags_of(aws, asked, of).await?;
        let found = all.iter().filter_map(|group| {
            let tags = all_tags.get(arn(group)).cloned().unwrap_or_default();
            (asked.wants(arn(group), &tags) || known(group)).then_some((group, tags))
        });
        try_join_all(found.map(|(group, tags)| async move {
            let settings = facets::read_settings(aws, arn(group)).await?;
            Ok(Live {
                arn: arn(group).to_owned(),
                group: group.clone(),
                settings,
                tags,
            })
        }))
        .await
    }

    async fn create(aws: &Aws, cx: &Cx, spec: &Spec) -> Result<Live, CloudError> {
        const CREATE: &str = "elasticloadbalancing:CreateTargetGroup";
        let check = spec.health_check.as_ref();
        let request = aws
            .elb
            .create_target_group()
            .name(&spec.name)
            .vpc_id(&spec.vpc_id)
            .port(spec.port)
            .protocol(ProtocolEnum::from(spec.protocol.as_str()))
            .target_type(TargetTypeEnum::from(spec.target_type.as_str()))
            .set_health_check_path(check.map(|check| check.path.clone()))
            .set_health_check_interval_seconds(check.map(|check| check.interval))
            .set_health_check_timeout_seconds(check.map(|check| check.timeout))
            .set_healthy_threshold_count(check.map(|check| check.healthy_threshold))
            .set_unhealthy_threshold_count(check.map(|check| check.unhealthy_threshold))
            .set_matcher(check.map(HealthCheck::matcher))
            .set_tags(Some(tags::list(&cx.tags)));
        let made = async {
            let answer = request.send().await.map_err(|e| aws_error(CREATE, e))?;
            let group = answer.target_groups.unwrap_or_default().into_iter().next();
            let group = group.ok_or_else(|| {
                CloudError::malformed(&Self::NAME, "CreateTargetGroup answered without one")
            })?;
            // AWS does not say when a group was made, so each could be an old one.
            tags::confirm_made_here(aws, cx, arn(&group)).await?;
            Ok(group)
        };
        let group = cx
            .send(CREATE, made, |made| Some(PhysicalId::new(arn(made))))
            .await?;
        let mut live = Live {
            arn: arn(&group).to_owned(),
            group,
            // What a new one has (API reference, TargetGroupAttribute).
            settings: settings([(DELAY, "300"), (SLOW_START, "0"), (STICKY, "false")]),
            tags: cx.tags.clone(),
        };
        facets::modify_settings(aws, cx, &mut live, &facets::wished(spec)).await?;
        Ok(live)
    }

    async fn update(
        aws: &Aws,
        cx: &Cx,
        live: &Live,
        wanted: &Wanted<Spec>,
    ) -> Result<Step<Live>, CloudError> {
        let mut live = live.clone();
        if let Some(check) = &wanted.spec.health_check
            && wanted.changes("health_check")
        {
            facets::modify_check(aws, cx, &mut live, check).await?;
        }
        facets::modify_settings(aws, cx, &mut live, &facets::wished(&wanted.spec)).await?;
        if wanted.changes(TAGS) {
            tags::change(aws, cx, &live.arn, &live.tags).await?;
            live.tags = cx.tags.clone();
        }
        Ok(Step::Done(live))
    }

    async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        const DELETE: &str = "elasticloadbalancing:DeleteTargetGroup";
        let request = aws.elb.delete_target_group().target_group_arn(&live.arn);
        let answer = cx
            .call(DELETE, request.send().map_err(|e| aws_error(DELETE, e)))
            .await;
        match answer {
            Err(error) if !error.is(Class::NotFound) => Err(error),
            _ => Ok(Step::Done(())),
        }
    }

    fn id(live: &Live) -> PhysicalId {
        PhysicalId::new(&live.arn)
    }

    fn unmanageable(live: &Live) -> Option<String> {
        let target_type = live.group.target_type().map(|found| found.as_str());
        let protocol = live.group.protocol().map(|found| found.as_str());
        match (target_type, protocol) {
            (Some("lambda" | "alb"), _) => Some(format!(
                "its targets are of the type {}: this kind is groups of the types ip and instance",
                target_type.unwrap_or_default()
            )),
            (_, Some("HTTP" | "HTTPS") | None) => None,
            (_, Some(other)) => Some(format!(
                "its protocol is {other}: this kind is groups for HTTP and HTTPS"
            )),
        }
    }

    fn tags(live: &Live) -> Tags {
        live.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        let (group, settings) = (&live.group, &live.settings);
        let check = Value::map([
            ("path", Value::from(group.health_check_path())),
            (
                "matcher",
                group
                    .matcher()
                    .and_then(|matcher| matcher.http_code())
                    .into(),
            ),
            ("interval", group.health_check_interval_seconds().into()),
            ("timeout", group.health_check_timeout_seconds().into()),
            ("healthy_threshold", group.healthy_threshold_count().into()),
            (
                "unhealthy_threshold",
                group.unhealthy_threshold_count().into(),
            ),
        ]);
        Attributes::new([
            ("name", group.target_group_name().into()),
            ("vpc_id", group.vpc_id().into()),
            ("port", group.port().into()),
            (
                "protocol",
                group.protocol().map(|protocol| protocol.as_str()).into(),
            ),
            (
                "target_type",
                group.target_type().map(|kind| kind.as_str()).into(),
            ),
            ("health_check", check),
            ("deregistration_delay", int(settings, DELAY).into()),
            ("slow_start", int(settings, SLOW_START).into()),
            ("stickiness", facets::observed_stickiness(settings)),
            ("arn", Value::text(&live.arn)),
        ])
    }

    fn readiness(_live: &Live) -> Readiness {
        Readiness::Ready
    }
}

impl HealthCheck {
    fn matcher(&self) -> Matcher {
        Matcher::builder().http_code(&self.matcher).build()
    }
}

fn arn(group: &Group) -> &str {
    group.target_group_arn().unwrap_or_default()
}
