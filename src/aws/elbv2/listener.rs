//! `elbv2.listener`: a port of a load balancer, and what happens to requests that no rule takes.
//!
//! A listener is one call to make and one to change, so a crash leaves none half made; it is found by its tags, or by balancer and port.
//!
//! Left out: further (SNI) certificates, because each costs a call more at every plan and others may add them; mutual TLS and response
//! headers, because no stack here uses them; TCP, TLS and UDP, because load balancers here speak HTTP; rules, because each is a resource of
//! its own: one without this stack's tags is somebody else's, and is left alone.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types::{Certificate, Listener as Inner, ProtocolEnum};
use futures::TryFutureExt;
use futures::future::try_join_all;
use serde::Deserialize;

use super::action::{self, ActionSpec};
use super::{certificate_arn, reads, tags};
use crate::aws::elbv2::text_rules;
use crate::aws::{Aws, aws_error};
use crate::kind::{
    Asked, AskedItem, Class, CloudError, Collision, Cx, Extent, Field, Identity, Kind, Patience,
    Readiness, Step, TAGS, Type, Verb, Wanted,
};
use crate::model::{Attributes, KindName, PhysicalId, Tags, Value};

pub struct Listener;

#[derive(Deserialize)]
pub struct Spec {
    load_balancer: String,
    port: i32,
    protocol: String,
    certificate: Option<String>,
    ssl_policy: Option<String>,
    default_action: ActionSpec,
}

#[derive(Clone)]
pub struct Live {
    arn: String,
    listener: Inner,
    tags: Tags,
}

const FIELDS: &[Field] = &[
    Field::new("load_balancer", Type::Text, "The load balancer's ARN.")
        .rule(&text_rules::BALANCER_ARN)
        .required()
        .replace(),
    Field::new(
        "port",
        Type::Int {
            min: 1,
            max: 65_535,
        },
        "The port it listens on.",
    )
    .required(),
    Field::new(
        "protocol",
        Type::OneOf(&["HTTP", "HTTPS"]),
        "What clients speak.",
    )
    .required(),
    Field::new(
        "certificate",
        Type::Text,
        "The certificate's ARN; HTTPS needs one.",
    )
    .rule(&text_rules::CERTIFICATE),
    Field::new(
        "ssl_policy",
        Type::Text,
        "Which TLS versions and ciphers clients may use.",
    )
    .rule(&text_rules::SSL_POLICY),
    Field::new(
        "default_action",
        action::ACTION,
        "What happens to a request that no rule takes.",
    )
    .required(),
    Field::computed("id", Type::Text, "Its ARN."),
    Field::computed("arn", Type::Text, "Its ARN."),
];

impl Kind<Aws> for Listener {
    const NAME: KindName = KindName::new("elbv2.listener");
    const DOC: &'static str = "A port of a load balancer.";
    const FIELDS: &'static [Field] = FIELDS;
    const IDENTITY: Identity = Identity {
        natural_key: &["load_balancer", "port"],
        collision: Collision::DeleteFirst,
    };
    // A certificate just issued (see `certificate_arn`), or a group just made, is not seen by every part of AWS at once.
    const PATIENCE: Patience = Patience::quick().not_yet(&[
        ("TargetGroupNotFound", ""),
        ("LoadBalancerNotFound", ""),
        ("ListenerNotFound", ""),
    ]);

    type Spec = Spec;
    type Live = Live;

