//! The top of a stack file: its sections, settings and environments.

use std::collections::BTreeMap;

use super::check::Checker;
use super::checked::StateSettings;
use super::desk::Desk;
use super::names::{Nothing, Scope};
use super::node::{Entry, Key, Node};
use super::source::Span;
use super::suggest::{did_you_mean, list};
use crate::diagnostic::{Diagnostic, code};
use crate::kind::{Field, Literal, Type};
use crate::model::{TAG_PREFIX, Tags, Value};

pub const STATE: &[Field] = &[
    Field::new(
        "backend",
        Type::OneOf(&["local", "s3"]),
        "Where the state is kept.",
    )
    .default(Literal::Text("local")),
    Field::new("path", Type::Text, "Of a local state: its folder."),
    Field::new("bucket", Type::Text, "Of a state in S3: the bucket."),
    Field::new(
        "prefix",
        Type::Text,
        "Of a state in S3: what its keys begin with. Not given: the stack's name.",
    ),
    Field::new(
        "region",
        Type::Text,
        "Of a state in S3: the bucket's region. Not given: the stack's.",
    ),
];

/// Settings that the file's top and an environment both may give; the environment's win.
pub const SETTINGS: &[Field] = &[
    Field::new("region", Type::Text, "The region. Wins over the shell's."),
    Field::new(
        "suffix",
        Type::Text,
        "What `${suffix}` is, instead of the derived one.",
    ),
    Field::new("tags", Type::Map(&Type::Text), "Tags of every resource."),
    Field::new("state", Type::Object(STATE), "Where the state is kept."),
    Field::new("assume_role", Type::Text, "ARN of a role to assume first."),
];

/// Settings of an environment alone.
pub const ENVIRONMENT: &[Field] = &[
    Field::new(
        "account",
        Type::Text,
        "The account's number, quoted: any other is refused, and this one for other environments.",
    ),
    Field::new(
        "protect",
        Type::Bool,
        "Protects every resource, and asks for the environment's name before an apply.",
    )
    .default(Literal::Bool(false)),
    Field::new(
        "ephemeral",
        Type::Bool,
        "Databases, buckets and secrets may go without further word.",
    )
    .default(Literal::Bool(false)),
    Field::new(
        "variables",
        Type::Map(&Type::Any),
        "Values of variables here.",
    ),
    Field::new(
        "resources",
        Type::Map(&Type::Any),
        "Fields of resources that are different here.",
    ),
];

pub const MOVED: &[Field] = &[
    Field::new("from", Type::Text, "The address it had.").required(),
    Field::new("to", Type::Text, "The address it has now.").required(),
];

/// Sections of the file that are no settings.
pub const SECTIONS: &[Field] = &[
    Field::new("stack", Type::Text, "The stack's name.").required(),
    Field::new(
        "variables",
        Type::Map(&Type::Object(super::variables::DECLARATION)),
        "What can be different from run to run.",
    ),
    Field::new(
        "default_environment",
        Type::Text,
        "The environment without `--env`; its AWS names go without the environment's.",
    ),
    Field::new(
        "environments",
        Type::Map(&Type::Any),
        "Where the stack is set up, and what is different there.",
    ),
    Field::new(
        "resources",
        Type::Map(&Type::Any),
        "Kinds and components, by name.",
    )
    .required(),
    Field::new("outputs", Type::Map(&Type::Any), "What `outputs` prints."),
    Field::new(
        "moved",
        Type::List(&Type::Object(MOVED)),
        "Addresses that were renamed.",
    ),
];

/// The sections as they stand in the file.
pub struct Document<'n> {
    entries: &'n [Entry],
    span: Span,
}

