//! What may be named where: variables and built-ins in settings, resources besides in their fields.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use super::catalog::{Catalog, KindInfo};
use super::check::{Meaning, Names};
use super::desk::Desk;
use super::suggest::{did_you_mean, list, nearest};
use super::template::Hole;
use super::terraform;
use super::variables::known::Values;
use crate::component::{COMPONENTS, Component};
use crate::diagnostic::code;
use crate::kind::{Field, Type};
use crate::model::{Address, Expr, KindName, Part, SecretRef, Value};

/// Built-in names, and what they are.
pub const BUILT_INS: &[(&str, &str)] = &[
    (
        "prefix",
        "what AWS names begin with: the stack's name in the default environment, `stack-environment` in others",
    ),
    (
        "suffix",
        "8 characters derived from account, region, stack and environment, for names that are unique in the world",
    ),
    ("env", "the environment's name"),
    ("stack", "the stack's name"),
    ("region", "the region"),
    ("account", "the account's number"),
    ("partition", "`aws`, `aws-cn`, `aws-us-gov`"),
];

/// What the `type` of an entry says it is.
#[derive(Clone, Copy)]
pub enum EntryType<'a> {
    Kind(&'a KindInfo),
    Component(&'static Component),
}

impl<'a> EntryType<'a> {
    pub fn find(catalog: &'a Catalog, name: &str) -> Option<Self> {
        if let Some(component) = crate::component::component(name) {
            return Some(Self::Component(component));
        }
        catalog.get(name).map(Self::Kind)
    }

    pub fn names(catalog: &'a Catalog) -> impl Iterator<Item = &'a str> {
        let kinds = catalog.iter().map(|kind| kind.name.as_str());
        COMPONENTS.iter().map(|c| c.name).chain(kinds)
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Kind(kind) => kind.name.as_str(),
            Self::Component(component) => component.name,
        }
    }

    pub fn fields(&self) -> &'static [Field] {
        match self {
            Self::Kind(kind) => kind.fields,
            Self::Component(component) => component.fields,
        }
    }

    /// What can be referred to.
    pub fn attributes(&self) -> &'static [Field] {
        match self {
            Self::Kind(kind) => kind.fields,
            Self::Component(component) => component.exports,
        }
    }
}

/// One entry of `resources`, as far as references need it.
pub struct Named<'a> {
    pub ty: EntryType<'a>,
    /// The keys of a secret, if it is one.
    pub keys: BTreeSet<String>,
    /// Looked up, not made: only some of its attributes are known.
    pub existing: bool,
}

/// What is known of a network or cluster that was looked up.
const KNOWN_OF_EXISTING: &[(&str, &[&str])] = &[
    (
        "network",
        &["id", "vpc_id", "cidr", "public_subnets", "private_subnets"],
    ),
    ("ecs.cluster", &["id", "arn", "name"]),
];

/// Everything that can be named in the resources' fields.
pub struct Scope<'a> {
    pub catalog: &'a Catalog,
    pub variables: &'a Values,
    pub built_ins: BTreeMap<&'static str, String>,
    pub entries: IndexMap<String, Named<'a>>,
    /// What components make, once that is known.
    pub children: Option<BTreeMap<Address, KindName>>,
}

impl<'a> Scope<'a> {
    /// Variables and some built-ins; no resources yet.
    pub fn settings(
        catalog: &'a Catalog,
        variables: &'a Values,
        built_ins: BTreeMap<&'static str, String>,
    ) -> Self {
        Self {
            catalog,
            variables,
            built_ins,
            entries: IndexMap::new(),
            children: None,
        }
    }

    fn variable(&self, name: &str, hole: &Hole, desk: &mut Desk<'_>) -> Meaning {
        if let Some(value) = self.variables.known.get(name) {
            return Meaning::Known(value.clone());
        }
        if self.variables.wrong.contains(name) {
            desk.doubt(hole.span);
            return Meaning::Wrong;
        }
        let help = match nearest(name, self.variables.names()) {
            Some(near) => Some(format!("did you mean `${{var.{near}}}`?")),
            None => Some(format!(
                "declare it: `variables: {{ {name}: {{ default: … }} }}`"
            )),
        };
        desk.error(
            code::UNKNOWN_VARIABLE,
            hole.span,
            format!("there is no variable `{name}`"),
        )
        .help_if(help);
        Meaning::Wrong
    }

    fn unknown(&self, hole: &Hole, desk: &mut Desk<'_>) -> Meaning {
        let head = hole.head();
        let rest = &hole.path[head.len()..];
        let candidates = || {
            self.entries
                .keys()
                .map(String::as_str)
                .chain(self.built_ins.keys().copied())
        };
        let help = if let Some(advice) = terraform::instead_of_reference(&hole.path) {
            Some(advice)
        } else if self.variables.names().any(|name| name == head) && rest.is_empty() {
            Some(format!("did you mean the variable, `${{var.{head}}}`?"))
        } else if let Some(near) = nearest(head, candidates()) {
            Some(format!("did you mean `${{{near}{rest}}}`?"))
        } else if self.entries.is_empty() {
            Some("only variables and built-ins can be named here".into())
        } else {
            did_you_mean(head, candidates())
        };
        desk.error(
            code::UNKNOWN_RESOURCE,
            hole.span,
            format!("there is no resource `{head}`"),
        )
        .help_if(help);
        Meaning::Wrong
    }

