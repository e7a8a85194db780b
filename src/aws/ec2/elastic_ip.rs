//! `ec2.elastic_ip`: one public IPv4 address. Nothing about it can be chosen; who uses it (a NAT gateway) says so there.
//!
//! `AllocateAddress` takes no token, and a second one costs money: after a crash the address is found by its tags, which are set with the
//! call.
//!
//! Left out: border group and address pools (own or customer-owned), because no stack here brings addresses of its own; the association,
//! because the gateway that uses the address makes it.

use aws_sdk_ec2::types::{DomainType, ResourceType};
use serde::Deserialize;

use super::{look, tags};
use crate::aws::{Aws, aws_error};
use crate::kind::{
    Asked, Class, CloudError, Collision, Cx, Field, Identity, Kind, Patience, Readiness, Step,
    TAGS, Type, Verb, Wanted,
};
use crate::model::{Attributes, KindName, PhysicalId, Tags, Value};

pub struct ElasticIp;

#[derive(Deserialize)]
pub struct Spec {}

#[derive(Clone)]
pub struct Live {
    allocation_id: String,
    public_ip: String,
    /// The service of AWS's that holds it, if one does.
    managed_by: Option<String>,
    tags: Tags,
}

impl Kind<Aws> for ElasticIp {
    const NAME: KindName = KindName::new("ec2.elastic_ip");
    const DOC: &'static str = "A public IPv4 address that stays the same.";
    const FIELDS: &'static [Field] = &[
        Field::computed("public_ip", Type::Text, "The address itself."),
        Field::computed(
            "allocation_id",
            Type::Text,
            "`eipalloc-…`; the same as `id`.",
        ),
        Field::computed("id", Type::Text, "`eipalloc-…`."),
    ];
    const IDENTITY: Identity = Identity {
        natural_key: &[],
        collision: Collision::Coexist,
    };
    // A release is refused until the NAT gateway that held the address is gone; EC2 then also says AuthFailure: "You do not have
    // permission to access the specified resource."
    const PATIENCE: Patience = Patience::quick().not_yet(&[
        ("InvalidAllocationID.NotFound", ""),
        ("AuthFailure", "permission to access the specified resource"),
        ("AuthFailure", "address"),
    ]);

    type Spec = Spec;
    type Live = Live;

    fn permissions(verb: Verb) -> &'static [&'static str] {
        match verb {
            Verb::Read => &["ec2:DescribeAddresses"],
            Verb::Create => &["ec2:AllocateAddress", "ec2:CreateTags"],
            Verb::Update => &["ec2:CreateTags", "ec2:DeleteTags"],
            Verb::Delete => &["ec2:ReleaseAddress"],
        }
    }

    // DescribeAddresses has no paging (API reference).
    async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        let filters = look::narrowed(asked, "allocation-id");
        let answer = aws
            .read("ec2:DescribeAddresses", || async {
                aws.ec2
                    .describe_addresses()
                    .set_filters(filters.clone())
                    .send()
                    .await
                    .map_err(|e| aws_error("ec2:DescribeAddresses", e))
            })
            .await?;
        Ok(answer
            .addresses()
            .iter()
            .map(|address| Live {
                allocation_id: address.allocation_id().unwrap_or_default().to_owned(),
                public_ip: address.public_ip().unwrap_or_default().to_owned(),
                managed_by: address
                    .service_managed()
                    .map(|service| service.as_str().to_owned()),
                tags: tags::read(address.tags()),
            })
            .filter(|live| asked.wants(&live.allocation_id, &live.tags))
            .collect())
    }

    async fn create(aws: &Aws, cx: &Cx, _spec: &Spec) -> Result<Live, CloudError> {
        let answer = cx
            .send(
                "ec2:AllocateAddress",
                async {
                    aws.ec2
                        .allocate_address()
                        .domain(DomainType::Vpc)
                        .tag_specifications(tags::on_create(ResourceType::ElasticIp, &cx.tags))
                        .send()
                        .await
                        .map_err(|e| aws_error("ec2:AllocateAddress", e))
                },
                |answer| answer.allocation_id().map(PhysicalId::new),
            )
            .await?;
        let allocation_id = answer.allocation_id().ok_or_else(|| {
            CloudError::malformed(&Self::NAME, "AllocateAddress answered without an id")
        })?;
        Ok(Live {
            allocation_id: allocation_id.to_owned(),
            public_ip: answer.public_ip().unwrap_or_default().to_owned(),
            managed_by: None,
            tags: cx.tags.clone(),
        })
    }

    async fn update(
        aws: &Aws,
        cx: &Cx,
        live: &Live,
        wanted: &Wanted<Spec>,
    ) -> Result<Step<Live>, CloudError> {
        let mut live = live.clone();
        if wanted.changes(TAGS) {
            tags::change(aws, cx, &live.allocation_id, &live.tags).await?;
            live.tags = cx.tags.clone();
        }
        Ok(Step::Done(live))
    }

    async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        let answer = cx
            .call("ec2:ReleaseAddress", async {
                aws.ec2
                    .release_address()
                    .allocation_id(&live.allocation_id)
                    .send()
                    .await
                    .map_err(|e| aws_error("ec2:ReleaseAddress", e))
            })
            .await;
        match answer {
            Err(error) if !error.is(Class::NotFound) => Err(error),
            _ => Ok(Step::Done(())),
        }
    }

    fn id(live: &Live) -> PhysicalId {
        PhysicalId::new(&live.allocation_id)
    }

    fn unmanageable(live: &Live) -> Option<String> {
        let service = live.managed_by.as_ref()?;
        Some(format!("AWS manages the address for its service {service}"))
    }

    fn tags(live: &Live) -> Tags {
        live.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        Attributes::new([
            ("public_ip", Value::text(&live.public_ip)),
            ("allocation_id", Value::text(&live.allocation_id)),
        ])
    }

    fn readiness(_live: &Live) -> Readiness {
        Readiness::Ready
    }
}
