//! `ec2.security_group`: the group with its rules, which are exclusive sets: what the stack does not name goes, the allow-all egress that
//! AWS gives every new group included. `DescribeSecurityGroups` brings a group's rules along, merged by protocol and ports: taken apart by
//! their other sides they are the same rules, and `DescribeSecurityGroupRules` is called only where one must be named by its id.
//!
//! Crash after `CreateSecurityGroup`: the group carries our tags, and its rules show as changes.
//!
//! Left out: prefix lists and groups of other accounts as peers, because nobody here has them to name (a hand-made rule with one is seen
//! and goes); the rules' own tags, because rules are an exclusive set and need no mark; the VPC's default group, because AWS owns it.

mod calls;
mod rules;

pub(super) use self::calls::rules_naming;

use std::time::Duration;

use aws_sdk_ec2::types::{Filter, ResourceType};
use serde::Deserialize;

use self::rules::{Direction, LiveRule, Rule, RuleSpec};
use super::blockers::{self, Stuck};
use super::{look, tags};
use crate::aws::ec2::text_rules;
use crate::aws::{Aws, aws_error, pages};
use crate::kind::{
    Asked, Class, CloudError, Collision, Cx, Field, Form, Identity, Kind, Literal, Patience,
    Readiness, Step, TAGS, Type, Verb, Wanted,
};
use crate::model::{Attributes, KindName, PhysicalId, Tags, Value};

pub struct SecurityGroup;

const RULE: &[Field] = &[
    Field::new(
        "protocol",
        Type::OneOf(&["tcp", "udp", "icmp", "icmpv6", "-1"]),
        "By name, not number, as AWS writes it back; `-1` is all traffic and takes no ports.",
    )
    .required(),
    Field::new(
        "from_port",
        PORT,
        "The first port (ICMP: the type); without it, all ports.",
    ),
    Field::new(
        "to_port",
        PORT,
        "The last port (ICMP: the code); without it, the same as `from_port`.",
    ),
    Field::new(
        "cidr",
        Type::Cidr,
        "The other side: an IPv4 network. Exactly one other side per rule.",
    ),
    Field::new("cidr_ipv6", Type::Cidr, "The other side: an IPv6 network."),
    Field::new(
        "security_group",
        Type::Text,
        "The other side: whatever is in this group.",
    )
    .rule(&text_rules::GROUP_ID),
    Field::new("description", Type::Text, "What the rule is for.")
        .rule(&text_rules::RULE_DESCRIPTION)
        .default(Literal::Unset),
];

const PORT: Type = Type::Int {
    min: -1,
    max: 65535,
};

#[derive(Deserialize)]
pub struct Spec {
    vpc_id: String,
    name: String,
    description: String,
    ingress: Vec<RuleSpec>,
    egress: Vec<RuleSpec>,
}

#[derive(Clone)]
pub struct Live {
    id: String,
    vpc_id: String,
    name: String,
    description: String,
    rules: Vec<LiveRule>,
    tags: Tags,
}

