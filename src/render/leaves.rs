//! A change leaf by leaf: of a policy or a list only what differs.

use std::collections::BTreeSet;

use super::shown::Shown;

/// One differing leaf. A list item that came or went has one side only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Dotted from the field on: `policy.Statement[write].Action`.
    pub path: String,
    pub from: Option<String>,
    pub to: Option<String>,
}

/// Keys by which an item of a list of maps is known to its author.
const IDENTIFYING: [&str; 6] = ["Sid", "sid", "name", "Name", "key", "id"];

/// What differs between two values of one field. Never empty: two values that only look the same (two secrets) are one leaf.
pub fn leaves(field: &str, from: &Shown, to: &Shown) -> Vec<Leaf> {
    let mut found = Vec::new();
    compare(field, from, to, &mut found);
    if found.is_empty() {
        found.push(changed(field, from, to));
    }
    found
}

/// Every leaf of a value that is new: maps opened, lists on one line.
pub fn given(field: &str, value: &Shown) -> Vec<(String, String)> {
    match value {
        Shown::Map(map) if !map.is_empty() => map
            .iter()
            .flat_map(|(key, value)| given(&join(field, key), value))
            .collect(),
        Shown::List(items) if items.iter().any(|item| matches!(item, Shown::Map(_))) => items
            .iter()
            .enumerate()
            .flat_map(|(index, item)| given(&format!("{field}[{}]", label(item, index)), item))
            .collect(),
        value => vec![(field.to_owned(), value.inline())],
    }
}

fn compare(path: &str, from: &Shown, to: &Shown, found: &mut Vec<Leaf>) {
    match (from, to) {
        _ if from == to => {}
        (Shown::Map(old), Shown::Map(new)) => {
            let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
            for key in keys {
                let path = join(path, key);
                match (old.get(key), new.get(key)) {
                    (Some(old), Some(new)) => compare(&path, old, new, found),
                    (old, new) => found.push(Leaf {
                        path,
                        from: Some(side(old)),
                        to: Some(side(new)),
                    }),
                }
            }
        }
        (Shown::List(old), Shown::List(new)) => lists(path, old, new, found),
        // Policies say `"Action": "x"` for `"Action": ["x"]`.
        (Shown::List(old), Shown::Leaf(_)) if is_plain(old) && !is_word(to) => {
            lists(path, old, std::slice::from_ref(to), found);
        }
        (Shown::Leaf(_), Shown::List(new)) if is_plain(new) && !is_word(from) => {
            lists(path, std::slice::from_ref(from), new, found);
        }
        _ => found.push(changed(path, from, to)),
    }
}

fn lists(path: &str, old: &[Shown], new: &[Shown], found: &mut Vec<Leaf>) {
    let (gone, come) = difference(old, new);
    if gone.is_empty() && come.is_empty() {
        if old != new {
            let whole = |items: &[Shown]| Shown::List(items.to_vec());
            found.push(changed(path, &whole(old), &whole(new)));
        }
        return;
    }
    let (pairs, gone, come) = pair(gone, come);
    for (index, old, new) in pairs {
        compare(&format!("{path}[{}]", label(new, index)), old, new, found);
    }
    found.extend(gone.into_iter().map(|(_, item)| Leaf {
        path: path.to_owned(),
        from: Some(item.inline()),
        to: None,
    }));
    found.extend(come.into_iter().map(|(_, item)| Leaf {
        path: path.to_owned(),
        from: None,
        to: Some(item.inline()),
    }));
}

type Item<'a> = (usize, &'a Shown);

/// What is only in `old` and what is only in `new`, each item as often as it stands there.
fn difference<'a>(old: &'a [Shown], new: &'a [Shown]) -> (Vec<Item<'a>>, Vec<Item<'a>>) {
    let mut come: Vec<_> = new.iter().enumerate().collect();
    let mut gone = Vec::new();
    for (index, item) in old.iter().enumerate() {
        match come.iter().position(|(_, other)| *other == item) {
            Some(found) => {
                come.remove(found);
            }
            None => gone.push((index, item)),
        }
    }
    (gone, come)
}

type Pairs<'a> = Vec<(usize, &'a Shown, &'a Shown)>;

/// Maps that changed rather than came and went: the same identifying key, or the only one left on either side.
fn pair<'a>(
    gone: Vec<Item<'a>>,
    mut come: Vec<Item<'a>>,
) -> (Pairs<'a>, Vec<Item<'a>>, Vec<Item<'a>>) {
    let alone = gone.len() == 1 && come.len() == 1;
    let mut pairs = Vec::new();
    let mut left = Vec::new();
    for (index, item) in gone {
        let partner = come.iter().position(|(_, other)| {
            matches!((item, other), (Shown::Map(_), Shown::Map(_)))
                && (alone || identity(item).is_some_and(|id| identity(other) == Some(id)))
        });
        match partner {
            Some(partner) => {
                let (index, other) = come.remove(partner);
                pairs.push((index, item, other));
            }
            None => left.push((index, item)),
        }
    }
    (pairs, left, come)
}

