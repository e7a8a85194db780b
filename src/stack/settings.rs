//! Settings of file and environment.

use std::collections::BTreeMap;

use super::check::Checker;
use super::checked::StateSettings;
use super::desk::Desk;
use super::document::{Document, ENVIRONMENT, SECTIONS, SETTINGS};
use super::environment::Environment;
use super::names::Scope;
use super::node::Entry;
use super::region;
use super::source::Span;
use crate::diagnostic::code;
use crate::kind::Field;
use crate::model::{TAG_PREFIX, Tags, Value};

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
    if let Some(name) = &settings.region {
        check_region(desk, name, place("region"));
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
    if let Some(Value::Map(state)) = state {
        check_state(desk, state, backend == Some("s3"), place("state"));
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

/// AWS would be sought at a host that does not exist, and waited for.
fn check_region(desk: &mut Desk<'_>, name: &str, span: Span) {
    if !region::fits(name) {
        desk.error(code::BAD_NAME, span, format!("`{name}` is not a region"))
            .help(region::help(name));
    }
}

/// What belongs to a bucket says nothing of a folder, and the other way round.
fn check_state(desk: &mut Desk<'_>, state: &BTreeMap<String, Value>, s3: bool, span: Span) {
    let foreign: &[&str] = if s3 {
        &["path"]
    } else {
        &["key", "region", "account", "kms_key_id", "lock"]
    };
    for key in foreign
        .iter()
        .filter(|key| state.get(**key).is_some_and(|value| *value != Value::Null))
    {
        desk.error(
            code::CONTRADICTION,
            span,
            if s3 {
                format!("a state in S3 has no `{key}`")
            } else {
                format!("`{key}` belongs to a state in S3")
            },
        )
        .help("a state is `{ backend: local, path: … }` or `{ backend: s3, bucket: …, key: …, region: …, account: …, kms_key_id: …, lock: … }`");
    }
    if let Some(account) = state.get("account").and_then(Value::as_text)
        && (account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()))
    {
        desk.error(
            code::BAD_NAME,
            span,
            format!("`{account}` is not the number of an account"),
        )
        .help("an account has 12 digits, in quotes");
    }
    let name = state
        .get("bucket")
        .and_then(Value::as_text)
        .unwrap_or("aaa");
    // General purpose buckets (user guide, "Bucket naming rules").
    let fine = (3..=63).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'))
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric());
    if !fine {
        desk.error(
            code::BAD_NAME,
            span,
            format!("`{name}` cannot be the name of a bucket"),
        )
        .help("3 to 63 lowercase letters, digits, `-` and `.`");
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
        )
        .help("choose another, or leave it out");
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
            key: get("key").unwrap_or_else(|| stack.to_owned()),
            region: get("region"),
            account: get("account"),
            kms_key_id: get("kms_key_id"),
            lock_table: state
                .and_then(|state| state.as_map()?.get("lock")?.as_map()?.get("dynamodb"))
                .and_then(|table| Some(table.as_text()?.to_owned())),
        },
        None => StateSettings::Local { path: get("path") },
    }
}
