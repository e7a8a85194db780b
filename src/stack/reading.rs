//! The resources of one environment: read, expanded, finished, checked.

use std::collections::{BTreeMap, BTreeSet};

use super::check::Checker;
use super::checked::Stack;
use super::desk::Desk;
use super::document::Document;
use super::entry::{self, Checked};
use super::environment::Environment;
use super::expand::{self, Expanded};
use super::finish::{Finish, Settle, places};
use super::identifier::check_name;
use super::names::{BUILT_INS, EntryType, Named, Scope};
use super::node::{Entry, Node};
use super::request::LoadRequest;
use super::settings::Settings;
use super::variables::known::Values;
use super::{moved, rules};
use crate::component::Place;
use crate::diagnostic::code;
use crate::kind::Type;
use crate::model::{Address, KindName, Value};

/// Everything that was settled before the resources are read.
pub struct Reading<'r, 'n> {
    pub(super) request: &'r LoadRequest<'r>,
    pub(super) document: &'r Document<'n>,
    pub(super) environment: &'r Environment<'n>,
    pub(super) settings: &'r Settings,
    pub(super) place: &'r Place,
    pub(super) variables: &'r Values,
    pub(super) resources: &'r [Entry],
}

impl Reading<'_, '_> {
    /// Where something refers to what a component makes, a first reading finds out what that is.
    pub fn stack(&self, desk: &mut Desk<'_>) -> Option<Stack> {
        let mut children = BTreeMap::new();
        if self.names_children() {
            let mut silent = Desk::new(desk.sources);
            let (scope, typed) = self.scope(&mut silent, None);
            let mut entries = self.entries(&mut silent, &scope, &typed);
            let expanded = expand::expand(&mut silent, &scope, &mut entries, self.place);
            children = made(&expanded);
        }
        let (scope, typed) = self.scope(desk, Some(children));
        let mut entries = self.entries(desk, &scope, &typed);
        let expanded = expand::expand(desk, &scope, &mut entries, self.place);
        let finish = Finish::new(&scope, &entries, &expanded, self.settings, self.place);
        let resources = finish.resources(desk);
        let outputs = self.outputs(desk, &scope, &expanded);
        let moved = moved::moved(desk, self.document, &entries, &resources);
        let region = match self.request.facts {
            Some(facts) => Some(facts.region.as_str()),
            None => self.settings.region.as_deref(),
        };
        let places = places(&expanded);
        rules::check(desk, self.request.catalog, &resources, &places, region);
        Some(self.assemble(desk, &entries, resources, outputs, moved))
    }

    fn names_children(&self) -> bool {
        let outputs = self.document.get("outputs");
        let nodes = self
            .resources
            .iter()
            .map(|entry| &entry.value)
            .chain(outputs);
        let mut found = false;
        for node in nodes {
            node.each_scalar(&mut |scalar, _| {
                found |= scalar.text.split("${").skip(1).any(|rest| {
                    rest.split('}')
                        .next()
                        .is_some_and(|path| path.contains('/'))
                });
            });
        }
        found
    }

    fn scope<'s>(
        &'s self,
        desk: &mut Desk<'_>,
        children: Option<BTreeMap<Address, KindName>>,
    ) -> (Scope<'s>, Vec<(&'s Entry, EntryType<'s>)>) {
        let mut scope = Scope::settings(self.request.catalog, self.variables, self.built_ins());
        scope.children = children;
        let mut typed = Vec::new();
        for entry in self.resources {
            let is_named = check_name(desk, &entry.key, "a resource");
            let reserved = BUILT_INS.iter().any(|(name, _)| *name == entry.key.text);
            if is_named && (reserved || entry.key.text == "var") {
                desk.error(
                    code::BAD_NAME,
                    entry.key.span,
                    format!("`{}` is a built-in name", entry.key.text),
                )
                .help("choose another name");
            }
            if let Some(ty) = entry::entry_type(desk, &scope, &entry.key, &entry.value) {
                let named = Named {
                    ty,
                    keys: secret_keys(&entry.value),
                    existing: has(&entry.value, "existing"),
                };
                scope.entries.insert(entry.key.text.clone(), named);
                typed.push((entry, ty));
            }
        }
        (scope, typed)
    }

    fn built_ins(&self) -> BTreeMap<&'static str, String> {
        let place = self.place;
        BTreeMap::from([
            ("prefix", place.prefix.clone()),
            ("suffix", place.suffix.clone()),
            ("env", place.environment.clone()),
            ("stack", place.stack.clone()),
            ("region", place.region.clone()),
            ("account", place.account.clone()),
            ("partition", place.partition.clone()),
        ])
    }

    fn entries<'s>(
        &self,
        desk: &mut Desk<'_>,
        scope: &Scope<'s>,
        typed: &[(&'s Entry, EntryType<'s>)],
    ) -> Vec<Checked<'s>> {
        typed
            .iter()
            .map(|(entry, ty)| entry::check(desk, scope, &entry.key, &entry.value, *ty))
            .collect()
    }

    fn outputs(
        &self,
        desk: &mut Desk<'_>,
        scope: &Scope<'_>,
        expanded: &Expanded,
    ) -> Vec<(String, Value)> {
        let settle = Settle { expanded };
        let entries = self.document.map(desk, "outputs");
        entries
            .iter()
            .map(|entry| {
                check_name(desk, &entry.key, "an output");
                let value = Checker::new(desk, scope).value(&entry.value, &Type::Any, "");
                (entry.key.text.clone(), settle.value(&value))
            })
            .collect()
    }
}

fn made(expanded: &Expanded) -> BTreeMap<Address, KindName> {
    let all = expanded.resources.iter();
    all.map(|resource| (resource.draft.address.clone(), resource.draft.kind.clone()))
        .collect()
}

/// The names under `keys:`, as far as the tree shows them.
fn secret_keys(node: &Node) -> BTreeSet<String> {
    let entries = node.as_map().unwrap_or_default();
    let keys = entries.iter().find(|entry| entry.key.text == "keys");
    let keys = keys
        .and_then(|entry| entry.value.as_map())
        .unwrap_or_default();
    keys.iter().map(|entry| entry.key.text.clone()).collect()
}

fn has(node: &Node, key: &str) -> bool {
    let entries = node.as_map().unwrap_or_default();
    entries
        .iter()
        .any(|entry| entry.key.text == key && !entry.value.is_null())
}
