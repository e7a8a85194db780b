//! Changing what a secret holds without losing what somebody else writes at the same time.
//!
//! ```text
//!   look ─▶ version V and its values ─▶ put: a new version under our own label ─▶ take over: AWSCURRENT moves from V to it
//! ```
//!
//! `PutSecretValue` alone has no condition: the last writer wins, and a key that another one set meanwhile is lost.
//! `UpdateSecretVersionStage` moves a label only from the version that it is told has it, and fails where another one has (API reference),
//! which makes it a compare-and-swap. A version that was put and never taken over is nobody's current one, and AWS drops it with time.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use futures::future::try_join_all;

pub use super::contents::CURRENT;
use super::contents::{self, Content, Held};
use super::reads;
use super::secret::is_scheduled;
use super::values::{self, Values};
use super::writes::scrubbed;
use crate::aws::{Aws, aws_error};
use crate::kind::{Class, CloudError, SecretText};
use crate::model::Tags;

pub const PUT: &str = "secretsmanager:PutSecretValue";
pub const TAKE_OVER: &str = "secretsmanager:UpdateSecretVersionStage";

/// Where a new version waits. It moves on with each put.
pub const WAITING: &str = "circles-infra-next";

/// The most that one version holds, in bytes, all keys together (Secrets Manager quotas).
pub const LARGEST: usize = 65_536;

/// A secret as it stands.
#[derive(Clone, Debug)]
pub struct Standing {
    pub name: String,
    pub arn: String,
    pub tags: Tags,
    /// The version that tasks get.
    pub version: Option<String>,
    /// When that version was made, in seconds since 1970.
    pub created: Option<i64>,
    pub held: Holding,
}

#[derive(Clone, Debug)]
pub enum Holding {
    Nothing,
    Values(Values),
    /// No JSON object: not to be changed key by key.
    Foreign,
    /// The caller may not read its values.
    Unreadable,
}

/// What there is under a name.
#[derive(Clone, Debug)]
pub enum There {
    Absent,
    /// It was deleted and can still be restored; RFC 3339.
    InRecovery(String),
    Standing(Box<Standing>),
}

/// Looks at one secret, values included.
pub async fn look(aws: &Aws, name: &str) -> Result<There, CloudError> {
    let Some(secret) = reads::describe_any(aws, name).await? else {
        return Ok(There::Absent);
    };
    if secret.deleted_date().is_some() {
        return Ok(standing(secret, Content::default()));
    }
    let content = contents::content(aws, name).await?;
    Ok(standing(secret, content))
}

/// Looks at several: one description each, their values in batches.
pub async fn look_all(
    aws: &Aws,
    names: &BTreeSet<String>,
) -> Result<BTreeMap<String, There>, CloudError> {
    let described = try_join_all(names.iter().map(|name| reads::describe_any(aws, name)));
    let (described, mut values) = tokio::try_join!(described, contents::values_of(aws, names))?;
    let there = described.iter().flatten();
    let unreadable: Vec<String> = there
        .filter(|secret| secret.deleted_date().is_none())
        .filter_map(|secret| secret.name().map(str::to_owned))
        .filter(|name| values.unreadable.contains(name))
        .collect();
    let versions = unreadable.into_iter().map(|name| async move {
        let content = contents::version_of(aws, &name, BTreeSet::new()).await?;
        Ok::<_, CloudError>((name, content))
    });
    values.contents.extend(try_join_all(versions).await?);
    let all = names.iter().zip(described).map(|(name, secret)| {
        let there = match secret {
            None => There::Absent,
            Some(secret) => standing(secret, values.contents.remove(name).unwrap_or_default()),
        };
        (name.clone(), there)
    });
    Ok(all.collect())
}

fn standing(secret: DescribeSecretOutput, content: Content) -> There {
    if let Some(at) = secret.deleted_date() {
        return There::InRecovery(at.to_string());
    }
    There::Standing(Box::new(Standing {
        tags: reads::read_tags(secret.tags()),
        name: secret.name.unwrap_or_default(),
        arn: secret.arn.unwrap_or_default(),
        version: content.version,
        created: content.created,
        held: match content.held {
            Held::Nothing => Holding::Nothing,
            Held::Values(values) => Holding::Values(values),
            Held::Foreign => Holding::Foreign,
            Held::Names(_) => Holding::Unreadable,
        },
    }))
}

/// Sends a new version under a label; `token` becomes its id. Under [`WAITING`] it is nobody's current one yet, unless the secret had
/// none; under [`CURRENT`] it is at once, whatever was.
pub async fn put(
    aws: &Aws,
    name: &str,
    token: &str,
    label: &str,
    values: &Values,
    text: &SecretText,
) -> Result<(), CloudError> {
    aws.secrets
        .put_secret_value()
        .secret_id(name)
        .client_request_token(token)
        .secret_string(text.expose())
        .version_stages(label)
        .send()
        .await
        .map(drop)
        .map_err(|e| scrubbed(PUT, e, values, text))
}

