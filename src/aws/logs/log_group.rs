//! `logs.log_group`.
//!
//! Crash between `CreateLogGroup` and `PutRetentionPolicy`: the group is found by its name, and `retention_days` shows as a change.
//!
//! Left out: deletion protection and data protection policies, because each costs a call more at every plan; subscription and metric
//! filters, because they are resources of their own, and often another team's.

mod look;

use std::collections::HashMap;

use aws_sdk_cloudwatchlogs::types::{self, LogGroupClass};
use serde::Deserialize;

use crate::aws::logs::text_rules;
use crate::aws::{Aws, aws_error};
use crate::kind::{
    Asked, Class, CloudError, Collision, Cx, Field, Identity, Kind, Literal, Patience, Readiness,
    Step, TAGS, Type, Verb, Wanted,
};
use crate::model::{Attributes, KindName, PhysicalId, Tags, Value};

pub struct LogGroup;

/// What PutRetentionPolicy takes (API reference).
const RETENTION: &[i64] = &[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

#[derive(Deserialize)]
pub struct Spec {
    name: String,
    retention_days: Option<i32>,
    kms_key: Option<String>,
    class: Option<String>,
}

#[derive(Clone)]
pub struct Live {
    name: String,
    /// Without the `:*` that IAM policies take.
    arn: String,
    retention_days: Option<i32>,
    kms_key: Option<String>,
    class: String,
    tags: Tags,
}

impl Kind<Aws> for LogGroup {
    const NAME: KindName = KindName::new("logs.log_group");
    const DOC: &'static str = "Where a service's log lines are kept.";
    const FIELDS: &'static [Field] = &[
        Field::new("name", Type::Text, "Its name, such as `/circles/app`.").rule(&text_rules::GROUP)
            .required()
            .replace(),
        Field::new(
            "retention_days",
            Type::IntOf(RETENTION),
            "How many days lines are kept: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, \
             3288 or 3653; without it for ever.",
        )
        .default(Literal::Unset),
        Field::new(
            "kms_key",
            Type::Text,
            "The ARN of the key that encrypts new lines; without it AWS's own.",
        ).rule(&crate::kind::KMS_KEY)
        .default(Literal::Unset),
        Field::new(
            "class",
            Type::OneOf(&["STANDARD", "INFREQUENT_ACCESS"]),
            "What the lines can be used for, and what they cost.",
        )
        .replace(),
        Field::computed("arn", Type::Text, "`arn:aws:logs:…:log-group:…`, without `:*`."),
        Field::computed("id", Type::Text, "Its name."),
    ];
    const IDENTITY: Identity = Identity {
        natural_key: &["name"],
        collision: Collision::DeleteFirst,
    };
    const PATIENCE: Patience = Patience::quick().not_yet(&[("OperationAbortedException", "")]);

    type Spec = Spec;
    type Live = Live;

    fn permissions(verb: Verb) -> &'static [&'static str] {
        match verb {
            Verb::Read => &[
                "logs:DescribeLogGroups",
                "logs:ListTagsForResource",
                "tag:GetResources",
            ],
            Verb::Create => &[
                "logs:CreateLogGroup",
                "logs:TagResource",
                "logs:PutRetentionPolicy",
            ],
            Verb::Update => &[
                "logs:PutRetentionPolicy",
                "logs:DeleteRetentionPolicy",
                "logs:AssociateKmsKey",
                "logs:DisassociateKmsKey",
                "logs:TagResource",
                "logs:UntagResource",
            ],
            Verb::Delete => &["logs:DeleteLogGroup"],
        }
    }

    async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        look::find(aws, asked).await
    }

    async fn create(aws: &Aws, cx: &Cx, spec: &Spec) -> Result<Live, CloudError> {
        let tags: HashMap<String, String> = cx.tags.clone().into_iter().collect();
        let class = spec.class.as_deref().map(LogGroupClass::from);
        cx.send(
            "logs:CreateLogGroup",
            async {
                aws.logs
                    .create_log_group()
                    .log_group_name(&spec.name)
                    .set_kms_key_id(spec.kms_key.clone())
                    .set_log_group_class(class.clone())
                    .set_tags(Some(tags))
                    .send()
                    .await
                    .map_err(|e| aws_error("logs:CreateLogGroup", e))
            },
            |_| Some(PhysicalId::new(&spec.name)),
        )
        .await?;
        let mut live = Live {
            arn: arn(aws, &spec.name),
            name: spec.name.clone(),
            retention_days: None,
            kms_key: spec.kms_key.clone(),
            class: class.unwrap_or(LogGroupClass::Standard).to_string(),
            tags: cx.tags.clone(),
        };
        keep(aws, cx, &mut live, spec.retention_days).await?;
        Ok(live)
    }

    async fn update(
        aws: &Aws,
        cx: &Cx,
        live: &Live,
        wanted: &Wanted<Spec>,
    ) -> Result<Step<Live>, CloudError> {
        let mut live = live.clone();
        keep(aws, cx, &mut live, wanted.spec.retention_days).await?;
        if wanted.changes("kms_key") {
            encrypt(aws, cx, &mut live, &wanted.spec.kms_key).await?;
        }
        if wanted.changes(TAGS) {
            retag(aws, cx, &mut live).await?;
        }
        Ok(Step::Done(live))
    }

    async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        let answer = cx
            .call("logs:DeleteLogGroup", async {
                aws.logs
                    .delete_log_group()
                    .log_group_name(&live.name)
                    .send()
                    .await
                    .map_err(|e| aws_error("logs:DeleteLogGroup", e))
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

    fn tags(live: &Live) -> Tags {
        live.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        Attributes::new([
            ("name", Value::text(&live.name)),
            ("retention_days", live.retention_days.into()),
            ("kms_key", live.kms_key.clone().into()),
            ("class", Value::text(&live.class)),
            ("arn", Value::text(&live.arn)),
        ])
    }

    fn readiness(_live: &Live) -> Readiness {
        Readiness::Ready
    }
}

impl Live {
    fn read(aws: &Aws, group: &types::LogGroup, tags: Tags) -> Self {
        let name = group.log_group_name().unwrap_or_default();
        Self {
            name: name.to_owned(),
            arn: arn(aws, name),
            retention_days: group.retention_in_days(),
            kms_key: group.kms_key_id().map(str::to_owned),
            class: group
                .log_group_class()
                .unwrap_or(&LogGroupClass::Standard)
                .to_string(),
            tags,
        }
    }
}

fn arn(aws: &Aws, name: &str) -> String {
    format!(
        "arn:{}:logs:{}:{}:log-group:{name}",
        aws.partition, aws.region, aws.account
    )
}

async fn keep(aws: &Aws, cx: &Cx, live: &mut Live, days: Option<i32>) -> Result<(), CloudError> {
    if live.retention_days == days {
        return Ok(());
    }
    match days {
        Some(days) => {
            cx.call("logs:PutRetentionPolicy", async {
                aws.logs
                    .put_retention_policy()
                    .log_group_name(&live.name)
                    .retention_in_days(days)
                    .send()
                    .await
                    .map_err(|e| aws_error("logs:PutRetentionPolicy", e))
            })
            .await?;
        }
        None => {
            cx.call("logs:DeleteRetentionPolicy", async {
                aws.logs
                    .delete_retention_policy()
                    .log_group_name(&live.name)
                    .send()
                    .await
                    .map_err(|e| aws_error("logs:DeleteRetentionPolicy", e))
            })
            .await?;
        }
    }
    live.retention_days = days;
    Ok(())
}

async fn encrypt(
    aws: &Aws,
    cx: &Cx,
    live: &mut Live,
    key: &Option<String>,
) -> Result<(), CloudError> {
    match key {
        Some(key) => {
            cx.call("logs:AssociateKmsKey", async {
                aws.logs
                    .associate_kms_key()
                    .log_group_name(&live.name)
                    .kms_key_id(key)
                    .send()
                    .await
                    .map_err(|e| aws_error("logs:AssociateKmsKey", e))
            })
            .await?;
        }
        None => {
            cx.call("logs:DisassociateKmsKey", async {
                aws.logs
                    .disassociate_kms_key()
                    .log_group_name(&live.name)
                    .send()
                    .await
                    .map_err(|e| aws_error("logs:DisassociateKmsKey", e))
            })
            .await?;
        }
    }
    live.kms_key.clone_from(key);
    Ok(())
}

async fn retag(aws: &Aws, cx: &Cx, live: &mut Live) -> Result<(), CloudError> {
    let set: HashMap<String, String> = cx
        .tags
        .iter()
        .filter(|(key, value)| live.tags.get(*key) != Some(*value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let gone: Vec<String> = live
        .tags
        .keys()
        .filter(|key| !cx.tags.contains_key(*key))
        .cloned()
        .collect();
    if !set.is_empty() {
        cx.call("logs:TagResource", async {
            aws.logs
                .tag_resource()
                .resource_arn(&live.arn)
                .set_tags(Some(set))
                .send()
                .await
                .map_err(|e| aws_error("logs:TagResource", e))
        })
        .await?;
    }
    if !gone.is_empty() {
        cx.call("logs:UntagResource", async {
            aws.logs
                .untag_resource()
                .resource_arn(&live.arn)
                .set_tag_keys(Some(gone))
                .send()
                .await
                .map_err(|e| aws_error("logs:UntagResource", e))
        })
        .await?;
    }
    live.tags = cx.tags.clone();
    Ok(())
}
