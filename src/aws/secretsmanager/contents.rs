//! What secrets hold now: read by the batch, or one afresh. Values stay in memory.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_secretsmanager::primitives::DateTime;
use aws_sdk_secretsmanager::types::ApiErrorType;
use futures::future::try_join_all;
use zeroize::Zeroize;

use super::values::{self, Values};
use crate::aws::{Aws, aws_error};
use crate::kind::{Class, CloudError};

pub const CURRENT: &str = "AWSCURRENT";
const DENIED: &str = "AccessDeniedException";
const VERSIONS: &str = "secretsmanager:ListSecretVersionIds";

/// What one `BatchGetSecretValue` takes (API reference).
const PER_BATCH: usize = 20;

/// What a secret holds now.
#[derive(Clone, Debug, Default)]
pub struct Content {
    pub version: Option<String>,
    /// When that version was made, in seconds since 1970.
    pub created: Option<i64>,
    pub held: Held,
}

#[derive(Clone, Debug, Default)]
pub enum Held {
    /// It has no value yet: created without one, or that step was lost.
    #[default]
    Nothing,
    Values(Values),
    /// Text or bytes that are not a JSON object: somebody else's format.
    Foreign,
    /// The caller may not read values. These keys are known from an earlier look.
    Names(BTreeSet<String>),
}

impl Content {
    fn new(version: Option<String>, text: Option<String>, binary: bool) -> Self {
        let held = match text {
            Some(mut text) => {
                let parsed = values::parse(&text);
                text.zeroize();
                parsed.map_or(Held::Foreign, Held::Values)
            }
            None if binary => Held::Foreign,
            None => Held::Nothing,
        };
        Self {
            version,
            created: None,
            held,
        }
    }

    fn made_at(mut self, at: Option<&DateTime>) -> Self {
        self.created = at.map(DateTime::secs);
        self
    }
}

/// What the batches said.
#[derive(Default)]
pub struct ValuesOf {
    pub contents: BTreeMap<String, Content>,
    /// Names that certainly are nobody's: a batch reads directly.
    pub absent: BTreeSet<String>,
    /// Names of secrets whose values the caller may not read.
    pub unreadable: BTreeSet<String>,
}

/// The current contents by name, for those that have one; with the names that are nobody's, and those that cannot be read.
pub async fn values_of(aws: &Aws, names: &BTreeSet<String>) -> Result<ValuesOf, CloudError> {
    let names: Vec<String> = names.iter().cloned().collect();
    let batches = names.chunks(PER_BATCH).map(|names| batch(aws, names));
    let mut all = ValuesOf::default();
    for one in try_join_all(batches).await? {
        all.contents.extend(one.contents);
        all.absent.extend(one.absent);
        all.unreadable.extend(one.unreadable);
    }
    Ok(all)
}

async fn batch(aws: &Aws, names: &[String]) -> Result<ValuesOf, CloudError> {
    match at_once(aws, names).await {
        // A work-alike that does not have this young call: the old one tells the same, secret by secret.
        Err(error) if error.is(Class::Unsupported) => one_by_one(aws, names).await,
        // Whoever may not use the batch may not read values: what the secrets are called is known all the same.
        Err(error) if error.is(Class::Denied) => Ok(ValuesOf {
            unreadable: names.iter().cloned().collect(),
            ..ValuesOf::default()
        }),
        values => values,
    }
}

async fn one_by_one(aws: &Aws, names: &[String]) -> Result<ValuesOf, CloudError> {
    let each = names.iter().map(|name| async move {
        match get(aws, name, Some(CURRENT)).await {
            // It is scheduled for deletion.
            Err(error) if error.code == "InvalidRequestException" => Ok(Ok((name.clone(), None))),
            Err(error) if error.is(Class::Denied) => Ok(Err(name.clone())),
            content => Ok::<_, CloudError>(Ok((name.clone(), content?))),
        }
    });
    // One without a value answers as one that is not there.
    let mut all = ValuesOf::default();
    for one in try_join_all(each).await? {
        match one {
            Ok((name, content)) => all.contents.extend(content.map(|content| (name, content))),
            Err(name) => {
                all.unreadable.insert(name);
            }
        }
    }
    Ok(all)
}

async fn at_once(aws: &Aws, names: &[String]) -> Result<ValuesOf, CloudError> {
    const ACTION: &str = "secretsmanager:BatchGetSecretValue";
    let answer = aws
        .read(ACTION, || async {
            let answer = aws
                .secrets
                .batch_get_secret_value()
                .set_secret_id_list(Some(names.to_vec()))
                .send()
                .await
                .map_err(|e| aws_error(ACTION, e))?;
            match answer.errors().iter().find_map(failure) {
                Some(error) => Err(error),
                None => Ok(answer),
            }
        })
        .await?;
    let unreadable = answer
        .errors()
        .iter()
        .filter(|error| error.error_code() == Some(DENIED))
        .filter_map(|error| error.secret_id().map(str::to_owned))
        .collect();
    let absent = answer
        .errors()
        .iter()
        .filter(|error| is_absent(error))
        .filter_map(|error| error.secret_id().map(str::to_owned))
        .collect();
    let contents = answer
        .secret_values
        .unwrap_or_default()
        .into_iter()
        .filter_map(|entry| {
            let content = Content::new(
                entry.version_id,
                entry.secret_string,
                entry.secret_binary.is_some(),
            )
            .made_at(entry.created_date.as_ref());
            Some((entry.name?, content))
        })
        .collect();
    Ok(ValuesOf {
        contents,
        absent,
        unreadable,
    })
}

