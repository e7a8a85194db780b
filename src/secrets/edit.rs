//! An operator's change to a secret's values.

use super::declared::{Declared, Source};
use crate::aws::secretsmanager::swap;
use crate::aws::secretsmanager::values::{Held, Values, generate};
use crate::kind::SecretText;

/// A key's old value is kept under its name and this, where the stack declares such a key for operators.
pub const PREVIOUS: &str = "_PREVIOUS";

#[derive(Clone, Debug)]
pub enum Change {
    Set { key: String, value: SecretText },
    Unset { key: String },
    Rotate { keys: Vec<String> },
}

/// New values, and what about them is new.
#[derive(Clone, Debug)]
pub struct Edited {
    pub values: Values,
    /// Keys whose value is another one now, new ones included.
    pub written: Vec<String>,
    /// There are keys that were not there before, or the other way round: tasks need a new task definition.
    pub other_keys: bool,
}

/// Why a change is not made. Says no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub what: String,
    pub hints: Vec<String>,
}

impl Refused {
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hints: Vec::new(),
        }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

/// What the live values become. `None`: they are that way already.
///
/// # Errors
/// Why the change is not made.
pub fn edit(live: &Values, secret: &Declared, change: &Change) -> Result<Option<Edited>, Refused> {
    let mut values = live.clone();
    match change {
        Change::Set { key, value } => {
            may_set(secret, key)?;
            if live.get(key).is_some_and(|held| held.secret() == value) {
                return Ok(None);
            }
            values.insert(key.clone(), Held::Text(value.clone()));
        }
        Change::Unset { key } => {
            may_unset(secret, key)?;
            if values.remove(key).is_none() {
                return Ok(None);
            }
        }
        Change::Rotate { keys } => {
            for key in keys {
                rotate(&mut values, secret, key)?;
            }
        }
    }
    fits(&values, secret)?;
    let same = |key: &String| live.get(key) == values.get(key);
    let written = values.keys().filter(|key| !same(key)).cloned().collect();
    let other_keys = !live.keys().eq(values.keys());
    Ok(Some(Edited {
        values,
        written,
        other_keys,
    }))
}

fn fits(values: &Values, secret: &Declared) -> Result<(), Refused> {
    match swap::written(values) {
        Ok(_) => Ok(()),
        Err(size) => Err(Refused::new(format!(
            "{} would be {size} bytes long: AWS keeps at most {} for all keys of a secret together",
            secret.address,
            swap::LARGEST
        ))
        .hint("keep large values in a bucket, or in a secret of their own")),
    }
}

fn may_set(secret: &Declared, key: &str) -> Result<(), Refused> {
    not_held(secret, key)?;
    match secret.keys.get(key) {
        Some(Source::Given) => Err(given(secret, key)),
        Some(_) => Ok(()),
        None => Err(undeclared(secret, key)),
    }
}

fn may_unset(secret: &Declared, key: &str) -> Result<(), Refused> {
    not_held(secret, key)?;
    match secret.keys.get(key) {
        Some(Source::Given) => Err(given(secret, key)),
        Some(Source::Generated { .. }) => Err(Refused::new(format!(
            "{key} is generated: without it the service does not start, and the next apply would make another"
        ))
        .hint(format!("another value: circles-infra secrets rotate {key}"))
        .hint("no value at all: take it out of the stack file, and apply")),
        Some(Source::Operator { .. }) | None => Ok(()),
    }
}

/// A new value, the old one beside it where the stack has a place for it.
fn rotate(values: &mut Values, secret: &Declared, key: &str) -> Result<(), Refused> {
    not_held(secret, key)?;
    let (length, alphabet) = match secret.keys.get(key) {
        Some(Source::Generated { length, alphabet }) => (*length, alphabet),
        Some(Source::Operator { .. }) => {
            return Err(Refused::new(format!(
                "{key} is an operator's: whoever issues it has to make the new one"
            ))
            .hint(format!("then: circles-infra secrets set {key}")));
        }
        Some(Source::Given) => return Err(given(secret, key)),
        None => return Err(undeclared(secret, key)),
    };
    let fresh = generate(length, alphabet)
        .map_err(|e| Refused::new(format!("the system gives no randomness: {e}")))?;
    let before = values.insert(key.to_owned(), Held::Text(fresh));
    let previous = format!("{key}{PREVIOUS}");
    let keeps = matches!(secret.keys.get(&previous), Some(Source::Operator { .. }));
    if let Some(before) = before.filter(|_| keeps) {
        values.insert(previous, before);
    }
    Ok(())
}

/// A value that something else has to follow: a database keeps the password that it was given.
fn not_held(secret: &Declared, key: &str) -> Result<(), Refused> {
    let Some(by) = secret.held.get(key) else {
        return Ok(());
    };
    let by: Vec<&str> = by.iter().map(|address| address.as_str()).collect();
    Err(Refused::new(format!(
        "{key} of {} is the password that {} has: another value here alone would lock every task out, and changing both cuts the running ones off",
        secret.address,
        by.join(", ")
    ))
    .hint("two database users take turns in the URL that tasks log in with: circles-infra secrets rotate with that key (docs/secrets.md, \"The database's password\")"))
}

