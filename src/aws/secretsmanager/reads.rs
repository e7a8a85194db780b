//! Finding secrets: a direct look at each one that is asked for, one batch for their values, and a listing by tag for strays (which lags
//! by minutes, so each hit is looked at directly too). A secret that is scheduled for deletion is not there.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::primitives::DateTime;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, Tag};
use futures::future::try_join_all;
use zeroize::Zeroize;

use super::secret::Live;
use super::values::{self, Values};
use crate::aws::scan::needs_scan;
use crate::aws::{Aws, aws_error};
use crate::kind::{Asked, Class, CloudError};
use crate::model::{Address, Ownership, TAG_PREFIX, Tags};

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

pub async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
    let mut names: BTreeSet<String> = asked.texts("name").into_iter().collect();
    names.extend(asked.ids().map(|id| id.as_str().to_owned()));
    let strays = async {
        if !needs_scan(asked, "name") {
            return Ok(Vec::new());
        }
        let mut listed = listed(aws, asked).await?;
        listed.retain(|name| !names.contains(name));
        look(aws, asked, &listed).await
    };
    let (mut found, strays) = tokio::try_join!(look(aws, asked, &names), strays)?;
    found.extend(strays.into_iter().filter(|live| asked.is_ours(&live.tags)));
    Ok(found)
}

/// The secrets of these names, with what they hold.
async fn look(aws: &Aws, asked: &Asked, names: &BTreeSet<String>) -> Result<Vec<Live>, CloudError> {
    let (described, contents) = tokio::try_join!(
        try_join_all(names.iter().map(|name| describe(aws, name))),
        contents(aws, names),
    )?;
    Ok(described
        .into_iter()
        .flatten()
        .map(|secret| {
            let content = contents.get(secret.name().unwrap_or_default()).cloned();
            live(asked, secret, content.unwrap_or_default())
        })
        .collect())
}

fn live(asked: &Asked, secret: DescribeSecretOutput, content: Content) -> Live {
    let name = secret.name.unwrap_or_default();
    let tags = read_tags(secret.tags.as_deref().unwrap_or_default());
    let by_name = || {
        asked
            .items
            .iter()
            .find(|item| {
                [&item.desired, &item.last]
                    .into_iter()
                    .flatten()
                    .any(|attributes| attributes.text("name") == Some(&name))
                    || item.id.as_ref().is_some_and(|id| id.as_str() == name)
            })
            .map(|item| item.address.clone())
    };
    let address = Ownership::read(&tags)
        .filter(|owner| owner.is_of(&asked.scope))
        .map(|owner| owner.address)
        .or_else(by_name)
        .unwrap_or_else(|| Address::new(name.clone()));
    Live {
        arn: secret.arn.unwrap_or_default(),
        description: secret.description.filter(|text| !text.is_empty()),
        kms_key: secret.kms_key_id,
        name,
        tags,
        address,
        content,
    }
}

pub fn read_tags(tags: &[Tag]) -> Tags {
    tags.iter()
        .filter_map(|tag| {
            Some((
                tag.key()?.to_owned(),
                tag.value().unwrap_or_default().to_owned(),
            ))
        })
        .filter(|(key, _)| !key.starts_with("aws:"))
        .collect()
}

/// The secret of that name, `None` when there is none or it is scheduled for deletion.
async fn describe(aws: &Aws, name: &str) -> Result<Option<DescribeSecretOutput>, CloudError> {
    Ok(describe_any(aws, name)
        .await?
        .filter(|secret| secret.deleted_date().is_none()))
}

/// Also one that is scheduled for deletion.
pub async fn describe_any(
    aws: &Aws,
    name: &str,
) -> Result<Option<DescribeSecretOutput>, CloudError> {
    let answer = aws
        .read("secretsmanager:DescribeSecret", || async {
            aws.secrets
                .describe_secret()
                .secret_id(name)
                .send()
                .await
                .map_err(|e| aws_error("secretsmanager:DescribeSecret", e))
        })
        .await;
    match answer {
        Ok(secret) => Ok(Some(secret)),
        Err(error) if error.is(Class::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Names of the secrets that carry this stack's tag, as the listing has them.
async fn listed(aws: &Aws, asked: &Asked) -> Result<BTreeSet<String>, CloudError> {
    let filter = |key, value: &str| Filter::builder().key(key).values(value).build();
    let mut names = BTreeSet::new();
    let mut token = None::<String>;
    loop {
        let page = aws
            .read("secretsmanager:ListSecrets", || async {
                aws.secrets
                    .list_secrets()
                    .max_results(100)
                    .filters(filter(
                        FilterNameStringType::TagKey,
                        &format!("{TAG_PREFIX}stack"),
                    ))
                    .filters(filter(FilterNameStringType::TagValue, &asked.scope.stack))
                    .set_next_token(token.clone())
                    .send()
                    .await
                    .map_err(|e| aws_error("secretsmanager:ListSecrets", e))
            })
            .await?;
        for secret in page.secret_list() {
            // The filter matches beginnings, and any tag's value.
            if asked.is_ours(&read_tags(secret.tags())) {
                names.extend(secret.name().map(str::to_owned));
            }
        }
        token = page.next_token;
        if token.is_none() {
            return Ok(names);
        }
    }
}

/// The current contents by name, for those that have one.
async fn contents(
    aws: &Aws,
    names: &BTreeSet<String>,
) -> Result<BTreeMap<String, Content>, CloudError> {
    let names: Vec<String> = names.iter().cloned().collect();
    let batches = names.chunks(PER_BATCH).map(|names| batch(aws, names));
    Ok(try_join_all(batches).await?.into_iter().flatten().collect())
}

async fn batch(aws: &Aws, names: &[String]) -> Result<Vec<(String, Content)>, CloudError> {
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
    Ok(answer
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
        .collect())
}

/// A batch succeeds even where single secrets fail. Absent ones, those without a value and those scheduled for deletion are no failure.
fn failure(error: &aws_sdk_secretsmanager::types::ApiErrorType) -> Option<CloudError> {
    let code = error.error_code().unwrap_or_default();
    let class = match code {
        "ResourceNotFoundException" | "InvalidRequestException" => return None,
        "AccessDeniedException" => Class::Denied,
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

/// What one secret holds now, read afresh.
pub async fn content(aws: &Aws, name: &str) -> Result<Content, CloudError> {
    let answer = aws
        .read("secretsmanager:GetSecretValue", || async {
            aws.secrets
                .get_secret_value()
                .secret_id(name)
                .send()
                .await
                .map_err(|e| aws_error("secretsmanager:GetSecretValue", e))
        })
        .await;
    match answer {
        Ok(answer) => Ok(Content::new(
            answer.version_id,
            answer.secret_string,
            answer.secret_binary.is_some(),
        )
        .made_at(answer.created_date.as_ref())),
        // A secret without a value answers so; one that is gone is met by the write that follows.
        Err(error) if error.is(Class::NotFound) => Ok(Content::default()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_secretsmanager::types::ApiErrorType;

    use super::*;

    #[test]
    fn an_absent_secret_fails_no_batch_but_a_denied_one_does() {
        let error = |code: &str| ApiErrorType::builder().error_code(code).build();
        assert!(failure(&error("ResourceNotFoundException")).is_none());
        assert!(failure(&error("InvalidRequestException")).is_none());
        let denied = failure(&error("AccessDeniedException"));
        assert!(denied.is_some_and(|error| error.is(Class::Denied)));
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
