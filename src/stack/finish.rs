//! Drafts to resources: references through components led on to kinds, defaults filled in, protection and tags applied.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::checked::Resource;
use super::complete::complete;
use super::desk::Desk;
use super::entry::Checked;
use super::expand::{Expanded, Unfinished, report_missing};
use super::names::Scope;
use super::settings::Settings;
use super::source::Span;
use super::suggest::did_you_mean;
use crate::component::Place;
use crate::diagnostic::code;
use crate::kind::Field;
use crate::model::{Address, Attributes, KindName, PROTECT_TAG, Reference, Tags, Value};

/// Kinds with this field are kept by AWS itself; the others carry a tag.
const DELETION_PROTECTION: &str = "deletion_protection";
/// What `protect` means in a kind's own fields: AWS is asked to refuse a delete, and nothing goes without a copy.
const PROTECTED: &[(&str, Value)] = &[
    (DELETION_PROTECTION, Value::Bool(true)),
    ("skip_final_snapshot", Value::Bool(false)),
    ("force_destroy", Value::Bool(false)),
    ("force_delete", Value::Bool(false)),
];

/// Deeper than components refer through one another.
const HOPS: usize = 16;

/// Leads references to components on to the kinds behind them.
pub struct Settle<'x> {
    pub expanded: &'x Expanded,
}

impl Settle<'_> {
    pub fn value(&self, value: &Value) -> Value {
        let mut value = value.clone();
        for _ in 0..HOPS {
            if !self.leads_on(&value) {
                break;
            }
            value = value.resolve(&|reference| self.target(reference));
        }
        value
    }

    /// Whether a reference to a component is left in it; after [`Settle::value`] that is one that leads back to itself.
    pub fn leads_on(&self, value: &Value) -> bool {
        let mut leads = false;
        value.each_expr(&mut |expr| {
            leads |= expr.references().any(|r| self.target(r).is_some());
        });
        leads
    }

    /// What stands behind a reference: an export, or nothing (`Null`) where `when` switched the resource off.
    fn target(&self, reference: &Reference) -> Option<Value> {
        if self.is_off(&reference.address) {
            return Some(Value::Null);
        }
        if let Some(given) = self.expanded.existing.get(&reference.address) {
            return given.path(&reference.attribute);
        }
        let exports = self.expanded.exports.get(&reference.address)?;
        Some(exports.path(&reference.attribute).unwrap_or_default())
    }

    pub fn is_off(&self, address: &Address) -> bool {
        self.expanded.off.iter().any(|off| address.within(off))
    }

    fn attributes(&self, attributes: &Attributes) -> Attributes {
        let values = attributes
            .0
            .iter()
            .map(|(name, value)| (name.clone(), self.value(value)));
        Attributes(values.collect())
    }
}

/// What the resources are finished with.
pub struct Finish<'x, 'a> {
    scope: &'x Scope<'a>,
    entries: &'x [Checked<'a>],
    expanded: &'x Expanded,
    settings: &'x Settings,
    place: &'x Place,
    entries_by_name: HashSet<&'x str>,
    made: BTreeSet<&'x str>,
}

