//! Decides, resource by resource, after what each stands on: keep, create, update, replace. Deletes are in `retire.rs`.

use std::collections::{BTreeMap, BTreeSet};

use crate::kind::{AnyKind, Readiness};
use crate::model::{Address, Attributes, Ownership, Reference, Value};

use super::diff::differences;
use super::order::{self, Cycle};
use super::{Act, Cause, Inputs, Line, Note, Refusal, Sighting, Step, StepId, Wish};

mod bounds;
mod broken;
mod change;
mod remark;
mod replace;
mod take_back;

pub use replace::suffixed;
use replace::{accept_suffix, another, appends, keep_zone, keeps_key};
pub use take_back::take_back;

/// Said of a replacement whose old generation goes before the new one comes.
pub(super) const DOWNTIME: &str =
    "away from the deletion of the old one until the new one is ready";

/// What becomes of a resource, as far as those that refer to it need to know.
enum Fate {
    /// As it is, or changed in place; the named fields are not known until then.
    Live {
        attributes: Attributes,
        pending: BTreeSet<&'static str>,
    },
    /// Made by this plan: what the stack says of it is known, what AWS says of it is not.
    Made(Attributes),
}

/// A step before its number and its order are known.
pub(super) struct Draft {
    pub address: Address,
    pub step: Step,
    /// A replacement whose old generation has to go first.
    pub delete_first: bool,
}

/// The decisions for all wishes.
#[derive(Default)]
pub(super) struct Decided {
    pub drafts: Vec<Draft>,
    /// Old generations that go because a new one takes their place: address, and whether before or after.
    pub replaced: BTreeMap<Address, bool>,
    pub notes: Vec<Note>,
    pub refusals: Vec<Refusal>,
    pub unchanged: usize,
    pub outputs: Vec<(String, Value)>,
    pub same_outputs: BTreeSet<String>,
}

pub(super) struct Decider<'a> {
    inputs: &'a Inputs<'a>,
    fates: BTreeMap<Address, Fate>,
    out: Decided,
    selected: Option<BTreeSet<Address>>,
    by_address: BTreeMap<&'a Address, &'a Wish>,
}

/// Everything that is to be made or changed.
pub(super) fn decide(
    inputs: &Inputs<'_>,
    selected: Option<BTreeSet<Address>>,
) -> Result<Decided, Cycle> {
    let order = order::wishes(inputs.wishes)?;
    let mut decider = Decider {
        inputs,
        fates: BTreeMap::new(),
        out: Decided::default(),
        selected,
        by_address: inputs
            .wishes
            .iter()
            .map(|wish| (&wish.address, wish))
            .collect(),
    };
    for (address, attributes) in &inputs.seen.existing {
        decider.fates.insert(
            address.clone(),
            Fate::Live {
                attributes: attributes.clone(),
                pending: BTreeSet::new(),
            },
        );
    }
    for i in order {
        decider.wish(&inputs.wishes[i]);
    }
    decider.out.outputs = inputs
        .outputs
        .iter()
        .map(|(name, value)| (name.clone(), value.resolve(&|r| decider.known(r))))
        .collect();
    decider.out.same_outputs = same_outputs(inputs, &decider.out.outputs);
    Ok(decider.out)
}

/// Outputs that come to what they come to now. Before anything is there, none does.
fn same_outputs(inputs: &Inputs<'_>, planned: &[(String, Value)]) -> BTreeSet<String> {
    if inputs.seen.ours.is_empty() {
        return BTreeSet::new();
    }
    inputs
        .outputs
        .iter()
        .zip(planned)
        .filter(|((_, value), (_, planned))| {
            !planned.is_pending() && value.resolve(&|r| inputs.seen.value(r)) == *planned
        })
        .map(|((name, _), _)| name.clone())
        .collect()
}