/// What became of [`take_over`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swap {
    Done,
    /// `from` is not the current version any more: somebody else wrote.
    Overtaken,
}

/// Makes version `to` the current one in the place of `from`.
pub async fn take_over(aws: &Aws, name: &str, from: &str, to: &str) -> Result<Swap, CloudError> {
    let answer = aws
        .secrets
        .update_secret_version_stage()
        .secret_id(name)
        .version_stage(CURRENT)
        .remove_from_version_id(from)
        .move_to_version_id(to)
        .send()
        .await
        .map_err(|e| aws_error(TAKE_OVER, e));
    match answer {
        Ok(_) => Ok(Swap::Done),
        // So AWS says that the label is on another version, or that `from` is gone.
        Err(error) if error.code == "InvalidParameterException" => Ok(Swap::Overtaken),
        Err(error) if error.code == "ResourceNotFoundException" => Ok(Swap::Overtaken),
        Err(error) => Err(error),
    }
}

/// A server that moves the label and answers readers, who name no label, with another version all the same (moto).
#[derive(Debug)]
pub struct Hidden {
    /// The version that readers get.
    pub shown: String,
    /// What the version under the label holds.
    pub values: Values,
}

/// Whether readers get another version than `to`, although that is the current one.
///
/// # Errors
/// AWS's.
pub async fn hidden(aws: &Aws, name: &str, to: &str) -> Result<Option<Hidden>, CloudError> {
    let shown = match contents::shown(aws, name).await?.version {
        Some(shown) if shown != to => shown,
        _ => return Ok(None),
    };
    let current = contents::content(aws, name).await?;
    // With another one there, somebody else has written since.
    if current.version.as_deref() != Some(to) {
        return Ok(None);
    }
    Ok(match current.held {
        Held::Values(values) => Some(Hidden { shown, values }),
        Held::Nothing | Held::Foreign | Held::Names(_) => None,
    })
}

/// Where a version stands, after a call whose answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It is not there: the put was never carried out.
    Absent,
    Waiting,
    Current,
}

pub async fn stage(aws: &Aws, name: &str, version: &str) -> Result<Stage, CloudError> {
    Ok(reads::describe_any(aws, name)
        .await?
        .as_ref()
        .map_or(Stage::Absent, |secret| stage_in(secret, version)))
}

/// Whether that version is the one that was put last.
///
/// # Errors
/// AWS's.
pub async fn is_next(aws: &Aws, name: &str, version: &str) -> Result<bool, CloudError> {
    let secret = reads::describe_any(aws, name).await?;
    Ok(secret.is_some_and(|secret| {
        let stages = secret
            .version_ids_to_stages()
            .and_then(|all| all.get(version));
        stages.is_some_and(|stages| stages.iter().any(|stage| stage == WAITING))
    }))
}

fn stage_in(secret: &DescribeSecretOutput, version: &str) -> Stage {
    match secret
        .version_ids_to_stages()
        .and_then(|all| all.get(version))
    {
        None => Stage::Absent,
        Some(stages) if stages.iter().any(|stage| stage == CURRENT) => Stage::Current,
        Some(_) => Stage::Waiting,
    }
}

/// Whether the secret went into its recovery window under our hands.
pub fn was_deleted(error: &CloudError) -> bool {
    is_scheduled(error) || error.is(Class::NotFound)
}

/// The values as they are sent, or how many bytes too large they are.
///
/// # Errors
/// Their size, in bytes, when it is above [`LARGEST`].
pub fn written(values: &Values) -> Result<SecretText, usize> {
    let text = values::write(values);
    match text.expose().len() {
        size if size > LARGEST => Err(size),
        _ => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_version_stands_where_its_labels_say() {
        let stages = HashMap::from([
            ("old".to_owned(), vec!["AWSPREVIOUS".to_owned()]),
            (
                "new".to_owned(),
                vec![CURRENT.to_owned(), WAITING.to_owned()],
            ),
        ]);
        let secret = DescribeSecretOutput::builder()
            .set_version_ids_to_stages(Some(stages))
            .build();
        assert_eq!(stage_in(&secret, "new"), Stage::Current);
        assert_eq!(stage_in(&secret, "old"), Stage::Waiting);
        assert_eq!(stage_in(&secret, "lost"), Stage::Absent);
    }

    #[test]
    fn what_is_too_large_says_how_large() {
        let of =
            |length| Values::from([("KEY".to_owned(), values::Held::text("x".repeat(length)))]);
        assert!(written(&of(LARGEST - 10)).is_ok());
        assert_eq!(written(&of(70 * 1024)).err(), Some(70 * 1024 + 10));
    }
}
