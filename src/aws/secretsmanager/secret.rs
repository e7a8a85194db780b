//! `secretsmanager.secret`: named values, stored as one JSON object. Values live in [`SecretText`] only, are never printed, and are taken
//! out of whatever AWS says in an error. A generated value that exists never changes; keys that an operator set stay.
//!
//! Left out: rotation by a function, because `secrets rotate` does it; replicas, because a stack stands in one region; the resource policy,
//! because it costs a call for each secret and opens nothing to other accounts under AWS's own key; a description or key that the stack
//! does not name, because the account fills them in.

use std::collections::BTreeSet;

use super::contents::{Content, Held};
use super::values::{self, Values};
use super::writes::{
    change_tags, describe_anew, dropped, put_values, restore, scrubbed, tag_list, wished,
};
use super::{reads, secret_parts};
use crate::aws::secretsmanager::text_rules;
use crate::aws::{Aws, aws_error};
use crate::kind::{
    Asked, Class, CloudError, Collision, Cx, Field, Identity, Kind, Literal, Patience, Readiness,
    SecretText, Step, TAGS, Type, Verb, Wanted,
};
use crate::model::{Attributes, Expr, KindName, Part, PhysicalId, SecretRef, Tags, Value};

pub use super::secret_parts::{Live, Spec};

pub struct Secret;

const EPOCH_SECONDS: Type = Type::Int {
    min: 0,
    max: i64::MAX,
};

