//! What becomes of a resource that AWS says will never be ready. One that holds data is replaced with
//! the user's word only, one that an update mends never for that reason; a plan's own changes of it
//! may be the way out, and everything else of the stack goes on.

use std::collections::BTreeSet;

use crate::kind::{AnyKind, Observed, Readiness};
use crate::model::Attributes;
use crate::plan::diff::not_shown;
use crate::plan::{Note, Refusal, Sighting, Wish};

use super::Decider;

impl Decider<'_> {
    /// Why a live resource will never be ready; `None` for tasks that only wait for a first image.
    pub(super) fn broken(&self, wish: &Wish, live: &Sighting) -> Option<String> {
        match &live.observed.readiness {
            Readiness::Broken(why) if !self.inputs.unwaited.contains(&wish.address) => {
                Some(why.clone())
            }
            _ => None,
        }
    }

    pub(super) fn is_replaced_when_broken(&self, wish: &Wish, kind: &dyn AnyKind) -> bool {
        if kind.holds_data() {
            return self.may_replace(wish);
        }
        !kind.is_mended_in_place()
    }

    fn may_replace(&self, wish: &Wish) -> bool {
        let mut allowed = self.inputs.ask.allow_replace.iter();
        allowed.any(|allowed| wish.address.within(allowed))
    }

    /// A broken resource with data whose replacement is planned for another reason.
    pub(super) fn refuse_broken(&mut self, wish: &Wish, kind: &dyn AnyKind, why: Option<String>) {
        if let Some(why) = why
            && kind.holds_data()
            && !self.may_replace(wish)
        {
            self.out.refusals.push(Refusal::Broken {
                address: wish.address.clone(),
                why,
            });
        }
    }

    pub(super) fn note_broken(
        &mut self,
        wish: &Wish,
        kind: &dyn AnyKind,
        why: &str,
        changes: bool,
    ) {
        let address = &wish.address;
        let text = match (kind.holds_data(), changes) {
            (_, true) => format!("{why}. This plan changes it, which may repair it"),
            (true, false) => format!(
                "broken, and it holds data: {why}. The rest of the stack is applied. To replace it \
                 and lose its data: --allow-replace {address}"
            ),
            (false, false) => format!(
                "{why}. It is kept as it is: a new deployment repairs it, once its image and \
                 settings are right"
            ),
        };
        self.out.notes.push(Note::Text {
            address: Some(address.clone()),
            text,
        });
    }

    /// Nothing is changed, and nobody waits for what does not become ready by itself.
    pub(super) fn keep_broken(&mut self, wish: &Wish, live: &Sighting) {
        self.out.unchanged += 1;
        let attributes = live.observed.attributes.clone();
        self.stays(wish, attributes, BTreeSet::new());
    }

    /// What would take a replacement to change, and is not shown by AWS, is not compared.
    pub(super) fn note_not_shown(
        &mut self,
        wish: &Wish,
        kind: &dyn AnyKind,
        desired: &Attributes,
        observed: &Observed,
    ) {
        for field in not_shown(kind.fields(), desired, &observed.attributes) {
            self.out.notes.push(Note::Text {
                address: Some(wish.address.clone()),
                text: format!(
                    "AWS does not show `{}`, so it is not compared. If it differs from the stack, \
                     replace the resource: --replace {}",
                    field.name, wish.address
                ),
            });
        }
    }
}
