//! Notes on what a plan leaves as it is although the stack says otherwise, or although it does not work.

use crate::kind::{AnyKind, Readiness, Type};
use crate::model::{Attributes, Value};
use crate::plan::diff::ahead;
use crate::plan::{Note, Sighting, Wish};

use super::Decider;

impl Decider<'_> {
    /// Notes on a resource that is kept, or changed in place.
    pub(super) fn standing(
        &mut self,
        wish: &Wish,
        kind: &dyn AnyKind,
        desired: &Attributes,
        live: &Sighting,
    ) {
        let beyond = ahead(kind.fields(), desired, &live.observed.attributes);
        let mut texts: Vec<String> = beyond
            .into_iter()
            .map(|(field, desired, live)| stays(field.name, &field.ty, desired, live))
            .collect();
        match &live.observed.readiness {
            Readiness::Blocked(why) => texts.push(why.clone()),
            Readiness::Deferred(why) => texts.push(format!(
                "{why} (at once, or in the maintenance window; it is not waited for)"
            )),
            _ => {}
        }
        self.out
            .notes
            .extend(texts.into_iter().map(|text| Note::Text {
                address: Some(wish.address.clone()),
                text,
            }));
    }
}

fn stays(field: &str, ty: &Type, desired: &Value, live: &Value) -> String {
    let show = |value: &Value| match value {
        Value::Int(int) => int.to_string(),
        other => other.as_text().unwrap_or_default().to_owned(),
    };
    let (desired, live) = (show(desired), show(live));
    match ty {
        Type::Version => format!(
            "{field} is {live}, newer than the {desired} of the stack file: AWS upgraded it and never goes back, so it stays"
        ),
        _ => format!(
            "{field} is {live}, more than the {desired} of the stack file: it can grow and never shrinks, so it stays"
        ),
    }
}
