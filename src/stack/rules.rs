//! What AWS would refuse, seen before it is asked: rules over finished resources.

mod balancing;
mod buckets;
mod circles;
mod containers;
mod databases;
mod firewall;
mod networks;
mod policies;
mod sizes;
mod tags;
mod taken;
mod texts;

use std::collections::BTreeMap;

use super::catalog::Catalog;
use super::checked::Resource;
use super::desk::Desk;
use super::finish::Places;
use super::source::Span;
use crate::model::{Expr, Part, Value};

/// The resources as the rules see them.
pub struct Seen<'x> {
    pub catalog: &'x Catalog,
    pub resources: &'x [Resource],
    pub by_address: BTreeMap<&'x str, &'x Resource>,
    /// The stack's region, where it is known.
    pub region: Option<&'x str>,
    places: &'x Places,
}

pub fn check(
    desk: &mut Desk<'_>,
    catalog: &Catalog,
    resources: &[Resource],
    places: &Places,
    region: Option<&str>,
) {
    let seen = Seen {
        catalog,
        resources,
        by_address: resources.iter().map(|r| (r.address.as_str(), r)).collect(),
        region,
        places,
    };
    circles::check(desk, &seen);
    networks::check(desk, &seen);
    sizes::check(desk, &seen);
    taken::check(desk, &seen);
    texts::check(desk, &seen);
    firewall::check(desk, &seen);
    policies::check(desk, &seen);
    balancing::check(desk, &seen);
    containers::check(desk, &seen);
    databases::check(desk, &seen);
    buckets::check(desk, &seen);
    tags::check(desk, &seen);
}

impl Seen<'_> {
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Resource> {
        self.resources
            .iter()
            .filter(move |resource| resource.kind.as_str() == kind)
    }

    /// The place in the file of a field (a dotted path), or of the nearest thing around it, or of the resource's entry.
    pub fn span(&self, resource: &Resource, field: &str) -> Span {
        let entry = Span::new(0, resource.origin.start, resource.origin.end);
        let Some(spans) = self.places.get(&resource.address) else {
            return entry;
        };
        let mut path = field;
        loop {
            if let Some(span) = spans.get(path) {
                return *span;
            }
            match path.rsplit_once('.') {
                Some((outer, _)) => path = outer,
                None => return entry,
            }
        }
    }

    /// Whether an error that ends in this reason stands at this place already: one mistake is one error.
    pub fn is_reported(&self, desk: &Desk<'_>, span: Span, reason: &str) -> bool {
        let origin = desk.sources.origin(span);
        desk.report.iter().any(|diagnostic| {
            diagnostic.message.ends_with(reason)
                && diagnostic
                    .primary
                    .as_ref()
                    .is_some_and(|label| label.origin == origin)
        })
    }

    /// Whether the file itself says the value of a field, as text.
    pub fn text(&self, resource: &Resource, field: &str) -> Option<String> {
        let value = self.known(resource.attributes.get(field));
        value.as_text().map(str::to_owned)
    }

    /// A value as far as the file itself says it: references to other resources' given fields are followed.
    pub fn known(&self, value: &Value) -> Value {
        let mut value = value.clone();
        for _ in 0..8 {
            let next = value.resolve(&|reference| {
                let other = self.by_address.get(reference.address.as_str())?;
                other
                    .attributes
                    .path(&reference.attribute)
                    .filter(|value| !value.is_null())
            });
            if next == value {
                break;
            }
            value = next;
        }
        value
    }

    /// The resource that a whole-value reference points to.
    pub fn target(&self, value: &Value) -> Option<&Resource> {
        match value {
            Value::Expr(Expr(parts)) => match parts.as_slice() {
                [Part::Ref(reference)] => self.by_address.get(reference.address.as_str()).copied(),
                _ => None,
            },
            _ => None,
        }
    }
}