impl<'x, 'a> Finish<'x, 'a> {
    pub fn new(
        scope: &'x Scope<'a>,
        entries: &'x [Checked<'a>],
        expanded: &'x Expanded,
        settings: &'x Settings,
        place: &'x Place,
    ) -> Self {
        let made = expanded.resources.iter();
        Self {
            scope,
            entries,
            expanded,
            settings,
            place,
            entries_by_name: entries.iter().map(|entry| entry.name.as_str()).collect(),
            made: made
                .map(|resource| resource.draft.address.as_str())
                .collect(),
        }
    }

    /// Every resource that is switched on.
    pub fn resources(&self, desk: &mut Desk<'_>) -> Vec<Resource> {
        self.check_dependencies(desk);
        self.check_ignored(desk);
        let on = |unfinished: &&Unfinished| self.entries[unfinished.entry].common.on;
        let all = self.expanded.resources.iter().filter(on);
        all.map(|unfinished| self.resource(desk, unfinished))
            .collect()
    }

    fn resource(&self, desk: &mut Desk<'_>, unfinished: &Unfinished) -> Resource {
        let checked = &self.entries[unfinished.entry];
        let draft = &unfinished.draft;
        let settle = Settle {
            expanded: self.expanded,
        };
        let mut attributes = settle.attributes(&draft.attributes);
        let fields = match self.scope.catalog.get(draft.kind.as_str()) {
            Some(kind) => kind.fields,
            None => {
                desk.error(
                    code::UNKNOWN_TYPE,
                    checked.span,
                    format!(
                        "`{}` needs the kind `{}`, which is not known",
                        checked.name, draft.kind
                    ),
                );
                &[]
            }
        };
        if attributes.0.values().any(|value| settle.leads_on(value)) {
            desk.error(
                code::CYCLE,
                checked.span,
                format!("what `{}` refers to leads back to itself", checked.name),
            )
            .help("write one of the values out");
        }
        zone_by_index(&draft.kind, &mut attributes, self.place);
        let mut missing: Vec<(String, &'static str)> = Vec::new();
        complete(fields, &mut attributes.0, "", &mut |path, field: &Field| {
            missing.push((path.to_owned(), field.doc));
        });
        for (path, doc) in missing {
            self.missing(desk, unfinished, &path, doc);
        }
        let protect = checked.common.protect || self.settings.protect;
        if protect {
            protect_fields(fields, &mut attributes);
        }
        let mut tags = self.tags(unfinished, &attributes);
        if protect && !has_field(fields, DELETION_PROTECTION) {
            tags.insert(PROTECT_TAG.into(), "true".into());
        }
        Resource {
            address: draft.address.clone(),
            kind: draft.kind.clone(),
            depends_on: self.depends_on(unfinished, &settle),
            protect,
            retain: checked.common.retain,
            ignore: self.ignored(unfinished),
            timeouts: checked.common.timeouts.clone(),
            tags,
            origin: desk.sources.origin(checked.span),
            field_origins: unfinished
                .spans
                .iter()
                .filter(|(name, _)| !name.contains('.'))
                .map(|(name, span)| (name.clone(), desk.sources.origin(*span)))
                .collect(),
            attributes,
        }
    }

    fn missing(&self, desk: &mut Desk<'_>, unfinished: &Unfinished, path: &str, doc: &str) {
        let checked = &self.entries[unfinished.entry];
        if unfinished.draft.address.as_str() == checked.name
            && matches!(checked.ty, super::names::EntryType::Kind(_))
        {
            report_missing(desk, checked, path, doc);
            return;
        }
        // A component's own fields are complete, so what it left unset hangs on something switched off or not given.
        if desk.has_errors() {
            return;
        }
        let top = path.split('.').next().unwrap_or(path);
        let span = unfinished.spans.get(top).copied().unwrap_or(checked.span);
        desk.error(
            code::MISSING,
            span,
            format!(
                "`{path}` of `{}` is required, and comes out unset",
                unfinished.draft.address
            ),
        )
        .help("something that it refers to is unset or switched off");
    }

    fn tags(&self, unfinished: &Unfinished, attributes: &Attributes) -> Tags {
        let checked = &self.entries[unfinished.entry];
        let draft = &unfinished.draft;
        let named = ["name", "identifier", "family"]
            .iter()
            .find_map(|field| attributes.text(field).map(str::to_owned));
        let path = draft.address.as_str().replace('/', "-");
        let label = draft.label.clone().or(named);
        let mut tags = self.settings.tags.clone();
        tags.insert(
            "Name".into(),
            label.unwrap_or_else(|| format!("{}-{path}", self.place.prefix)),
        );
        tags.extend(checked.common.tags.clone());
        tags
    }

    fn depends_on(&self, unfinished: &Unfinished, settle: &Settle<'_>) -> Vec<Address> {
        let checked = &self.entries[unfinished.entry];
        let mut all = BTreeSet::new();
        for value in &unfinished.draft.after {
            settle.value(value).each_expr(&mut |expr| {
                all.extend(expr.references().map(|reference| reference.address.clone()));
            });
        }
        for (name, _) in &checked.common.depends_on {
            // Sorted, what stands below an address follows it.
            let wanted = Address::from(name.as_str());
            let below = self.made.range(name.as_str()..);
            let below = below.take_while(|address| address.starts_with(name.as_str()));
            let below = below.map(|address| Address::from(*address));
            all.extend(below.filter(|address| address.within(&wanted) && !settle.is_off(address)));
        }
        // What is looked up is there already.
        all.retain(|address| !self.expanded.existing.contains_key(address));
        all.into_iter().collect()
    }

    fn check_dependencies(&self, desk: &mut Desk<'_>) {
        let made = &self.expanded.resources;
        for checked in self.entries {
            for (name, span) in &checked.common.depends_on {
                if self.entries_by_name.contains(name.as_str()) || self.made.contains(name.as_str())
                {
                    continue;
                }
                let plain = name.trim_start_matches("${").trim_end_matches('}');
                let entries = self.entries.iter().map(|entry| entry.name.as_str());
                let known = entries.chain(made.iter().map(|r| r.draft.address.as_str()));
                desk.error(
                    code::UNKNOWN_RESOURCE,
                    *span,
                    format!("there is no resource `{name}`"),
                )
                .help_if(did_you_mean(plain, known));
            }
        }
    }

    /// `ignore` of a kind names fields, of a component `child.field`.
    fn ignored(&self, unfinished: &Unfinished) -> Vec<String> {
        let checked = &self.entries[unfinished.entry];
        let child = unfinished
            .draft
            .address
            .as_str()
            .split_once('/')
            .map(|(_, child)| child);
        let names = checked
            .common
            .ignore
            .iter()
            .filter_map(|(name, _)| match child {
                None => Some(name.clone()),
                Some(child) => name
                    .strip_prefix(child)
                    .and_then(|rest| rest.strip_prefix('.'))
                    .map(str::to_owned),
            });
        names.collect()
    }

    fn check_ignored(&self, desk: &mut Desk<'_>) {
        for (i, checked) in self.entries.iter().enumerate() {
            let made = || self.expanded.resources.iter().filter(move |r| r.entry == i);
            for (name, span) in &checked.common.ignore {
                let known: Vec<String> = made()
                    .flat_map(|resource| {
                        let child = resource.draft.address.as_str().split_once('/');
                        let fields = self.scope.catalog.get(resource.draft.kind.as_str());
                        let fields = fields.map(|kind| kind.fields).unwrap_or_default();
                        let plain = fields.iter().filter(|field| !field.computed);
                        plain.map(move |field| match child {
                            Some((_, child)) => format!("{child}.{}", field.name),
                            None => field.name.to_owned(),
                        })
                    })
                    .chain(["tags".to_owned()])
                    .collect();
                if !known.contains(name) {
                    desk.error(
                        code::UNKNOWN_ATTRIBUTE,
                        *span,
                        format!("there is no field `{name}` to ignore"),
                    )
                    .help_if(did_you_mean(name, known.iter().map(String::as_str)));
                }
            }
        }
    }
}

