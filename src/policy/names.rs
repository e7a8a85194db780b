//! Names and ARNs as patterns: what a stack file says before AWS is asked for the account.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Attributes, Expr, KindName, Part, Value};

/// More patterns of one type than this are merged where they begin alike.
const MANY: usize = 12;
/// A common beginning that is shorter than this would cover too much.
const SHORTEST_BEGINNING: usize = 4;

/// A resource with its fields; what is not known offline is `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedResource {
    pub kind: KindName,
    pub attributes: Attributes,
}

/// A state in S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateLocation {
    pub bucket: String,
    /// What its objects' names begin with.
    pub key: String,
    /// `None`: the stack's.
    pub region: Option<String>,
    pub kms_key: Option<String>,
    pub lock_table: Option<String>,
}

/// What the stack file says about names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StackNames {
    pub stack: String,
    pub environment: String,
    /// What names begin with that the file leaves to components.
    pub prefix: String,
    /// Whether other environments' names begin alike.
    pub shares_prefix: bool,
    /// `None`: known only when AWS is asked.
    pub region: Option<String>,
    pub account: Option<String>,
    pub resources: Vec<NamedResource>,
    /// Types of what is looked up and not managed.
    pub existing: BTreeSet<String>,
    /// `None`: on this machine.
    pub state: Option<StateLocation>,
    /// A role that every command assumes first.
    pub assume_role: Option<String>,
    /// Whether a service has a task that gives a database user its password.
    pub rotates: bool,
}

impl StackNames {
    pub fn uses(&self, kind: &str) -> bool {
        self.resources.iter().any(|r| r.kind.as_str() == kind)
    }

    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Attributes> {
        self.resources
            .iter()
            .filter(move |resource| resource.kind.as_str() == kind)
            .map(|resource| &resource.attributes)
    }

    /// Known texts of a field of all resources of a kind.
    pub fn texts(&self, kind: &str, field: &str) -> BTreeSet<String> {
        self.of_kind(kind)
            .filter_map(|attributes| pattern(attributes.get(field)))
            .collect()
    }

    /// `arn:*:SERVICE:REGION:ACCOUNT:REST`, as far as known. IAM allows `*` in every part but the
    /// service.
    pub fn arn(&self, service: &str, rest: &str) -> String {
        let region = match service {
            "iam" => "",
            _ => self.region.as_deref().unwrap_or("*"),
        };
        let account = self.account.as_deref().unwrap_or("*");
        format!("arn:*:{service}:{region}:{account}:{rest}")
    }

    /// One ARN per name of a kind, `{}` in `rest` being the name.
    pub fn arns(&self, kinds: &[(&str, &str, &str)], service: &str) -> Vec<String> {
        kinds
            .iter()
            .flat_map(|(kind, field, rest)| {
                let names = with_generations(kind, self.texts(kind, field));
                merge(names).into_iter().map(|name| {
                    let rest = rest.replace("{}", &name);
                    self.arn(service, &rest)
                })
            })
            .collect()
    }

    /// Whether resources stand in a network, or on a load balancer, that is not the stack's.
    pub fn borrows_network(&self) -> bool {
        const IDS: [&str; 7] = [
            "vpc-",
            "subnet-",
            "igw-",
            "rtb-",
            "sg-",
            "eipalloc-",
            "nat-",
        ];
        let is_id = |text: &str| {
            IDS.iter().any(|mark| {
                text.strip_prefix(mark).is_some_and(|rest| {
                    rest.len() >= 8 && rest.bytes().all(|b| b.is_ascii_hexdigit())
                })
            })
        };
        self.existing.contains("network") || self.literals().iter().any(|text| is_id(text))
    }

    /// All texts that stand in fields, however deep.
    pub fn literals(&self) -> BTreeSet<&str> {
        let mut all = BTreeSet::new();
        for resource in &self.resources {
            for value in resource.attributes.0.values() {
                collect_texts(value, &mut all);
            }
        }
        all
    }
}

fn collect_texts<'a>(value: &'a Value, all: &mut BTreeSet<&'a str>) {
    match value {
        Value::Text(text) => {
            all.insert(text);
        }
        Value::List(items) => items.iter().for_each(|item| collect_texts(item, all)),
        Value::Map(map) => map.values().for_each(|item| collect_texts(item, all)),
        _ => {}
    }
}

/// A value as a pattern: what refers to another resource is `*`.
pub fn pattern(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Expr(Expr(parts)) => Some(
            parts
                .iter()
                .map(|part| match part {
                    Part::Text(text) => text.as_str(),
                    Part::Ref(_) | Part::Secret(_) => "*",
                })
                .collect(),
        ),
        _ => None,
    }
}