fn given(secret: &Declared, key: &str) -> Refused {
    Refused::new(format!(
        "what {key} of {} is stands in the stack file, and every apply writes it so",
        secret.address
    ))
    .hint("change it there, and apply")
    .hint(format!(
        "or let operators set it: `{key}: {{ operator: required }}` in the stack file"
    ))
}

fn undeclared(secret: &Declared, key: &str) -> Refused {
    Refused::new(format!("{} has no key {key}", secret.address))
        .hint(format!("it has {}", names(secret)))
        .hint(format!(
            "a new one is declared first, in the stack file: `{key}: {{ operator: optional }}`"
        ))
}

fn names(secret: &Declared) -> String {
    let names: Vec<&str> = secret.keys.keys().map(String::as_str).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::aws::secretsmanager::values::{ALPHABET, parse};

    fn secret() -> Declared {
        let generated = Source::Generated {
            length: 48,
            alphabet: ALPHABET.into(),
        };
        let operator = Source::Operator { required: false };
        Declared {
            address: "config".into(),
            name: Some("circles/app-config".into()),
            keys: BTreeMap::from([
                ("JWT".into(), generated.clone()),
                ("JWT_PREVIOUS".into(), operator.clone()),
                ("OTP".into(), generated.clone()),
                ("API".into(), operator),
                ("URL".into(), Source::Given),
                ("password".into(), generated),
            ]),
            held: BTreeMap::from([("password".into(), BTreeSet::from(["db/instance".into()]))]),
            logins: BTreeMap::new(),
            readers: BTreeSet::new(),
        }
    }

    fn live() -> Values {
        parse(r#"{"JWT": "old", "OTP": "otp", "URL": "postgres://", "password": "pw"}"#).unwrap()
    }

    fn set(key: &str, value: &str) -> Change {
        Change::Set {
            key: key.into(),
            value: SecretText::new(value.into()),
        }
    }

    fn text(values: &Values, key: &str) -> String {
        values[key].secret().expose().to_owned()
    }

    #[test]
    fn setting_changes_one_key_and_keeps_the_others() {
        let value = "line 1\nline \"2\" 100 % \\ é\n";
        let edited = edit(&live(), &secret(), &set("API", value))
            .unwrap()
            .unwrap();
        assert_eq!(text(&edited.values, "API"), value);
        assert_eq!(text(&edited.values, "JWT"), "old");
        assert_eq!(edited.written, ["API"]);
        assert!(edited.other_keys);
        let again = edit(&edited.values, &secret(), &set("API", value)).unwrap();
        assert!(again.is_none());
        let other = edit(&edited.values, &secret(), &set("API", "x"))
            .unwrap()
            .unwrap();
        assert!(!other.other_keys);
    }

    #[test]
    fn only_unset_removes() {
        let with = edit(&live(), &secret(), &set("API", "x")).unwrap().unwrap();
        let unset = Change::Unset { key: "API".into() };
        let without = edit(&with.values, &secret(), &unset).unwrap().unwrap();
        assert!(without.other_keys && without.written.is_empty());
        assert!(without.values == live());
        assert!(edit(&live(), &secret(), &unset).unwrap().is_none());
    }

    #[test]
    fn rotating_keeps_the_old_value_where_there_is_a_place_for_it() {
        let rotate = |keys: &[&str]| Change::Rotate {
            keys: keys.iter().map(|&key| key.into()).collect(),
        };
        let first = edit(&live(), &secret(), &rotate(&["JWT", "OTP"]))
            .unwrap()
            .unwrap();
        assert_eq!(first.written, ["JWT", "JWT_PREVIOUS", "OTP"]);
        assert!(first.other_keys);
        assert_eq!(text(&first.values, "JWT_PREVIOUS"), "old");
        assert_eq!(text(&first.values, "JWT").len(), 48);
        let second = edit(&first.values, &secret(), &rotate(&["JWT"]))
            .unwrap()
            .unwrap();
        assert_eq!(
            text(&second.values, "JWT_PREVIOUS"),
            text(&first.values, "JWT")
        );
        assert!(!second.other_keys);
    }

    #[test]
    fn what_is_not_an_operators_to_change_is_refused_with_what_to_do() {
        let unset = |key: &str| Change::Unset { key: key.into() };
        let rotate = |key: &str| Change::Rotate {
            keys: vec![key.into()],
        };
        let told: Vec<String> = [
            set("URL", "hunter2"),
            set("APi", "hunter2"),
            set("password", "hunter2"),
            set("API", &"x".repeat(70 * 1024)),
            unset("OTP"),
            rotate("API"),
            rotate("password"),
        ]
        .iter()
        .map(|change| {
            let refused = edit(&live(), &secret(), change).unwrap_err();
            format!("{}\n  {}", refused.what, refused.hints.join("\n  "))
        })
        .collect();
        let told = told.join("\n");
        assert!(!told.contains("hunter2"));
        insta::assert_snapshot!(told);
    }
}
