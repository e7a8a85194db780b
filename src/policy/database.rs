//! RDS. Instances are judged by their groups, too, the account's default ones among them.

use super::access::Need;
use super::actions::{Actions, is_untagging, is_write};
use super::names::StackNames;
use super::network::has_tags;
use super::statement::{Statement, Topic};

const SNAPSHOT: &str = "rds:CreateDBSnapshot";
const INSTANCE: &str = "rds.db_instance";

pub fn statements(actions: &Actions, names: &StackNames) -> Vec<Statement> {
    let named = actions.of(&["rds"], |action, needs| {
        is_write(action) && needs.iter().any(|need| *need != Need::Delete)
    });
    let rest = actions.of(&["rds"], |action, needs| {
        is_write(action) && (needs.contains(&Need::Delete) || is_untagging(action))
    });
    let mut all = vec![
        Statement::allow(Topic::Data, "ChangeDatabases", named).on(databases(names)),
        Statement::allow(Topic::Data, "DeleteDatabases", rest).when(has_tags(names)),
    ];
    if !all_skip_snapshots(names) {
        all.push(
            Statement::allow(Topic::Data, "FinalSnapshots", actions.among(&[SNAPSHOT]))
                .on([names.arn("rds", "snapshot:*")]),
        );
    }
    all
}

fn databases(names: &StackNames) -> Vec<String> {
    let mut all = names.arns(
        &[
            (INSTANCE, "identifier", "db:{}"),
            ("rds.db_subnet_group", "name", "subgrp:{}"),
            ("rds.db_parameter_group", "name", "pg:{}"),
        ],
        "rds",
    );
    if names.uses(INSTANCE) {
        all.extend(["og:default*", "pg:default*"].map(|rest| names.arn("rds", rest)));
        for (field, of) in [("parameter_group", "pg"), ("subnet_group", "subgrp")] {
            let given = names.texts(INSTANCE, field);
            let known = given.iter().filter(|name| !name.contains('*'));
            all.extend(known.map(|name| names.arn("rds", &format!("{of}:{name}"))));
        }
    }
    all
}

fn all_skip_snapshots(names: &StackNames) -> bool {
    let mut databases = names.of_kind(INSTANCE).peekable();
    databases.peek().is_some()
        && databases.all(|db| db.get("skip_final_snapshot").as_bool() == Some(true))
}
