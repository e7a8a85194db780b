//! Make anew what cannot be changed in place: which of the two generations goes first, and under which name the new one comes.

use crate::kind::{AnyKind, Change, Collision};
use crate::model::{Attributes, Expr, Part, Reference, Value};
use crate::plan::{Cause, ChangedBy, Line, Refusal, Sighting, Wish};

use super::Decider;

impl Decider<'_> {
    pub(super) fn replace(
        &mut self,
        wish: &Wish,
        kind: &dyn AnyKind,
        mut desired: Attributes,
        live: &Sighting,
        causes: Vec<Cause>,
    ) {
        let (address, inputs) = (&wish.address, self.inputs);
        if inputs.protects(address, Some(wish), &live.observed) {
            self.out.refusals.push(Refusal::Protected {
                address: address.clone(),
                replace: true,
                outside: inputs.is_protected_outside(address, Some(wish), &live.observed),
            });
        }
        let ask = self.inputs.ask;
        // The data is the old one's, whatever kind follows it.
        let holds =
            |kind: Option<&std::sync::Arc<dyn AnyKind>>| kind.is_some_and(|k| k.holds_data());
        let old = holds(self.inputs.kinds.get(&live.observed.kind));
        let data = (kind.holds_data() || old) && !self.inputs.header.ephemeral;
        if data
            && !ask
                .allow_replace
                .iter()
                .any(|allowed| wish.address.within(allowed))
        {
            self.out.refusals.push(Refusal::LosesData {
                address: wish.address.clone(),
                replace: true,
            });
        }
        let generation = live.generation + 1;
        let forced = causes
            .iter()
            .any(|cause| matches!(cause, Cause::Holds { .. }));
        let collides =
            live.observed.kind == wish.kind && keeps_key(kind, &desired, &live.observed.attributes);
        let delete_first = match kind.identity().collision {
            _ if forced => true,
            Collision::Coexist => false,
            Collision::DeleteFirst => collides,
            // Only ever under another name.
            Collision::Append => false,
            Collision::Suffix { field, longest } => {
                if collides && let Some(name) = wish.attributes.text(field) {
                    desired.set(field, suffixed(name, generation, longest));
                }
                false
            }
        };
        self.out.replaced.insert(wish.address.clone(), delete_first);
        self.create(wish, kind, desired, generation, Some(causes), delete_first);
        if let Some(draft) = self.out.drafts.last_mut() {
            draft.step.loses_data = data;
        }
    }

    /// What stands on something that has to go before its successor is made, and names it as a whole (`subnet_id: ${…}`), must go too.
    pub(super) fn held(&self, wish: &Wish, kind: &dyn AnyKind) -> Option<Cause> {
        for field in kind
            .fields()
            .iter()
            .filter(|field| field.change != Change::Ignore)
        {
            let mut holds = None;
            whole_references(
                wish.attributes.get(field.name),
                &mut |reference: &Reference| {
                    if matches!(reference.attribute.as_str(), "id" | "arn" | "name")
                        && self.out.replaced.get(&reference.address) == Some(&true)
                    {
                        holds = Some(reference.address.clone());
                    }
                },
            );
            if let Some(address) = holds {
                return Some(Cause::Holds { address });
            }
        }
        None
    }
}

/// Whether another one would stand under the same name, beside what is there.
pub(super) fn appends(kind: &dyn AnyKind, desired: &Attributes, live: &Sighting) -> bool {
    kind.identity().collision == Collision::Append
        && keeps_key(kind, desired, &live.observed.attributes)
}

/// The line that asks for another one, though nothing differs.
pub(super) fn another(wish: &Wish, live: &Sighting) -> Line {
    let own_id = Reference {
        address: wish.address.clone(),
        attribute: "id".into(),
    };
    Line {
        field: "id".into(),
        from: Value::text(live.observed.id.as_str()),
        to: Value::Expr(Expr(vec![Part::Ref(own_id)])),
        changed_by: ChangedBy::Asked,
    }
}

/// `circles-tg` in generation 2: `circles-tg-2`, never longer than AWS takes.
pub fn suffixed(name: &str, generation: u32, longest: usize) -> String {
    let suffix = format!("-{generation}");
    let room = longest.saturating_sub(suffix.len());
    let stem: String = name.chars().take(room).collect();
    format!("{}{suffix}", stem.trim_end_matches('-'))
}

/// A replaced resource keeps the name that its generation gave it.
pub(super) fn accept_suffix(kind: &dyn AnyKind, desired: &mut Attributes, live: &Sighting) {
    let Collision::Suffix { field, longest } = kind.identity().collision else {
        return;
    };
    let (Some(want), Some(has)) = (desired.text(field), live.observed.attributes.text(field))
    else {
        return;
    };
    if (2..=live.generation).any(|generation| suffixed(want, generation, longest) == has) {
        let has = has.to_owned();
        desired.set(field, has);
    }
}

/// Zones are an index in the stack file; a live subnet keeps the one it has, whatever the index resolves to today.
pub(super) fn keep_zone(
    kind: &dyn AnyKind,
    desired: &mut Attributes,
    observed: &crate::kind::Observed,
) {
    const ZONE: &str = "availability_zone";
    if kind.fields().iter().any(|field| field.name == ZONE)
        && observed.attributes.text(ZONE).is_some()
    {
        desired.set(ZONE, observed.attributes.get(ZONE).clone());
    }
}

/// Whether the new one would have the natural key of the old one.
pub(super) fn keeps_key(kind: &dyn AnyKind, desired: &Attributes, observed: &Attributes) -> bool {
    let key = kind.identity().natural_key;
    !key.is_empty()
        && key.iter().all(|name| {
            let (want, has) = (desired.get(name), observed.get(name));
            !want.is_pending()
                && (want == has
                    || want.as_text().zip(has.as_text()).is_some_and(|(a, b)| {
                        crate::plan::diff::canonical_cidr(a) == crate::plan::diff::canonical_cidr(b)
                    }))
        })
}

pub(super) fn whole_references<'a>(value: &'a Value, see: &mut dyn FnMut(&'a Reference)) {
    match value {
        Value::Expr(expr) => {
            if let [Part::Ref(reference)] = expr.0.as_slice() {
                see(reference);
            }
        }
        Value::List(items) => items.iter().for_each(|item| whole_references(item, see)),
        Value::Map(map) => map.values().for_each(|item| whole_references(item, see)),
        _ => {}
    }
}
