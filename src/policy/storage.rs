//! S3 and DynamoDB: the stack's buckets, the stored state, and making the place for it. Buckets are
//! told by their names alone.

use std::collections::BTreeSet;

use serde_json::json;

use super::access::Need;
use super::actions::{Actions, is_write, service};
use super::names::{StackNames, StateLocation};
use super::reads::{bucket_arns, key_arn, state_objects};
use super::statement::{Statement, Topic};

/// Judged by the object, not by its bucket.
const OBJECT_ACTIONS: &[&str] = &[
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
];

pub fn statements(actions: &Actions, names: &StackNames) -> Vec<Statement> {
    let of_stack = |needs: &BTreeSet<Need>| {
        needs
            .iter()
            .any(|need| matches!(need, Need::Change | Need::Delete | Need::Retag))
    };
    let reads_more =
        |action: &str, needs: &BTreeSet<Need>| is_write(action) || !needs.contains(&Need::Look);
    let buckets = actions.of(&["s3"], |action, needs| {
        of_stack(needs) && reads_more(action, needs) && !OBJECT_ACTIONS.contains(&action)
    });
    let objects = actions.of(&["s3"], |action, needs| {
        of_stack(needs) && OBJECT_ACTIONS.contains(&action)
    });
    let inside = bucket_arns(names).into_iter().map(|arn| format!("{arn}/*"));
    let mut all = vec![
        Statement::allow(Topic::Data, "ChangeBuckets", buckets).on(bucket_arns(names)),
        Statement::allow(Topic::Data, "EmptyBuckets", objects).on(inside),
    ];
    if let Some(state) = &names.state {
        all.extend(state_writes(actions, names, state));
        all.extend(bootstrap(actions, names, state));
    }
    all
}

fn state_writes(actions: &Actions, names: &StackNames, state: &StateLocation) -> Vec<Statement> {
    let writes = |action: &str, needs: &BTreeSet<Need>| {
        needs.contains(&Need::State) && service(action) != "kms"
    };
    let objects = actions.of(&["s3"], |action, needs| {
        writes(action, needs) && action.ends_with("Object")
    });
    let bucket = actions.of(&["s3"], |action, needs| {
        writes(action, needs) && !action.ends_with("Object")
    });
    let table = actions.of(&["dynamodb"], writes);
    let mut all = vec![
        Statement::allow(Topic::State, "WriteState", objects).on([state_objects(names, state)]),
        Statement::allow(Topic::State, "CheckStateBucket", bucket)
            .on([format!("arn:*:s3:::{}", state.bucket)]),
        Statement::allow(Topic::State, "LockState", table).on(table_arn(state, names)),
    ];
    if let Some(key) = &state.kms_key
        && actions.needs(Need::State)
    {
        let condition = json!({ "StringLike": { "kms:ViaService": "s3.*.amazonaws.com" } });
        let encrypt = ["kms:GenerateDataKey".to_owned()].into();
        all.push(
            Statement::allow(Topic::State, "EncryptState", encrypt)
                .on([key_arn(names, key)])
                .when(condition),
        );
    }
    all
}

/// The table stands in the state's region, which may be another than the stack's.
fn table_arn(state: &StateLocation, names: &StackNames) -> Option<String> {
    let table = state.lock_table.as_deref()?;
    let region = state
        .region
        .as_deref()
        .or(names.region.as_deref())
        .unwrap_or("*");
    let account = names.account.as_deref().unwrap_or("*");
    Some(format!("arn:*:dynamodb:{region}:{account}:table/{table}"))
}

fn bootstrap(actions: &Actions, names: &StackNames, state: &StateLocation) -> Vec<Statement> {
    let needed = |_: &str, needs: &BTreeSet<Need>| needs.contains(&Need::Bootstrap);
    vec![
        Statement::allow(
            Topic::Bootstrap,
            "CreateStateBucket",
            actions.of(&["s3"], needed),
        )
        .on([format!("arn:*:s3:::{}", state.bucket)]),
        Statement::allow(
            Topic::Bootstrap,
            "CreateLockTable",
            actions.of(&["dynamodb"], needed),
        )
        .on(table_arn(state, names)),
    ]
}
