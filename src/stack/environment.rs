//! Which environment is meant, and what is to be known of the others.

use super::desk::Desk;
use super::document::{Document, ENVIRONMENT, SETTINGS, as_map};
use super::identifier::check_name;
use super::node::{Body, Entry};
use super::suggest::{did_you_mean, list};
use crate::diagnostic::code;

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
            unsaid(desk, document, &names);
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
        unknown(desk, document, &name, &names);
        return None;
    };
    let others = all.iter().filter(|entry| entry.key.text != name);
    let other_accounts = others.filter_map(account).collect();
    Some(Environment {
        name,
        is_default,
        entries: as_map(desk, &chosen.value),
        other_accounts,
    })
}

fn unsaid(desk: &mut Desk<'_>, document: &Document<'_>, names: &[&str]) {
    desk.error(
        code::UNKNOWN_ENVIRONMENT,
        document.place("environments"),
        format!("it is not said which environment is meant: {}", list(names)),
    )
    .help("name it with `--env`, or add `default_environment:` to the file");
}

fn unknown(desk: &mut Desk<'_>, document: &Document<'_>, name: &str, names: &[&str]) {
    let help = if names.is_empty() {
        Some(format!(
            "declare it: `environments: {{ {name}: {{}} }}`; or leave `--env` out"
        ))
    } else {
        did_you_mean(name, names.iter().copied())
    };
    desk.error(
        code::UNKNOWN_ENVIRONMENT,
        document.place("environments"),
        format!("the stack has no environment `{name}`"),
    )
    .help_if(help);
}

fn account(environment: &Entry) -> Option<String> {
    let entries = environment.value.as_map()?;
    let entry = entries.iter().find(|entry| entry.key.text == "account")?;
    match &entry.value.body {
        Body::Scalar(scalar) => Some(scalar.text.clone()),
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
