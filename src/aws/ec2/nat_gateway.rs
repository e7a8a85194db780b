//! `ec2.nat_gateway`: public, in one zone, with one address.
//!
//! A gateway in `failed` cannot recover (API reference, NatGateway): it is broken, and a new generation takes its place. One that is
//! `deleted` stays listed for about an hour and is not there.
//!
//! Left out: private gateways, a private IP of choice, secondary addresses and regional availability, because a way out for the private
//! subnets of one zone needs none of them.

use aws_sdk_ec2::types::{self, NatGatewayState, ResourceType};
use serde::Deserialize;

use super::{look, tags};
use crate::aws::ec2::text_rules;
use crate::aws::{Aws, aws_error, pages};
use crate::kind::{
    Asked, Class, CloudError, Collision, Cx, Field, Identity, Kind, Patience, Readiness, Step,
    TAGS, Type, Verb, Wanted,
};
use crate::model::{Attributes, KindName, PhysicalId, Tags, Value};

mod holder;

pub struct NatGateway;

#[derive(Deserialize)]
pub struct Spec {
    subnet_id: String,
    allocation_id: String,
}

#[derive(Clone)]
pub struct Live {
    id: String,
    subnet_id: String,
    allocation_id: String,
    public_ip: Option<String>,
    interfaces: Vec<String>,
    state: NatGatewayState,
    failure: String,
    tags: Tags,
}

const CREATE: &str = "ec2:CreateNatGateway";
/// The address is something's already: what goes lets it go, see `holder`.
const TAKEN: &str = "Resource.AlreadyAssociated";

impl Kind<Aws> for NatGateway {
    const NAME: KindName = KindName::new("ec2.nat_gateway");
    const DOC: &'static str =
        "The way out to the internet for private subnets, under one public address.";
    const FIELDS: &'static [Field] = &[
        Field::new(
            "subnet_id",
            Type::Text,
            "The public subnet it stands in: one with a route to an internet gateway.",
        )
        .rule(&text_rules::SUBNET_ID)
        .required()
        .replace(),
        Field::new(
            "allocation_id",
            Type::Text,
            "The elastic IP it goes out under.",
        )
        .rule(&text_rules::ALLOCATION_ID)
        .required()
        .replace(),
        Field::computed("public_ip", Type::Text, "The address it goes out under."),
        Field::computed("id", Type::Text, "`nat-…`."),
    ];
    // Two may stand side by side, but an address serves one at a time.
    const IDENTITY: Identity = Identity {
        natural_key: &["allocation_id"],
        collision: Collision::DeleteFirst,
    };
    // 1 to 3 minutes to come; up to half an hour to go.
    const PATIENCE: Patience = Patience::slow(120, 1800).not_yet(&[
        ("InvalidSubnetID.NotFound", ""),
        ("InvalidSubnetId.NotFound", ""),
        ("InvalidAllocationID.NotFound", ""),
        ("NatGatewayNotFound", ""),
        ("Gateway.NotAttached", ""),
        (TAKEN, ""),
    ]);

    type Spec = Spec;
    type Live = Live;

    fn permissions(verb: Verb) -> &'static [&'static str] {
        match verb {
            Verb::Read => &["ec2:DescribeNatGateways"],
            Verb::Create => &[
                CREATE,
                "ec2:CreateTags",
                "ec2:DescribeAddresses",
                "ec2:DescribeNatGateways",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DisassociateAddress",
            ],
            Verb::Update => &["ec2:CreateTags", "ec2:DeleteTags"],
            Verb::Delete => &["ec2:DeleteNatGateway", "ec2:DescribeNatGateways"],
        }
    }

    async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        let mut found = describe(aws, look::narrowed(asked, "nat-gateway-id")).await?;
        found.retain(|live| {
            let key = [("allocation_id", &*live.allocation_id)];
            look::wanted(asked, &live.id, &live.tags, &key)
        });
        Ok(found)
    }

    async fn create(aws: &Aws, cx: &Cx, spec: &Spec) -> Result<Live, CloudError> {
        let made = cx
            .send(
                CREATE,
                async {
                    aws.ec2
                        .create_nat_gateway()
                        .subnet_id(&spec.subnet_id)
                        .allocation_id(&spec.allocation_id)
                        .client_token(&cx.token)
                        .tag_specifications(tags::on_create(ResourceType::Natgateway, &cx.tags))
                        .send()
                        .await
                        .map_err(|e| aws_error(CREATE, e))
                },
                |answer| answer.nat_gateway()?.nat_gateway_id().map(PhysicalId::new),
            )
            .await;
        let answer = match made {
            Err(error) if error.code == TAKEN => {
                return Err(holder::of_taken(aws, cx, &spec.allocation_id, error).await?);
            }
            other => other?,
        };
        let gateway = answer.nat_gateway().ok_or_else(|| {
            CloudError::malformed(&Self::NAME, "CreateNatGateway answered without a gateway")
        })?;
        Ok(Live {
            allocation_id: spec.allocation_id.clone(),
            tags: cx.tags.clone(),
            ..Live::read(gateway)
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
            tags::change(aws, cx, &live.id, &live.tags).await?;
            live.tags = cx.tags.clone();
        }
        Ok(Step::Done(live))
    }

    async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        let state = if cx.round == 0 {
            live.state.clone()
        } else {
            let filter = look::one("nat-gateway-id", [live.id.as_str()]);
            match describe(aws, Some(vec![filter])).await?.pop() {
                Some(now) => now.state,
                None => return Ok(Step::Done(())),
            }
        };
        if state == NatGatewayState::Deleting {
            return Ok(Step::Again("deleting".into()));
        }
        let answer = cx
            .call("ec2:DeleteNatGateway", async {
                aws.ec2
                    .delete_nat_gateway()
                    .nat_gateway_id(&live.id)
                    .send()
                    .await
                    .map_err(|e| aws_error("ec2:DeleteNatGateway", e))
            })
            .await;
        match answer {
            Err(error) if error.is(Class::NotFound) => Ok(Step::Done(())),
            Err(error) => Err(error),
            Ok(_) => Ok(Step::Again("deleting".into())),
        }
    }

    fn id(live: &Live) -> PhysicalId {
        PhysicalId::new(&live.id)
    }

    fn unmanageable(live: &Live) -> Option<String> {
        (live.allocation_id.is_empty() || live.subnet_id.is_empty()).then(|| {
            "it is a private or a regional NAT gateway: this kind is one with an elastic IP, in one subnet".into()
        })
    }

    fn tags(live: &Live) -> Tags {
        live.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        Attributes::new([
            ("subnet_id", Value::text(&live.subnet_id)),
            ("allocation_id", Value::text(&live.allocation_id)),
            ("public_ip", live.public_ip.clone().into()),
        ])
    }

    fn readiness(live: &Live) -> Readiness {
        match &live.state {
            NatGatewayState::Available => Readiness::Ready,
            NatGatewayState::Failed => Readiness::Broken(live.failure.clone()),
            NatGatewayState::Deleting => Readiness::Going("deleting".into()),
            other => Readiness::NotYet(other.to_string()),
        }
    }
}

