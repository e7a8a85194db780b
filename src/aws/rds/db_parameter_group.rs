//! `rds.db_parameter_group`. Its parameters are an exclusive set: one set by hand is drift and goes back to the engine's default. Crash
//! between `CreateDBParameterGroup` and `ModifyDBParameterGroup`: the group is found by its name, and its parameters show as changes.
//!
//! Left out: the apply method, because AWS reads it back as it likes: it follows from the parameter (dynamic ones apply at once, static
//! ones at the instances' next reboot, which RDS never does by itself).

use aws_sdk_rds::types::DbParameterGroup as Group;
use futures::future::try_join_all;
use serde::Deserialize;

use super::parameters::{Parameters, add_defaults, described, set_parameters, values, wished};
use super::tags;
use crate::aws::rds::text_rules;
use crate::aws::{Aws, aws_error, pages};
use crate::kind::{
    Asked, Class, CloudError, Collision, Cx, Field, Identity, Kind, Literal, Patience, Readiness,
    Step, TAGS, Type, Verb, Wanted,
};
use crate::model::{Attributes, KindName, PhysicalId, Tags, Value};

pub struct DbParameterGroup;

#[derive(Deserialize)]
pub struct Spec {
    name: String,
    family: String,
    description: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Clone)]
pub struct Live {
    name: String,
    arn: String,
    family: String,
    description: String,
    parameters: Parameters,
    tags: Tags,
}

impl Kind<Aws> for DbParameterGroup {
    const NAME: KindName = KindName::new("rds.db_parameter_group");
    const DOC: &'static str = "Settings of a database engine, for instances to share.";
    const FIELDS: &'static [Field] = &[
        Field::new(
            "name",
            Type::Text,
            "Its name, in lower case; unique per region.",
        ).rule(&text_rules::GROUP_NAME)
        .required()
        .replace(),
        Field::new(
            "family",
            Type::Text,
            "Engine and major version, `postgres15`.",
        ).rule(&text_rules::FAMILY)
        .required()
        .replace(),
        Field::new("description", Type::Text, "What it is for.").rule(&text_rules::DESCRIPTION)
            .required()
            .replace(),
        Field::new(
            "parameters",
            Type::Map(&Type::Text),
            "Engine parameters by name (lower case), as text; all others keep the engine's defaults.",
        ).key_rule(&text_rules::PARAMETER)
        .default(Literal::EmptyMap),
        Field::computed("arn", Type::Text, "`arn:aws:rds:…:pg:…`."),
        Field::computed("id", Type::Text, "The name."),
    ];
    const IDENTITY: Identity = Identity {
        natural_key: &["name"],
        collision: Collision::Suffix {
            field: "name",
            longest: 255,
        },
    };
    // A new group is not known everywhere for some minutes.
    const PATIENCE: Patience = Patience::quick().not_yet(&[("DBParameterGroupNotFound", "")]);

    type Spec = Spec;
    type Live = Live;

    fn permissions(verb: Verb) -> &'static [&'static str] {
        match verb {
            Verb::Read => &[
                "rds:DescribeDBParameterGroups",
                "rds:DescribeDBParameters",
                "rds:ListTagsForResource",
                "tag:GetResources",
            ],
            Verb::Create => &[
                "rds:CreateDBParameterGroup",
                "rds:AddTagsToResource",
                "rds:DescribeDBParameters",
                "rds:ModifyDBParameterGroup",
                "rds:ResetDBParameterGroup",
            ],
            Verb::Update => &[
                "rds:DescribeDBParameters",
                "rds:ModifyDBParameterGroup",
                "rds:ResetDBParameterGroup",
                "rds:AddTagsToResource",
                "rds:RemoveTagsFromResource",
            ],
            Verb::Delete => &["rds:DeleteDBParameterGroup"],
        }
    }

    async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        let groups = describe(aws).await?;
        let listed = groups.iter().filter_map(|group| {
            Some((
                group.db_parameter_group_name()?.to_owned(),
                group
                    .db_parameter_group_arn()
                    .unwrap_or_default()
                    .to_owned(),
            ))
        });
        let wanted = tags::candidates(aws, asked, "rds:pg", listed).await?;
        let looked_at = groups
            .iter()
            .filter(|group| {
                group
                    .db_parameter_group_name()
                    .is_some_and(|name| wanted.contains(name))
            })
            .map(|group| look(aws, asked, group));
        Ok(try_join_all(looked_at)
            .await?
            .into_iter()
            .flatten()
            .collect())
    }

    async fn create(aws: &Aws, cx: &Cx, spec: &Spec) -> Result<Live, CloudError> {
        let answer = cx
            .send(
                "rds:CreateDBParameterGroup",
                async {
                    aws.rds
                        .create_db_parameter_group()
                        .db_parameter_group_name(&spec.name)
                        .db_parameter_group_family(&spec.family)
                        .description(&spec.description)
                        .set_tags(Some(tags::list(&cx.tags)))
                        .send()
                        .await
                        .map_err(|e| aws_error("rds:CreateDBParameterGroup", e))
                },
                |answer| {
                    answer
                        .db_parameter_group()?
                        .db_parameter_group_name()
                        .map(PhysicalId::new)
                },
            )
            .await?;
        let group = answer.db_parameter_group().ok_or_else(|| {
            CloudError::malformed(
                &Self::NAME,
                "CreateDBParameterGroup answered without a group",
            )
        })?;
        let mut live = live(group, Parameters::new(), cx.tags.clone());
        match set_parameters(aws, cx, &live.name, &mut live.parameters, &spec.parameters).await {
            // Not known everywhere yet: the parameters are left to `update`.
            Err(error) if error.is(Class::NotFound) => Ok(live),
            Err(error) => Err(error),
            Ok(()) => Ok(live),
        }
    }

    async fn update(
        aws: &Aws,
        cx: &Cx,
        live: &Live,
        wanted: &Wanted<Spec>,
    ) -> Result<Step<Live>, CloudError> {
        let mut live = live.clone();
        if wanted.changes("parameters") {
            set_parameters(
                aws,
                cx,
                &live.name,
                &mut live.parameters,
                &wanted.spec.parameters,
            )
            .await?;
        }
        if wanted.changes(TAGS) {
            tags::change(aws, cx, &live.arn, &live.tags).await?;
            live.tags = cx.tags.clone();
        }
        Ok(Step::Done(live))
    }

    async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        let answer = cx
            .call("rds:DeleteDBParameterGroup", async {
                aws.rds
                    .delete_db_parameter_group()
                    .db_parameter_group_name(&live.name)
                    .send()
                    .await
                    .map_err(|e| aws_error("rds:DeleteDBParameterGroup", e))
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
        (live.name.starts_with("default.")).then(|| "it is a default group, which AWS owns".into())
    }

    fn tags(live: &Live) -> Tags {
        live.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        let parameters = live
            .parameters
            .iter()
            .map(|(name, value)| (name.clone(), Value::text(value)));
        Attributes::new([
            ("name", Value::text(&live.name)),
            ("family", Value::text(&live.family)),
            ("description", Value::text(&live.description)),
            ("parameters", Value::map(parameters)),
            ("arn", Value::text(&live.arn)),
        ])
    }

    fn readiness(_live: &Live) -> Readiness {
        Readiness::Ready
    }
}