/// Not there at all. One without a value, or scheduled for deletion, is told in the same list.
fn is_absent(error: &ApiErrorType) -> bool {
    let message = error.message().unwrap_or_default();
    error.error_code() == Some("ResourceNotFoundException") && !message.contains("staging label")
}

/// A batch succeeds even where single secrets fail. Absent ones, those without a value, those scheduled for deletion and those that the
/// caller may not read are no failure.
fn failure(error: &ApiErrorType) -> Option<CloudError> {
    let code = error.error_code().unwrap_or_default();
    let class = match code {
        "ResourceNotFoundException" | "InvalidRequestException" | DENIED => return None,
        "InternalServiceError" | "InternalFailure" => Class::Unknown,
        "ThrottlingException" => Class::Throttled,
        _ => Class::Other,
    };
    let message = format!(
        "{}: {}",
        error.secret_id().unwrap_or_default(),
        error.message().unwrap_or_default()
    );
    Some(CloudError::new(
        "secretsmanager:GetSecretValue",
        class,
        code,
        message,
    ))
}

/// The current version of a secret whose values the caller may not read, and the keys that an earlier look at that version saw.
pub async fn version_of(
    aws: &Aws,
    name: &str,
    known: BTreeSet<String>,
) -> Result<Content, CloudError> {
    let mut token = None::<String>;
    loop {
        let page = aws
            .read(VERSIONS, || async {
                aws.secrets
                    .list_secret_version_ids()
                    .secret_id(name)
                    .set_next_token(token.clone())
                    .send()
                    .await
                    .map_err(|e| aws_error(VERSIONS, e))
            })
            .await?;
        let current = page.versions().iter().find(|version| {
            let stages = version.version_stages();
            stages.iter().any(|stage| stage == CURRENT)
        });
        if let Some(current) = current {
            return Ok(Content {
                version: current.version_id().map(str::to_owned),
                created: current.created_date().map(DateTime::secs),
                held: Held::Names(known),
            });
        }
        // Work-alikes send an empty one.
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(Content::default());
        }
    }
}

/// What one secret holds now, read afresh: the version that has the label, which is the one that a swap goes by.
pub async fn content(aws: &Aws, name: &str) -> Result<Content, CloudError> {
    read(aws, name, Some(CURRENT)).await
}

/// What readers get who name no label: the same, on AWS.
pub async fn shown(aws: &Aws, name: &str) -> Result<Content, CloudError> {
    read(aws, name, None).await
}

/// A secret without a value holds nothing; one that is gone is met by the write that follows.
async fn read(aws: &Aws, name: &str, label: Option<&str>) -> Result<Content, CloudError> {
    Ok(get(aws, name, label).await?.unwrap_or_default())
}

/// `None`: it has no value, or is not there.
async fn get(aws: &Aws, name: &str, label: Option<&str>) -> Result<Option<Content>, CloudError> {
    let answer = aws
        .read("secretsmanager:GetSecretValue", || async {
            aws.secrets
                .get_secret_value()
                .secret_id(name)
                .set_version_stage(label.map(str::to_owned))
                .send()
                .await
                .map_err(|e| aws_error("secretsmanager:GetSecretValue", e))
        })
        .await;
    match answer {
        Ok(answer) => Ok(Some(
            Content::new(
                answer.version_id,
                answer.secret_string,
                answer.secret_binary.is_some(),
            )
            .made_at(answer.created_date.as_ref()),
        )),
        Err(error) if error.is(Class::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_or_denied_secret_fails_no_batch_but_a_throttled_one_does() {
        let error = |code: &str| ApiErrorType::builder().error_code(code).build();
        assert!(failure(&error("ResourceNotFoundException")).is_none());
        assert!(failure(&error("InvalidRequestException")).is_none());
        assert!(failure(&error("AccessDeniedException")).is_none());
        let throttled = failure(&error("ThrottlingException"));
        assert!(throttled.is_some_and(|error| error.is(Class::Throttled)));
    }

    #[test]
    fn a_secret_without_a_value_is_there() {
        let error = |message: &str| {
            ApiErrorType::builder()
                .error_code("ResourceNotFoundException")
                .message(message)
                .build()
        };
        assert!(is_absent(&error(
            "Secrets Manager can't find the specified secret."
        )));
        let without =
            "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT";
        assert!(!is_absent(&error(without)));
    }

    #[test]
    fn what_is_not_an_object_is_foreign() {
        let of = |text: Option<&str>, binary| {
            Content::new(Some("v".into()), text.map(str::to_owned), binary).held
        };
        assert!(matches!(of(Some("hunter2"), false), Held::Foreign));
        assert!(matches!(of(None, true), Held::Foreign));
        assert!(matches!(of(None, false), Held::Nothing));
        assert!(matches!(of(Some("{}"), false), Held::Values(_)));
    }
}
