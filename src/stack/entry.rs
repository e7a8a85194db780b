//! One entry of `resources`: its type, what every resource takes, and its own fields.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::check::{Checker, join};
use super::condition;
use super::desk::Desk;
use super::names::{EntryType, Scope};
use super::node::{Entry, Key, Node};
use super::settings::{check_tags, texts};
use super::source::Span;
use super::suggest::did_you_mean;
use crate::diagnostic::code;
use crate::kind::{Field, Type};
use crate::model::{Attributes, Tags, Value};

const TIMEOUTS: &[Field] = &[
    Field::new("create", Type::Text, "Until it is ready."),
    Field::new("update", Type::Text, "Until a change has arrived."),
    Field::new(
        "delete",
        Type::Text,
        "Until it is gone, and what it leaves behind with it.",
    ),
];

/// What every resource takes beside its own fields.
pub const COMMON: &[Field] = &[
    Field::new("type", Type::Text, "The kind or component.").required(),
    Field::new(
        "depends_on",
        Type::List(&Type::Text),
        "Names of resources to wait for that it does not refer to.",
    ),
    Field::new(
        "when",
        Type::Any,
        "Whether it exists: `true`, `false` or a variable. A variable that is unset is `false`, a text that is set is `true`.",
    ),
    Field::new(
        "protect",
        Type::Bool,
        "Never deleted or replaced, here and by AWS; final snapshots and backups stay on.",
    ),
    Field::new("retain", Type::Bool, "Forgotten instead of deleted."),
    Field::new(
        "ignore",
        Type::List(&Type::Text),
        "Fields that somebody else owns; of a component `child.field`.",
    ),
    Field::new(
        "timeouts",
        Type::Object(TIMEOUTS),
        "How long to wait, as `90s`, `20m`, `1h30m`.",
    ),
    Field::new(
        "tags",
        Type::Map(&Type::Text),
        "Tags beside the stack's; they win.",
    ),
    Field::new(
        "existing",
        Type::Map(&Type::Any),
        "Looks one up instead of making it.",
    ),
    Field::new(
        "overrides",
        Type::Map(&Type::Map(&Type::Any)),
        "Of a component: fields of what it makes, by child.",
    ),
];

/// Criteria by which an existing cluster is looked up.
pub const EXISTING_CLUSTER: &[Field] =
    &[Field::new("name", Type::Text, "The cluster's name.").required()];

/// What every resource takes, read.
#[derive(Clone, Debug, Default)]
pub struct Common {
    pub depends_on: Vec<(String, Span)>,
    pub on: bool,
    pub protect: bool,
    pub retain: bool,
    pub ignore: Vec<(String, Span)>,
    pub timeouts: BTreeMap<String, Duration>,
    pub tags: Tags,
}

/// An entry, checked as far as it can be by itself.
pub struct Checked<'a> {
    pub name: String,
    pub span: Span,
    pub ty: EntryType<'a>,
    pub node: &'a Node,
    pub common: Common,
    pub attributes: Attributes,
    pub spans: BTreeMap<String, Span>,
    pub excused: BTreeSet<String>,
    /// Criteria, when it is looked up instead of made.
    pub existing: Option<BTreeMap<String, Value>>,
}

impl Checked<'_> {
    /// Where a field (a dotted path) stands, or else the nearest thing around it.
    pub fn place(&self, path: &str) -> Span {
        let mut path = path;
        loop {
            if let Some(span) = self.spans.get(path) {
                return *span;
            }
            match path.rsplit_once('.') {
                Some((outer, _)) => path = outer,
                None => return self.span,
            }
        }
    }
}

/// The `type` of an entry, or `None` with the reason reported.
pub fn entry_type<'a>(
    desk: &mut Desk<'_>,
    scope: &Scope<'a>,
    key: &Key,
    node: &Node,
) -> Option<EntryType<'a>> {
    let Some(entries) = node.as_map() else {
        desk.error(
            code::WRONG_TYPE,
            node.span,
            format!("a resource is a map, this is {}", node.what()),
        )
        .help(format!(
            "write `{}:` and below it, indented, `type: …`",
            key.text
        ));
        return None;
    };
    let Some(entry) = entries.iter().find(|entry| entry.key.text == "type") else {
        desk.error(
            code::MISSING,
            key.span,
            format!("`{}` has no `type`", key.text),
        )
        .help("add `type:` with a kind such as `s3.bucket` or a component such as `network`");
        return None;
    };
    let value = Checker::new(desk, &super::names::Nothing).value(&entry.value, &Type::Text, "type");
    let name = value.as_text()?;
    let found = EntryType::find(scope.catalog, name);
    if found.is_none() {
        let known: Vec<&str> = EntryType::names(scope.catalog).collect();
        // A Terraform user's `aws_s3_bucket`, or the thing without its service.
        let plain = name.trim_start_matches("aws_").replace('_', ".");
        let by_end = known
            .iter()
            .find(|known| known.ends_with(&format!(".{name}")) || known.replace('_', ".") == plain);
        let help = by_end
            .map(|known| format!("did you mean `{known}`?"))
            .or_else(|| did_you_mean(name, known.iter().copied()))
            .or_else(|| Some("`circles-infra schema` knows all of them".into()));
        desk.error(
            code::UNKNOWN_TYPE,
            entry.value.span,
            format!("there is no kind or component `{name}`"),
        )
        .help_if(help);
    }
    found
}

