//! The calls that write a secret: values merged with what it holds, description, tags, and its way back from a deletion.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::types::Tag;

use super::contents::{self, Content, Held};
use super::reads;
use super::secret_parts::{Live, NAME, Spec};
use super::values::{self, Rule, Values};
use crate::aws::tag_change::TagChange;
use crate::aws::{Aws, aws_error};
use crate::kind::{Class, CloudError, Cx, SecretText};
use crate::model::{Address, Attributes, Ownership, PhysicalId, Tags, Value};

pub(super) fn tag_list(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

/// An error of a call that carried values, without any of them.
pub(super) fn scrubbed<E>(
    action: &str,
    error: aws_smithy_runtime_api::client::result::SdkError<
        E,
        aws_smithy_runtime_api::http::Response,
    >,
    values: &Values,
    text: &SecretText,
) -> CloudError
where
    E: aws_smithy_types::error::metadata::ProvideErrorMetadata
        + std::error::Error
        + Send
        + Sync
        + 'static,
{
    let values = values.values().map(values::Held::secret);
    aws_error(action, error).scrub(std::iter::once(text).chain(values))
}

/// What the secret shall hold, given what it holds.
pub(super) async fn wished(
    cx: &Cx,
    live: &Values,
    rules: &BTreeMap<String, Rule>,
    drop: &[String],
) -> Result<Values, CloudError> {
    let mut given = BTreeMap::new();
    for (key, rule) in rules {
        if let Rule::Given(value) = rule {
            given.insert(key.clone(), cx.reveal(value).await?);
        }
    }
    values::merge(live, rules, given, drop)
        .map_err(|e| CloudError::malformed(&NAME, format!("the system gives no randomness: {e}")))
}

/// Keys that the stack named when it was last applied. One that is known only as read from the live secret is not the stack's.
pub(super) fn dropped(last: &Attributes, address: &Address) -> Vec<String> {
    let Some(keys) = last.get("keys").as_map() else {
        return Vec::new();
    };
    let is_read = |key: &str, value: &Value| match value {
        Value::Expr(expr) => expr
            .secrets()
            .any(|secret| secret.key == key && &secret.address == address),
        _ => false,
    };
    keys.iter()
        .filter(|(key, value)| !is_read(key, value))
        .map(|(key, _)| key.clone())
        .collect()
}

/// Writes a new version where the merged values differ from the live ones, which are read afresh: an operator may have set some since.
pub(super) async fn put_values(
    aws: &Aws,
    cx: &Cx,
    live: &mut Live,
    rules: &BTreeMap<String, Rule>,
    drop: &[String],
) -> Result<(), CloudError> {
    let mut now = contents::content(aws, &live.name).await?;
    let held = match std::mem::take(&mut now.held) {
        Held::Values(values) => Some(values),
        Held::Nothing | Held::Names(_) => None,
        Held::Foreign => {
            return Err(CloudError::new(
                "secretsmanager:PutSecretValue",
                Class::Invalid,
                "NotAnObject",
                format!(
                    "what the secret {} holds is not a JSON object, and overwriting it would lose it: move it elsewhere, or give this secret another name",
                    live.name
                ),
            ));
        }
    };
    let before = held.clone().unwrap_or_default();
    let after = wished(cx, &before, rules, drop).await?;
    if held.as_ref() == Some(&after) {
        now.held = Held::Values(after);
        live.content = now;
        return Ok(());
    }
    let text = values::write(&after);
    let answer = cx
        .call("secretsmanager:PutSecretValue", async {
            aws.secrets
                .put_secret_value()
                .secret_id(&live.name)
                .client_request_token(&cx.token)
                .secret_string(text.expose())
                .send()
                .await
                .map_err(|e| scrubbed("secretsmanager:PutSecretValue", e, &after, &text))
        })
        .await?;
    live.content = Content {
        version: answer.version_id,
        created: None,
        held: Held::Values(after),
    };
    Ok(())
}

pub(super) async fn describe_anew(
    aws: &Aws,
    cx: &Cx,
    live: &mut Live,
    spec: &Spec,
) -> Result<(), CloudError> {
    cx.call("secretsmanager:UpdateSecret", async {
        aws.secrets
            .update_secret()
            .secret_id(&live.name)
            .set_description(spec.description.clone())
            .set_kms_key_id(spec.kms_key.clone())
            .send()
            .await
            .map_err(|e| aws_error("secretsmanager:UpdateSecret", e))
    })
    .await?;
    if spec.description.is_some() {
        live.description.clone_from(&spec.description);
    }
    if spec.kms_key.is_some() {
        live.kms_key.clone_from(&spec.kms_key);
    }
    Ok(())
}

pub(super) async fn change_tags(aws: &Aws, cx: &Cx, live: &mut Live) -> Result<(), CloudError> {
    let TagChange { set, gone } = TagChange::between(&live.tags, &cx.tags);
    if !set.is_empty() {
        cx.call("secretsmanager:TagResource", async {
            aws.secrets
                .tag_resource()
                .secret_id(&live.name)
                .set_tags(Some(tag_list(&set)))
                .send()
                .await
                .map_err(|e| aws_error("secretsmanager:TagResource", e))
        })
        .await?;
    }
    if !gone.is_empty() {
        cx.call("secretsmanager:UntagResource", async {
            aws.secrets
                .untag_resource()
                .secret_id(&live.name)
                .set_tag_keys(Some(gone))
                .send()
                .await
                .map_err(|e| aws_error("secretsmanager:UntagResource", e))
        })
        .await?;
    }
    live.tags = cx.tags.clone();
    Ok(())
}

/// Attempts in which a name whose secret was deleted without recovery is waited for: AWS purges such a secret in the background, some two
/// minutes at the engine's gaps. What is still there then has a recovery window, from a stack that said otherwise, and is restored.
const PURGE_ROUNDS: u32 = 30;

/// The name is held by a secret that is scheduled for deletion: if it is this very resource's, it comes back with what it held.
pub(super) async fn restore(
    aws: &Aws,
    cx: &Cx,
    spec: &Spec,
    refused: CloudError,
) -> Result<Live, CloudError> {
    let Some(secret) = reads::describe_any(aws, &spec.name).await? else {
        return Err(refused);
    };
    if secret.deleted_date().is_none() {
        return Err(refused);
    }
    if spec.recovery_window == 0 && cx.round < PURGE_ROUNDS && refused.is(Class::Invalid) {
        return Err(refused);
    }
    let tags = reads::read_tags(secret.tags());
    let ours = Ownership::read(&tags)
        .is_some_and(|owner| owner.is_of(&cx.scope) && owner.address == cx.address);
    if !ours {
        return Err(CloudError::new(
            "secretsmanager:CreateSecret",
            Class::Invalid,
            "ScheduledForDeletion",
            format!(
                "the name {} is held by a deleted secret that is not this stack's and can still be restored: restore it, delete it for good (`aws secretsmanager delete-secret --force-delete-without-recovery`), or choose another name",
                spec.name
            ),
        ));
    }
    let restored = cx.send(
        "secretsmanager:RestoreSecret",
        async {
            aws.secrets
                .restore_secret()
                .secret_id(&spec.name)
                .send()
                .await
                .map_err(|e| aws_error("secretsmanager:RestoreSecret", e))
        },
        |_| Some(PhysicalId::new(&spec.name)),
    );
    match restored.await {
        // Purged between the two calls: the name is free in a moment.
        Err(error) if error.is(Class::NotFound) => return Err(refused),
        other => other?,
    };
    let mut live = Live {
        name: spec.name.clone(),
        arn: secret.arn.unwrap_or_default(),
        description: secret.description,
        kms_key: secret.kms_key_id,
        tags,
        foreign: None,
        address: cx.address.clone(),
        content: Content::default(),
    };
    change_tags(aws, cx, &mut live).await?;
    if live.description != spec.description || live.kms_key != spec.kms_key {
        describe_anew(aws, cx, &mut live, spec).await?;
    }
    put_values(aws, cx, &mut live, &spec.keys, &[]).await?;
    Ok(live)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Expr, Part, SecretRef};

    fn secret(address: &str, key: &str) -> Value {
        Value::Expr(Expr(vec![Part::Secret(SecretRef {
            address: address.into(),
            key: key.into(),
        })]))
    }

    #[test]
    fn only_keys_that_the_stack_named_are_dropped() {
        let last = Attributes::new([(
            "keys",
            Value::map([
                ("GENERATED", Value::map([("generate", Value::Int(48))])),
                ("PASSWORD", secret("db/master", "PASSWORD")),
                ("BY_HAND", secret("config", "BY_HAND")),
            ]),
        )]);
        let config = Address::new("config");
        assert_eq!(dropped(&last, &config), ["GENERATED", "PASSWORD"]);
        assert!(dropped(&Attributes::default(), &config).is_empty());
    }
}
