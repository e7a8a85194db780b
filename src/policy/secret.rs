//! Secrets, and the keys that encrypt them and databases.

use serde_json::json;

use super::access::Need;
use super::actions::{Actions, is_untagging, is_write};
use super::names::StackNames;
use super::network::has_tags;
use super::reads::key_arn;
use super::statement::{Statement, Topic};

const KIND: &str = "secretsmanager.secret";
const BATCH: &str = "secretsmanager:BatchGetSecretValue";

pub fn statements(actions: &Actions, names: &StackNames) -> Vec<Statement> {
    let named = actions.of(&["secretsmanager"], |action, needs| {
        let only_deletes = needs.iter().all(|need| *need == Need::Delete);
        is_write(action) && !only_deletes && !is_untagging(action)
    });
    let rest = actions.of(&["secretsmanager"], |action, needs| {
        is_write(action) && (needs.contains(&Need::Delete) || is_untagging(action))
    });
    let values = actions.among(&["secretsmanager:GetSecretValue"]);
    let mut all = vec![
        Statement::allow(Topic::Data, "ChangeSecrets", named).on(secrets(names)),
        Statement::allow(Topic::Data, "DeleteSecrets", rest).when(has_tags(names)),
        Statement::allow(Topic::Data, "ReadSecretValues", values).on(secrets(names)),
        // It gives only what GetSecretValue may read.
        Statement::allow(Topic::Data, "ReadSecretBatches", actions.among(&[BATCH])),
    ];
    all.extend(keys(actions, names));
    all
}

/// A secret that does not exist is judged by its name, one that does by its ARN, which has six
/// characters more.
fn secrets(names: &StackNames) -> Vec<String> {
    names.arns(
        &[
            (KIND, "name", "secret:{}"),
            (KIND, "name", "secret:{}-??????"),
        ],
        "secretsmanager",
    )
}

/// Keys that the file names. AWS's own keys let everybody in who may use the service.
fn keys(actions: &Actions, names: &StackNames) -> Option<Statement> {
    let arns = [KIND, "rds.db_instance"]
        .iter()
        .flat_map(|kind| names.texts(kind, "kms_key"))
        .map(|key| key_arn(names, &key));
    let uses = actions.of(&["kms"], |_, needs| !needs.contains(&Need::State));
    let arns: Vec<String> = arns.collect();
    (!arns.is_empty()).then(|| {
        Statement::allow(Topic::Data, "UseKeys", uses)
            .on(arns)
            .when(json!({ "StringLike": {
                "kms:ViaService": ["rds.*.amazonaws.com", "secretsmanager.*.amazonaws.com"],
            } }))
    })
}
