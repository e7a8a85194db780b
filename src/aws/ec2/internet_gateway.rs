//! `ec2.internet_gateway`: the gateway and its attachment, which has no identity of its own.
//!
//! Crash between `CreateInternetGateway` and `AttachInternetGateway`: the gateway carries our tags, is found by them, and shows with
//! `vpc_id` unset, which an update mends. Where the attach meets an id that EC2 does not know everywhere yet, the create leaves it to
//! `update`, too, so that no second gateway is made.
//!
//! A NAT gateway or a load balancer that is asked for before the attachment is seen fails for good ("has no Internet gateway attached"):
//! the gateway is ready when a describe shows it attached, not when the attach call returns.
//!
//! Left out: nothing.

use aws_sdk_ec2::types::{self, ResourceType};
use serde::Deserialize;
use std::time::Duration;

use super::blockers::{self, Stuck};
use super::{look, tags};
use crate::aws::ec2::text_rules;
use crate::aws::{Aws, aws_error, pages};
use crate::kind::{
    Asked, Class, CloudError, Collision, Cx, Extent, Field, Identity, Kind, Patience, Readiness,
    Step, TAGS, Type, Verb, Wanted,
};
use crate::model::{Attributes, KindName, PhysicalId, Tags, Value};

pub struct InternetGateway;

#[derive(Deserialize)]
pub struct Spec {
    vpc_id: String,
}

#[derive(Clone)]
pub struct Live {
    id: String,
    /// The VPC it is attached to; `None` also while it is being detached.
    vpc_id: Option<String>,
    /// A describe has shown the attachment as `available`.
    attached: bool,
    /// Not attached, though the step that looks at it wants it so.
    awaited: bool,
    tags: Tags,
}

impl Kind<Aws> for InternetGateway {
    const NAME: KindName = KindName::new("ec2.internet_gateway");
    const DOC: &'static str = "A VPC's way to and from the internet.";
    const FIELDS: &'static [Field] = &[
        Field::new(
            "vpc_id",
            Type::Text,
            "The VPC it is attached to; one gateway per VPC.",
        )
        .rule(&text_rules::VPC_ID)
        .required()
        .network(),
        Field::computed("id", Type::Text, "`igw-…`."),
    ];
    const IDENTITY: Identity = Identity {
        natural_key: &[],
        collision: Collision::Coexist,
    };
    // A detach waits until no mapped public address is left in the VPC.
    const PATIENCE: Patience = Patience {
        budget: Duration::from_secs(900),
        ..Patience::quick()
    }
    .not_yet(&[
        ("InvalidInternetGatewayID.NotFound", ""),
        ("InvalidInternetGateway.NotFound", ""),
        ("InvalidVpcID.NotFound", ""),
    ]);

    type Spec = Spec;
    type Live = Live;

    fn permissions(verb: Verb) -> &'static [&'static str] {
        match verb {
            Verb::Read => &["ec2:DescribeInternetGateways"],
            Verb::Create => &[
                "ec2:CreateInternetGateway",
                "ec2:CreateTags",
                "ec2:AttachInternetGateway",
                "ec2:DescribeInternetGateways",
            ],
            Verb::Update => &[
                "ec2:AttachInternetGateway",
                "ec2:DetachInternetGateway",
                "ec2:DescribeInternetGateways",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeVpcEndpoints",
                "ec2:CreateTags",
                "ec2:DeleteTags",
            ],
            Verb::Delete => &[
                "ec2:DetachInternetGateway",
                "ec2:DeleteInternetGateway",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeVpcEndpoints",
            ],
        }
    }

    async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        let filters = look::narrowed(asked, "internet-gateway-id");
        let mut found = describe(aws, filters).await?;
        found.retain(|live| asked.wants(&live.id, &live.tags));
        for live in &mut found {
            live.awaited = asked.extent == Extent::Items
                && live.vpc_id.is_none()
                && asked.items.iter().any(|item| {
                    item.id.as_ref().is_some_and(|id| id.as_str() == live.id)
                        && item
                            .desired
                            .as_ref()
                            .is_some_and(|desired| desired.text("vpc_id").is_some())
                });
        }
        Ok(found)
    }

    async fn create(aws: &Aws, cx: &Cx, spec: &Spec) -> Result<Live, CloudError> {
        let answer = cx
            .send(
                "ec2:CreateInternetGateway",
                async {
                    aws.ec2
                        .create_internet_gateway()
                        .tag_specifications(tags::on_create(
                            ResourceType::InternetGateway,
                            &cx.tags,
                        ))
                        .send()
                        .await
                        .map_err(|e| aws_error("ec2:CreateInternetGateway", e))
                },
                |answer| {
                    answer
                        .internet_gateway()?
                        .internet_gateway_id()
                        .map(PhysicalId::new)
                },
            )
            .await?;
        let gateway = answer.internet_gateway().ok_or_else(|| {
            CloudError::malformed(
                &Self::NAME,
                "CreateInternetGateway answered without a gateway",
            )
        })?;
        let mut live = Live {
            tags: cx.tags.clone(),
            ..Live::read(gateway)
        };
        match attach(aws, cx, &mut live, &spec.vpc_id).await {
            Err(error) if !error.is(Class::NotFound) => Err(error),
            _ => Ok(live),
        }
    }

    async fn update(
        aws: &Aws,
        cx: &Cx,
        live: &Live,
        wanted: &Wanted<Spec>,
    ) -> Result<Step<Live>, CloudError> {
        let mut live = live.clone();
        let vpc_id = &wanted.spec.vpc_id;
        if live.vpc_id.as_ref() != Some(vpc_id) {
            detach(aws, cx, &mut live).await?;
            attach(aws, cx, &mut live, vpc_id).await?;
        }
        if wanted.changes(TAGS) {
            tags::change(aws, cx, &live.id, &live.tags).await?;
            live.tags = cx.tags.clone();
        }
        Ok(Step::Done(live))
    }

    async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        detach(aws, cx, &mut live.clone()).await?;
        let answer = cx
            .call("ec2:DeleteInternetGateway", async {
                aws.ec2
                    .delete_internet_gateway()
                    .internet_gateway_id(&live.id)
                    .send()
                    .await
                    .map_err(|e| aws_error("ec2:DeleteInternetGateway", e))
            })
            .await;
        match answer {
            Err(error) if !error.is(Class::NotFound) => Err(error),
            _ => Ok(Step::Done(())),
        }
    }

    fn id(live: &Live) -> PhysicalId {
        PhysicalId::new(&live.id)
    }

    fn tags(live: &Live) -> Tags {
        live.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        Attributes::new([("vpc_id", Value::from(live.vpc_id.clone()))])
    }

    fn readiness(live: &Live) -> Readiness {
        match &live.vpc_id {
            _ if live.attached => Readiness::Ready,
            Some(vpc_id) => Readiness::NotYet(format!("attaching to {vpc_id}")),
            None if live.awaited => Readiness::NotYet("not attached to a VPC yet".into()),
            // Half made: its attachment shows as a change.
            None => Readiness::Ready,
        }
    }
}

