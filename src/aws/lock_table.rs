//! A DynamoDB table that keeps leases, for teams that have one: its hash key is `LockID`, a string, as Terraform's lock tables have it.
//! One item a state; written under a condition on `Tag`, which differs with every write.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType, TableStatus,
};
use futures::future::BoxFuture;

use super::read::OUTAGE_PATIENCE;
use super::{Aws, aws_error};
use crate::kind::{Class, CloudError};
use crate::state::{PutError, Register, StoreError, Tag, Writing};

const GET: &str = "dynamodb:GetItem";
const PUT: &str = "dynamodb:PutItem";
const DESCRIBE: &str = "dynamodb:DescribeTable";
const CREATE: &str = "dynamodb:CreateTable";

const KEY: &str = "LockID";
const TAG: &str = "Tag";
const CLAIM: &str = "Claim";
/// A table takes 10 to 20 s to be made; this long it is waited for.
const PATIENCE: Duration = Duration::from_secs(300);

/// One state's lease in a table.
pub struct LockTable {
    aws: Arc<Aws>,
    table: String,
    item: String,
}

impl LockTable {
    /// The IAM actions that holding a lease takes.
    pub const USE: &[&str] = &[GET, PUT];

    /// `item`: which state's; unique in the table.
    pub fn new(aws: Arc<Aws>, table: &str, item: String) -> Self {
        Self {
            aws,
            table: table.to_owned(),
            item,
        }
    }

    async fn read(&self) -> Result<Option<Writing>, StoreError> {
        let answer = self
            .aws
            .read_until(GET, OUTAGE_PATIENCE, || async {
                self.aws
                    .dynamodb
                    .get_item()
                    .table_name(&self.table)
                    .key(KEY, AttributeValue::S(self.item.clone()))
                    .consistent_read(true)
                    .send()
                    .await
                    .map_err(|e| aws_error(GET, e))
            })
            .await
            .map_err(|error| self.error(error))?;
        let Some(item) = answer.item else {
            return Ok(None);
        };
        let text = |name: &str| match item.get(name) {
            Some(AttributeValue::S(text)) => text.clone(),
            _ => String::new(),
        };
        Ok(Some((text(CLAIM).into_bytes(), Tag(text(TAG)))))
    }

    async fn write(&self, text: &[u8], over: Option<&Tag>) -> Result<Tag, PutError> {
        let tag = format!("{:032x}", rand::random::<u128>());
        let call = self
            .aws
            .dynamodb
            .put_item()
            .table_name(&self.table)
            .item(KEY, AttributeValue::S(self.item.clone()))
            .item(TAG, AttributeValue::S(tag.clone()))
            .item(
                CLAIM,
                AttributeValue::S(String::from_utf8_lossy(text).into_owned()),
            );
        let call = match over {
            None => call.condition_expression("attribute_not_exists(LockID)"),
            // Somebody else's item, made by hand, has no tag.
            Some(Tag(tag)) if tag.is_empty() => call
                .condition_expression("attribute_exists(LockID) AND attribute_not_exists(#tag)")
                .expression_attribute_names("#tag", TAG),
            Some(Tag(tag)) => call
                .condition_expression("#tag = :tag")
                .expression_attribute_names("#tag", TAG)
                .expression_attribute_values(":tag", AttributeValue::S(tag.clone())),
        };
        match call.send().await.map_err(|e| aws_error(PUT, e)) {
            Ok(_) => Ok(Tag(tag)),
            Err(error) if error.code == "ConditionalCheckFailedException" => Err(PutError::Lost),
            Err(error) => {
                let again = matches!(
                    error.class,
                    Class::Unknown | Class::Throttled | Class::Unreachable
                );
                let error = self.error(error);
                Err(if again {
                    PutError::Again(error)
                } else {
                    PutError::Failed(error)
                })
            }
        }
    }