impl Kind<Aws> for Secret {
    const NAME: KindName = secret_parts::NAME;
    const DOC: &'static str = "Named secret values, stored together as one JSON object.";
    const FIELDS: &'static [Field] = &[
        Field::new(
            "name",
            Type::Text,
            "Its name; unique per region. Not to end in a hyphen and six characters, as AWS's ARNs do.",
        ).rule(&text_rules::NAME)
        .required()
        .replace(),
        Field::new("description", Type::Text, "What it is for.").rule(&text_rules::DESCRIPTION),
        Field::new(
            "kms_key",
            Type::Text,
            "ARN of the key it is encrypted with; without one, AWS's own.",
        ).rule(&text_rules::KEY_OR_ALIAS),
        Field::new(
            "recovery_window",
            Type::Int { min: 0, max: 30 },
            "Days that a deleted secret can be restored: 7 to 30, or 0 for not at all.",
        )
        .default(Literal::Int(30))
        .ignore(),
        Field::new(
            "keys",
            Type::Map(&Type::Object(secret_parts::KEY)),
            "Its values by name: generated, an operator's, or given.",
        ).key_rule(&text_rules::KEY)
        .default(Literal::EmptyMap),
        Field::computed("arn", Type::Text, "`arn:aws:secretsmanager:…`."),
        Field::computed(
            "key_arns",
            Type::Map(&Type::Text),
            "For each key that has a value, what a task definition's `secrets` take: `arn:…:KEY::`.",
        )
        .volatile(),
        Field::computed("version_id", Type::Text, "The current version.").volatile(),
        Field::computed(
            "version_created",
            EPOCH_SECONDS,
            "When the current version was made, in seconds since 1970.",
        )
        .volatile(),
        Field::computed("id", Type::Text, "The name."),
    ];
    const IDENTITY: Identity = Identity {
        natural_key: &["name"],
        collision: Collision::DeleteFirst,
    };
    // A name that was deleted without recovery is taken until AWS has cleaned up.
    const PATIENCE: Patience = Patience::quick().not_yet(&[
        ("InvalidRequestException", "scheduled for deletion"),
        ("InvalidRequestException", "was deleted"),
        ("MalformedPolicyDocumentException", ""),
    ]);
    const HOLDS_DATA: bool = true;

    type Spec = Spec;
    type Live = Live;

    fn permissions(verb: Verb) -> &'static [&'static str] {
        match verb {
            Verb::Read => &[
                "secretsmanager:ListSecrets",
                "secretsmanager:DescribeSecret",
                // In the place of the values, where the caller may not read them.
                "secretsmanager:ListSecretVersionIds",
                "secretsmanager:BatchGetSecretValue",
                "secretsmanager:GetSecretValue",
                "kms:Decrypt",
            ],
            Verb::Create => &[
                "secretsmanager:CreateSecret",
                "secretsmanager:TagResource",
                "secretsmanager:UntagResource",
                "secretsmanager:DescribeSecret",
                "secretsmanager:RestoreSecret",
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecret",
                "kms:GenerateDataKey",
                "kms:Decrypt",
            ],
            Verb::Update => &[
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                // `secrets set` moves the current label by itself.
                "secretsmanager:UpdateSecretVersionStage",
                "secretsmanager:UpdateSecret",
                "secretsmanager:TagResource",
                "secretsmanager:UntagResource",
                "kms:GenerateDataKey",
                "kms:Decrypt",
            ],
            Verb::Delete => &["secretsmanager:DeleteSecret"],
        }
    }

    async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        reads::find(aws, asked).await
    }

    async fn create(aws: &Aws, cx: &Cx, spec: &Spec) -> Result<Live, CloudError> {
        check_window(spec.recovery_window)?;
        let values = wished(cx, &Values::new(), &spec.keys, &[]).await?;
        let text = values::write(&values);
        let answer = cx
            .send(
                "secretsmanager:CreateSecret",
                async {
                    aws.secrets
                        .create_secret()
                        .name(&spec.name)
                        .set_description(spec.description.clone())
                        .set_kms_key_id(spec.kms_key.clone())
                        .client_request_token(&cx.token)
                        .set_tags(Some(tag_list(&cx.tags)))
                        .secret_string(text.expose())
                        .send()
                        .await
                        .map_err(|e| scrubbed("secretsmanager:CreateSecret", e, &values, &text))
                },
                |_| Some(PhysicalId::new(&spec.name)),
            )
            .await;
        match answer {
            Ok(answer) => Ok(Live {
                name: spec.name.clone(),
                arn: answer.arn.unwrap_or_default(),
                description: spec.description.clone(),
                kms_key: spec.kms_key.clone(),
                tags: cx.tags.clone(),
                foreign: None,
                address: cx.address.clone(),
                content: Content {
                    version: answer.version_id,
                    created: None,
                    held: Held::Values(values),
                },
            }),
            // AWS says that the name is scheduled for deletion; emulators say that it exists.
            Err(error) if error.is(Class::Exists) || error.code == "InvalidRequestException" => {
                restore(aws, cx, spec, error).await
            }
            Err(error) => Err(error),
        }
    }

    async fn update(
        aws: &Aws,
        cx: &Cx,
        live: &Live,
        wanted: &Wanted<Spec>,
    ) -> Result<Step<Live>, CloudError> {
        let mut live = live.clone();
        if wanted.changes(TAGS) {
            change_tags(aws, cx, &mut live).await?;
        }
        if wanted.changes("description") || wanted.changes("kms_key") {
            describe_anew(aws, cx, &mut live, &wanted.spec).await?;
        }
        if wanted.changes("keys") {
            let drop = dropped(&cx.last, &live.address);
            put_values(aws, cx, &mut live, &wanted.spec.keys, &drop).await?;
        }
        Ok(Step::Done(live))
    }

    async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        // Without knowing, as long as can be.
        let window = cx.last.get("recovery_window").as_int().unwrap_or(30);
        check_window(window)?;
        let answer = cx
            .call("secretsmanager:DeleteSecret", async {
                aws.secrets
                    .delete_secret()
                    .secret_id(&live.name)
                    .set_recovery_window_in_days((window > 0).then_some(window))
                    .set_force_delete_without_recovery((window == 0).then_some(true))
                    .send()
                    .await
                    .map_err(|e| aws_error("secretsmanager:DeleteSecret", e))
            })
            .await;
        match answer {
            Err(error) if error.is(Class::NotFound) => Ok(Step::Done(())),
            // Scheduled already: as good as gone.
            Err(error) if is_scheduled(&error) => Ok(Step::Done(())),
            Err(error) => Err(error),
            Ok(_) => Ok(Step::Done(())),
        }
    }

    fn id(live: &Live) -> PhysicalId {
        PhysicalId::new(&live.name)
    }

    fn unmanageable(live: &Live) -> Option<String> {
        live.foreign.clone()
    }

    fn tags(live: &Live) -> Tags {
        live.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        let held = live.keys();
        let keys = held.iter().map(|key| {
            let value = SecretRef {
                address: live.address.clone(),
                key: key.clone(),
            };
            (key.clone(), Value::Expr(Expr(vec![Part::Secret(value)])))
        });
        let arns = held
            .iter()
            .map(|key| (key.clone(), format!("{}:{key}::", live.arn).into()));
        Attributes::new([
            ("name", Value::text(&live.name)),
            ("description", live.description.clone().into()),
            ("kms_key", live.kms_key.clone().into()),
            ("keys", Value::map(keys)),
            ("arn", Value::text(&live.arn)),
            ("key_arns", Value::map(arns)),
            ("version_id", live.content.version.clone().into()),
            ("version_created", live.content.created.into()),
        ])
    }

    fn readiness(_live: &Live) -> Readiness {
        Readiness::Ready
    }

    fn secrets(live: &Live) -> Vec<(String, SecretText)> {
        live.values()
            .iter()
            .map(|(key, held)| (key.clone(), held.secret().clone()))
            .collect()
    }
}