    fn child(
        &self,
        address: &str,
        attribute: Option<&str>,
        hole: &Hole,
        desk: &mut Desk<'_>,
    ) -> Meaning {
        let Some(children) = &self.children else {
            // First reading: only what components make is of interest, their types come with the second.
            return attribute.map_or(Meaning::Wrong, |attribute| {
                let address = Address::from(address);
                Meaning::Later(Expr::reference(&address, attribute), Type::Any)
            });
        };
        let Some(kind) = children
            .get(address)
            .and_then(|kind| self.catalog.get(kind.as_str()))
        else {
            let head = Address::from(hole.head());
            let known: Vec<&str> = children
                .keys()
                .filter(|child| child.within(&head))
                .map(Address::as_str)
                .collect();
            desk.error(
                code::UNKNOWN_RESOURCE,
                hole.span,
                format!("there is no resource `{address}`"),
            )
            .help_if(did_you_mean(address, known.iter().copied()));
            return Meaning::Wrong;
        };
        self.attribute(address, attribute, EntryType::Kind(kind), None, hole, desk)
    }

    fn attribute(
        &self,
        address: &str,
        attribute: Option<&str>,
        ty: EntryType<'_>,
        keys: Option<&BTreeSet<String>>,
        hole: &Hole,
        desk: &mut Desk<'_>,
    ) -> Meaning {
        let address = Address::from(address);
        let Some(attribute) = attribute else {
            return Meaning::Handle {
                name: address.to_string(),
                of: ty.name().to_owned(),
            };
        };
        let (head, rest) = match attribute.split_once('.') {
            Some((head, rest)) => (head, Some(rest)),
            None => (attribute, None),
        };
        if let (Some(key), Some(keys)) = (rest, keys)
            && matches!(head, "keys" | "key_arns")
            && !keys.contains(key)
        {
            desk.error(
                code::UNKNOWN_ATTRIBUTE,
                hole.span,
                format!("the secret `{address}` has no key `{key}`"),
            )
            .help_if(did_you_mean(key, keys.iter().map(String::as_str)));
            return Meaning::Wrong;
        }
        if head == "keys"
            && let Some(key) = rest
            && is_secret_keys(ty.attributes())
        {
            let secret = SecretRef {
                address,
                key: key.to_owned(),
            };
            return Meaning::Later(Expr(vec![Part::Secret(secret)]), Type::Secret);
        }
        match attribute_type(ty.attributes(), attribute) {
            Some(have) => Meaning::Later(Expr::reference(&address, attribute), have),
            None => {
                let known = ty.attributes().iter().map(|field| field.name).chain(["id"]);
                let help = nearest(head, known.clone())
                    .map(|near| format!("did you mean `${{{address}.{near}}}`?"))
                    .or_else(|| did_you_mean(head, known));
                desk.error(
                    code::UNKNOWN_ATTRIBUTE,
                    hole.span,
                    format!(
                        "`{address}` (a `{}`) has no attribute `{attribute}`",
                        ty.name()
                    ),
                )
                .help_if(help);
                Meaning::Wrong
            }
        }
    }
}

/// Whether a kind's table has `keys` that hold secrets.
fn is_secret_keys(fields: &[Field]) -> bool {
    fields.iter().any(|field| {
        field.name == "keys"
            && matches!(field.ty, Type::Map(Type::Object(parts)) if parts.iter().any(|part| part.name == "generate"))
    })
}

/// The type at a dotted path into an attribute.
pub fn attribute_type(fields: &[Field], path: &str) -> Option<Type> {
    let mut words = path.split('.');
    let head = words.next()?;
    let mut ty = match fields.iter().find(|field| field.name == head) {
        Some(field) => field.ty,
        // Every kind has its physical id.
        None if head == "id" => Type::Text,
        None => return None,
    };
    for word in words {
        ty = match ty {
            Type::Map(item) => *item,
            Type::List(item) | Type::Set(item) if word.parse::<usize>().is_ok() => *item,
            Type::Object(fields) => fields.iter().find(|field| field.name == word)?.ty,
            Type::Any | Type::Json | Type::Policy => Type::Any,
            _ => return None,
        };
    }
    Some(ty)
}

impl Names for Scope<'_> {
    fn meaning(&self, hole: &Hole, desk: &mut Desk<'_>) -> Meaning {
        let (address, attribute) = hole.parts();
        if address == "var" {
            return self.variable(attribute.unwrap_or_default(), hole, desk);
        }
        if attribute.is_none()
            && let Some(text) = self.built_ins.get(address)
        {
            return Meaning::Known(Value::text(text));
        }
        let head = hole.head();
        let Some(named) = self.entries.get(head) else {
            return self.unknown(hole, desk);
        };
        if address != head {
            return self.child(address, attribute, hole, desk);
        }
        if named.existing
            && let Some(attribute) = attribute
            && let Some((_, known)) = KNOWN_OF_EXISTING
                .iter()
                .find(|(ty, _)| *ty == named.ty.name())
            && !known.contains(&attribute.split('.').next().unwrap_or_default())
        {
            desk.error(
                code::UNKNOWN_ATTRIBUTE,
                hole.span,
                format!(
                    "`{attribute}` of an existing `{}` is not known",
                    named.ty.name()
                ),
            )
            .help(format!("one of {}", list(known)));
            return Meaning::Wrong;
        }
        let keys = is_secret_keys(named.ty.attributes()).then_some(&named.keys);
        self.attribute(address, attribute, named.ty, keys, hole, desk)
    }
}

/// Where nothing can be named.
pub struct Nothing;

impl Names for Nothing {
    fn meaning(&self, hole: &Hole, desk: &mut Desk<'_>) -> Meaning {
        desk.error(
            code::BAD_REFERENCE,
            hole.span,
            "nothing can be referred to here",
        )
        .help("write the value itself; `$${` is a literal `${`");
        Meaning::Wrong
    }
}