impl Decider<'_> {
    fn known(&self, reference: &Reference) -> Option<Value> {
        let head = reference.attribute.split('.').next().unwrap_or_default();
        match self.fates.get(&reference.address)? {
            Fate::Live {
                attributes,
                pending,
            } => {
                if pending.contains(head) {
                    return None;
                }
                attributes.path(&reference.attribute)
            }
            Fate::Made(desired) => {
                let wish = self.by_address.get(&reference.address)?;
                let kind = self.inputs.kinds.get(&wish.kind)?;
                let said = kind
                    .fields()
                    .iter()
                    .any(|field| field.name == head && !field.computed);
                let value = desired.path(&reference.attribute).filter(|_| said)?;
                (!value.is_null() && !value.is_pending()).then_some(value)
            }
        }
    }

    fn wish(&mut self, wish: &Wish) {
        let Some(kind) = self.inputs.kinds.get(&wish.kind) else {
            // The stack's check knows every kind; this is a kind table without its kind.
            self.out.notes.push(Note::Text {
                address: Some(wish.address.clone()),
                text: format!("no such kind: {}", wish.kind),
            });
            return;
        };
        let desired = self.desired(wish, kind.as_ref());
        let current = self.current(&wish.address);
        if self
            .selected
            .as_ref()
            .is_some_and(|selected| !selected.contains(&wish.address))
        {
            let fate = match current {
                Some(live) => Fate::Live {
                    attributes: live.observed.attributes.clone(),
                    pending: BTreeSet::new(),
                },
                None => Fate::Made(desired),
            };
            self.fates.insert(wish.address.clone(), fate);
            return;
        }
        match current {
            Some(live) => self.existing(wish, kind.as_ref(), desired, &live.clone()),
            None => self.absent(wish, kind.as_ref(), desired),
        }
    }

    fn desired(&self, wish: &Wish, kind: &dyn AnyKind) -> Attributes {
        let mut desired = wish.attributes.resolve(&|r| self.known(r));
        let has = |name: &str| kind.fields().iter().any(|field| field.name == name);
        if wish.protect {
            if has("deletion_protection") {
                desired.set("deletion_protection", true);
            }
            if has("skip_final_snapshot") {
                desired.set("skip_final_snapshot", false);
            }
        }
        desired
    }

    fn current(&self, address: &Address) -> Option<&Sighting> {
        let first = self.inputs.seen.ours.get(address)?.first()?;
        // Its deletion has begun: as good as gone, and out of the way before a new one is made.
        (!matches!(first.observed.readiness, Readiness::Going(_))).then_some(first)
    }

    fn absent(&mut self, wish: &Wish, kind: &dyn AnyKind, desired: Attributes) {
        if let Some(foreign) = self.inputs.seen.foreign.get(&wish.address) {
            self.out.refusals.push(Refusal::NameTaken {
                address: wish.address.clone(),
                kind: wish.kind.clone(),
                id: foreign.id.clone(),
                owner: Ownership::read(&foreign.tags).map(|owner| {
                    format!(
                        "{} in {} of stack {}",
                        owner.address, owner.environment, owner.stack
                    )
                }),
            });
        }
        let last = self
            .inputs
            .state
            .resources
            .get(&wish.address)
            .map(|record| record.generation);
        let going = self
            .inputs
            .seen
            .ours
            .get(&wish.address)
            .and_then(|all| all.first());
        let next = last.max(going.map(|going| going.generation)).unwrap_or(0) + 1;
        // A create that is looked for under its own generation is not repeated under a lower one.
        let begun = self.inputs.seen.begun.get(&wish.address).copied();
        let generation = next.max(begun.unwrap_or(0));
        if let Some(going) = going {
            let same_key = !going.observed.kind.eq(&wish.kind)
                || keeps_key(kind, &desired, &going.observed.attributes);
            self.out.replaced.insert(wish.address.clone(), same_key);
            self.create(wish, kind, desired, generation, None, same_key);
        } else {
            self.create(wish, kind, desired, generation, None, false);
        }
    }

    fn existing(
        &mut self,
        wish: &Wish,
        kind: &dyn AnyKind,
        mut desired: Attributes,
        live: &Sighting,
    ) {
        let observed = &live.observed;
        if observed.kind != wish.kind {
            let cause = Cause::Kind {
                was: observed.kind.clone(),
            };
            let causes = [Some(cause), self.held(wish, kind)].into_iter().flatten();
            return self.replace(wish, kind, desired, live, causes.collect());
        }
        for field in &wish.ignore {
            desired.set(field, observed.attributes.get(field).clone());
        }
        accept_suffix(kind, &mut desired, live);
        keep_zone(kind, &mut desired, observed);
        let seen = self.inputs.seen;
        let found = differences(kind.fields(), &desired, &observed.attributes, &|s| {
            seen.secret(s)
        });
        let (replacing, changing): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|one| one.replaces() || self.is_bound(wish, live, one));
        let mut causes: Vec<Cause> = replacing
            .iter()
            .map(|difference| Cause::Field(self.line(wish, difference)))
            .collect();
        let broken = self.broken(wish, live);
        if let Some(why) = broken
            .clone()
            .filter(|_| self.is_replaced_when_broken(wish, kind))
        {
            causes.push(Cause::Broken { why });
        }
        let asked = &self.inputs.ask.replace;
        let asked = asked.iter().any(|asked| wish.address.within(asked));
        let appends = appends(kind, &desired, live);
        if !appends {
            causes.extend(asked.then_some(Cause::Asked));
            causes.extend(self.held(wish, kind));
        }
        if !causes.is_empty() {
            self.refuse_broken(wish, kind, broken);
            return self.replace(wish, kind, desired, live, causes);
        }
        self.note_not_shown(wish, kind, &desired, observed);
        let mut lines: Vec<Line> = changing
            .iter()
            .flat_map(|difference| self.lines(wish, live, difference))
            .collect();
        lines.extend(asked.then(|| another(wish, live)));
        lines.extend(self.tags(wish, live));
        if let Some(why) = broken {
            self.note_broken(wish, kind, &why, !lines.is_empty());
            if kind.is_mended_in_place() && lines.is_empty() {
                return self.keep_broken(wish, live);
            }
        }
        self.update_or_keep(wish, kind, desired, live, lines);
    }

    fn create(
        &mut self,
        wish: &Wish,
        kind: &dyn AnyKind,
        desired: Attributes,
        generation: u32,
        replaces: Option<Vec<Cause>>,
        delete_first: bool,
    ) {
        let loses_data = replaces.is_some() && kind.holds_data() && !self.inputs.header.ephemeral;
        let downtime = (replaces.is_some() && delete_first).then(|| DOWNTIME.to_owned());
        self.fates
            .insert(wish.address.clone(), Fate::Made(desired.clone()));
        let act = Act::Create {
            tags: self.all_tags(wish, generation),
            desired,
            replaces: replaces.is_some(),
            because: replaces.unwrap_or_default(),
        };
        self.draft(wish, generation, act, delete_first, downtime, loses_data);
    }

    fn draft(
        &mut self,
        wish: &Wish,
        generation: u32,
        act: Act,
        delete_first: bool,
        downtime: Option<String>,
        loses_data: bool,
    ) {
        self.out.drafts.push(Draft {
            address: wish.address.clone(),
            delete_first,
            step: Step {
                id: StepId(0),
                address: wish.address.clone(),
                kind: wish.kind.clone(),
                generation,
                act,
                after: Vec::new(),
                origin: wish.origin.clone(),
                downtime,
                loses_data,
            },
        });
    }
}

#[cfg(test)]
mod tests;
