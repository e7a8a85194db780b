//! `ec2.subnet`.
//!
//! Crash between `CreateSubnet` and `ModifySubnetAttribute`: the subnet carries our tags, is found by them, and `map_public_ip` shows as a
//! change.
//!
//! Left out: IPv6, DNS name options, customer-owned addresses and Outposts, because no stack here needs them (one set by hand is left
//! alone).

use aws_sdk_ec2::types::{self, AttributeBooleanValue, ResourceType, SubnetState};
use serde::Deserialize;
use std::time::Duration;

use super::blockers::{self, Stuck};
use super::{cidr::canonical, look, tags};
use crate::aws::ec2::text_rules;
use crate::aws::{Aws, aws_error, pages};
use crate::kind::{
    Asked, Class, CloudError, Collision, Cx, Field, Identity, Kind, Literal, Patience, Readiness,
    Step, TAGS, Type, Verb, Wanted,
};
use crate::model::{Attributes, KindName, PhysicalId, Tags, Value};

pub struct Subnet;

#[derive(Deserialize)]
pub struct Spec {
    vpc_id: String,
    cidr: String,
    availability_zone: String,
    map_public_ip: bool,
}

#[derive(Clone)]
pub struct Live {
    id: String,
    vpc_id: String,
    cidr: String,
    availability_zone: String,
    map_public_ip: bool,
    state: SubnetState,
    /// The zone's default subnet, which AWS made.
    is_default: bool,
    tags: Tags,
}

