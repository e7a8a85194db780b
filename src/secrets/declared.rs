//! Which keys the stack's secrets have, and where each value comes from.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::login::Login;
use crate::aws::secretsmanager::values::ALPHABET;
use crate::model::{Address, Attributes, Value};
use crate::stack::Stack;

const SECRET: &str = "secretsmanager.secret";

/// Where a key's value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Made at random when it is not there.
    Generated {
        length: usize,
        #[serde(skip)]
        alphabet: String,
    },
    /// Set by an operator.
    Operator { required: bool },
    /// Evaluated from the stack file at every apply.
    Given,
}

impl Source {
    fn of(value: &Value) -> Self {
        let Some(map) = value.as_map() else {
            return Self::Given;
        };
        let part = |name: &str| map.get(name).filter(|part| !part.is_null());
        if let Some(length) = part("generate").and_then(Value::as_int) {
            return Self::Generated {
                length: usize::try_from(length).unwrap_or_default(),
                alphabet: part("alphabet")
                    .and_then(Value::as_text)
                    .unwrap_or(ALPHABET)
                    .to_owned(),
            };
        }
        match part("operator").and_then(Value::as_text) {
            Some(word) => Self::Operator {
                required: word == "required",
            },
            None => Self::Given,
        }
    }

    /// One word for a table.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Generated { .. } => "generated",
            Self::Operator { required: true } => "operator, required",
            Self::Operator { required: false } => "operator",
            Self::Given => "stack file",
        }
    }
}

/// One secret of the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    pub address: Address,
    /// Its name in AWS, where the file alone says it.
    pub name: Option<String>,
    pub keys: BTreeMap<String, Source>,
    /// Keys that something other than a task takes (a database's password), with what takes them: a new value there is not enough.
    pub held: BTreeMap<String, BTreeSet<Address>>,
    /// Keys that are a database's URL, made of its master user's password: two users of the database take turns in them.
    pub logins: BTreeMap<String, Login>,
    /// Task definitions that get keys of it.
    pub readers: BTreeSet<Address>,
}

/// Every secret of the stack, in the file's order.
pub fn declared(stack: &Stack) -> Vec<Declared> {
    stack
        .resources
        .iter()
        .filter(|resource| resource.kind.as_str() == SECRET)
        .map(|resource| Declared {
            address: resource.address.clone(),
            name: resource.attributes.text("name").map(str::to_owned),
            keys: resource
                .attributes
                .get("keys")
                .as_map()
                .into_iter()
                .flatten()
                .map(|(key, value)| (key.clone(), Source::of(value)))
                .collect(),
            held: held(stack, &resource.address),
            logins: logins(stack, &resource.attributes),
            readers: readers(stack, &resource.address),
        })
        .collect()
}

fn held(stack: &Stack, secret: &Address) -> BTreeMap<String, BTreeSet<Address>> {
    let mut held: BTreeMap<String, BTreeSet<Address>> = BTreeMap::new();
    for resource in &stack.resources {
        if resource.kind.as_str() == SECRET {
            continue;
        }
        for reference in resource.attributes.secrets() {
            if reference.address == *secret {
                held.entry(reference.key)
                    .or_default()
                    .insert(resource.address.clone());
            }
        }
    }
    held
}

fn logins(stack: &Stack, attributes: &Attributes) -> BTreeMap<String, Login> {
    let keys = attributes.get("keys").as_map();
    keys.into_iter()
        .flatten()
        .filter_map(|(key, source)| Some((key.clone(), Login::of(stack, source)?)))
        .collect()
}

fn readers(stack: &Stack, secret: &Address) -> BTreeSet<Address> {
    stack
        .resources
        .iter()
        .filter(|resource| resource.kind.as_str() == "ecs.task_definition")
        .filter(|resource| {
            resource
                .attributes
                .references()
                .iter()
                .any(|reference| reference.address == *secret)
        })
        .map(|resource| resource.address.clone())
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::aws;
    use crate::stack::{Catalog, LoadRequest, load};

    /// The real stack file.
    pub fn circles() -> Vec<Declared> {
        let text =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/stacks/circles.yaml"))
                .unwrap();
        let catalog = Catalog::from(&aws::tables());
        let loaded = load(&LoadRequest {
            file: "circles.yaml",
            text: &text,
            environment: None,
            variables: &[],
            variable_files: &[],
            process: &[],
            facts: None,
            sandbox: false,
            catalog: &catalog,
        });
        declared(&loaded.unwrap().stack)
    }

    #[test]
    fn the_real_stack_says_where_each_value_comes_from() {
        let all = circles();
        let config = all
            .iter()
            .find(|secret| secret.address.as_str() == "config")
            .unwrap();
        assert_eq!(config.keys["APP_DATABASE_URL"], Source::Given);
        assert_eq!(
            config.keys["APP_FOURSQUARE_API_KEY"],
            Source::Operator { required: false }
        );
        assert!(matches!(
            config.keys["APP_JWT_SECRET_KEY"],
            Source::Generated { length: 48, .. }
        ));
        assert_eq!(
            config.readers,
            BTreeSet::from(["app/task-definition".into()])
        );
        assert!(config.held.is_empty());
        let master = all
            .iter()
            .find(|secret| secret.address.as_str() == "db/master")
            .unwrap();
        assert_eq!(
            master.held["password"],
            BTreeSet::from(["db/instance".into()])
        );
    }
}
