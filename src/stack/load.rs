//! From a request to a stack, step by step.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::catalog::Catalog;
use super::check::Checker;
use super::checked::{Existing, Resource, ServiceInfo, Stack};
use super::desk::Desk;
use super::document::{self, Document, Environment, MOVED, Settings};
use super::entry::{self, Checked};
use super::expand::{self, Expanded};
use super::finish::{Finish, Settle, places};
use super::names::{BUILT_INS, EntryType, Named, Nothing, Scope};
use super::node::{Entry, Key, Node};
use super::source::Sources;
use super::suggest::did_you_mean;
use super::variables::{self, Given};
use super::{parse, rules};
use crate::component::Place;
use crate::diagnostic::{Diagnostic, Severity, Texts, code};
use crate::kind::Type;
use crate::model::{Address, KindName, Value};

/// What is asked for. The caller reads files and the process environment.
#[derive(Clone, Copy)]
pub struct LoadRequest<'a> {
    /// The stack file's name, for messages.
    pub file: &'a str,
    pub text: &'a str,
    /// `--env`.
    pub environment: Option<&'a str>,
    /// `--var name=value`, in order; later ones win.
    pub variables: &'a [(String, String)],
    /// `--var-file`, in order; later ones win.
    pub variable_files: &'a [VarFile],
    /// The process environment; `CIRCLES_VAR_…` is of interest.
    pub process: &'a [(String, String)],
    /// What AWS said about caller and region. `None`: offline, placeholders stand in.
    pub facts: Option<&'a Facts>,
    pub catalog: &'a Catalog,
}

/// A file with values of variables: a YAML map.
#[derive(Clone, Debug)]
pub struct VarFile {
    pub name: String,
    pub text: String,
}

/// Who calls, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub account: String,
    pub region: String,
    pub partition: String,
    /// The region's availability zones, in AWS's order.
    pub zones: Vec<String>,
}

