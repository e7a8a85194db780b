//! Entries to drafts: kinds as they are, components by their functions; then what components ask of one another.

use std::collections::BTreeMap;

use super::catalog::KindInfo;
use super::check::Checker;
use super::complete::complete;
use super::desk::Desk;
use super::document::as_map;
use super::entry::Checked;
use super::names::{EntryType, Scope};
use super::source::Span;
use super::suggest::did_you_mean;
use crate::component::{Accepts, Build, Draft, Link, Peers, Place, Problem, load_balancer_default};
use crate::diagnostic::code;
use crate::kind::Field;
use crate::model::{Address, Attributes, Value};

/// One resource in the making, with the entry it comes from.
pub struct Unfinished {
    pub entry: usize,
    pub draft: Draft,
    /// Where its attributes stand, by name.
    pub spans: BTreeMap<String, Span>,
}

/// Everything that the entries make, and what components export, by entry.
#[derive(Default)]
pub struct Expanded {
    pub resources: Vec<Unfinished>,
    pub exports: BTreeMap<Address, Attributes>,
    /// What is looked up: attributes that the file itself gives.
    pub existing: BTreeMap<Address, Attributes>,
    /// Addresses that entries switched off by `when` stand for.
    pub off: Vec<Address>,
}

/// Criteria of an existing network that are attributes at the same time: which of its subnets are meant.
pub const GIVEN_OF_EXISTING: &[&str] = &["public_subnets", "private_subnets"];

struct Others<'x, 'a>(&'x [Checked<'a>]);

impl Peers for Others<'_, '_> {
    fn attributes(&self, entry: &str) -> Option<&Attributes> {
        let checked = self.0.iter().find(|checked| checked.name == entry)?;
        matches!(checked.ty, EntryType::Kind(_)).then_some(&checked.attributes)
    }

    fn is(&self, entry: &str, ty: &str) -> bool {
        let named = self.0.iter().find(|checked| checked.name == entry);
        named.is_some_and(|checked| checked.ty.name() == ty)
    }
}

struct Asked {
    entry: usize,
    link: Link,
}

pub fn expand(
    desk: &mut Desk<'_>,
    scope: &Scope<'_>,
    entries: &mut [Checked<'_>],
    place: &Place,
) -> Expanded {
    let mut expanded = Expanded::default();
    let mut doors: BTreeMap<String, Accepts> = BTreeMap::new();
    let mut listeners: BTreeMap<String, Address> = BTreeMap::new();
    let mut asked = Vec::new();
    defaults(desk, entries);
    for (i, checked) in entries.iter().enumerate() {
        let address = Address::from(checked.name.as_str());
        if !checked.common.on {
            expanded.off.push(address.clone());
        }
        if let Some(criteria) = &checked.existing {
            let given = GIVEN_OF_EXISTING
                .iter()
                .filter_map(|name| Some((*name, criteria.get(*name)?.clone())));
            expanded.existing.insert(address, Attributes::new(given));
            continue;
        }
        let component = match checked.ty {
            EntryType::Kind(kind) => {
                expanded.resources.push(plain(i, checked, kind));
                continue;
            }
            EntryType::Component(component) => component,
        };
        let others = Others(entries);
        let mut build = Build::new(address.clone(), &checked.attributes, place, &others);
        (component.expand)(&mut build);
        // What a component misses may be just what is wrong elsewhere.
        let certain = !desk.doubts(checked.node.span);
        // A field that is there and wrong was reported; that it is missing then is no second mistake.
        let follows = |problem: &&Problem| {
            let keys = checked.node.as_map().unwrap_or_default();
            let names = |key: &str| problem.message.contains(&format!("`{key}`"));
            problem.code == code::MISSING && keys.iter().any(|entry| names(&entry.key.text))
        };
        let problems = build.problems.iter().filter(|problem| !follows(problem));
        for problem in problems.filter(|_| certain) {
            desk.error(
                problem.code,
                checked.place(&problem.field),
                &problem.message,
            )
            .help_if(problem.help.clone());
        }
        if checked.common.on {
            asked.extend(build.links.into_iter().map(|link| Asked { entry: i, link }));
        }
        doors.extend(build.accepts.map(|door| (checked.name.clone(), door)));
        listeners.extend(build.listener.map(|l| (checked.name.clone(), l)));
        // What stands at the entry's own address is referred to as the kind it is.
        if !build.drafts.iter().any(|draft| draft.address == address) {
            expanded.exports.insert(address, build.exports);
        }
        for draft in build.drafts {
            let spans = attribute_spans(checked, &draft);
            expanded.resources.push(Unfinished {
                entry: i,
                draft,
                spans,
            });
        }
    }
    connect(desk, entries, &doors, &asked, &mut expanded);
    take_defaults(desk, entries, &listeners, &asked, &mut expanded);
    for (i, checked) in entries.iter().enumerate() {
        overrides(desk, scope, i, checked, &mut expanded);
    }
    expanded
}

/// A kind's own entry is its resource.
fn plain(entry: usize, checked: &Checked<'_>, kind: &KindInfo) -> Unfinished {
    Unfinished {
        entry,
        spans: checked.spans.clone(),
        draft: Draft {
            address: Address::from(checked.name.as_str()),
            kind: kind.name.clone(),
            attributes: checked.attributes.clone(),
            from: BTreeMap::new(),
            after: Vec::new(),
            label: None,
        },
    }
}

/// Components see their fields with defaults, and do not run without what they need.
fn defaults(desk: &mut Desk<'_>, entries: &mut [Checked<'_>]) {
    for checked in entries {
        let EntryType::Component(component) = checked.ty else {
            continue;
        };
        if checked.existing.is_some() {
            continue;
        }
        let mut missing = Vec::new();
        complete(
            component.fields,
            &mut checked.attributes.0,
            "",
            &mut |path, field: &Field| missing.push((path.to_owned(), field.doc)),
        );
        for (path, doc) in missing {
            report_missing(desk, checked, &path, doc);
        }
    }
}