impl<'n> Document<'n> {
    pub fn read(desk: &mut Desk<'_>, root: &'n Node) -> Option<Self> {
        let Some(entries) = root.as_map() else {
            desk.error(
                code::WRONG_TYPE,
                root.span,
                format!("a stack is a map, this is {}", root.what()),
            )
            .help("begin with `stack: name`");
            return None;
        };
        let known = || SECTIONS.iter().chain(SETTINGS).map(|field| field.name);
        for entry in entries {
            if !known().any(|name| name == entry.key.text) {
                desk.error(
                    code::UNKNOWN_KEY,
                    entry.key.span,
                    format!("unknown key `{}`", entry.key.text),
                )
                .help_if(did_you_mean(&entry.key.text, known()));
            }
        }
        let document = Self {
            entries,
            span: Span {
                end: root.span.start,
                ..root.span
            },
        };
        for field in SECTIONS.iter().filter(|field| field.required) {
            if document.get(field.name).is_none() {
                desk.error(
                    code::MISSING,
                    document.span,
                    format!("`{}` is missing", field.name),
                )
                .help(format!("add `{}:`. {}", field.name, field.doc));
            }
        }
        Some(document)
    }

    pub fn get(&self, name: &str) -> Option<&'n Node> {
        let entry = self.entries.iter().find(|entry| entry.key.text == name)?;
        (!entry.value.is_null()).then_some(&entry.value)
    }

    /// A section that is a map; reports if it is something else.
    pub fn map(&self, desk: &mut Desk<'_>, name: &str) -> &'n [Entry] {
        let Some(node) = self.get(name) else {
            return &[];
        };
        as_map(desk, node)
    }

    /// A section that is plain text without references.
    pub fn text(&self, desk: &mut Desk<'_>, name: &str) -> Option<(String, Span)> {
        let node = self.get(name)?;
        let value = Checker::new(desk, &Nothing).value(node, &Type::Text, name);
        value.as_text().map(|text| (text.to_owned(), node.span))
    }

    pub fn settings(&self) -> &'n [Entry] {
        self.entries
    }
}

pub fn as_map<'n>(desk: &mut Desk<'_>, node: &'n Node) -> &'n [Entry] {
    match node.as_map() {
        Some(entries) => entries,
        None => {
            if !node.is_null() {
                desk.error(
                    code::WRONG_TYPE,
                    node.span,
                    format!("a map is meant here, this is {}", node.what()),
                );
            }
            &[]
        }
    }
}

/// Names of stacks, environments, resources and variables: they become tags, AWS names and addresses.
pub fn check_name(desk: &mut Desk<'_>, key: &Key, what: &str) -> bool {
    let text = key.text.as_str();
    let is_fine = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
        && !text.ends_with(['-', '_'])
        && text.len() <= 40;
    if !is_fine {
        let better: String = text
            .to_lowercase()
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '_' {
                    c
                } else {
                    '-'
                }
            })
            .take(40)
            .collect();
        let better = better.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let better = better.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
        desk.error(
            code::BAD_NAME,
            key.span,
            format!("`{text}` cannot be the name of {what}"),
        )
        .help_if((!better.is_empty()).then(|| {
            format!(
                "lowercase letters, digits, `-` and `_`, a letter first, 40 at most: `{better}`"
            )
        }));
    }
    is_fine
}

/// The chosen environment, and what is to be known of the others.
pub struct Environment<'n> {
    pub name: String,
    pub is_default: bool,
    /// Its entries; empty when the stack names no environments.
    pub entries: &'n [Entry],
    pub other_accounts: Vec<String>,
}