impl Live {
    fn values(&self) -> &Values {
        static NONE: Values = Values::new();
        match &self.content.held {
            Held::Values(values) => values,
            Held::Nothing | Held::Foreign | Held::Names(_) => &NONE,
        }
    }

    /// Also where the caller may not read their values.
    fn keys(&self) -> BTreeSet<String> {
        match &self.content.held {
            Held::Names(keys) => keys.clone(),
            _ => self.values().keys().cloned().collect(),
        }
    }
}

pub(super) fn is_scheduled(error: &CloudError) -> bool {
    error.code == "InvalidRequestException"
        && [
            "scheduled for deletion",
            "marked for deletion",
            "marked deleted",
        ]
        .iter()
        .any(|text| error.message.contains(text))
}

fn check_window(days: i64) -> Result<(), CloudError> {
    if days == 0 || (7..=30).contains(&days) {
        return Ok(());
    }
    Err(CloudError::new(
        "secretsmanager:DeleteSecret",
        Class::Invalid,
        "RecoveryWindow",
        format!("`recovery_window` is {days}: AWS takes 7 to 30 days, or 0 for no recovery"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(address: &str, key: &str) -> Value {
        Value::Expr(Expr(vec![Part::Secret(SecretRef {
            address: address.into(),
            key: key.into(),
        })]))
    }

    #[test]
    fn a_recovery_window_is_nothing_or_a_week_at_least() {
        for (days, good) in [
            (0, true),
            (1, false),
            (6, false),
            (7, true),
            (30, true),
            (31, false),
        ] {
            assert_eq!(check_window(days).is_ok(), good, "{days}");
        }
    }

    fn live(held: Held) -> Live {
        Live {
            name: "circles/app-config".into(),
            arn: "arn:aws:secretsmanager:us-east-1:000000000000:secret:circles/app-config-AbCdEf"
                .into(),
            description: None,
            kms_key: None,
            tags: Tags::new(),
            foreign: None,
            address: "config".into(),
            content: Content {
                version: Some("v1".into()),
                created: Some(1),
                held,
            },
        }
    }

    #[test]
    fn observing_shows_keys_and_no_value() {
        let read =
            values::parse(r#"{"KEY": "hunter2hunter2"}"#).map_or(Held::Foreign, Held::Values);
        let live = live(read);
        let observed = Secret::observed(&live);
        assert_eq!(
            observed
                .path("key_arns.KEY")
                .and_then(|arn| arn.as_text().map(str::to_owned)),
            Some(format!("{}:KEY::", live.arn))
        );
        assert_eq!(observed.path("keys.KEY"), Some(secret("config", "KEY")));
        let told = format!("{observed:?} {:?}", Secret::secrets(&live));
        assert!(!told.contains("hunter2"), "{told}");
        assert_eq!(Secret::secrets(&live)[0].1.expose(), "hunter2hunter2");
        let named = self::live(Held::Names(["KEY".to_owned()].into()));
        assert_eq!(Secret::observed(&named), observed);
        assert!(Secret::secrets(&named).is_empty());
    }
}
