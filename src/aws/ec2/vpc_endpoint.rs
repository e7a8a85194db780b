//! `ec2.vpc_endpoint`.
//!
//! A deleted interface endpoint stays `deleting` while its network interfaces go; they hold its subnets and security groups.
//!
//! Left out: the endpoint's policy, because AWS fills it with one that allows all, and what may be done is said where the role is; DNS
//! options and address types, because AWS chooses them by the service; load balancer endpoints, because no stack here has one; security
//! groups and private DNS that the stack does not name, because AWS fills them in.

use aws_sdk_ec2::types::{self, ResourceType, State, VpcEndpointType};
use serde::Deserialize;

use super::tags;
use crate::aws::ec2::text_rules;
use crate::aws::{Aws, aws_error, pages};
use crate::kind::{
    Asked, Class, CloudError, Collision, Cx, Field, Identity, Kind, Literal, Patience, Readiness,
    Step, TAGS, Type, Verb, Wanted,
};
use crate::model::{Attributes, KindName, PhysicalId, Tags, Value};

pub struct VpcEndpoint;

#[derive(Deserialize)]
pub struct Spec {
    vpc_id: String,
    service_name: String,
    endpoint_type: String,
    #[serde(default)]
    route_tables: Vec<String>,
    #[serde(default)]
    subnets: Vec<String>,
    security_groups: Option<Vec<String>>,
    private_dns: Option<bool>,
}

#[derive(Clone)]
pub struct Live {
    id: String,
    vpc_id: String,
    service_name: String,
    endpoint_type: String,
    route_tables: Vec<String>,
    subnets: Vec<String>,
    security_groups: Vec<String>,
    private_dns: bool,
    /// A service of AWS's made it for itself.
    is_managed: bool,
    state: String,
    failure: String,
    tags: Tags,
}

