//! Finding secrets: a direct look at each one that is asked for, one batch for their values, and a listing by tag for strays (which lags
//! by minutes, so each hit is looked at directly too). A secret that is scheduled for deletion is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, Tag};
use futures::future::try_join_all;

use super::contents::{Content, ValuesOf, values_of, version_of};
use super::secret_parts::Live;
use crate::aws::scan::needs_scan;
use crate::aws::{Aws, aws_error};
use crate::kind::{Asked, Class, CloudError};
use crate::model::{Address, Attributes, Ownership, TAG_PREFIX, Tags, Value};

/// Up to so many, each is worth a call of its own, side by side with their values.
const FEW: usize = 10;

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
    with_contents(aws, asked, found, values).await
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
    with_contents(aws, asked, described, contents).await
}

async fn with_contents(
    aws: &Aws,
    asked: &Asked,
    secrets: Vec<Described>,
    mut values: ValuesOf,
) -> Result<Vec<Live>, CloudError> {
    let unreadable = secrets
        .iter()
        .map(|secret| &secret.name)
        .filter(|name| values.unreadable.contains(*name));
    let versions = unreadable.map(|name| async move {
        let content = version_of(aws, name, known_keys(asked, name)).await?;
        Ok::<_, CloudError>((name.clone(), content))
    });
    values.contents.extend(try_join_all(versions).await?);
    let with = secrets.into_iter().map(|secret| {
        let content = values.contents.remove(&secret.name);
        live(asked, secret, content.unwrap_or_default())
    });
    Ok(with.collect())
}

/// The keys that a secret had when it was last seen; without that, those that the stack gives a value.
fn known_keys(asked: &Asked, name: &str) -> BTreeSet<String> {
    let of = |attributes: &Attributes, all: bool| -> Option<BTreeSet<String>> {
        let keys = attributes.get("keys").as_map()?;
        let filled = keys.iter().filter(|(_, source)| {
            let operator = source.as_map().map(|source| source.get("operator"));
            all || operator.flatten().is_none_or(Value::is_null)
        });
        Some(filled.map(|(key, _)| key.clone()).collect())
    };
    let named = |attributes: &&Attributes| attributes.text("name") == Some(name);
    let items = || asked.items.iter();
    let last = items().filter_map(|item| item.last.as_ref()).find(named);
    let desired = items().filter_map(|item| item.desired.as_ref()).find(named);
    last.and_then(|last| of(last, true))
        .or_else(|| desired.and_then(|desired| of(desired, false)))
        .unwrap_or_default()
}

/// A secret without what it holds.
#[derive(Clone)]
struct Described {
    name: String,
    arn: String,
    description: Option<String>,
    kms_key: Option<String>,
    tags: Tags,
    foreign: Option<String>,
}

/// Why another service (RDS, for a password that it manages) or another region (of a replica) rules a secret, if so.
fn foreign(service: Option<&str>, primary: Option<&str>, region: &str) -> Option<String> {
    match (service, primary) {
        (Some(service), _) if !service.is_empty() => {
            Some(format!("the service {service} of AWS manages it"))
        }
        (_, Some(primary)) if !primary.is_empty() && primary != region => {
            Some(format!("it is a replica of the secret in {primary}"))
        }
        _ => None,
    }
}

fn live(asked: &Asked, secret: Described, content: Content) -> Live {
    let Described {
        name,
        arn,
        description,
        kms_key,
        tags,
        foreign,
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
        foreign,
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
            foreign: foreign(
                secret.owning_service(),
                secret.primary_region(),
                &aws.region,
            ),
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
            let service = secret.owning_service.as_deref();
            let described = Described {
                foreign: foreign(service, secret.primary_region.as_deref(), &aws.region),
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

#[cfg(test)]
mod tests {
    use super::foreign;

    #[test]
    fn secrets_of_services_and_of_other_regions_are_not_ours() {
        let of = |service, primary| foreign(service, primary, "us-east-1");
        assert_eq!(of(None, None), None);
        assert_eq!(of(Some(""), Some("us-east-1")), None);
        assert!(of(Some("rds"), None).is_some_and(|why| why.contains("rds")));
        assert!(of(None, Some("eu-west-1")).is_some_and(|why| why.contains("eu-west-1")));
    }
}
