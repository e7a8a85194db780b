//! Making the bucket that a state is kept in, and the table for its lease: by the same kind that makes a stack's buckets, outside of any
//! stack. Run again, it changes what is not as it should be, and nothing else.

mod no_journal;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use self::no_journal::NoJournal;
use super::backend::in_region;
use super::{Session, SessionError};
use crate::aws::{self, Aws, LockTable, StateBucket};
use crate::kind::{
    AnyKind, Asked, AskedItem, Class, CloudError, Cx, Extent, FieldChange, IntentVerb, Memo,
    Observed, Settle,
};
use crate::model::{Address, Attributes, KindName, PhysicalId, TAG_PREFIX, Tags, Value};
use crate::plan::diff::differences;
use crate::stack::StateSettings;
use crate::state::Objects;

const BUCKET: KindName = KindName::new("s3.bucket");
/// Replaced states, segments and leases are kept this long.
const OLD_VERSIONS_DAYS: i64 = 90;
/// A new bucket is not known everywhere for a minute or two (aws-sdk retries nothing here).
const PATIENCE: Duration = Duration::from_secs(150);

/// What `state bootstrap` did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bootstrapped {
    pub bucket: String,
    pub region: String,
    /// `None`: the lease is kept in the bucket.
    pub table: Option<String>,
    /// In words, one each; empty: all was as it should be.
    pub done: Vec<String>,
    /// What somebody set otherwise and was left so.
    pub left: Vec<String>,
}

impl Session {
    /// Makes the stack's state bucket, and its lock table if it has one, as they should be.
    pub async fn bootstrap(&self) -> Result<Bootstrapped, SessionError> {
        let StateSettings::S3 {
            bucket,
            region,
            account,
            kms_key_id,
            lock_table,
            ..
        } = &self.stack.state
        else {
            return Err(SessionError::Guard(
                "the stack file keeps its state in a folder: write `state: { backend: s3, bucket: NAME }` into it first"
                    .into(),
            ));
        };
        if let Some(account) = account
            .as_ref()
            .filter(|account| **account != self.aws.account)
        {
            return Err(SessionError::Guard(format!(
                "the stack file says that the bucket {bucket} belongs to account {account}, but the credentials are of account {}: run this command with credentials of that account",
                self.aws.account
            )));
        }
        let aws = in_region(&self.aws, region.as_deref());
        let mut report = Bootstrapped {
            bucket: bucket.clone(),
            region: aws.region.clone(),
            table: lock_table.clone(),
            ..Bootstrapped::default()
        };
        let desired = wish(&aws, bucket, kms_key_id.as_deref())?;
        let kinds = aws::kinds(&aws);
        let kind = kinds
            .get(&BUCKET)
            .cloned()
            .ok_or_else(|| SessionError::NotFound(format!("no such kind: {BUCKET}")))?;
        let made = self.bucket(&kind, bucket, desired, &mut report).await;
        if let Err(SessionError::Cloud(error)) = &made
            && is_elsewhere(error)
        {
            // The store knows which region that is, and what to do about it.
            StateBucket::new(
                aws.clone(),
                bucket,
                kms_key_id.as_deref(),
                account.as_deref(),
            )
            .check()
            .await?;
        }
        made?;
        if let Some(table) = lock_table
            && LockTable::new(aws, table, String::new()).make().await?
        {
            report.done.push(format!("made the table {table}"));
        }
        Ok(report)
    }

    /// What [`Session::bootstrap`] would do, in words; nothing where the state is kept in a folder.
    pub(super) async fn plan_bootstrap(&self) -> Result<Vec<String>, SessionError> {
        let StateSettings::S3 {
            bucket,
            region,
            kms_key_id,
            lock_table,
            ..
        } = &self.stack.state
        else {
            return Ok(Vec::new());
        };
        let aws = in_region(&self.aws, region.as_deref());
        let mut desired = wish(&aws, bucket, kms_key_id.as_deref())?;
        let kinds = aws::kinds(&aws);
        let Some(kind) = kinds.get(&BUCKET) else {
            return Ok(Vec::new());
        };
        let mut lines = Vec::new();
        match self.live(kind, Some(bucket), &desired).await? {
            None => lines.push(format!("+ create the bucket {bucket} for the state")),
            Some(live) => {
                keep_own(kind, &live, &mut desired, &mut Bootstrapped::default());
                let fields = changes(kind, &desired, &live).into_iter();
                let fields: Vec<String> = fields.map(|change| change.field).collect();
                if !fields.is_empty() {
                    lines.push(format!(
                        "~ update the bucket {bucket}: {}",
                        fields.join(", ")
                    ));
                }
            }
        }
        if let Some(table) = lock_table
            && !LockTable::new(aws, table, String::new()).exists().await?
        {
            lines.push(format!("+ create the table {table} for the state's lease"));
        }
        Ok(lines)
    }