impl Kind<Aws> for VpcEndpoint {
    const NAME: KindName = KindName::new("ec2.vpc_endpoint");
    const DOC: &'static str = "A private way from a VPC to an AWS service, past the internet.";
    const FIELDS: &'static [Field] = &[
        Field::new("vpc_id", Type::Text, "The VPC it belongs to.").rule(&text_rules::VPC_ID)
            .required()
            .replace(),
        Field::new(
            "service_name",
            Type::Text,
            "The service: `com.amazonaws.eu-central-1.s3`.",
        ).rule(&text_rules::SERVICE_NAME)
        .required()
        .replace(),
        Field::new(
            "endpoint_type",
            Type::OneOf(&["Gateway", "Interface"]),
            "`Gateway` (S3 and DynamoDB; free, through routes) or `Interface` (through addresses in subnets).",
        )
        .default(Literal::Text("Gateway"))
        .replace(),
        Field::new(
            "route_tables",
            Type::Set(&Type::Text),
            "Gateway: all the route tables that lead to it.",
        ).rule(&text_rules::ROUTE_TABLE_ID)
        .default(Literal::EmptyList),
        Field::new(
            "subnets",
            Type::Set(&Type::Text),
            "Interface: all the subnets it has addresses in.",
        ).rule(&text_rules::SUBNET_ID)
        .default(Literal::EmptyList),
        Field::new(
            "security_groups",
            Type::Set(&Type::Text),
            "Interface: the security groups of its addresses.",
        ).rule(&text_rules::GROUP_ID),
        Field::new(
            "private_dns",
            Type::Bool,
            "Interface: whether the service's public name leads to it inside the VPC.",
        ),
        Field::computed("id", Type::Text, "`vpce-…`."),
    ];
    const IDENTITY: Identity = Identity {
        natural_key: &[],
        collision: Collision::Coexist,
    };
    const PATIENCE: Patience = Patience::slow(60, 600).not_yet(&[
        ("InvalidVpcID.NotFound", ""),
        ("InvalidVpcId.NotFound", ""),
        ("InvalidVpcEndpointId.NotFound", ""),
        ("InvalidRouteTableId.NotFound", ""),
        ("InvalidRouteTableID.NotFound", ""),
        ("InvalidSubnetId.NotFound", ""),
        ("InvalidSubnetID.NotFound", ""),
        ("InvalidGroup.NotFound", ""),
        ("InvalidSecurityGroupId.NotFound", ""),
        ("InvalidSecurityGroupID.NotFound", ""),
    ]);

    type Spec = Spec;
    type Live = Live;

    fn permissions(verb: Verb) -> &'static [&'static str] {
        match verb {
            Verb::Read => &["ec2:DescribeVpcEndpoints"],
            Verb::Create => &["ec2:CreateVpcEndpoint", "ec2:CreateTags"],
            Verb::Update => &["ec2:ModifyVpcEndpoint", "ec2:CreateTags", "ec2:DeleteTags"],
            Verb::Delete => &["ec2:DeleteVpcEndpoints", "ec2:DescribeVpcEndpoints"],
        }
    }

    async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        let mut found = describe(aws).await?;
        found.retain(|live| asked.wants(&live.id, &live.tags));
        Ok(found)
    }

    async fn create(aws: &Aws, cx: &Cx, spec: &Spec) -> Result<Live, CloudError> {
        let answer = cx
            .send(
                "ec2:CreateVpcEndpoint",
                async {
                    aws.ec2
                        .create_vpc_endpoint()
                        .vpc_id(&spec.vpc_id)
                        .service_name(&spec.service_name)
                        .vpc_endpoint_type(VpcEndpointType::from(spec.endpoint_type.as_str()))
                        .set_route_table_ids(Some(spec.route_tables.clone()))
                        .set_subnet_ids(Some(spec.subnets.clone()))
                        .set_security_group_ids(spec.security_groups.clone())
                        .set_private_dns_enabled(spec.private_dns)
                        .client_token(&cx.token)
                        .tag_specifications(tags::on_create(ResourceType::VpcEndpoint, &cx.tags))
                        .send()
                        .await
                        .map_err(|e| aws_error("ec2:CreateVpcEndpoint", e))
                },
                |answer| {
                    answer
                        .vpc_endpoint()?
                        .vpc_endpoint_id()
                        .map(PhysicalId::new)
                },
            )
            .await?;
        let endpoint = answer.vpc_endpoint().ok_or_else(|| {
            CloudError::malformed(
                &Self::NAME,
                "CreateVpcEndpoint answered without an endpoint",
            )
        })?;
        Ok(Live {
            tags: cx.tags.clone(),
            ..Live::read(endpoint)
        })
    }

    async fn update(
        aws: &Aws,
        cx: &Cx,
        live: &Live,
        wanted: &Wanted<Spec>,
    ) -> Result<Step<Live>, CloudError> {
        let mut live = live.clone();
        modify(aws, cx, &mut live, &wanted.spec).await?;
        if wanted.changes(TAGS) {
            tags::change(aws, cx, &live.id, &live.tags).await?;
            live.tags = cx.tags.clone();
        }
        Ok(Step::Done(live))
    }

    async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        let mut state = live.state.clone();
        if cx.round > 0 {
            let now = describe(aws).await?;
            match now.into_iter().find(|now| now.id == live.id) {
                Some(now) => state = now.state,
                None => return Ok(Step::Done(())),
            }
        }
        if state == "deleting" {
            return Ok(Step::Again(state));
        }
        let answer = cx
            .call("ec2:DeleteVpcEndpoints", async {
                aws.ec2
                    .delete_vpc_endpoints()
                    .vpc_endpoint_ids(&live.id)
                    .send()
                    .await
                    .map_err(|e| aws_error("ec2:DeleteVpcEndpoints", e))
                    .and_then(|answer| refused(answer.unsuccessful()))
            })
            .await;
        match answer {
            // Not a route or an address of it, which may go before it.
            Err(error) if error.code.starts_with("InvalidVpcEndpoint") => Ok(Step::Done(())),
            Err(error) => Err(error),
            Ok(()) => Ok(Step::Again("deleting".into())),
        }
    }

    fn id(live: &Live) -> PhysicalId {
        PhysicalId::new(&live.id)
    }

    fn unmanageable(live: &Live) -> Option<String> {
        if live.is_managed || live.tags.contains_key("GuardDutyManaged") {
            return Some("a service of AWS manages it".into());
        }
        (!matches!(live.endpoint_type.as_str(), "Gateway" | "Interface")).then(|| {
            format!(
                "its type is {}: this kind is endpoints of the types Gateway and Interface",
                live.endpoint_type
            )
        })
    }

    fn tags(live: &Live) -> Tags {
        live.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        Attributes::new([
            ("vpc_id", Value::text(&live.vpc_id)),
            ("service_name", Value::text(&live.service_name)),
            ("endpoint_type", Value::text(&live.endpoint_type)),
            ("route_tables", live.route_tables.clone().into()),
            ("subnets", live.subnets.clone().into()),
            ("security_groups", live.security_groups.clone().into()),
            ("private_dns", live.private_dns.into()),
        ])
    }

    fn readiness(live: &Live) -> Readiness {
        match live.state.as_str() {
            "available" => Readiness::Ready,
            "deleting" => Readiness::Going("deleting".into()),
            "failed" | "rejected" | "expired" => {
                Readiness::Broken(format!("{} {}", live.state, live.failure).trim().into())
            }
            other => Readiness::NotYet(other.to_owned()),
        }
    }
}