impl Kind<Aws> for SecurityGroup {
    const NAME: KindName = KindName::new("ec2.security_group");
    const DOC: &'static str = "Who may talk to its members, and to whom they may talk.";
    const FIELDS: &'static [Field] = &[
        Field::new("vpc_id", Type::Text, "The VPC it belongs to.")
            .rule(&text_rules::VPC_ID)
            .required()
            .replace(),
        Field::new(
            "name",
            Type::Text,
            "Its name, unique in the VPC, at most 255 characters.",
        )
        .rule(&text_rules::GROUP_NAME)
        .required()
        .replace(),
        Field::new("description", Type::Text, "What it is for; ASCII.")
            .rule(&text_rules::GROUP_DESCRIPTION)
            .required()
            .replace(),
        Field::new(
            "ingress",
            Type::Set(&Type::Object(RULE)),
            "All that may come in; other rules are removed.",
        )
        .form(Form::GroupRules)
        .default(Literal::EmptyList),
        Field::new(
            "egress",
            Type::Set(&Type::Object(RULE)),
            "All that may go out; other rules are removed, AWS's own allow-all too.",
        )
        .form(Form::GroupRules)
        .default(Literal::EmptyList),
        Field::computed("id", Type::Text, "`sg-…`."),
    ];
    const IDENTITY: Identity = Identity {
        natural_key: &["vpc_id", "name"],
        collision: Collision::Suffix {
            field: "name",
            longest: 255,
        },
    };
    // A delete waits for the interfaces that are in it to go.
    const PATIENCE: Patience = Patience {
        budget: Duration::from_secs(900),
        ..Patience::quick()
    }
    .not_yet(&[
        ("InvalidVpcID.NotFound", ""),
        ("InvalidGroup.NotFound", ""),
        ("InvalidSecurityGroupID.NotFound", ""),
        ("InvalidSecurityGroupId.NotFound", ""),
    ]);

    type Spec = Spec;
    type Live = Live;

    fn permissions(verb: Verb) -> &'static [&'static str] {
        match verb {
            Verb::Read => &[
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSecurityGroupRules",
            ],
            Verb::Create => &[
                "ec2:CreateSecurityGroup",
                "ec2:CreateTags",
                "ec2:AuthorizeSecurityGroupIngress",
                "ec2:AuthorizeSecurityGroupEgress",
                "ec2:RevokeSecurityGroupEgress",
                "ec2:UpdateSecurityGroupRuleDescriptionsEgress",
                "ec2:DescribeSecurityGroupRules",
            ],
            Verb::Update => &[
                "ec2:AuthorizeSecurityGroupIngress",
                "ec2:AuthorizeSecurityGroupEgress",
                "ec2:RevokeSecurityGroupIngress",
                "ec2:RevokeSecurityGroupEgress",
                "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
                "ec2:UpdateSecurityGroupRuleDescriptionsEgress",
                "ec2:DescribeSecurityGroupRules",
                "ec2:CreateTags",
                "ec2:DeleteTags",
            ],
            Verb::Delete => &[
                "ec2:RevokeSecurityGroupIngress",
                "ec2:RevokeSecurityGroupEgress",
                "ec2:DeleteSecurityGroup",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSecurityGroupRules",
                "ec2:DescribeVpcEndpoints",
            ],
        }
    }

    async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        wanted_groups(aws, asked, look::narrowed(asked, "group-id")).await
    }

    async fn create(aws: &Aws, cx: &Cx, spec: &Spec) -> Result<Live, CloudError> {
        let wanted = spec.rules()?;
        let answer = cx
            .send(
                "ec2:CreateSecurityGroup",
                async {
                    aws.ec2
                        .create_security_group()
                        .vpc_id(&spec.vpc_id)
                        .group_name(&spec.name)
                        .description(&spec.description)
                        .tag_specifications(tags::on_create(ResourceType::SecurityGroup, &cx.tags))
                        .send()
                        .await
                        .map_err(|e| aws_error("ec2:CreateSecurityGroup", e))
                },
                |answer| answer.group_id().map(PhysicalId::new),
            )
            .await?;
        let id = answer.group_id().ok_or_else(|| {
            CloudError::malformed(&Self::NAME, "CreateSecurityGroup answered without an id")
        })?;
        let mut live = Live {
            id: id.to_owned(),
            vpc_id: spec.vpc_id.clone(),
            name: spec.name.clone(),
            description: spec.description.clone(),
            rules: calls::rules_of_new(aws, id).await?,
            tags: cx.tags.clone(),
        };
        calls::settle(aws, cx, &live.id, &mut live.rules, &wanted).await?;
        Ok(live)
    }

    async fn update(
        aws: &Aws,
        cx: &Cx,
        live: &Live,
        wanted: &Wanted<Spec>,
    ) -> Result<Step<Live>, CloudError> {
        let mut live = live.clone();
        // Else the rules may be hand-made ones that the fields cannot say, as in an import.
        if wanted.changes("ingress") || wanted.changes("egress") {
            let rules = wanted.spec.rules()?;
            calls::settle(aws, cx, &live.id, &mut live.rules, &rules).await?;
        }
        if wanted.changes(TAGS) {
            tags::change(aws, cx, &live.id, &live.tags).await?;
            live.tags = cx.tags.clone();
        }
        Ok(Step::Done(live))
    }

    /// Rules that name other groups go first: as long as they stand, those groups cannot go.
    async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        let mut rules = live.rules.clone();
        if cx.round > 0 {
            rules = calls::rules_of(aws, &live.id).await?;
        }
        for direction in [Direction::Ingress, Direction::Egress] {
            let links: Vec<LiveRule> = rules
                .iter()
                .filter(|rule| rule.direction == direction && rule.names_other_than(&live.id))
                .cloned()
                .collect();
            calls::revoke(aws, cx, &live.id, direction, &links).await?;
        }
        let answer = cx
            .call("ec2:DeleteSecurityGroup", async {
                aws.ec2
                    .delete_security_group()
                    .group_id(&live.id)
                    .send()
                    .await
                    .map_err(|e| aws_error("ec2:DeleteSecurityGroup", e))
            })
            .await;
        match answer {
            Err(error) if !error.is(Class::NotFound) => {
                let (id, vpc) = (live.id.as_str(), live.vpc_id.as_str());
                Err(blockers::explain(aws, cx, error, Stuck::SecurityGroup { id, vpc }).await)
            }
            _ => Ok(Step::Done(())),
        }
    }

    fn unmanageable(live: &Live) -> Option<String> {
        (live.name == "default").then(|| "it is its VPC's default group, which AWS owns".into())
    }

    fn id(live: &Live) -> PhysicalId {
        PhysicalId::new(&live.id)
    }

    fn tags(live: &Live) -> Tags {
        live.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        let rules = |direction| {
            Value::List(
                live.rules
                    .iter()
                    .filter(|rule| rule.direction == direction)
                    .map(|rule| rule.rule.observed())
                    .collect(),
            )
        };
        Attributes::new([
            ("vpc_id", Value::text(&live.vpc_id)),
            ("name", Value::text(&live.name)),
            ("description", Value::text(&live.description)),
            ("ingress", rules(Direction::Ingress)),
            ("egress", rules(Direction::Egress)),
        ])
    }

    fn readiness(_live: &Live) -> Readiness {
        Readiness::Ready
    }
}