pub fn report_missing(desk: &mut Desk<'_>, checked: &Checked<'_>, path: &str, doc: &str) {
    // A field that is there but came out unset was reported, or is a variable without value.
    if checked.excused.contains(path) {
        return;
    }
    let name = path.rsplit('.').next().unwrap_or(path);
    match checked.spans.get(path) {
        Some(span) if desk.sources.slice(*span).contains("${") => {
            let reported = desk.doubts(*span)
                || desk.report.iter().any(|diagnostic| {
                    diagnostic.primary.as_ref().is_some_and(|label| {
                        let (start, end) = (span.start as usize, span.end as usize);
                        label.origin.start >= start && label.origin.end <= end
                    })
                });
            if !reported {
                desk.error(
                    code::MISSING,
                    *span,
                    format!("`{name}` is required, and what it refers to is unset"),
                )
                .help("give what it refers to a value");
            }
        }
        Some(_) => {}
        None => {
            desk.error(
                code::MISSING,
                checked.place(path),
                format!("`{name}` is missing in `{}`", checked.name),
            )
            .help(format!("add `{name}:`. {doc}"));
        }
    }
}

/// Where the attributes of a component's resource, and their parts, are written in its entry.
fn attribute_spans(checked: &Checked<'_>, draft: &Draft) -> BTreeMap<String, Span> {
    let mut spans = BTreeMap::new();
    let mut copy = |target: &str, source: &str| {
        if let Some(span) = checked.spans.get(source) {
            spans.insert(target.to_owned(), *span);
        }
        let inner = format!("{source}.");
        for (path, span) in checked.spans.range(inner.clone()..) {
            let Some(rest) = path.strip_prefix(&inner) else {
                break;
            };
            spans.insert(format!("{target}.{rest}"), *span);
        }
    };
    for name in draft.attributes.0.keys() {
        let source = draft
            .from
            .get(name.as_str())
            .map_or(name.as_str(), String::as_str);
        copy(name, source);
    }
    for (target, source) in draft.from.iter().filter(|(target, _)| target.contains('.')) {
        copy(target, source);
    }
    spans
}

