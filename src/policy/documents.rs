//! Statements to documents: by topic, none longer than a managed policy may be.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::statement::{Statement, Topic};

/// What a managed policy may have, white space not counted (IAM user guide, "IAM and AWS STS
/// quotas").
pub const LONGEST: usize = 6144;

/// One policy document with the name that a managed policy made from it should have.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub name: String,
    pub topic: Topic,
    pub purpose: &'static str,
    pub json: Json,
}

impl Document {
    /// Its length as IAM counts.
    pub fn length(&self) -> usize {
        length(&self.json)
    }
}

fn length(json: &Json) -> usize {
    json.to_string()
        .chars()
        .filter(|c| !c.is_whitespace())
        .count()
}

/// One document per topic, or several where one would be too long.
pub fn pack(prefix: &str, statements: Vec<Statement>) -> Vec<Document> {
    let mut topics: BTreeMap<Topic, Vec<Statement>> = BTreeMap::new();
    for statement in statements.into_iter().filter(|s| !s.is_empty()) {
        let all = topics.entry(statement.topic).or_default();
        all.extend(split(statement));
    }
    let mut documents = Vec::new();
    for (topic, statements) in topics {
        for (at, statements) in fill(statements).into_iter().enumerate() {
            let number = if at == 0 {
                String::new()
            } else {
                format!("-{}", at + 1)
            };
            documents.push(Document {
                name: format!("{prefix}-{}{number}", topic.name()),
                topic,
                purpose: topic.purpose(),
                json: whole(&statements),
            });
        }
    }
    documents
}

fn whole(statements: &[Statement]) -> Json {
    let statements: Vec<Json> = statements.iter().map(Statement::json).collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// A statement that is too long alone, in halves of its resources or else of its actions.
fn split(statement: Statement) -> Vec<Statement> {
    if length(&whole(std::slice::from_ref(&statement))) <= LONGEST {
        return vec![statement];
    }
    let (mut first, mut second) = (statement.clone(), statement);
    if first.resources.len() > 1 {
        second.resources = first.resources.split_off(first.resources.len() / 2);
    } else if first.actions.len() > 1 {
        let middle = first.actions.iter().nth(first.actions.len() / 2).cloned();
        second.actions = first.actions.split_off(&middle.unwrap_or_default());
    } else {
        return vec![first];
    }
    [split(first), split(second)].concat()
}

/// In order, as many to a document as fit.
fn fill(statements: Vec<Statement>) -> Vec<Vec<Statement>> {
    let mut all: Vec<Vec<Statement>> = Vec::new();
    for statement in statements {
        let fits = all.last().is_some_and(|last| {
            let mut with = last.clone();
            with.push(statement.clone());
            length(&whole(&with)) <= LONGEST
        });
        match all.last_mut() {
            // A Sid is unique in its document: the other half of a split statement goes to the next
            // one.
            Some(last) if fits && last.iter().all(|other| other.sid != statement.sid) => {
                last.push(statement);
            }
            _ => all.push(vec![statement]),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_becomes_several_documents() {
        let names = (0..400).map(|n| format!("arn:*:logs:*:*:log-group:/a/long/name/of/group-{n}"));
        let actions = [
            "logs:CreateLogGroup".to_owned(),
            "logs:TagResource".to_owned(),
        ];
        let large = Statement::allow(Topic::Services, "Logs", actions.into()).on(names.clone());
        let small = Statement::allow(Topic::Services, "Other", ["ecs:A".to_owned()].into());
        let empty = Statement::allow(Topic::Data, "Nothing", [].into());
        let documents = pack("demo", vec![small, large, empty]);
        assert!(documents.len() > 3, "{}", documents.len());
        assert_eq!(documents[0].name, "demo-services");
        assert_eq!(documents[1].name, "demo-services-2");
        assert!(
            documents
                .iter()
                .all(|document| document.length() <= LONGEST)
        );
        let text: String = documents.iter().map(|d| d.json.to_string()).collect();
        for name in names {
            assert_eq!(text.matches(&format!("\"{name}\"")).count(), 1, "{name}");
        }
        for document in &documents {
            let statements = document.json["Statement"].as_array().map_or(0, Vec::len);
            let mut sids: Vec<&str> = (0..statements)
                .filter_map(|at| document.json["Statement"][at]["Sid"].as_str())
                .collect();
            sids.sort_unstable();
            sids.dedup();
            assert_eq!(sids.len(), statements);
        }
    }
}