/// Without `environments` there is one, called `default`.
pub fn choose<'n>(
    desk: &mut Desk<'_>,
    document: &Document<'n>,
    wanted: Option<&str>,
) -> Option<Environment<'n>> {
    let all = document.map(desk, "environments");
    let mut names = Vec::new();
    for entry in all {
        check_name(desk, &entry.key, "an environment");
        names.push(entry.key.text.as_str());
    }
    let default = document.text(desk, "default_environment");
    if let Some((name, span)) = &default
        && !all.is_empty()
        && !names.contains(&name.as_str())
    {
        desk.error(
            code::UNKNOWN_ENVIRONMENT,
            *span,
            format!("there is no environment `{name}`"),
        )
        .help_if(did_you_mean(name, names.iter().copied()));
        return None;
    }
    let default = default.map(|(name, _)| name);
    let name = match (wanted, default.as_deref()) {
        (Some(wanted), _) => wanted.to_owned(),
        (None, Some(default)) => default.to_owned(),
        (None, None) if all.is_empty() => "default".to_owned(),
        (None, None) => {
            desk.push(Diagnostic::error(
                code::UNKNOWN_ENVIRONMENT,
                format!(
                    "it is not said which environment is meant: {}",
                    list(&names)
                ),
            ))
            .help("name it with `--env`, or add `default_environment:` to the file");
            return None;
        }
    };
    let is_default =
        default.as_deref() == Some(name.as_str()) || (all.is_empty() && name == "default");
    let Some(chosen) = all.iter().find(|entry| entry.key.text == name) else {
        if is_default && all.is_empty() {
            return Some(Environment {
                name,
                is_default,
                entries: &[],
                other_accounts: Vec::new(),
            });
        }
        desk.push(Diagnostic::error(
            code::UNKNOWN_ENVIRONMENT,
            format!("the stack has no environment `{name}`"),
        ))
        .help_if(did_you_mean(&name, names.iter().copied()));
        return None;
    };
    let others = all.iter().filter(|entry| entry.key.text != name);
    let other_accounts = others.filter_map(|entry| account(entry)).collect();
    Some(Environment {
        name,
        is_default,
        entries: as_map(desk, &chosen.value),
        other_accounts,
    })
}

fn account(environment: &Entry) -> Option<String> {
    let entries = environment.value.as_map()?;
    let entry = entries.iter().find(|entry| entry.key.text == "account")?;
    match &entry.value.body {
        super::node::Body::Scalar(scalar) => Some(scalar.text.clone()),
        _ => None,
    }
}

/// Every environment's keys are checked, also of those not chosen.
pub fn check_others(desk: &mut Desk<'_>, document: &Document<'_>, chosen: &str) {
    for entry in document.map(desk, "environments") {
        if entry.key.text == chosen {
            continue;
        }
        let known = || SETTINGS.iter().chain(ENVIRONMENT).map(|field| field.name);
        for inner in as_map(desk, &entry.value) {
            if !known().any(|name| name == inner.key.text) {
                desk.error(
                    code::UNKNOWN_KEY,
                    inner.key.span,
                    format!("unknown key `{}`", inner.key.text),
                )
                .help_if(did_you_mean(&inner.key.text, known()));
            }
        }
    }
}

/// Settings of file and environment, the environment's laid over the file's.
pub struct Settings {
    pub region: Option<String>,
    pub suffix: Option<String>,
    pub tags: Tags,
    pub state: StateSettings,
    pub assume_role: Option<String>,
    pub account: Option<String>,
    pub protect: bool,
    pub ephemeral: bool,
}

pub fn settings(
    desk: &mut Desk<'_>,
    scope: &Scope<'_>,
    document: &Document<'_>,
    environment: &Environment<'_>,
    stack: &str,
) -> Settings {
    let sections: Vec<&str> = SECTIONS.iter().map(|field| field.name).collect();
    // The keys themselves were checked before.
    let of_file: Vec<Entry> = document
        .settings()
        .iter()
        .filter(|entry| SETTINGS.iter().any(|field| field.name == entry.key.text))
        .cloned()
        .collect();
    let mut checker = Checker::new(desk, scope);
    let file = checker.fields(&of_file, SETTINGS, "", &sections);
    let all: Vec<Field> = SETTINGS.iter().chain(ENVIRONMENT).copied().collect();
    let here = checker.fields(environment.entries, &all, "", &["variables", "resources"]);
    let text = |key: &str| {
        let value = here.get(key).or_else(|| file.get(key))?;
        value.as_text().map(str::to_owned)
    };
    let flag = |key: &str| here.get(key).and_then(Value::as_bool).unwrap_or(false);
    let mut tags = Tags::new();
    for map in [file.get("tags"), here.get("tags")].into_iter().flatten() {
        tags.extend(texts(map));
    }
    let state = here.get("state").or_else(|| file.get("state"));
    let settings = Settings {
        region: text("region"),
        suffix: text("suffix"),
        tags,
        state: state_settings(state, stack),
        assume_role: text("assume_role"),
        account: text("account"),
        protect: flag("protect"),
        ephemeral: flag("ephemeral"),
    };
    check_settings(desk, &settings, document, environment, state);
    settings
}