fn connect(
    desk: &mut Desk<'_>,
    entries: &[Checked<'_>],
    doors: &BTreeMap<String, Accepts>,
    asked: &[Asked],
    expanded: &mut Expanded,
) {
    for Asked { entry, link } in asked {
        let Link::Connect {
            to,
            security_group,
            field,
        } = link
        else {
            continue;
        };
        let span = entries[*entry].place(field);
        let Some(door) = doors.get(to) else {
            desk.error(
                code::CONTRADICTION,
                span,
                format!("`{to}` has no port to connect to"),
            )
            .help(format!("give `{to}` a `port`"));
            continue;
        };
        let group = expanded
            .resources
            .iter_mut()
            .find(|resource| resource.draft.address == door.security_group);
        if let Some(group) = group {
            let rule = Value::map([
                ("protocol", Value::from("tcp")),
                ("from_port", Value::Int(door.port)),
                ("to_port", Value::Int(door.port)),
                ("security_group", security_group.clone()),
            ]);
            let mut rules = match group.draft.attributes.get("ingress") {
                Value::List(rules) => rules.clone(),
                _ => Vec::new(),
            };
            rules.push(rule);
            group.draft.set("ingress", Value::List(rules));
            group.spans.entry("ingress".into()).or_insert(span);
        }
    }
}

fn take_defaults(
    desk: &mut Desk<'_>,
    entries: &[Checked<'_>],
    listeners: &BTreeMap<String, Address>,
    asked: &[Asked],
    expanded: &mut Expanded,
) {
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    for Asked { entry, link } in asked {
        let Link::Default {
            load_balancer,
            target_group,
        } = link
        else {
            continue;
        };
        let span = entries[*entry].place("load_balancer");
        if let Some(first) = taken.get(load_balancer.as_str()) {
            let first = entries[*first].place("load_balancer");
            desk.error(
                code::TWO_DEFAULTS,
                span,
                format!("two services want all requests of `{load_balancer}` that no rule takes"),
            )
            .label("and this one")
            .and(first, "this one")
            .help("give one of them `routes`, with hosts or paths");
            continue;
        }
        taken.insert(load_balancer, *entry);
        let listener = listeners.get(load_balancer).and_then(|address| {
            let mut all = expanded.resources.iter_mut();
            all.find(|resource| resource.draft.address == *address)
        });
        if let Some(listener) = listener {
            let action = load_balancer_default(target_group.clone());
            listener.draft.set("default_action", action);
        }
    }
}

/// `overrides: { child: { field: … } }`.
fn overrides(
    desk: &mut Desk<'_>,
    scope: &Scope<'_>,
    index: usize,
    checked: &Checked<'_>,
    expanded: &mut Expanded,
) {
    let entries = checked.node.as_map().unwrap_or_default();
    let Some(entry) = entries.iter().find(|entry| entry.key.text == "overrides") else {
        return;
    };
    if matches!(checked.ty, EntryType::Kind(_)) {
        desk.error(
            code::UNKNOWN_KEY,
            entry.key.span,
            "only a component has `overrides`",
        )
        .help("set the fields of a kind directly");
        return;
    }
    let own = Address::from(checked.name.as_str());
    for child in as_map(desk, &entry.value) {
        let address = own.child(&child.key.text);
        let mine = |resource: &&mut Unfinished| resource.entry == index;
        let mut all = expanded.resources.iter_mut().filter(mine);
        let Some(resource) = all.find(|resource| resource.draft.address == address) else {
            let children = expanded.resources.iter().filter(|r| r.entry == index);
            let names: Vec<&str> = children
                .filter_map(|r| {
                    r.draft
                        .address
                        .as_str()
                        .split_once('/')
                        .map(|(_, name)| name)
                })
                .collect();
            desk.error(
                code::UNKNOWN_KEY,
                child.key.span,
                format!("`{}` makes no `{}`", checked.name, child.key.text),
            )
            .help_if(did_you_mean(&child.key.text, names.iter().copied()));
            continue;
        };
        let Some(kind) = scope.catalog.get(resource.draft.kind.as_str()) else {
            continue;
        };
        let fields = as_map(desk, &child.value);
        let mut checker = Checker::new(desk, scope);
        let values = checker.fields(fields, kind.fields, "", &[]);
        let spans = checker.spans;
        for (name, value) in values {
            resource.draft.set(&name, value);
        }
        resource.spans.extend(spans);
    }
}