    async fn bucket(
        &self,
        kind: &Arc<dyn AnyKind>,
        name: &str,
        mut desired: Attributes,
        report: &mut Bootstrapped,
    ) -> Result<(), SessionError> {
        let since = tokio::time::Instant::now();
        let mut cx = self.context(name, BUCKET);
        loop {
            let live = self.live(kind, Some(name), &desired).await?;
            let step = match &live {
                None => kind.create(&cx, &desired).await.map(|_| {
                    report.done.push(format!("made the bucket {name}"));
                }),
                Some(live) => {
                    keep_own(kind, live, &mut desired, report);
                    let changes = changes(kind, &desired, live);
                    if changes.is_empty() {
                        return Ok(());
                    }
                    let fields: Vec<String> = changes.iter().map(|c| c.field.clone()).collect();
                    match kind.update(&cx, live, &desired, changes).await {
                        Ok(Settle::Live(_) | Settle::Gone) => {
                            report.done.extend(fields.iter().map(|field| said(field)));
                            Ok(())
                        }
                        Ok(Settle::Again(_)) => Ok(()),
                        Err(error) => Err(error),
                    }
                }
            };
            cx.round += 1;
            match step {
                Ok(()) if cx.round < 20 => {}
                Err(error) if passes(&error) && since.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_secs(2)).await;
                }
                Ok(()) => {
                    return Err(SessionError::Guard(format!(
                        "the bucket {name} does not become as it was set; does somebody else change it?"
                    )));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// `id`: where the kind's ids follow from the file.
    pub(super) async fn live(
        &self,
        kind: &Arc<dyn AnyKind>,
        id: Option<&str>,
        desired: &Attributes,
    ) -> Result<Option<Observed>, SessionError> {
        let asked = Asked {
            scope: self.scope.clone(),
            extent: Extent::Items,
            items: vec![AskedItem {
                address: Address::new("state"),
                id: id.map(PhysicalId::new),
                desired: Some(desired.clone()),
                last: None,
                tags: None,
            }],
            memo: Arc::new(Memo::default()),
        };
        Ok(kind.find(&asked).await?.into_iter().next())
    }

    pub(super) fn context(&self, name: &str, kind: KindName) -> Cx {
        let mut tags: Tags = self.stack.tags.clone();
        // It is of no stack: several may keep their states in it, and none may delete it.
        tags.retain(|key, _| !key.starts_with(TAG_PREFIX));
        tags.insert("Name".into(), name.to_owned());
        Cx {
            scope: self.scope.clone(),
            address: Address::new("state"),
            kind,
            verb: IntentVerb::Create,
            generation: 1,
            tags,
            token: format!("{:032x}", rand::random::<u128>()),
            id: None,
            key: Attributes::default(),
            last: Attributes::default(),
            round: 0,
            gate: Arc::new(NoJournal),
            secrets: Arc::new(NoJournal),
        }
    }
}

/// Versioned, encrypted, private, reached by TLS alone, old versions removed after a while.
fn wish(aws: &Aws, bucket: &str, kms_key: Option<&str>) -> Result<Attributes, CloudError> {
    let arn = format!("arn:{}:s3:::{bucket}", aws.partition);
    let value =
        |json| serde_json::from_value::<Value>(json).map_err(|e| CloudError::malformed(&BUCKET, e));
    let policy = value(json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, format!("{arn}/*")],
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        }],
    }))?;
    let lifecycle = lifecycle_rules(true)?;
    let mut desired = Attributes::new([
        ("name", Value::text(bucket)),
        ("versioning", true.into()),
        ("public_access_block", true.into()),
        ("ownership", Value::text("BucketOwnerEnforced")),
        ("policy", policy),
        ("lifecycle", lifecycle),
    ]);
    let encryption = if kms_key.is_some() {
        "aws:kms"
    } else {
        "AES256"
    };
    desired.set("encryption", encryption);
    if let Some(key) = kms_key {
        desired.set("kms_key", key);
    }
    Ok(desired)
}