impl Facts {
    /// What stands in while nobody has been asked.
    fn placeholder(settings: &Settings) -> Self {
        let region = settings
            .region
            .clone()
            .unwrap_or_else(|| "us-east-1".into());
        Self {
            account: settings
                .account
                .clone()
                .unwrap_or_else(|| "000000000000".into()),
            partition: "aws".into(),
            zones: ["a", "b", "c"]
                .iter()
                .map(|zone| format!("{region}{zone}"))
                .collect(),
            region,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Loaded {
    pub stack: Stack,
    /// The texts that origins point into.
    pub texts: Texts,
}

impl LoadRequest<'_> {
    /// The texts that diagnostics of this request point into.
    pub fn texts(&self) -> Texts {
        let files = self
            .variable_files
            .iter()
            .map(|file| (file.name.clone(), file.text.clone()));
        files
            .chain([(self.file.to_owned(), self.text.to_owned())])
            .collect()
    }
}

/// Reads, checks and expands a stack. Either all that is wrong, or a stack (its `warnings` within).
pub fn load(request: &LoadRequest<'_>) -> Result<Loaded, Vec<Diagnostic>> {
    let mut sources = Sources::default();
    let file = sources.add(request.file, request.text);
    let var_files: Vec<u16> = request
        .variable_files
        .iter()
        .map(|file| sources.add(&file.name, &file.text))
        .collect();
    let mut desk = Desk::new(&sources);
    let root = parse::parse(&sources, file, &mut desk.report);
    let files = var_files
        .into_iter()
        .filter_map(|file| parse::parse(&sources, file, &mut desk.report))
        .collect();
    let stack = root.and_then(|root| read(&mut desk, request, &root, files));
    let has_errors = desk.has_errors();
    let mut report = desk.report;
    Diagnostic::sort(&mut report);
    match stack {
        Some(mut stack) if !has_errors => {
            stack.warnings = report;
            let texts = sources.texts();
            Ok(Loaded { stack, texts })
        }
        _ => {
            report.sort_by_key(|diagnostic| diagnostic.severity != Severity::Error);
            Err(report)
        }
    }
}

fn read(
    desk: &mut Desk<'_>,
    request: &LoadRequest<'_>,
    root: &Node,
    files: Vec<Node>,
) -> Option<Stack> {
    let document = Document::read(desk, root)?;
    let name = stack_name(desk, &document);
    let environment = document::choose(desk, &document, request.environment);
    if let Some(environment) = &environment {
        document::check_others(desk, &document, &environment.name);
    }
    let declared = variables::declarations(desk, document.get("variables"));
    let environment = environment?;
    let here = environment
        .entries
        .iter()
        .find(|entry| entry.key.text == "variables");
    let given = Given {
        arguments: request.variables,
        files,
        environment: here.map(|entry| document::as_map(desk, &entry.value)),
        process: request.process,
    };
    let values = variables::values(desk, &declared, &given);
    let early = BTreeMap::from([("env", environment.name.clone()), ("stack", name.clone())]);
    let scope = Scope::settings(request.catalog, &values, early);
    let settings = document::settings(desk, &scope, &document, &environment, &name);
    let facts = match request.facts {
        Some(facts) => facts.clone(),
        None => Facts::placeholder(&settings),
    };
    region_clash(desk, &settings, &facts);
    let place = place(&name, &environment, &settings, facts);
    let resources = overlaid(desk, &document, &environment);
    let mut reading = Reading {
        request,
        document: &document,
        environment: &environment,
        settings: &settings,
        place: &place,
        variables: &values,
        resources: &resources,
    };
    reading.stack(desk)
}

fn stack_name(desk: &mut Desk<'_>, document: &Document<'_>) -> String {
    let Some((text, span)) = document.text(desk, "stack") else {
        return "stack".into();
    };
    document::check_name(
        desk,
        &Key {
            text: text.clone(),
            span,
        },
        "a stack",
    );
    text
}

/// The file says the region; a shell or `--region` that says another is a mistake.
fn region_clash(desk: &mut Desk<'_>, settings: &Settings, facts: &Facts) {
    if let Some(region) = &settings.region
        && *region != facts.region
    {
        desk.push(Diagnostic::error(
            code::REGION_CLASH,
            format!("the stack is of region {region}, not {}", facts.region),
        ))
        .help("leave `--region` out, or change `region:` in the file");
    }
}

fn place(name: &str, environment: &Environment<'_>, settings: &Settings, facts: Facts) -> Place {
    let suffix = settings.suffix.clone().unwrap_or_else(|| {
        derived_suffix(&[&facts.account, &facts.region, name, &environment.name])
    });
    Place {
        stack: name.to_owned(),
        environment: environment.name.clone(),
        prefix: if environment.is_default {
            name.to_owned()
        } else {
            format!("{name}-{}", environment.name)
        },
        suffix,
        account: facts.account,
        region: facts.region,
        partition: facts.partition,
        zones: facts.zones,
    }
}

/// 8 characters of `[a-z0-9]` that depend on nothing but `of`, so that a lost state finds the same bucket again.
fn derived_suffix(of: &[&str]) -> String {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let digest = Sha256::digest(of.join("\n"));
    digest
        .iter()
        .take(8)
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]))
        .collect()
}

/// The resources with the environment's fields laid over them.
fn overlaid(
    desk: &mut Desk<'_>,
    document: &Document<'_>,
    environment: &Environment<'_>,
) -> Vec<Entry> {
    let mut resources = document.map(desk, "resources").to_vec();
    let over = environment
        .entries
        .iter()
        .find(|entry| entry.key.text == "resources");
    for entry in over
        .map(|entry| document::as_map(desk, &entry.value))
        .unwrap_or_default()
    {
        let Some(base) = resources.iter_mut().find(|e| e.key.text == entry.key.text) else {
            let known = resources.iter().map(|entry| entry.key.text.as_str());
            desk.error(
                code::UNKNOWN_RESOURCE,
                entry.key.span,
                format!("there is no resource `{}`", entry.key.text),
            )
            .help_if(did_you_mean(&entry.key.text, known));
            continue;
        };
        let ty = entry
            .value
            .as_map()
            .unwrap_or_default()
            .iter()
            .find(|e| e.key.text == "type");
        if let Some(ty) = ty {
            desk.error(
                code::CONTRADICTION,
                ty.key.span,
                "an environment cannot change what a resource is",
            )
            .help("declare a second resource, and switch both with `when`");
            continue;
        }
        if document::as_map(desk, &entry.value).is_empty() {
            continue;
        }
        base.value.overlay(&entry.value);
    }
    resources
}