impl Live {
    fn read(endpoint: &types::VpcEndpoint) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Self {
            id: text(endpoint.vpc_endpoint_id()),
            vpc_id: text(endpoint.vpc_id()),
            service_name: text(endpoint.service_name()),
            endpoint_type: text(endpoint.vpc_endpoint_type().map(VpcEndpointType::as_str)),
            route_tables: endpoint.route_table_ids().to_vec(),
            subnets: endpoint.subnet_ids().to_vec(),
            security_groups: endpoint
                .groups()
                .iter()
                .filter_map(|group| group.group_id().map(str::to_owned))
                .collect(),
            private_dns: endpoint.private_dns_enabled().unwrap_or(false),
            is_managed: endpoint.requester_managed().unwrap_or(false),
            // The model spells the states in capitals, the service does not.
            state: text(endpoint.state().map(State::as_str)).to_lowercase(),
            failure: text(endpoint.last_error().and_then(|error| error.message())),
            tags: tags::read(endpoint.tags()),
        }
    }
}

/// Every endpoint that is not `deleted`. There are few of them, so a look at one reads all.
async fn describe(aws: &Aws) -> Result<Vec<Live>, CloudError> {
    let pages = pages(
        aws,
        "ec2:DescribeVpcEndpoints",
        |token| async move {
            aws.ec2
                .describe_vpc_endpoints()
                .max_results(1000)
                .set_next_token(token)
                .send()
                .await
                .map_err(|e| aws_error("ec2:DescribeVpcEndpoints", e))
        },
        |page| page.next_token(),
    )
    .await?;
    Ok(pages
        .iter()
        .flat_map(|page| page.vpc_endpoints())
        .map(Live::read)
        .filter(|live| live.state != "deleted")
        .collect())
}

/// What to add to `live` and what to take away, so that it becomes `wanted`.
fn difference(live: &[String], wanted: &[String]) -> (Option<Vec<String>>, Option<Vec<String>>) {
    let without = |all: &[String], these: &[String]| {
        let rest: Vec<String> = all
            .iter()
            .filter(|id| !these.contains(id))
            .cloned()
            .collect();
        (!rest.is_empty()).then_some(rest)
    };
    (without(wanted, live), without(live, wanted))
}

/// One call for everything (API reference, ModifyVpcEndpoint).
async fn modify(aws: &Aws, cx: &Cx, live: &mut Live, spec: &Spec) -> Result<(), CloudError> {
    let (add_tables, remove_tables) = difference(&live.route_tables, &spec.route_tables);
    let (add_subnets, remove_subnets) = difference(&live.subnets, &spec.subnets);
    // Those of an endpoint that names none are AWS's choice.
    let groups = spec.security_groups.as_ref();
    let groups = groups.unwrap_or(&live.security_groups).clone();
    let (add_groups, remove_groups) = difference(&live.security_groups, &groups);
    let private_dns = spec.private_dns.filter(|on| *on != live.private_dns);
    let sets = [
        &add_tables,
        &remove_tables,
        &add_subnets,
        &remove_subnets,
        &add_groups,
        &remove_groups,
    ];
    if private_dns.is_none() && sets.iter().all(|set| set.is_none()) {
        return Ok(());
    }
    cx.call("ec2:ModifyVpcEndpoint", async {
        aws.ec2
            .modify_vpc_endpoint()
            .vpc_endpoint_id(&live.id)
            .set_add_route_table_ids(add_tables)
            .set_remove_route_table_ids(remove_tables)
            .set_add_subnet_ids(add_subnets)
            .set_remove_subnet_ids(remove_subnets)
            .set_add_security_group_ids(add_groups)
            .set_remove_security_group_ids(remove_groups)
            .set_private_dns_enabled(private_dns)
            .send()
            .await
            .map_err(|e| aws_error("ec2:ModifyVpcEndpoint", e))
    })
    .await?;
    live.route_tables.clone_from(&spec.route_tables);
    live.subnets.clone_from(&spec.subnets);
    live.security_groups = groups;
    live.private_dns = spec.private_dns.unwrap_or(live.private_dns);
    Ok(())
}

/// The call answers 200 also when it did not delete, and lists why.
fn refused(unsuccessful: &[types::UnsuccessfulItem]) -> Result<(), CloudError> {
    let Some(error) = unsuccessful.iter().find_map(|item| item.error()) else {
        return Ok(());
    };
    let code = error.code().unwrap_or("Unknown");
    let class = if code.ends_with("NotFound") {
        Class::NotFound
    } else if code == "DependencyViolation" {
        Class::InUse
    } else {
        Class::Other
    };
    Err(CloudError::new(
        "ec2:DeleteVpcEndpoints",
        class,
        code,
        error.message().unwrap_or_default(),
    ))
}