    fn permissions(verb: Verb) -> &'static [&'static str] {
        match verb {
            Verb::Read => &[
                reads::LISTENERS,
                reads::LOAD_BALANCERS,
                reads::TARGET_GROUPS,
                "elasticloadbalancing:DescribeTags",
                "tag:GetResources",
            ],
            Verb::Create => &[
                "elasticloadbalancing:CreateListener",
                "elasticloadbalancing:AddTags",
                "elasticloadbalancing:DescribeTags",
            ],
            Verb::Update => &[
                "elasticloadbalancing:ModifyListener",
                "elasticloadbalancing:AddTags",
                "elasticloadbalancing:RemoveTags",
            ],
            Verb::Delete => &["elasticloadbalancing:DeleteListener"],
        }
    }

    async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        let known: BTreeSet<String> = asked.items.iter().flat_map(load_balancers).collect();
        let of_known = of_balancers(aws, asked, known.iter().cloned().collect());
        // Beside them: what else may hang on our balancers, and items that nothing leads to.
        let of_others = async {
            let lost = asked
                .items
                .iter()
                .any(|item| load_balancers(item).is_empty());
            if asked.extent == Extent::Items && !lost {
                return Ok(Vec::new());
            }
            let ours = reads::our_load_balancers(aws, asked).await?;
            let others = ours.into_iter().filter(|arn| !known.contains(arn));
            of_balancers(aws, asked, others.collect()).await
        };
        let (mut found, others) = tokio::try_join!(of_known, of_others)?;
        found.extend(others);
        Ok(found)
    }

    async fn create(aws: &Aws, cx: &Cx, spec: &Spec) -> Result<Live, CloudError> {
        const CREATE: &str = "elasticloadbalancing:CreateListener";
        let request = aws
            .elb
            .create_listener()
            .load_balancer_arn(&spec.load_balancer)
            .port(spec.port)
            .protocol(ProtocolEnum::from(spec.protocol.as_str()))
            .set_certificates(spec.certificates())
            .set_ssl_policy(spec.ssl_policy.clone())
            .default_actions(spec.default_action.to_aws(CREATE)?)
            .set_tags(Some(tags::list(&cx.tags)));
        let made = async {
            let answer = request.send().await;
            let answer = answer.map_err(|e| spec.judge(aws, aws_error(CREATE, e)))?;
            let listener = first(answer.listeners, "CreateListener answered without one")?;
            // AWS does not say when a listener was made, so each could be an old one.
            tags::confirm_made_here(aws, cx, arn(&listener)).await?;
            Ok(listener)
        };
        let listener = cx
            .send(CREATE, made, |made| Some(PhysicalId::new(arn(made))))
            .await?;
        Ok(Live {
            arn: arn(&listener).to_owned(),
            listener,
            tags: cx.tags.clone(),
        })
    }

    async fn update(
        aws: &Aws,
        cx: &Cx,
        live: &Live,
        wanted: &Wanted<Spec>,
    ) -> Result<Step<Live>, CloudError> {
        const MODIFY: &str = "elasticloadbalancing:ModifyListener";
        let mut live = live.clone();
        if wanted.changed.iter().any(|change| change.field != TAGS) {
            let spec = &wanted.spec;
            // Whole: HTTPS to HTTP drops the certificate, and the way back has to bring it along.
            let request = aws
                .elb
                .modify_listener()
                .listener_arn(&live.arn)
                .port(spec.port)
                .protocol(ProtocolEnum::from(spec.protocol.as_str()))
                .set_certificates(spec.certificates())
                .set_ssl_policy(spec.ssl_policy.clone())
                .default_actions(spec.default_action.to_aws(MODIFY)?);
            let send = request.send();
            let answer = cx
                .call(
                    MODIFY,
                    send.map_err(|e| spec.judge(aws, aws_error(MODIFY, e))),
                )
                .await?;
            live.listener = first(answer.listeners, "ModifyListener answered without one")?;
        }
        if wanted.changes(TAGS) {
            tags::change(aws, cx, &live.arn, &live.tags).await?;
            live.tags = cx.tags.clone();
        }
        Ok(Step::Done(live))
    }

    async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        const DELETE: &str = "elasticloadbalancing:DeleteListener";
        let request = aws.elb.delete_listener().listener_arn(&live.arn);
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
        let protocol = live.listener.protocol()?.as_str();
        (!matches!(protocol, "HTTP" | "HTTPS")).then(|| {
            format!(
                "its protocol is {protocol}: this kind is listeners of application load balancers"
            )
        })
    }

    fn tags(live: &Live) -> Tags {
        live.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        let listener = &live.listener;
        let certificate = listener
            .certificates()
            .iter()
            .find_map(|certificate| certificate.certificate_arn());
        Attributes::new([
            ("load_balancer", listener.load_balancer_arn().into()),
            ("port", listener.port().into()),
            (
                "protocol",
                listener.protocol().map(|protocol| protocol.as_str()).into(),
            ),
            ("certificate", certificate.into()),
            (
                "ssl_policy",
                listener
                    .ssl_policy()
                    .filter(|policy| !policy.is_empty())
                    .into(),
            ),
            (
                "default_action",
                action::observed(listener.default_actions()),
            ),
            ("arn", Value::text(&live.arn)),
        ])
    }

    fn readiness(_live: &Live) -> Readiness {
        Readiness::Ready
    }
}

impl Spec {
    fn certificates(&self) -> Option<Vec<Certificate>> {
        let certificate = self.certificate.as_ref()?;
        Some(vec![
            Certificate::builder().certificate_arn(certificate).build(),
        ])
    }

    fn judge(&self, aws: &Aws, error: CloudError) -> CloudError {
        let caller = certificate_arn::Caller {
            partition: &aws.partition,
            region: &aws.region,
            account: &aws.account,
        };
        certificate_arn::judge(error, self.certificate.as_deref(), &caller)
    }
}

fn arn(listener: &Inner) -> &str {
    listener.listener_arn().unwrap_or_default()
}

fn first(listeners: Option<Vec<Inner>>, otherwise: &str) -> Result<Inner, CloudError> {
    listeners
        .unwrap_or_default()
        .into_iter()
        .next()
        .ok_or_else(|| CloudError::malformed(&Listener::NAME, otherwise))
}

/// The balancers an item's listener may be on: its ARN holds one, and the stack or the state names it (another one, when it moves).
fn load_balancers(item: &AskedItem) -> Vec<String> {
    let of_id = item.id.as_ref().and_then(|id| reads::parent(id.as_str()));
    let named = [&item.desired, &item.last]
        .into_iter()
        .flatten()
        .filter_map(|attributes| attributes.text("load_balancer").map(str::to_owned));
    of_id.into_iter().chain(named).collect()
}

async fn of_balancers(
    aws: &Aws,
    asked: &Asked,
    balancers: Vec<String>,
) -> Result<Vec<Live>, CloudError> {
    let all = try_join_all(
        balancers
            .iter()
            .map(|balancer| reads::listeners(aws, asked, balancer)),
    )
    .await?;
    let all: Vec<&Inner> = all.iter().flat_map(|listeners| listeners.iter()).collect();
    let arns: Vec<String> = all
        .iter()
        .map(|listener| arn(listener).to_owned())
        .collect();
    let all_tags = tags::describe(aws, &arns).await?;
    Ok(all
        .into_iter()
        .filter_map(|listener| {
            let tags = all_tags.get(arn(listener)).cloned().unwrap_or_default();
            (asked.wants(arn(listener), &tags) || has_place(asked, listener)).then(|| Live {
                arn: arn(listener).to_owned(),
                listener: listener.clone(),
                tags,
            })
        })
        .collect())
}

/// Whether an item asks for this balancer's port, whoever has it.
fn has_place(asked: &Asked, listener: &Inner) -> bool {
    asked
        .items
        .iter()
        .flat_map(|item| [&item.desired, &item.last])
        .flatten()
        .any(|attributes| {
            attributes.text("load_balancer") == listener.load_balancer_arn()
                && attributes.get("port").as_int() == listener.port().map(i64::from)
        })
}