impl Kind<Aws> for Subnet {
    const NAME: KindName = KindName::new("ec2.subnet");
    const DOC: &'static str = "A part of a VPC's network, in one availability zone.";
    const FIELDS: &'static [Field] = &[
        Field::new("vpc_id", Type::Text, "The VPC it is a part of.")
            .rule(&text_rules::VPC_ID)
            .required()
            .replace(),
        Field::new(
            "cidr",
            Type::Cidr,
            "Its IPv4 network, within the VPC's, `/16` to `/28`.",
        )
        .required()
        .replace(),
        Field::new(
            "availability_zone",
            Type::Text,
            "The zone it stands in, by name: `eu-central-1a`.",
        )
        .required()
        .replace(),
        Field::new(
            "map_public_ip",
            Type::Bool,
            "Whether what starts in it gets a public address by default.",
        )
        .default(Literal::Bool(false)),
        Field::computed("id", Type::Text, "`subnet-…`."),
    ];
    // No two subnets of a VPC overlap.
    const IDENTITY: Identity = Identity {
        natural_key: &["vpc_id", "cidr"],
        collision: Collision::DeleteFirst,
    };
    // A delete waits for the interfaces of load balancers, tasks and databases to go.
    const PATIENCE: Patience = Patience {
        budget: Duration::from_secs(1200),
        ..Patience::quick()
    }
    .not_yet(&[
        ("InvalidVpcID.NotFound", ""),
        ("InvalidSubnetID.NotFound", ""),
        ("InvalidSubnetId.NotFound", ""),
    ]);

    type Spec = Spec;
    type Live = Live;

    fn permissions(verb: Verb) -> &'static [&'static str] {
        match verb {
            Verb::Read => &["ec2:DescribeSubnets"],
            Verb::Create => &[
                "ec2:CreateSubnet",
                "ec2:CreateTags",
                "ec2:ModifySubnetAttribute",
            ],
            Verb::Update => &[
                "ec2:ModifySubnetAttribute",
                "ec2:CreateTags",
                "ec2:DeleteTags",
            ],
            Verb::Delete => &[
                "ec2:DeleteSubnet",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeVpcEndpoints",
            ],
        }
    }

    async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        let filters = &look::narrowed(asked, "subnet-id");
        let pages = pages(
            aws,
            "ec2:DescribeSubnets",
            |token| async move {
                aws.ec2
                    .describe_subnets()
                    .set_filters(filters.clone())
                    .max_results(1000)
                    .set_next_token(token)
                    .send()
                    .await
                    .map_err(|e| aws_error("ec2:DescribeSubnets", e))
            },
            |page| page.next_token(),
        )
        .await?;
        Ok(pages
            .iter()
            .flat_map(|page| page.subnets())
            .map(Live::read)
            .filter(|live| {
                let key = [("vpc_id", &*live.vpc_id), ("cidr", &*live.cidr)];
                look::wanted(asked, &live.id, &live.tags, &key)
            })
            .collect())
    }

    async fn create(aws: &Aws, cx: &Cx, spec: &Spec) -> Result<Live, CloudError> {
        let answer = cx
            .send(
                "ec2:CreateSubnet",
                async {
                    aws.ec2
                        .create_subnet()
                        .vpc_id(&spec.vpc_id)
                        .cidr_block(canonical(&spec.cidr))
                        .availability_zone(&spec.availability_zone)
                        .tag_specifications(tags::on_create(ResourceType::Subnet, &cx.tags))
                        .send()
                        .await
                        .map_err(|e| aws_error("ec2:CreateSubnet", e))
                },
                |answer| answer.subnet()?.subnet_id().map(PhysicalId::new),
            )
            .await?;
        let subnet = answer.subnet().ok_or_else(|| {
            CloudError::malformed(&Self::NAME, "CreateSubnet answered without a subnet")
        })?;
        let mut live = Live {
            tags: cx.tags.clone(),
            ..Live::read(subnet)
        };
        set_public_ip(aws, cx, &mut live, spec.map_public_ip).await?;
        Ok(live)
    }

    async fn update(
        aws: &Aws,
        cx: &Cx,
        live: &Live,
        wanted: &Wanted<Spec>,
    ) -> Result<Step<Live>, CloudError> {
        let mut live = live.clone();
        set_public_ip(aws, cx, &mut live, wanted.spec.map_public_ip).await?;
        if wanted.changes(TAGS) {
            tags::change(aws, cx, &live.id, &live.tags).await?;
            live.tags = cx.tags.clone();
        }
        Ok(Step::Done(live))
    }

    async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        let answer = cx
            .call("ec2:DeleteSubnet", async {
                aws.ec2
                    .delete_subnet()
                    .subnet_id(&live.id)
                    .send()
                    .await
                    .map_err(|e| aws_error("ec2:DeleteSubnet", e))
            })
            .await;
        match answer {
            Err(error) if !error.is(Class::NotFound) => {
                let (id, vpc) = (live.id.as_str(), live.vpc_id.as_str());
                Err(blockers::explain(aws, cx, error, Stuck::Subnet { id, vpc }).await)
            }
            _ => Ok(Step::Done(())),
        }
    }

    fn id(live: &Live) -> PhysicalId {
        PhysicalId::new(&live.id)
    }

    fn unmanageable(live: &Live) -> Option<String> {
        live.is_default
            .then(|| "it is a default subnet of the account, which AWS made".into())
    }

    fn tags(live: &Live) -> Tags {
        live.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        Attributes::new([
            ("vpc_id", Value::text(&live.vpc_id)),
            ("cidr", Value::text(&live.cidr)),
            ("availability_zone", Value::text(&live.availability_zone)),
            ("map_public_ip", live.map_public_ip.into()),
        ])
    }

    fn readiness(live: &Live) -> Readiness {
        match &live.state {
            SubnetState::Available => Readiness::Ready,
            SubnetState::Failed | SubnetState::FailedInsufficientCapacity => {
                Readiness::Broken(live.state.to_string())
            }
            other => Readiness::NotYet(other.to_string()),
        }
    }
}

impl Live {
    fn read(subnet: &types::Subnet) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Self {
            id: text(subnet.subnet_id()),
            vpc_id: text(subnet.vpc_id()),
            cidr: text(subnet.cidr_block()),
            availability_zone: text(subnet.availability_zone()),
            map_public_ip: subnet.map_public_ip_on_launch().unwrap_or(false),
            state: subnet.state().cloned().unwrap_or(SubnetState::Pending),
            is_default: subnet.default_for_az().unwrap_or(false),
            tags: tags::read(subnet.tags()),
        }
    }
}

/// Not a parameter of `CreateSubnet`, and one attribute per call (API reference, ModifySubnetAttribute).
async fn set_public_ip(aws: &Aws, cx: &Cx, live: &mut Live, on: bool) -> Result<(), CloudError> {
    if live.map_public_ip == on {
        return Ok(());
    }
    cx.call("ec2:ModifySubnetAttribute", async {
        aws.ec2
            .modify_subnet_attribute()
            .subnet_id(&live.id)
            .map_public_ip_on_launch(AttributeBooleanValue::builder().value(on).build())
            .send()
            .await
            .map_err(|e| aws_error("ec2:ModifySubnetAttribute", e))
    })
    .await?;
    live.map_public_ip = on;
    Ok(())
}