struct Reading<'r, 'n> {
    request: &'r LoadRequest<'r>,
    document: &'r Document<'n>,
    environment: &'r Environment<'n>,
    settings: &'r Settings,
    place: &'r Place,
    variables: &'r BTreeMap<String, Value>,
    resources: &'r [Entry],
}

impl Reading<'_, '_> {
    /// Where something refers to what a component makes, a first reading finds out what that is.
    fn stack(&mut self, desk: &mut Desk<'_>) -> Option<Stack> {
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
        let finish = Finish {
            scope: &scope,
            entries: &entries,
            expanded: &expanded,
            settings: self.settings,
            place: self.place,
        };
        let resources = finish.resources(desk);
        let outputs = self.outputs(desk, &scope, &expanded);
        let moved = self.moved(desk, &entries, &resources);
        rules::check(desk, self.request.catalog, &resources, &places(&expanded));
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
            let is_named = document::check_name(desk, &entry.key, "a resource");
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
                let keys = secret_keys(&entry.value);
                scope
                    .entries
                    .insert(entry.key.text.clone(), Named { ty, keys });
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
                document::check_name(desk, &entry.key, "an output");
                let value = Checker::new(desk, scope).value(&entry.value, &Type::Any, "");
                (entry.key.text.clone(), settle.value(&value))
            })
            .collect()
    }

    /// Renamed addresses; of a component, each of what it makes.
    fn moved(
        &self,
        desk: &mut Desk<'_>,
        entries: &[Checked<'_>],
        resources: &[Resource],
    ) -> Vec<(Address, Address)> {
        let Some(node) = self.document.get("moved") else {
            return Vec::new();
        };
        let mut checker = Checker::new(desk, &Nothing);
        let list = checker.value(node, &Type::List(&Type::Object(MOVED)), "moved");
        let spans = checker.spans;
        let mut moved = Vec::new();
        for (i, item) in list.as_list().unwrap_or_default().iter().enumerate() {
            let get = |key: &str| {
                let text = item.as_map()?.get(key)?.as_text()?;
                let span = spans.get(&format!("moved.{i}.{key}"))?;
                Some((Address::from(text), *span))
            };
            let (Some((from, from_span)), Some((to, to_span))) = (get("from"), get("to")) else {
                desk.error(
                    code::MISSING,
                    spans
                        .get(&format!("moved.{i}"))
                        .copied()
                        .unwrap_or(node.span),
                    "a move has a `from` and a `to`",
                );
                continue;
            };
            let there = |address: &Address| {
                resources
                    .iter()
                    .any(|resource| resource.address.within(address))
                    || entries.iter().any(|entry| entry.name == address.as_str())
            };
            if there(&from) {
                desk.error(
                    code::MOVED,
                    from_span,
                    format!("`{from}` is still in the file, so it was not moved"),
                )
                .help("leave the entry out, or rename the resource");
            }
            if !there(&to) {
                let known = resources.iter().map(|resource| resource.address.as_str());
                desk.error(code::MOVED, to_span, format!("there is no resource `{to}`"))
                    .help_if(did_you_mean(to.as_str(), known));
                continue;
            }
            for resource in resources
                .iter()
                .filter(|resource| resource.address.within(&to))
            {
                let rest = &resource.address.as_str()[to.as_str().len()..];
                let old = Address::new(format!("{from}{rest}"));
                moved.push((old, resource.address.clone()));
            }
        }
        moved
    }

    fn assemble(
        &self,
        desk: &Desk<'_>,
        entries: &[Checked<'_>],
        resources: Vec<Resource>,
        outputs: Vec<(String, Value)>,
        moved: Vec<(Address, Address)>,
    ) -> Stack {
        let settings = self.settings;
        let on = || entries.iter().filter(|checked| checked.common.on);
        let existing = on().filter_map(|checked| {
            Some(Existing {
                address: Address::from(checked.name.as_str()),
                kind: checked.ty.name().to_owned(),
                criteria: criteria(checked)?,
                origin: desk.sources.origin(checked.span),
            })
        });
        let services = on().filter(|checked| checked.ty.name() == "fargate_service");
        Stack {
            name: self.place.stack.clone(),
            environment: self.environment.name.clone(),
            region: settings.region.clone(),
            account: settings.account.clone(),
            other_accounts: self.other_accounts(),
            assume_role: settings.assume_role.clone(),
            ephemeral: settings.ephemeral,
            protect: settings.protect,
            tags: settings.tags.clone(),
            state: settings.state.clone(),
            prefix: self.place.prefix.clone(),
            outputs,
            moved,
            variables: self.variables.clone(),
            warnings: Vec::new(),
            digest: self.digest(),
            existing: existing.collect(),
            services: services
                .filter_map(|checked| service(checked, &resources))
                .collect(),
            resources,
        }
    }

    fn other_accounts(&self) -> Vec<String> {
        let own = self.settings.account.as_ref();
        let others = self.environment.other_accounts.iter();
        others
            .filter(|account| Some(*account) != own)
            .cloned()
            .collect()
    }

    fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        let variables = serde_json::to_string(self.variables).unwrap_or_default();
        let place = [
            &self.place.environment,
            &self.place.account,
            &self.place.region,
        ];
        for text in [self.request.text, &variables]
            .into_iter()
            .chain(place.map(String::as_str))
        {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text);
        }
        hasher
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

fn made(expanded: &Expanded) -> BTreeMap<Address, KindName> {
    let all = expanded.resources.iter();
    all.map(|resource| (resource.draft.address.clone(), resource.draft.kind.clone()))
        .collect()
}

/// By what an existing one is found; what the file says about it besides is used as it stands.
fn criteria(checked: &Checked<'_>) -> Option<BTreeMap<String, Value>> {
    let mut criteria = checked.existing.clone()?;
    criteria.retain(|name, _| !expand::GIVEN_OF_EXISTING.contains(&name.as_str()));
    Some(criteria)
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

fn service(checked: &Checked<'_>, resources: &[Resource]) -> Option<ServiceInfo> {
    let address = Address::from(checked.name.as_str());
    let find = |child: &str| {
        let wanted = address.child(child);
        resources.iter().find(|resource| resource.address == wanted)
    };
    let definition = find("task-definition")?;
    let fields = &checked.attributes;
    let containers = definition
        .attributes
        .get("containers")
        .as_list()
        .unwrap_or_default();
    let container = containers
        .first()
        .and_then(|c| c.as_map()?.get("name")?.as_text());
    let image = ["image", "image_digest", "image_tag"]
        .iter()
        .map(|field| fields.get(field))
        .find(|value| !value.is_null());
    Some(ServiceInfo {
        service: find("service")?.address.clone(),
        task_definition: definition.address.clone(),
        container: container.unwrap_or_default().to_owned(),
        repository: fields.text("repository").map(Address::from),
        target_group: find("target-group").map(|resource| resource.address.clone()),
        cluster: fields.text("cluster").map(Address::from)?,
        log_group: fields.text("log_group").map(Address::from),
        image: image.cloned().unwrap_or_default(),
        architecture: fields.text("architecture").unwrap_or("X86_64").to_owned(),
        address,
    })
}
