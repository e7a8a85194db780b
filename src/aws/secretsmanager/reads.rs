//! Finding secrets: a direct look at each one that is asked for, one batch for their values, and a listing by tag for strays (which lags
//! by minutes, so each hit is looked at directly too). A secret that is scheduled for deletion is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::primitives::DateTime;
use aws_sdk_secretsmanager::types::{ApiErrorType, Filter, FilterNameStringType, Tag};
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
/// Up to so many, each is worth a call of its own, side by side with their values.
const FEW: usize = 10;

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
        let listed = listed(aws, asked).await?;
        let others = listed.keys().filter(|name| !names.contains(*name));
        look(aws, asked, &others.cloned().collect()).await
    };
    let (mut found, strays) = tokio::try_join!(look(aws, asked, &names), strays)?;
    found.extend(strays.into_iter().filter(|live| asked.is_ours(&live.tags)));
    Ok(found)
}

/// The secrets of these names, with what they hold.
async fn look(aws: &Aws, asked: &Asked, names: &BTreeSet<String>) -> Result<Vec<Live>, CloudError> {
    if names.len() <= FEW {
        return look_at_each(aws, asked, names).await;
    }
    let (listed, values) = tokio::try_join!(listed(aws, asked), values_of(aws, names))?;
    let mut found = Vec::new();
    let mut unsure = BTreeSet::new();
    for name in names.iter().filter(|name| !values.absent.contains(*name)) {
        // One whose value the batch gave is there; one that it did not give may be scheduled for deletion.
        let there = values.contents.contains_key(name);
        match listed
            .get(name)
            .filter(|secret| there && believed(asked, secret))
        {
            Some(secret) => found.push(secret.clone()),
            None => {
                unsure.insert(name.clone());
            }
        }
    }
    let described = try_join_all(unsure.iter().map(|name| describe(aws, name))).await?;
    found.extend(described.into_iter().flatten());
    Ok(with_contents(asked, found, &values.contents))
}

/// The listing lags by minutes: it is believed where it says what is wished, so that many unchanged secrets cost a call a hundred.
fn believed(asked: &Asked, secret: &Described) -> bool {
    asked.items.iter().any(|item| {
        let agrees = |field: &str, has: &Option<String>| {
            item.desired
                .as_ref()
                .and_then(|desired| desired.text(field))
                .is_none_or(|wish| has.as_deref() == Some(wish))
        };
        item.desired
            .as_ref()
            .and_then(|desired| desired.text("name"))
            == Some(&secret.name)
            && item.tags.as_ref() == Some(&secret.tags)
            && agrees("description", &secret.description)
            && agrees("kms_key", &secret.kms_key)
    })
}

async fn look_at_each(
    aws: &Aws,
    asked: &Asked,
    names: &BTreeSet<String>,
) -> Result<Vec<Live>, CloudError> {
    let (described, contents) = tokio::try_join!(
        try_join_all(names.iter().map(|name| describe(aws, name))),
        values_of(aws, names),
    )?;
    let described = described.into_iter().flatten().collect();
    Ok(with_contents(asked, described, &contents.contents))
}

fn with_contents(
    asked: &Asked,
    secrets: Vec<Described>,
    contents: &BTreeMap<String, Content>,
) -> Vec<Live> {
    secrets
        .into_iter()
        .map(|secret| {
            let content = contents.get(&secret.name).cloned();
            live(asked, secret, content.unwrap_or_default())
        })
        .collect()
}

/// A secret without what it holds.
#[derive(Clone)]
struct Described {
    name: String,
    arn: String,
    description: Option<String>,
    kms_key: Option<String>,
    tags: Tags,
}

fn live(asked: &Asked, secret: Described, content: Content) -> Live {
    let Described {
        name,
        arn,
        description,
        kms_key,
        tags,
    } = secret;
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
        arn,
        description,
        kms_key,
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
async fn describe(aws: &Aws, name: &str) -> Result<Option<Described>, CloudError> {
    Ok(describe_any(aws, name)
        .await?
        .filter(|secret| secret.deleted_date().is_none())
        .map(|secret| Described {
            tags: read_tags(secret.tags()),
            name: secret.name.unwrap_or_default(),
            arn: secret.arn.unwrap_or_default(),
            description: secret.description.filter(|text| !text.is_empty()),
            kms_key: secret.kms_key_id,
        }))
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

/// The secrets that carry this stack's tag, as the listing has them; read once a look.
async fn listed(aws: &Aws, asked: &Asked) -> Result<Arc<BTreeMap<String, Described>>, CloudError> {
    asked.memo.get("secrets", || list(aws, asked)).await
}

async fn list(aws: &Aws, asked: &Asked) -> Result<BTreeMap<String, Described>, CloudError> {
    let filter = |key, value: &str| Filter::builder().key(key).values(value).build();
    let mut all = BTreeMap::new();
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
        for secret in page.secret_list.unwrap_or_default() {
            let tags = read_tags(secret.tags());
            // The filter matches beginnings, and any tag's value.
            let Some(name) = secret.name.filter(|_| asked.is_ours(&tags)) else {
                continue;
            };
            let described = Described {
                name: name.clone(),
                arn: secret.arn.unwrap_or_default(),
                description: secret.description.filter(|text| !text.is_empty()),
                kms_key: secret.kms_key_id,
                tags,
            };
            all.insert(name, described);
        }
        token = page.next_token;
        if token.is_none() {
            return Ok(all);
        }
    }
}

/// What the batches said.
#[derive(Default)]
struct ValuesOf {
    contents: BTreeMap<String, Content>,
    /// Names that certainly are nobody's: a batch reads directly.
    absent: BTreeSet<String>,
}

/// The current contents by name, for those that have one.
pub async fn contents(
    aws: &Aws,
    names: &BTreeSet<String>,
) -> Result<BTreeMap<String, Content>, CloudError> {
    Ok(values_of(aws, names).await?.contents)
}

/// The same, with the names that are nobody's.
async fn values_of(aws: &Aws, names: &BTreeSet<String>) -> Result<ValuesOf, CloudError> {
    let names: Vec<String> = names.iter().cloned().collect();
    let batches = names.chunks(PER_BATCH).map(|names| batch(aws, names));
    let mut all = ValuesOf::default();
    for one in try_join_all(batches).await? {
        all.contents.extend(one.contents);
        all.absent.extend(one.absent);
    }
    Ok(all)
}

async fn batch(aws: &Aws, names: &[String]) -> Result<ValuesOf, CloudError> {
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
    Ok(ValuesOf { contents, absent })
}

/// Not there at all. One without a value, or scheduled for deletion, is told in the same list.
fn is_absent(error: &ApiErrorType) -> bool {
    let message = error.message().unwrap_or_default();
    error.error_code() == Some("ResourceNotFoundException") && !message.contains("staging label")
}

/// A batch succeeds even where single secrets fail. Absent ones, those without a value and those scheduled for deletion are no failure.
fn failure(error: &ApiErrorType) -> Option<CloudError> {
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
