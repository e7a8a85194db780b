//! `ec2.route_table`: the table with its routes and its subnets' associations, both exclusive sets: what the stack does not name goes.
//!
//! Not counted as routes: the local one, what a VPN gateway propagates, and what a gateway endpoint puts there (each comes and goes with
//! its owner).
//!
//! Crash after `CreateRouteTable`: the table carries our tags, and what it lacks shows as changes.
//!
//! Left out: route targets other than internet and NAT gateways, because no stack here has any (a hand-made one is seen and goes); IPv6 and
//! prefix list destinations, because the subnets have IPv4 alone; what a VPN gateway propagates, because it comes and goes with that
//! gateway; the VPC's main table, because AWS owns it.

mod associations;
mod routes;

use aws_sdk_ec2::types::{self, ResourceType};
use serde::Deserialize;

use self::associations::Association;
use self::routes::{LiveRoute, Route};
use super::{look, tags};
use crate::aws::ec2::text_rules;
use crate::aws::{Aws, aws_error, pages};
use crate::kind::{
    Asked, Class, CloudError, Collision, Cx, Field, Identity, Kind, Literal, Patience, Readiness,
    Step, TAGS, Type, Verb, Wanted,
};
use crate::model::{Attributes, KindName, PhysicalId, Tags, Value};

pub struct RouteTable;

const ROUTE: &[Field] = &[
    Field::new("destination", Type::Cidr, "The network it is the way to.").required(),
    Field::new(
        "gateway_id",
        Type::Text,
        "Through this internet gateway; exactly one of this and `nat_gateway_id`.",
    )
    .rule(&text_rules::GATEWAY_ID),
    Field::new("nat_gateway_id", Type::Text, "Through this NAT gateway.")
        .rule(&text_rules::NAT_GATEWAY_ID),
];

#[derive(Deserialize)]
pub struct Spec {
    vpc_id: String,
    routes: Vec<Route>,
    subnets: Vec<String>,
}

#[derive(Clone)]
pub struct Live {
    id: String,
    vpc_id: String,
    routes: Vec<LiveRoute>,
    associations: Vec<Association>,
    /// The VPC's main table, which AWS made with it.
    is_main: bool,
    tags: Tags,
}