fn check_settings(
    desk: &mut Desk<'_>,
    settings: &Settings,
    document: &Document<'_>,
    environment: &Environment<'_>,
    state: Option<&Value>,
) {
    let place = |key: &str| {
        let entries = environment.entries.iter().chain(document.settings());
        let mut entries = entries.filter(|entry| entry.key.text == key);
        entries
            .next()
            .map_or(document.span, |entry| entry.value.span)
    };
    if let Some(account) = &settings.account
        && (account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()))
    {
        desk.error(
            code::BAD_NAME,
            place("account"),
            format!("`{account}` is not an account's number"),
        )
        .help("12 digits in quotes: \"111122223333\"");
    }
    if let Some(suffix) = &settings.suffix
        && (suffix.is_empty()
            || suffix.len() > 16
            || !suffix
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
    {
        desk.error(
            code::BAD_NAME,
            place("suffix"),
            format!("`{suffix}` cannot be a suffix"),
        )
        .help("up to 16 lowercase letters and digits");
    }
    let backend = state.and_then(|state| state.as_map()?.get("backend")?.as_text());
    let has_bucket = state.is_some_and(|s| s.as_map().is_some_and(|m| m.contains_key("bucket")));
    if (backend == Some("s3")) != has_bucket {
        desk.error(
            code::CONTRADICTION,
            place("state"),
            "a state in S3 needs a `bucket`, and no other has one",
        )
        .help("write `state: { backend: s3, bucket: name }`");
    }
    check_tags(desk, &settings.tags, place("tags"));
    if settings.protect && settings.ephemeral {
        desk.error(
            code::CONTRADICTION,
            place("ephemeral"),
            "an environment cannot be both `protect` and `ephemeral`",
        )
        .help("keep one of the two");
    }
}

/// AWS refuses `aws:`, and ours are ours.
pub fn check_tags(desk: &mut Desk<'_>, tags: &Tags, span: Span) {
    for (key, value) in tags {
        let why = if key.to_lowercase().starts_with("aws:") || key.starts_with(TAG_PREFIX) {
            "its beginning is reserved"
        } else if key.is_empty() || key.chars().count() > 128 {
            "a key has 1 to 128 characters"
        } else if value.chars().count() > 256 {
            "a value has at most 256 characters"
        } else {
            continue;
        };
        desk.error(
            code::NAME_RULE,
            span,
            format!("the tag `{key}` cannot be set: {why}"),
        );
    }
}

pub fn texts(map: &Value) -> BTreeMap<String, String> {
    map.as_map()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_text()?.to_owned())))
        .collect()
}

fn state_settings(state: Option<&Value>, stack: &str) -> StateSettings {
    let get = |key: &str| {
        let value = state?.as_map()?.get(key)?;
        value.as_text().map(str::to_owned)
    };
    match get("bucket") {
        Some(bucket) => StateSettings::S3 {
            bucket,
            prefix: get("prefix").unwrap_or_else(|| stack.to_owned()),
            region: get("region"),
        },
        None => StateSettings::Local { path: get("path") },
    }
}