fn identity(item: &Shown) -> Option<(&'static str, &Shown)> {
    let Shown::Map(map) = item else { return None };
    IDENTIFYING
        .iter()
        .find_map(|key| map.get(*key).map(|value| (*key, value)))
}

fn label(item: &Shown, index: usize) -> String {
    match identity(item) {
        Some((_, Shown::Leaf(name))) => name.trim_matches('"').to_owned(),
        _ => index.to_string(),
    }
}

fn is_plain(items: &[Shown]) -> bool {
    items.iter().all(|item| matches!(item, Shown::Leaf(_)))
}

/// `(unset)` and its like stand for no value at all, so a list against them is one change, not an item that went.
fn is_word(shown: &Shown) -> bool {
    matches!(shown, Shown::Leaf(text) if text.starts_with('('))
}

fn changed(path: &str, from: &Shown, to: &Shown) -> Leaf {
    Leaf {
        path: path.to_owned(),
        from: Some(from.inline()),
        to: Some(to.inline()),
    }
}

fn side(value: Option<&Shown>) -> String {
    value.map_or_else(|| super::shown::UNSET.to_owned(), Shown::inline)
}

fn join(path: &str, key: &str) -> String {
    let key = super::shown::clean(key);
    if key.contains(['.', ' ', '[']) {
        format!("{path}.{key:?}")
    } else {
        format!("{path}.{key}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Value;

    fn diff(from: Value, to: Value) -> String {
        leaves("f", &Shown::of(&from), &Shown::of(&to))
            .into_iter()
            .map(|leaf| match (leaf.from, leaf.to) {
                (Some(from), Some(to)) => format!("{}: {from} → {to}\n", leaf.path),
                (Some(from), None) => format!("{}: - {from}\n", leaf.path),
                (_, to) => format!("{}: + {}\n", leaf.path, to.unwrap_or_default()),
            })
            .collect()
    }

    #[test]
    fn a_scalar_is_one_leaf() {
        insta::assert_snapshot!(diff(60.into(), 180.into()), @"f: 60 → 180");
        insta::assert_snapshot!(diff(Value::Null, vec!["a"].into()), @r#"f: (unset) → ["a"]"#);
        insta::assert_snapshot!(diff(vec!["a"].into(), Value::Null), @r#"f: ["a"] → (unset)"#);
    }

    #[test]
    fn lists_show_what_came_and_went() {
        insta::assert_snapshot!(diff(vec!["a", "b"].into(), vec!["b", "c", "d"].into()), @r#"
        f: - "a"
        f: + "c"
        f: + "d"
        "#);
        insta::assert_snapshot!(diff(vec!["a", "b"].into(), vec!["b", "a"].into()), @r#"f: ["a", "b"] → ["b", "a"]"#);
        insta::assert_snapshot!(diff(vec!["a", "a"].into(), vec!["a"].into()), @r#"f: - "a""#);
    }

    #[test]
    fn a_policy_shows_the_statement_that_changed() {
        let from = r#"{"Version":"2012-10-17","Statement":[{"Sid":"read","Effect":"Allow","Action":"s3:GetObject","Resource":"*"},{"Sid":"log","Effect":"Allow","Action":["logs:PutLogEvents"],"Resource":"*"}]}"#;
        let to = r#"{"Statement":[{"Sid":"log","Effect":"Allow","Action":"logs:PutLogEvents","Resource":"arn:x"},{"Sid":"read","Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"*"}],"Version":"2012-10-17"}"#;
        insta::assert_snapshot!(diff(from.into(), to.into()), @r#"
        f.Statement[read].Action: + "s3:PutObject"
        f.Statement[log].Resource: "*" → "arn:x"
        "#);
    }

    #[test]
    fn maps_by_key_and_values_that_look_the_same() {
        insta::assert_snapshot!(diff(
            Value::map([("a", 1.into()), ("b.c", 2.into())]),
            Value::map([("b.c", 3.into()), ("d", true.into())]),
        ), @r#"
        f.a: 1 → (unset)
        f."b.c": 2 → 3
        f.d: (unset) → true
        "#);
        insta::assert_snapshot!(diff("1".into(), "1".into()), @r#"f: "1" → "1""#);
    }
}
