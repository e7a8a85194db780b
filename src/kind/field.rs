//! The field table: what a kind's fields are called, hold and mean, and what a change to one costs. Docs, JSON schema, checking and
//! the diff are all read off it.

use std::collections::BTreeMap;

use super::text_rule::TextRule;
use crate::model::Value;

/// The shape of a field's value, and with it what counts as equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Bool,
    /// A whole number within bounds, both included.
    Int {
        min: i64,
        max: i64,
    },
    /// A whole number within bounds that AWS may raise by itself (a database's storage): a live value above the wish equals it.
    Floor {
        min: i64,
        max: i64,
    },
    /// One of these whole numbers, in ascending order.
    IntOf(&'static [i64]),
    Text,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// An IPv4 or IPv6 network; compared with host bits cleared.
    Cidr,
    /// A version: `15` equals a live `15.7`.
    Version,
    /// An IAM-style policy document: compared by meaning (order, scalars for one-element lists, key order).
    Policy,
    /// A JSON document: compared as parsed.
    Json,
    /// In this order.
    List(&'static Type),
    /// In any order, nothing twice.
    Set(&'static Type),
    /// Free keys.
    Map(&'static Type),
    /// Named parts.
    Object(&'static [Field]),
    /// A secret by reference; never compared as text, never shown.
    Secret,
    /// A whole component or resource, `${network}`, of one of these types; only in components' fields.
    Handle(&'static [&'static str]),
    /// Any value; only where nothing narrower can be said.
    Any,
}

/// A default that can stand in a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Literal {
    /// Unset on purpose: a live value is then a difference.
    Unset,
    Bool(bool),
    Int(i64),
    Text(&'static str),
    EmptyList,
    EmptyMap,
}

impl Literal {
    pub fn value(self) -> Value {
        match self {
            Self::Unset => Value::Null,
            Self::Bool(bool) => Value::Bool(bool),
            Self::Int(int) => Value::Int(int),
            Self::Text(text) => Value::from(text),
            Self::EmptyList => Value::List(Vec::new()),
            Self::EmptyMap => Value::Map(BTreeMap::new()),
        }
    }
}

/// What it takes to change a field of a live resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Update,
    /// In place. But what is taken out while something stands on it, AWS does not let go: then a new generation takes its place.
    Grow,
    /// In place within the network that the resource stands in (its own `vpc_id`). In another one a new generation takes its place.
    Network,
    /// A new generation takes its place.
    Replace,
    /// Said at creation, not compared afterwards.
    Ignore,
}

impl Change {
    /// Whether a kind changes it in place, be it within bounds.
    pub const fn is_in_place(self) -> bool {
        matches!(self, Self::Update | Self::Grow | Self::Network)
    }
}

/// One field. Built by `Field::new("name", Type::Text, "What it is.")` and the methods below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub ty: Type,
    pub doc: &'static str,
    pub change: Change,
    pub required: bool,
    /// `None`: left to AWS when not given, and then not compared.
    pub default: Option<Literal>,
    /// AWS's to say (`arn`, `dns_name`): cannot be written in a stack, can be referred to.
    pub computed: bool,
    /// AWS always says it of what it has: where an answer leaves it out, nothing is known of it, and it is not compared.
    pub always_said: bool,
    /// A computed field that an update may change (a task definition's `arn`): pending while an update is planned.
    pub volatile: bool,
    /// What AWS accepts as its text, or as each text of its list.
    pub rule: Option<&'static TextRule>,
    /// What AWS accepts as each key of its map.
    pub key_rule: Option<&'static TextRule>,
    /// How AWS writes its value back.
    pub form: Form,
}

/// How AWS writes a value back that a stack may write in several ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    AsWritten,
    /// In another case (`Sun:04:00-Sun:04:30` as `sun:04:00-sun:04:30`).
    IgnoringCase,
    /// Rules of a security group: with both ports, also where the stack leaves one out.
    GroupRules,
}

impl Field {
    pub const fn new(name: &'static str, ty: Type, doc: &'static str) -> Self {
        Self {
            name,
            ty,
            doc,
            change: Change::Update,
            required: false,
            default: None,
            computed: false,
            always_said: false,
            volatile: false,
            form: Form::AsWritten,
            rule: None,
            key_rule: None,
        }
    }

    /// A field that AWS fills in.
    pub const fn computed(name: &'static str, ty: Type, doc: &'static str) -> Self {
        let mut field = Self::new(name, ty, doc);
        field.computed = true;
        field.change = Change::Ignore;
        field
    }

    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub const fn grow(mut self) -> Self {
        self.change = Change::Grow;
        self
    }

    pub const fn network(mut self) -> Self {
        self.change = Change::Network;
        self
    }

    pub const fn replace(mut self) -> Self {
        self.change = Change::Replace;
        self
    }

    pub const fn ignore(mut self) -> Self {
        self.change = Change::Ignore;
        self
    }

    pub const fn always_said(mut self) -> Self {
        self.always_said = true;
        self
    }

    pub const fn volatile(mut self) -> Self {
        self.volatile = true;
        self
    }

    pub const fn ignoring_case(mut self) -> Self {
        self.form = Form::IgnoringCase;
        self
    }

    pub const fn form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    pub const fn rule(mut self, rule: &'static TextRule) -> Self {
        self.rule = Some(rule);
        self
    }

    pub const fn key_rule(mut self, rule: &'static TextRule) -> Self {
        self.key_rule = Some(rule);
        self
    }

    pub const fn default(mut self, default: Literal) -> Self {
        self.default = Some(default);
        self
    }
}