/// Replaced states and segments go after a while, and with them the delete markers of segments, of
/// which every run leaves some.
fn lifecycle_rules(markers: bool) -> Result<Value, CloudError> {
    let rules = json!([{
        "id": "old-states",
        "prefix": "",
        "noncurrent_days": OLD_VERSIONS_DAYS,
        "abort_multipart_days": 7,
        "expired_delete_markers": markers,
    }]);
    serde_json::from_value(rules).map_err(|e| CloudError::malformed(&BUCKET, e))
}

/// Whether a bucket has the rules that an earlier version of this program set: without the delete
/// markers.
fn has_former_rules(kind: &Arc<dyn AnyKind>, live: &Observed) -> bool {
    let Ok(former) = lifecycle_rules(false) else {
        return false;
    };
    let former = Attributes::new([("lifecycle", former)]);
    differences(kind.fields(), &former, &live.attributes, &|_| None)
        .iter()
        .all(|difference| difference.field.name != "lifecycle")
}

/// A policy and rules that somebody wrote, and a key that somebody chose, stay: others may keep something in this bucket too.
fn keep_own(
    kind: &Arc<dyn AnyKind>,
    live: &Observed,
    desired: &mut Attributes,
    report: &mut Bootstrapped,
) {
    let differing: Vec<&str> = differences(kind.fields(), desired, &live.attributes, &|_| None)
        .iter()
        .map(|difference| difference.field.name)
        .collect();
    for (field, words) in [
        (
            "policy",
            "its policy, which should deny everything without TLS",
        ),
        (
            "lifecycle",
            "its lifecycle rules, which should remove old versions",
        ),
    ] {
        let there = live.attributes.get(field);
        // As the kind compares: AWS writes out what was left out.
        let former = field == "lifecycle" && has_former_rules(kind, live);
        let own = !there.is_null() && !former && differing.contains(&field);
        if own && !report.done.iter().any(|done| done == &said(field)) {
            desired.set(field, there.clone());
            if !report.left.iter().any(|left| left == words) {
                report.left.push(words.to_owned());
            }
        }
    }
    let encrypts = live.attributes.text("encryption") == Some("aws:kms");
    if encrypts && desired.text("encryption") == Some("AES256") {
        desired.set("encryption", "aws:kms");
    }
}

pub(super) fn changes(
    kind: &Arc<dyn AnyKind>,
    desired: &Attributes,
    live: &Observed,
) -> Vec<FieldChange> {
    differences(kind.fields(), desired, &live.attributes, &|_| None)
        .into_iter()
        // What else the bucket has (CORS for somebody's pages) is not ours to take away.
        .filter(|difference| !difference.to.is_null() && !difference.replaces())
        .map(|difference| FieldChange {
            field: difference.field.name.to_owned(),
            from: difference.from,
            to: difference.to,
        })
        .collect()
}

fn said(field: &str) -> String {
    match field {
        "versioning" => "switched versions on",
        "public_access_block" => "closed it to the public",
        "ownership" => "switched ACLs off",
        "policy" => "denied everything without TLS",
        "lifecycle" => "set old versions to be removed after 90 days, and delete markers with them",
        "encryption" | "kms_key" => "set its encryption",
        other => return format!("set {other}"),
    }
    .to_owned()
}

/// How S3 refuses what is asked of another region than the bucket's.
fn is_elsewhere(error: &CloudError) -> bool {
    matches!(
        error.code.as_str(),
        "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException"
    )
}

pub(super) fn passes(error: &CloudError) -> bool {
    matches!(
        error.class,
        Class::NotYet | Class::Throttled | Class::Unknown | Class::Unreachable
    ) || error.code == "NoSuchBucket"
}
