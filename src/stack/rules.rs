//! What AWS would refuse, seen before it is asked: rules over finished resources.

mod circles;
mod container_variables;
mod networks;
mod sizes;
mod taken;
mod words;

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
    places: &'x Places,
}

pub fn check(desk: &mut Desk<'_>, catalog: &Catalog, resources: &[Resource], places: &Places) {
    let seen = Seen {
        catalog,
        resources,
        by_address: resources.iter().map(|r| (r.address.as_str(), r)).collect(),
        places,
    };
    circles::check(desk, &seen);
    container_variables::check(desk, &seen);
    networks::check(desk, &seen);
    sizes::check(desk, &seen);
    taken::check(desk, &seen);
    words::check(desk, &seen);
}

impl Seen<'_> {
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Resource> {
        self.resources
            .iter()
            .filter(move |resource| resource.kind.as_str() == kind)
    }

    /// Where a field of a resource was asked for, or else its entry.
    pub fn span(&self, resource: &Resource, field: &str) -> Span {
        let spans = self.places.get(&resource.address);
        let known = spans.and_then(|spans| spans.get(field)).copied();
        known.unwrap_or_else(|| Span::new(0, resource.origin.start, resource.origin.end))
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
