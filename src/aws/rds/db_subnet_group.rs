//! `rds.db_subnet_group`. One call makes it whole, tags included; there is nothing to wait for.
//!
//! Left out: network types and outposts, because the subnets have IPv4 alone and stand in the region.

use aws_sdk_rds::types::DbSubnetGroup as Group;
use futures::future::try_join_all;
use serde::Deserialize;

use super::tags;
use crate::aws::rds::text_rules;
use crate::aws::{Aws, aws_error, pages};
use crate::kind::{
    Asked, Class, CloudError, Collision, Cx, Field, Identity, Kind, Patience, Readiness, Step,
    TAGS, Type, Verb, Wanted,
};
use crate::model::{Attributes, KindName, PhysicalId, Tags, Value};

pub struct DbSubnetGroup;

#[derive(Deserialize)]
pub struct Spec {
    name: String,
    description: String,
    subnets: Vec<String>,
}

#[derive(Clone)]
pub struct Live {
    name: String,
    arn: String,
    description: String,
    subnets: Vec<String>,
    complete: bool,
    tags: Tags,
}

impl Kind<Aws> for DbSubnetGroup {
    const NAME: KindName = KindName::new("rds.db_subnet_group");
    const DOC: &'static str = "The subnets that database instances may stand in.";
    const FIELDS: &'static [Field] = &[
        Field::new(
            "name",
            Type::Text,
            "Its name, in lower case; unique per region.",
        )
        .rule(&text_rules::SUBNET_GROUP_NAME)
        .required()
        .replace(),
        Field::new("description", Type::Text, "What it is for.")
            .rule(&text_rules::DESCRIPTION)
            .required(),
        Field::new(
            "subnets",
            Type::Set(&Type::Text),
            "Subnet ids, in at least two availability zones.",
        )
        .rule(&crate::aws::ec2::text_rules::SUBNET_ID)
        .required()
        .grow(),
        Field::computed("arn", Type::Text, "`arn:aws:rds:…:subgrp:…`."),
        Field::computed("id", Type::Text, "The name."),
    ];
    const IDENTITY: Identity = Identity {
        natural_key: &["name"],
        collision: Collision::Suffix {
            field: "name",
            longest: 255,
        },
    };
    const PATIENCE: Patience = Patience::quick().not_yet(&[
        // The service-linked role of RDS, which the first call of an account makes, is not known everywhere at once.
        ("InvalidParameterValue", "service linked role"),
        ("InvalidParameterValue", "service-linked role"),
        ("InvalidParameterValue", "ServiceLinkedRole"),
        ("InvalidParameterValue", "Missing necessary credentials"),
        // Subnets that EC2 has just made.
        ("InvalidParameterValue", "Some input subnets"),
        ("InvalidSubnet", ""),
    ]);

    type Spec = Spec;
    type Live = Live;

    fn permissions(verb: Verb) -> &'static [&'static str] {
        match verb {
            Verb::Read => &[
                "rds:DescribeDBSubnetGroups",
                "rds:ListTagsForResource",
                "tag:GetResources",
            ],
            Verb::Create => &[
                "rds:CreateDBSubnetGroup",
                "rds:AddTagsToResource",
                "iam:CreateServiceLinkedRole",
            ],
            Verb::Update => &[
                "rds:ModifyDBSubnetGroup",
                "rds:AddTagsToResource",
                "rds:RemoveTagsFromResource",
            ],
            Verb::Delete => &["rds:DeleteDBSubnetGroup"],
        }
    }

    async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        let groups = describe(aws).await?;
        let listed = groups.iter().filter_map(|group| {
            Some((
                group.db_subnet_group_name()?.to_owned(),
                group.db_subnet_group_arn().unwrap_or_default().to_owned(),
            ))
        });
        let wanted = tags::candidates(aws, asked, "rds:subgrp", listed).await?;
        let named = asked.texts("name");
        let looked_at = groups
            .iter()
            .filter(|group| {
                group
                    .db_subnet_group_name()
                    .is_some_and(|name| wanted.contains(name))
            })
            .map(|group| async {
                let arn = group.db_subnet_group_arn().unwrap_or_default();
                Ok::<_, CloudError>(tags::of(aws, arn).await?.map(|tags| live(group, tags)))
            });
        let mut found = try_join_all(looked_at).await?;
        found.retain(|group| {
            group.as_ref().is_some_and(|group| {
                asked.wants(&group.name, &group.tags) || named.contains(&group.name)
            })
        });
        Ok(found.into_iter().flatten().collect())
    }

    async fn create(aws: &Aws, cx: &Cx, spec: &Spec) -> Result<Live, CloudError> {
        let answer = cx
            .send(
                "rds:CreateDBSubnetGroup",
                async {
                    aws.rds
                        .create_db_subnet_group()
                        .db_subnet_group_name(&spec.name)
                        .db_subnet_group_description(&spec.description)
                        .set_subnet_ids(Some(spec.subnets.clone()))
                        .set_tags(Some(tags::list(&cx.tags)))
                        .send()
                        .await
                        .map_err(|e| aws_error("rds:CreateDBSubnetGroup", e))
                },
                |answer| {
                    answer
                        .db_subnet_group()?
                        .db_subnet_group_name()
                        .map(PhysicalId::new)
                },
            )
            .await?;
        let group = answer.db_subnet_group().ok_or_else(|| {
            CloudError::malformed(&Self::NAME, "CreateDBSubnetGroup answered without a group")
        })?;
        Ok(live(group, cx.tags.clone()))
    }

    async fn update(
        aws: &Aws,
        cx: &Cx,
        live: &Live,
        wanted: &Wanted<Spec>,
    ) -> Result<Step<Live>, CloudError> {
        let mut live = live.clone();
        if wanted.changes("subnets") || wanted.changes("description") {
            let spec = &wanted.spec;
            cx.call("rds:ModifyDBSubnetGroup", async {
                aws.rds
                    .modify_db_subnet_group()
                    .db_subnet_group_name(&live.name)
                    .db_subnet_group_description(&spec.description)
                    .set_subnet_ids(Some(spec.subnets.clone()))
                    .send()
                    .await
                    .map_err(|e| aws_error("rds:ModifyDBSubnetGroup", e))
            })
            .await?;
            live.description.clone_from(&spec.description);
            live.subnets.clone_from(&spec.subnets);
        }
        if wanted.changes(TAGS) {
            tags::change(aws, cx, &live.arn, &live.tags).await?;
            live.tags = cx.tags.clone();
        }
        Ok(Step::Done(live))
    }

    async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        let answer = cx
            .call("rds:DeleteDBSubnetGroup", async {
                aws.rds
                    .delete_db_subnet_group()
                    .db_subnet_group_name(&live.name)
                    .send()
                    .await
                    .map_err(|e| aws_error("rds:DeleteDBSubnetGroup", e))
            })
            .await;
        match answer {
            Err(error) if !error.is(Class::NotFound) => Err(error),
            _ => Ok(Step::Done(())),
        }
    }

    fn id(live: &Live) -> PhysicalId {
        PhysicalId::new(&live.name)
    }

    fn unmanageable(live: &Live) -> Option<String> {
        (live.name == "default").then(|| "it is a default group, which AWS owns".into())
    }

    fn tags(live: &Live) -> Tags {
        live.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        Attributes::new([
            ("name", Value::text(&live.name)),
            ("description", Value::text(&live.description)),
            ("subnets", live.subnets.clone().into()),
            ("arn", Value::text(&live.arn)),
        ])
    }

    fn readiness(live: &Live) -> Readiness {
        if live.complete {
            Readiness::Ready
        } else {
            Readiness::NotYet("not complete".into())
        }
    }
}

async fn describe(aws: &Aws) -> Result<Vec<Group>, CloudError> {
    let pages = pages(
        aws,
        "rds:DescribeDBSubnetGroups",
        |marker| {
            let request = aws
                .rds
                .describe_db_subnet_groups()
                .max_records(100)
                .set_marker(marker);
            async move {
                request
                    .send()
                    .await
                    .map_err(|e| aws_error("rds:DescribeDBSubnetGroups", e))
            }
        },
        |page| page.marker(),
    )
    .await?;
    let all = pages
        .into_iter()
        .flat_map(|page| page.db_subnet_groups.unwrap_or_default());
    Ok(all.collect())
}

fn live(group: &Group, tags: Tags) -> Live {
    Live {
        name: group.db_subnet_group_name().unwrap_or_default().to_owned(),
        arn: group.db_subnet_group_arn().unwrap_or_default().to_owned(),
        description: group
            .db_subnet_group_description()
            .unwrap_or_default()
            .to_owned(),
        subnets: group
            .subnets()
            .iter()
            .filter_map(|subnet| subnet.subnet_identifier().map(str::to_owned))
            .collect(),
        complete: group
            .subnet_group_status()
            .is_none_or(|status| status.eq_ignore_ascii_case("complete")),
        tags,
    }
}