impl Spec {
    fn rules(&self) -> Result<Vec<(Direction, Rule)>, CloudError> {
        let ingress = self.ingress.iter().map(|rule| (Direction::Ingress, rule));
        let egress = self.egress.iter().map(|rule| (Direction::Egress, rule));
        ingress
            .chain(egress)
            .map(|(direction, rule)| Ok((direction, rule.rule(direction)?)))
            .collect()
    }
}

/// The groups a look is after.
async fn wanted_groups(
    aws: &Aws,
    asked: &Asked,
    filters: Option<Vec<Filter>>,
) -> Result<Vec<Live>, CloudError> {
    let filters = &filters;
    let pages = pages(
        aws,
        "ec2:DescribeSecurityGroups",
        |token| async move {
            aws.ec2
                .describe_security_groups()
                .set_filters(filters.clone())
                .max_results(1000)
                .set_next_token(token)
                .send()
                .await
                .map_err(|e| aws_error("ec2:DescribeSecurityGroups", e))
        },
        |page| page.next_token(),
    )
    .await?;
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Ok(pages
        .iter()
        .flat_map(|page| page.security_groups())
        .map(|group| Live {
            id: text(group.group_id()),
            vpc_id: text(group.vpc_id()),
            name: text(group.group_name()),
            description: text(group.description()),
            rules: rules::of_group(group),
            tags: tags::read(group.tags()),
        })
        .filter(|live| {
            let key = [("vpc_id", &*live.vpc_id), ("name", &*live.name)];
            look::wanted(asked, &live.id, &live.tags, &key)
        })
        .collect())
}