/// Checks the fields of an entry.
pub fn check<'a>(
    desk: &mut Desk<'_>,
    scope: &Scope<'_>,
    key: &Key,
    node: &'a Node,
    ty: EntryType<'a>,
) -> Checked<'a> {
    let entries = node.as_map().unwrap_or_default();
    let others: Vec<&str> = COMMON.iter().map(|field| field.name).collect();
    let mine: Vec<Entry> = entries
        .iter()
        .filter(|entry| COMMON.iter().any(|field| field.name == entry.key.text))
        .cloned()
        .collect();
    let existing = entries
        .iter()
        .find(|e| e.key.text == "existing" && !e.value.is_null());
    let mut checker = Checker::new(desk, scope);
    let read = checker.fields(
        &mine,
        COMMON,
        "",
        &["existing", "overrides", "type", "when"],
    );
    let spans = std::mem::take(&mut checker.spans);
    let mut common = common(desk, &read, &spans, key.span);
    let when = entries.iter().find(|entry| entry.key.text == "when");
    common.on = when.is_none_or(|entry| condition::read(desk, scope, &entry.value));
    let mut checked = Checked {
        name: key.text.clone(),
        span: key.span,
        ty,
        node,
        common,
        attributes: Attributes::default(),
        spans,
        excused: BTreeSet::new(),
        existing: None,
    };
    if let Some(entry) = existing {
        checked.existing = look_up(desk, scope, &checked, entry);
        only_existing(desk, entries, &others);
        return checked;
    }
    let mut checker = Checker::new(desk, scope);
    let fields = checker.fields(entries, ty.fields(), "", &others);
    let (more, excused) = (checker.spans, checker.excused);
    checked.spans.extend(more);
    checked.excused = excused;
    secrets_in_file(desk, ty.fields(), &fields, &checked);
    checked.attributes = Attributes(fields);
    checked
}

/// A secret field takes references; a value in the file would be in version control, in plans and in the state.
fn secrets_in_file(
    desk: &mut Desk<'_>,
    fields: &[Field],
    values: &BTreeMap<String, Value>,
    checked: &Checked<'_>,
) {
    for field in fields.iter().filter(|field| field.ty == Type::Secret) {
        if matches!(values.get(field.name), Some(Value::Text(_))) {
            desk.error(
                code::SECRET_IN_FILE,
                checked.place(field.name),
                format!("`{}` is secret and may not stand in the file", field.name),
            )
            .help(
                "let a `secretsmanager.secret` generate it, and refer to it: `${secret.keys.KEY}`",
            );
        }
    }
}

fn common(
    desk: &mut Desk<'_>,
    read: &BTreeMap<String, Value>,
    spans: &BTreeMap<String, Span>,
    span: Span,
) -> Common {
    let place = |path: &str| spans.get(path).copied().unwrap_or(span);
    let flag = |key: &str| read.get(key).and_then(Value::as_bool).unwrap_or(false);
    let words = |key: &str| {
        let items = read.get(key).and_then(Value::as_list).unwrap_or_default();
        let texts = items.iter().filter_map(Value::as_text).map(str::to_owned);
        texts
            .enumerate()
            .map(|(i, text)| (text, place(&join(key, &i.to_string()))))
            .collect::<Vec<_>>()
    };
    let tags = read.get("tags").map(texts).unwrap_or_default();
    check_tags(desk, &tags, place("tags"));
    let mut timeouts = BTreeMap::new();
    for (verb, value) in read
        .get("timeouts")
        .and_then(Value::as_map)
        .into_iter()
        .flatten()
    {
        match value.as_text().and_then(duration) {
            Some(duration) => {
                timeouts.insert(verb.clone(), duration);
            }
            None => {
                desk.error(
                    code::BAD_DURATION,
                    place(&join("timeouts", verb)),
                    "this is not a duration",
                )
                .help("write `90s`, `20m` or `1h30m`");
            }
        }
    }
    Common {
        depends_on: words("depends_on"),
        on: true,
        protect: flag("protect"),
        retain: flag("retain"),
        ignore: words("ignore"),
        timeouts,
        tags,
    }
}

/// `90s`, `20m`, `1h30m`.
pub fn duration(text: &str) -> Option<Duration> {
    let mut seconds: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit = match rest.as_bytes()[digits] {
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            _ => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
    }
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

/// The criteria of an `existing:`; reports when this type cannot be looked up.
fn look_up(
    desk: &mut Desk<'_>,
    scope: &Scope<'_>,
    checked: &Checked<'_>,
    entry: &Entry,
) -> Option<BTreeMap<String, Value>> {
    let fields: &[Field] = match checked.ty {
        EntryType::Component(component) => component.existing,
        EntryType::Kind(kind) if kind.name.as_str() == "ecs.cluster" => EXISTING_CLUSTER,
        EntryType::Kind(_) => &[],
    };
    if fields.is_empty() {
        desk.error(
            code::UNKNOWN_KEY,
            entry.key.span,
            format!("an existing `{}` cannot be looked up", checked.ty.name()),
        )
        .help("`existing` goes with `network`, `ecs.cluster` and `certificate`; write other ids or ARNs out, or as variables");
        return None;
    }
    let entries = super::document::as_map(desk, &entry.value);
    let read = Checker::new(desk, scope).fields(entries, fields, "existing", &[]);
    let names: Vec<&str> = fields.iter().take(2).map(|field| field.name).collect();
    if !names.iter().any(|name| read.contains_key(*name)) {
        let wanted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        desk.error(
            code::MISSING,
            entry.key.span,
            "it is not said which one is meant",
        )
        .help(format!("give {}", wanted.join(" or ")));
    }
    Some(read)
}

fn only_existing(desk: &mut Desk<'_>, entries: &[Entry], others: &[&str]) {
    let fields = entries
        .iter()
        .filter(|entry| !others.contains(&entry.key.text.as_str()));
    for entry in fields {
        desk.error(
            code::CONTRADICTION,
            entry.key.span,
            format!(
                "`{}` cannot be set on what is only looked up",
                entry.key.text
            ),
        )
        .help("leave it out, or leave `existing` out");
    }
}