/// A replacement may have its generation behind the name (`circles-db-2`), cut to what AWS takes.
fn with_generations(kind: &str, names: BTreeSet<String>) -> BTreeSet<String> {
    let longest = match kind {
        "rds.db_parameter_group" | "rds.db_subnet_group" => 255,
        "iam.role" => 64,
        "iam.policy" => 128,
        _ => return names,
    };
    names
        .into_iter()
        .flat_map(|name| {
            // Two digits are enough for any number of replacements that a stack sees.
            let cut: String = name.chars().take(longest - 3).collect();
            [format!("{cut}-*"), name]
        })
        .collect()
}

/// Many patterns become one where they begin alike.
fn merge(names: BTreeSet<String>) -> BTreeSet<String> {
    let mut alike: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in names {
        let start = name.chars().take(SHORTEST_BEGINNING).collect();
        alike.entry(start).or_default().push(name);
    }
    alike.into_values().flat_map(merge_alike).collect()
}

fn merge_alike(names: Vec<String>) -> Vec<String> {
    let beginning = names.iter().cloned().reduce(|beginning, name| {
        let pairs = beginning.chars().zip(name.chars());
        pairs.take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
    });
    let long = |text: &String| text.chars().count() >= SHORTEST_BEGINNING && !text.contains('*');
    match beginning.filter(long) {
        Some(beginning) if names.len() > MANY => vec![format!("{beginning}*")],
        _ => names,
    }
}

/// What two readings of one file have in common: where a text differs, the difference is `*`.
pub fn common(a: &Value, b: &Value) -> Value {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) if a != b => Value::Text(common_text(a, b)),
        (Value::List(a), Value::List(b)) if a.len() == b.len() => {
            Value::List(a.iter().zip(b).map(|(a, b)| common(a, b)).collect())
        }
        (Value::Map(a), Value::Map(b)) => Value::Map(
            a.iter()
                .map(|(key, a)| {
                    let value = b.get(key).map_or_else(|| a.clone(), |b| common(a, b));
                    (key.clone(), value)
                })
                .collect(),
        ),
        (Value::Expr(Expr(a)), Value::Expr(Expr(b))) if a.len() == b.len() => Value::Expr(Expr(
            a.iter()
                .zip(b)
                .map(|parts| match parts {
                    (Part::Text(a), Part::Text(b)) if a != b => Part::Text(common_text(a, b)),
                    (a, _) => a.clone(),
                })
                .collect(),
        )),
        _ => a.clone(),
    }
}

fn common_text(a: &str, b: &str) -> String {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let shorter = a.len().min(b.len());
    let start = (0..shorter).take_while(|i| a[*i] == b[*i]).count();
    let end = (0..shorter - start)
        .take_while(|i| a[a.len() - 1 - i] == b[b.len() - 1 - i])
        .count();
    let start: String = a[..start].iter().collect();
    let end: String = a[a.len() - end..].iter().collect();
    format!(
        "{}*{}",
        start.trim_end_matches('*'),
        end.trim_start_matches('*')
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Collision;

    #[test]
    fn readings_of_one_file_leave_a_pattern() {
        let text = |a: &str, b: &str| common_text(a, b);
        assert_eq!(text("media-abc", "media-xyz"), "media-*");
        assert_eq!(text("a-us-east-1-role", "a-eu-west-2-role"), "a-*-role");
        assert_eq!(text(&text("m-aXc-r", "m-aYc-r"), "m-bZd-r"), "m-*-r");
        assert_eq!(text("same", "same-and-more"), "same*");
    }

    #[test]
    fn names_of_replacements_are_covered() {
        let kinds = crate::aws::tables();
        for kind in kinds.iter() {
            let name = kind.name();
            let Collision::Suffix { longest, .. } = kind.identity().collision else {
                continue;
            };
            let service = name.as_str().split('.').next().unwrap_or_default();
            if !["iam", "rds"].contains(&service) {
                continue;
            }
            let long = "n".repeat(longest);
            let patterns = with_generations(name.as_str(), [long.clone()].into());
            assert!(patterns.contains(&long), "{name}");
            let cut = format!("{}-*", "n".repeat(longest - 3));
            assert!(patterns.contains(&cut), "{name}: {patterns:?}");
        }
    }

    #[test]
    fn many_names_are_merged_only_where_they_begin_alike() {
        let mut alike: BTreeSet<String> = (0..40).map(|n| format!("demo-{n}")).collect();
        alike.insert("other".to_owned());
        assert_eq!(
            merge(alike),
            ["demo-*".to_owned(), "other".to_owned()].into()
        );
        let unlike: BTreeSet<String> = (0..40).map(|n| format!("{n}-demo")).collect();
        assert_eq!(merge(unlike.clone()), unlike);
    }
}
