//! What a component is given to work with, and where it puts what it makes.

use std::collections::BTreeMap;

use crate::diagnostic::code;
use crate::model::{Address, Attributes, KindName, Value};

/// Where the stack stands. Offline these are placeholders.
#[derive(Clone, Debug)]
pub struct Place {
    pub stack: String,
    pub environment: String,
    /// What AWS names begin with.
    pub prefix: String,
    pub suffix: String,
    pub account: String,
    pub region: String,
    pub partition: String,
    /// Names of the region's availability zones, in AWS's order.
    pub zones: Vec<String>,
    /// Those among them that a network passes over unless it names them.
    pub limited_zones: Vec<String>,
}

/// What a component may know of other entries of the file.
pub trait Peers {
    /// The entry's fields as written, checked; `None`: not a kind's entry.
    fn attributes(&self, entry: &str) -> Option<&Attributes>;

    /// Whether the entry is of that type.
    fn is(&self, entry: &str, ty: &str) -> bool;
}

/// One resource in the making: attributes without defaults, references to components' exports still in place.
#[derive(Clone, Debug)]
pub struct Draft {
    pub address: Address,
    pub kind: KindName,
    pub attributes: Attributes,
    /// Which of the component's fields (a dotted path) an attribute comes from, where the name is not the same.
    pub from: BTreeMap<&'static str, String>,
    /// References in here become dependencies.
    pub after: Vec<Value>,
    /// The `Name` tag; `None`: its AWS name.
    pub label: Option<String>,
}

impl Draft {
    pub fn set(&mut self, field: &str, value: impl Into<Value>) -> &mut Self {
        self.attributes.set(field, value);
        self
    }

    pub fn from(&mut self, field: &'static str, source: impl Into<String>) -> &mut Self {
        self.from.insert(field, source.into());
        self
    }

    pub fn after(&mut self, value: Value) -> &mut Self {
        self.after.push(value);
        self
    }

    pub fn label(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = Some(label.into());
        self
    }
}

/// What one component asks of another.
#[derive(Clone, Debug)]
pub enum Link {
    /// Let what carries this security group reach you.
    Connect {
        to: String,
        security_group: Value,
        field: String,
    },
    /// Forward to this target group what no rule takes.
    Default {
        load_balancer: String,
        target_group: Value,
    },
}

/// The door of a component: where a [`Link::Connect`] is let in.
#[derive(Clone, Debug)]
pub struct Accepts {
    pub security_group: Address,
    pub port: i64,
    pub what: &'static str,
}

/// Something wrong with a component's fields that no single field's type can say.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The field (a dotted path), or empty for the entry.
    pub field: String,
    pub code: &'static str,
    pub message: String,
    pub help: Option<String>,
}

pub struct Build<'a> {
    /// The component's entry.
    pub entry: Address,
    pub fields: &'a Attributes,
    pub place: &'a Place,
    pub peers: &'a dyn Peers,
    pub drafts: Vec<Draft>,
    pub exports: Attributes,
    pub links: Vec<Link>,
    pub accepts: Option<Accepts>,
    /// Listeners whose default action a service may take.
    pub listener: Option<Address>,
    pub problems: Vec<Problem>,
}

impl<'a> Build<'a> {
    pub fn new(
        entry: Address,
        fields: &'a Attributes,
        place: &'a Place,
        peers: &'a dyn Peers,
    ) -> Self {
        Self {
            entry,
            fields,
            place,
            peers,
            drafts: Vec::new(),
            exports: Attributes::default(),
            links: Vec::new(),
            accepts: None,
            listener: None,
            problems: Vec::new(),
        }
    }

    /// Makes a resource at `entry/child`. Unset (`Null`) attributes are left out.
    pub fn make<const N: usize>(
        &mut self,
        child: &str,
        kind: &'static str,
        attributes: [(&str, Value); N],
    ) -> &mut Draft {
        let address = self.entry.child(child);
        self.make_at(address, kind, attributes)
    }

    /// Makes a resource at the entry's own address.
    pub fn make_own<const N: usize>(
        &mut self,
        kind: &'static str,
        attributes: [(&str, Value); N],
    ) -> &mut Draft {
        let address = self.entry.clone();
        self.make_at(address, kind, attributes)
    }

    fn make_at<const N: usize>(
        &mut self,
        address: Address,
        kind: &'static str,
        attributes: [(&str, Value); N],
    ) -> &mut Draft {
        let given = attributes.into_iter().filter(|(_, value)| !value.is_null());
        let at = self.drafts.len();
        self.drafts.push(Draft {
            address,
            kind: KindName::new(kind),
            attributes: Attributes::new(given),
            from: BTreeMap::new(),
            after: Vec::new(),
            label: None,
        });
        &mut self.drafts[at]
    }

    /// A reference to an attribute of one of its own resources.
    pub fn own(&self, child: &str, attribute: &str) -> Value {
        Value::reference(&self.entry.child(child), attribute)
    }

    /// A reference to what the entry that `field` names exports (or to its attribute, where it is a kind); `Null` when not given.
    pub fn of(&self, field: &str, attribute: &str) -> Value {
        match self.fields.text(field) {
            Some(entry) => Value::reference(&Address::from(entry), attribute),
            None => Value::Null,
        }
    }

    pub fn get(&self, field: &str) -> Value {
        self.fields.get(field).clone()
    }

    pub fn list(&self, field: &str) -> &'a [Value] {
        self.fields.get(field).as_list().unwrap_or_default()
    }

    pub fn given(&self, field: &str) -> bool {
        !self.fields.get(field).is_null()
    }

    pub fn flag(&self, field: &str) -> bool {
        self.fields.get(field).as_bool().unwrap_or(false)
    }

    /// The field, or else a name made of the stack's prefix and the entry: `circles-alb`.
    pub fn name_or(&self, field: &str, rest: &str) -> Value {
        match self.fields.get(field) {
            Value::Null => Value::text(format!("{}-{}{rest}", self.place.prefix, self.entry)),
            name => name.clone(),
        }
    }

    /// The field, or else this text.
    pub fn text_or(&self, field: &str, text: impl Into<String>) -> Value {
        match self.fields.get(field) {
            Value::Null => Value::Text(text.into()),
            given => given.clone(),
        }
    }

    pub fn export(&mut self, name: &str, value: Value) {
        self.exports.set(name, value);
    }

    pub fn problem(
        &mut self,
        field: &str,
        code: &'static str,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        self.problems.push(Problem {
            field: field.to_owned(),
            code,
            message: message.into(),
            help,
        });
    }

    /// What an `existing:` alone can name was asked for without one.
    pub fn only_looked_up(&mut self, what: &str, example: &str) {
        self.problem(
            "",
            code::MISSING,
            format!("{what} is only looked up, never made"),
            Some(format!("say which one: `{example}`")),
        );
    }
}