impl Live {
    fn read(gateway: &types::InternetGateway) -> Self {
        // AWS says `available` where the model says `attached`.
        let attachment = gateway.attachments().iter().find(|attachment| {
            attachment
                .state()
                .is_none_or(|state| !matches!(state.as_str(), "detaching" | "detached"))
        });
        Self {
            id: gateway.internet_gateway_id().unwrap_or_default().to_owned(),
            vpc_id: attachment.and_then(|a| a.vpc_id().map(str::to_owned)),
            attached: attachment.is_some_and(|attachment| {
                attachment
                    .state()
                    .is_none_or(|state| state.as_str() != "attaching")
            }),
            awaited: false,
            tags: tags::read(gateway.tags()),
        }
    }
}

async fn describe(aws: &Aws, filters: Option<Vec<types::Filter>>) -> Result<Vec<Live>, CloudError> {
    let filters = &filters;
    let pages = pages(
        aws,
        "ec2:DescribeInternetGateways",
        |token| async move {
            aws.ec2
                .describe_internet_gateways()
                .set_filters(filters.clone())
                .max_results(1000)
                .set_next_token(token)
                .send()
                .await
                .map_err(|e| aws_error("ec2:DescribeInternetGateways", e))
        },
        |page| page.next_token(),
    )
    .await?;
    Ok(pages
        .iter()
        .flat_map(|page| page.internet_gateways())
        .map(Live::read)
        .collect())
}

/// Attaching twice is refused with `Resource.AlreadyAssociated`, and so is attaching to a VPC that has another gateway: a look tells.
async fn attach(aws: &Aws, cx: &Cx, live: &mut Live, vpc_id: &str) -> Result<(), CloudError> {
    let answer = cx
        .call("ec2:AttachInternetGateway", async {
            aws.ec2
                .attach_internet_gateway()
                .internet_gateway_id(&live.id)
                .vpc_id(vpc_id)
                .send()
                .await
                .map_err(|e| aws_error("ec2:AttachInternetGateway", e))
        })
        .await;
    if let Err(error) = answer {
        if error.code != "Resource.AlreadyAssociated" {
            return Err(error);
        }
        let filter = look::one("internet-gateway-id", [live.id.as_str()]);
        let now = describe(aws, Some(vec![filter])).await?;
        if !now.iter().any(|now| now.vpc_id.as_deref() == Some(vpc_id)) {
            return Err(error);
        }
    }
    live.vpc_id = Some(vpc_id.to_owned());
    live.attached = false;
    Ok(())
}

/// Not attached, and not there at all, is what was wanted.
async fn detach(aws: &Aws, cx: &Cx, live: &mut Live) -> Result<(), CloudError> {
    let Some(vpc_id) = live.vpc_id.take() else {
        return Ok(());
    };
    let answer = cx
        .call("ec2:DetachInternetGateway", async {
            aws.ec2
                .detach_internet_gateway()
                .internet_gateway_id(&live.id)
                .vpc_id(&vpc_id)
                .send()
                .await
                .map_err(|e| aws_error("ec2:DetachInternetGateway", e))
        })
        .await;
    match answer {
        Err(error) if error.is(Class::NotFound) || error.code == "Gateway.NotAttached" => Ok(()),
        Err(error) => {
            let stuck = Stuck::InternetGateway { vpc: &vpc_id };
            Err(blockers::explain(aws, cx, error, stuck).await)
        }
        Ok(_) => Ok(()),
    }
}