/// A subnet's zone may be an index into the region's zones, as in a network.
fn zone_by_index(kind: &KindName, attributes: &mut Attributes, place: &Place) {
    if kind.as_str() != "ec2.subnet" {
        return;
    }
    let index = attributes
        .text("availability_zone")
        .and_then(|zone| zone.parse::<usize>().ok());
    if let Some(zone) = index.and_then(|index| place.zones.get(index)) {
        attributes.set("availability_zone", zone.as_str());
    }
}

fn has_field(fields: &[Field], name: &str) -> bool {
    fields.iter().any(|field| field.name == name)
}

fn protect_fields(fields: &[Field], attributes: &mut Attributes) {
    let has = |name: &str| has_field(fields, name);
    for (name, value) in PROTECTED {
        if has(name) {
            attributes.set(name, value.clone());
        }
    }
    // A deleted secret can be restored, and automatic backups stay on.
    if has("recovery_window") && attributes.get("recovery_window").as_int() == Some(0) {
        attributes.set("recovery_window", 30_i64);
    }
    if has("backup_retention") && attributes.get("backup_retention").as_int() == Some(0) {
        attributes.set("backup_retention", 7_i64);
    }
}

/// Places of every resource's attributes, for the rules that look at finished resources.
pub type Places = BTreeMap<Address, BTreeMap<String, Span>>;

pub fn places(expanded: &Expanded) -> Places {
    expanded
        .resources
        .iter()
        .map(|resource| (resource.draft.address.clone(), resource.spans.clone()))
        .collect()
}