    fn error(&self, error: CloudError) -> StoreError {
        let place = self.place();
        let table = &self.table;
        let what = match (error.code.as_str(), error.class) {
            ("ResourceNotFoundException", _) => format!(
                "there is no table {table} in {}. `circles-infra state bootstrap` makes it; or correct `state.lock` in the stack file",
                self.aws.region
            ),
            ("ValidationException", _) => format!(
                "the table cannot keep leases ({}): its only key has to be `{KEY}`, a string. `circles-infra state bootstrap` makes a table that can",
                error.message
            ),
            (_, Class::Denied) => format!(
                "{} may not {}: {}. `circles-infra permissions` prints what a run takes",
                self.aws.caller_arn, error.action, error.message
            ),
            _ => {
                return StoreError::Cloud {
                    place,
                    error: Box::new(error),
                };
            }
        };
        StoreError::Unfit { place, what }
    }

    /// Makes the table if it is not there, and waits until it can be used. Whether it was made.
    ///
    /// # Errors
    /// When it is there with another key, or cannot be made.
    pub async fn make(&self) -> Result<bool, StoreError> {
        let made = match self.status().await? {
            Some(_) => false,
            None => self.create().await?,
        };
        let since = tokio::time::Instant::now();
        while self.status().await? != Some(TableStatus::Active) {
            if since.elapsed() > PATIENCE {
                return Err(StoreError::Unfit {
                    place: self.place(),
                    what: "the table is not ready yet; run the same command again in a minute"
                        .into(),
                });
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        Ok(made)
    }

    /// # Errors
    /// When it is there with another key, or cannot be looked at.
    pub async fn exists(&self) -> Result<bool, StoreError> {
        Ok(self.status().await?.is_some())
    }

    async fn status(&self) -> Result<Option<TableStatus>, StoreError> {
        let answer = self
            .aws
            .read(DESCRIBE, || async {
                self.aws
                    .dynamodb
                    .describe_table()
                    .table_name(&self.table)
                    .send()
                    .await
                    .map_err(|e| aws_error(DESCRIBE, e))
            })
            .await;
        let table = match answer {
            Err(error) if error.code == "ResourceNotFoundException" => return Ok(None),
            answer => answer.map_err(|error| self.error(error))?.table,
        };
        let Some(table) = table else {
            return Ok(None);
        };
        let fits = matches!(table.key_schema(), [key] if key.attribute_name() == KEY)
            && table.attribute_definitions().iter().any(|attribute| {
                attribute.attribute_name() == KEY
                    && attribute.attribute_type() == &ScalarAttributeType::S
            });
        if fits {
            return Ok(table.table_status);
        }
        let keys: Vec<&str> = table
            .key_schema()
            .iter()
            .map(KeySchemaElement::attribute_name)
            .collect();
        Err(StoreError::Unfit {
            place: self.place(),
            what: format!(
                "the table's key is {}; it has to be `{KEY}` alone, a string: name another table",
                keys.join(" and ")
            ),
        })
    }

    async fn create(&self) -> Result<bool, StoreError> {
        let unbuilt = |e: BuildError| {
            self.error(CloudError::new(
                CREATE,
                Class::Other,
                "Malformed",
                e.to_string(),
            ))
        };
        let attribute = AttributeDefinition::builder()
            .attribute_name(KEY)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .map_err(unbuilt)?;
        let key = KeySchemaElement::builder()
            .attribute_name(KEY)
            .key_type(KeyType::Hash)
            .build()
            .map_err(unbuilt)?;
        let made = self
            .aws
            .dynamodb
            .create_table()
            .table_name(&self.table)
            .attribute_definitions(attribute)
            .key_schema(key)
            .billing_mode(BillingMode::PayPerRequest)
            .send()
            .await
            .map_err(|e| aws_error(CREATE, e));
        match made {
            Ok(_) => Ok(true),
            // Somebody else is making it.
            Err(error) if error.code == "ResourceInUseException" => Ok(false),
            Err(error) => Err(self.error(error)),
        }
    }
}

impl Register for LockTable {
    fn place(&self) -> String {
        format!("dynamodb:{}/{}", self.table, self.item)
    }

    fn get(&self) -> BoxFuture<'_, Result<Option<Writing>, StoreError>> {
        Box::pin(self.read())
    }

    fn put<'a>(
        &'a self,
        text: &'a [u8],
        over: Option<&'a Tag>,
    ) -> BoxFuture<'a, Result<Tag, PutError>> {
        Box::pin(self.write(text, over))
    }
}