impl Kind<Aws> for RouteTable {
    const NAME: KindName = KindName::new("ec2.route_table");
    const DOC: &'static str = "Where traffic that leaves its subnets goes.";
    const FIELDS: &'static [Field] = &[
        Field::new("vpc_id", Type::Text, "The VPC it belongs to.")
            .rule(&text_rules::VPC_ID)
            .required()
            .replace(),
        Field::new(
            "routes",
            Type::Set(&Type::Object(ROUTE)),
            "All its routes but the local one; others are removed.",
        )
        .default(Literal::EmptyList),
        Field::new(
            "subnets",
            Type::Set(&Type::Text),
            "All the subnets that use it; a subnet uses one table.",
        )
        .rule(&text_rules::SUBNET_ID)
        .default(Literal::EmptyList),
        Field::computed("id", Type::Text, "`rtb-…`."),
    ];
    const IDENTITY: Identity = Identity {
        natural_key: &[],
        collision: Collision::Coexist,
    };
    // What a route or an association names may be too new to be known.
    const PATIENCE: Patience = Patience::quick().not_yet(&[
        ("InvalidVpcID.NotFound", ""),
        ("InvalidRouteTableID.NotFound", ""),
        ("InvalidRouteTableId.NotFound", ""),
        ("InvalidSubnetID.NotFound", ""),
        ("InvalidSubnetId.NotFound", ""),
        ("InvalidGatewayID.NotFound", ""),
        ("InvalidInternetGatewayID.NotFound", ""),
        ("InvalidNatGatewayID.NotFound", ""),
        ("NatGatewayNotFound", ""),
        ("Gateway.NotAttached", ""),
        ("InvalidParameterException", ""),
    ]);

    type Spec = Spec;
    type Live = Live;

    fn permissions(verb: Verb) -> &'static [&'static str] {
        match verb {
            Verb::Read => &["ec2:DescribeRouteTables"],
            Verb::Create => &[
                "ec2:CreateRouteTable",
                "ec2:CreateTags",
                "ec2:CreateRoute",
                "ec2:ReplaceRoute",
                "ec2:AssociateRouteTable",
                "ec2:ReplaceRouteTableAssociation",
                "ec2:DescribeRouteTables",
            ],
            Verb::Update => &[
                "ec2:CreateRoute",
                "ec2:ReplaceRoute",
                "ec2:DeleteRoute",
                "ec2:AssociateRouteTable",
                "ec2:DisassociateRouteTable",
                "ec2:ReplaceRouteTableAssociation",
                "ec2:DescribeRouteTables",
                "ec2:CreateTags",
                "ec2:DeleteTags",
            ],
            Verb::Delete => &[
                "ec2:DisassociateRouteTable",
                "ec2:DeleteRouteTable",
                "ec2:DescribeRouteTables",
            ],
        }
    }

    async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        let mut found = describe(aws, look::narrowed(asked, "route-table-id")).await?;
        found.retain(|live| asked.wants(&live.id, &live.tags));
        Ok(found)
    }

    async fn create(aws: &Aws, cx: &Cx, spec: &Spec) -> Result<Live, CloudError> {
        routes::check(&spec.routes)?;
        let answer = cx
            .send(
                "ec2:CreateRouteTable",
                async {
                    aws.ec2
                        .create_route_table()
                        .vpc_id(&spec.vpc_id)
                        .client_token(&cx.token)
                        .tag_specifications(tags::on_create(ResourceType::RouteTable, &cx.tags))
                        .send()
                        .await
                        .map_err(|e| aws_error("ec2:CreateRouteTable", e))
                },
                |answer| answer.route_table()?.route_table_id().map(PhysicalId::new),
            )
            .await?;
        let table = answer.route_table().ok_or_else(|| {
            CloudError::malformed(&Self::NAME, "CreateRouteTable answered without a table")
        })?;
        let mut live = Live {
            tags: cx.tags.clone(),
            ..Live::read(table)
        };
        fill(aws, cx, &mut live, spec).await?;
        Ok(live)
    }

    async fn update(
        aws: &Aws,
        cx: &Cx,
        live: &Live,
        wanted: &Wanted<Spec>,
    ) -> Result<Step<Live>, CloudError> {
        let mut live = live.clone();
        // Else the routes may be hand-made ones that the fields cannot say, as in an import.
        if wanted.changes("routes") {
            routes::check(&wanted.spec.routes)?;
            routes::settle(aws, cx, &live.id, &mut live.routes, &wanted.spec.routes).await?;
        }
        if wanted.changes("subnets") {
            let (id, subnets) = (&live.id, &wanted.spec.subnets);
            associations::settle(aws, cx, id, &mut live.associations, subnets).await?;
        }
        if wanted.changes(TAGS) {
            tags::change(aws, cx, &live.id, &live.tags).await?;
            live.tags = cx.tags.clone();
        }
        Ok(Step::Done(live))
    }

    async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        let mut live = live.clone();
        if cx.round > 0 {
            let filter = look::one("route-table-id", [live.id.as_str()]);
            match describe(aws, Some(vec![filter])).await?.pop() {
                Some(now) => live = now,
                None => return Ok(Step::Done(())),
            }
        }
        associations::settle(aws, cx, &live.id, &mut live.associations, &[]).await?;
        let answer = cx
            .call("ec2:DeleteRouteTable", async {
                aws.ec2
                    .delete_route_table()
                    .route_table_id(&live.id)
                    .send()
                    .await
                    .map_err(|e| aws_error("ec2:DeleteRouteTable", e))
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

    fn unmanageable(live: &Live) -> Option<String> {
        live.is_main
            .then(|| "it is its VPC's main table, which AWS owns".into())
    }

    fn tags(live: &Live) -> Tags {
        live.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        let subnets: Vec<Value> = live
            .associations
            .iter()
            .map(|association| Value::text(&association.subnet))
            .collect();
        Attributes::new([
            ("vpc_id", Value::text(&live.vpc_id)),
            (
                "routes",
                Value::List(live.routes.iter().map(LiveRoute::observed).collect()),
            ),
            ("subnets", Value::List(subnets)),
        ])
    }

    fn readiness(live: &Live) -> Readiness {
        match live.associations.iter().find(|a| a.associating) {
            Some(association) => Readiness::NotYet(format!("associating {}", association.subnet)),
            None => Readiness::Ready,
        }
    }
}

impl Live {
    fn read(table: &types::RouteTable) -> Self {
        Self {
            id: table.route_table_id().unwrap_or_default().to_owned(),
            vpc_id: table.vpc_id().unwrap_or_default().to_owned(),
            routes: table.routes().iter().filter_map(LiveRoute::read).collect(),
            associations: table
                .associations()
                .iter()
                .filter_map(Association::read)
                .collect(),
            is_main: table
                .associations()
                .iter()
                .any(|association| association.main() == Some(true)),
            tags: tags::read(table.tags()),
        }
    }
}

/// Routes first: a subnet that is moved here shall find its way out.
async fn fill(aws: &Aws, cx: &Cx, live: &mut Live, spec: &Spec) -> Result<(), CloudError> {
    routes::settle(aws, cx, &live.id, &mut live.routes, &spec.routes).await?;
    associations::settle(aws, cx, &live.id, &mut live.associations, &spec.subnets).await
}

/// Pages of at most 100 (API reference, DescribeRouteTables).
async fn describe(aws: &Aws, filters: Option<Vec<types::Filter>>) -> Result<Vec<Live>, CloudError> {
    let filters = &filters;
    let pages = pages(
        aws,
        "ec2:DescribeRouteTables",
        |token| async move {
            aws.ec2
                .describe_route_tables()
                .set_filters(filters.clone())
                .max_results(100)
                .set_next_token(token)
                .send()
                .await
                .map_err(|e| aws_error("ec2:DescribeRouteTables", e))
        },
        |page| page.next_token(),
    )
    .await?;
    Ok(pages
        .iter()
        .flat_map(|page| page.route_tables())
        .map(Live::read)
        .collect())
}