impl Live {
    fn read(gateway: &types::NatGateway) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        // The first address is the primary one where AWS does not say.
        let addresses = gateway.nat_gateway_addresses();
        let address = addresses
            .iter()
            .find(|address| address.is_primary() == Some(true))
            .or(addresses.first());
        Self {
            id: text(gateway.nat_gateway_id()),
            subnet_id: text(gateway.subnet_id()),
            allocation_id: text(address.and_then(|a| a.allocation_id())),
            public_ip: address.and_then(|a| a.public_ip().map(str::to_owned)),
            interfaces: addresses
                .iter()
                .filter_map(|address| address.network_interface_id().map(str::to_owned))
                .collect(),
            state: gateway.state().cloned().unwrap_or(NatGatewayState::Pending),
            failure: [gateway.failure_code(), gateway.failure_message()]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(": "),
            tags: tags::read(gateway.tags()),
        }
    }
}

/// Every NAT gateway that is not `deleted`.
async fn describe(aws: &Aws, filters: Option<Vec<types::Filter>>) -> Result<Vec<Live>, CloudError> {
    let mut all = read_all(aws, filters).await?;
    all.retain(|live| live.state != NatGatewayState::Deleted);
    Ok(all)
}

/// Every NAT gateway that AWS lists. The parameter is `Filter` here, `Filters` everywhere else (API reference).
async fn read_all(aws: &Aws, filters: Option<Vec<types::Filter>>) -> Result<Vec<Live>, CloudError> {
    let filters = &filters;
    let pages = pages(
        aws,
        "ec2:DescribeNatGateways",
        |token| async move {
            aws.ec2
                .describe_nat_gateways()
                .set_filter(filters.clone())
                .max_results(1000)
                .set_next_token(token)
                .send()
                .await
                .map_err(|e| aws_error("ec2:DescribeNatGateways", e))
        },
        |page| page.next_token(),
    )
    .await?;
    Ok(pages
        .iter()
        .flat_map(|page| page.nat_gateways())
        .map(Live::read)
        .collect())
}