async fn describe(aws: &Aws) -> Result<Vec<Group>, CloudError> {
    let pages = pages(
        aws,
        "rds:DescribeDBParameterGroups",
        |marker| {
            let request = aws
                .rds
                .describe_db_parameter_groups()
                .max_records(100)
                .set_marker(marker);
            async move {
                request
                    .send()
                    .await
                    .map_err(|e| aws_error("rds:DescribeDBParameterGroups", e))
            }
        },
        |page| page.marker(),
    )
    .await?;
    let all = pages
        .into_iter()
        .flat_map(|page| page.db_parameter_groups.unwrap_or_default());
    Ok(all.collect())
}

/// Tags and parameters of one group, side by side; `None` when it is not among what was asked for, or gone meanwhile.
async fn look(aws: &Aws, asked: &Asked, group: &Group) -> Result<Option<Live>, CloudError> {
    let name = group.db_parameter_group_name().unwrap_or_default();
    let arn = group.db_parameter_group_arn().unwrap_or_default();
    let named = asked.texts("name").iter().any(|asked| asked == name);
    if !named && !asked.has_id(name) {
        // A stray: its tags come first, since most are somebody else's and their parameters of no interest.
        return Ok(match tags::of(aws, arn).await? {
            Some(tags) if asked.is_ours(&tags) => {
                let user = described(aws, name, Some("user")).await?;
                Some(live(group, values(&user), tags))
            }
            _ => None,
        });
    }
    let (tags, user) = tokio::try_join!(tags::of(aws, arn), described(aws, name, Some("user")))?;
    let Some(tags) = tags else { return Ok(None) };
    let mut parameters = values(&user);
    let wished = wished(asked, name);
    if wished.keys().any(|name| !parameters.contains_key(name)) {
        // A value that equals the engine's default is not always listed as the user's.
        add_defaults(
            &mut parameters,
            &wished,
            &values(&described(aws, name, None).await?),
        );
    }
    Ok(Some(live(group, parameters, tags)))
}

fn live(group: &Group, parameters: Parameters, tags: Tags) -> Live {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Live {
        name: text(group.db_parameter_group_name()),
        arn: text(group.db_parameter_group_arn()),
        family: text(group.db_parameter_group_family()),
        description: text(group.description()),
        parameters,
        tags,
    }
}
