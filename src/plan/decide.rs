//! Decides, resource by resource, after what each stands on: keep, create, update, replace. Deletes are in `retire.rs`.

use std::collections::{BTreeMap, BTreeSet};

use crate::kind::{AnyKind, Change, Collision, Readiness};
use crate::model::{Address, Attributes, Ownership, Reference, Value};

use super::diff::{Difference, differences};
use super::order::{self, Cycle};
use super::{Act, Cause, Inputs, Line, Note, Refusal, Sighting, Step, StepId, Wish};

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
    Ok(decider.out)
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
        let generation = last.max(going.map(|going| going.generation)).unwrap_or(0) + 1;
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
            return self.replace(wish, kind, desired, live, vec![cause]);
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
        let (replacing, changing): (Vec<_>, Vec<_>) =
            found.into_iter().partition(Difference::replaces);
        let mut causes: Vec<Cause> = replacing
            .iter()
            .map(|difference| Cause::Field(self.line(wish, difference)))
            .collect();
        // Tasks without an image give up after a while; that is no reason to make their service anew.
        let unwaited = self.inputs.unwaited.contains(&wish.address);
        if let Readiness::Broken(why) = &observed.readiness
            && !unwaited
        {
            if kind.holds_data() {
                self.out.refusals.push(Refusal::Broken {
                    address: wish.address.clone(),
                    why: why.clone(),
                });
            } else {
                causes.push(Cause::Broken { why: why.clone() });
            }
        }
        if self
            .inputs
            .ask
            .replace
            .iter()
            .any(|asked| wish.address.within(asked))
        {
            causes.push(Cause::Asked);
        }
        causes.extend(self.held(wish, kind));
        if !causes.is_empty() {
            return self.replace(wish, kind, desired, live, causes);
        }
        let mut lines: Vec<Line> = changing
            .iter()
            .map(|difference| self.line(wish, difference))
            .collect();
        lines.extend(self.tags(wish, live));
        self.update_or_keep(wish, kind, desired, live, lines);
    }

    fn update_or_keep(
        &mut self,
        wish: &Wish,
        kind: &dyn AnyKind,
        desired: Attributes,
        live: &Sighting,
        lines: Vec<Line>,
    ) {
        let mut attributes = live.observed.attributes.clone();
        if lines.is_empty() {
            self.out.unchanged += 1;
            // A resource that is still on its way has attributes that AWS does not say yet (a database's endpoint).
            let pending = if live.observed.readiness == Readiness::Ready {
                BTreeSet::new()
            } else {
                kind.fields()
                    .iter()
                    .filter(|field| field.computed && attributes.get(field.name).is_null())
                    .map(|field| field.name)
                    .collect()
            };
            self.fates.insert(
                wish.address.clone(),
                Fate::Live {
                    attributes,
                    pending,
                },
            );
            if live.observed.readiness == Readiness::Ready
                || self.inputs.unwaited.contains(&wish.address)
            {
                return;
            }
            // Nothing to change, but an earlier run did not see it become ready: a step that only waits.
        } else {
            let mut pending = BTreeSet::new();
            for field in kind.fields() {
                if field.volatile && lines.iter().any(|line| line.field != crate::kind::TAGS) {
                    pending.insert(field.name);
                } else if let Some(line) = lines.iter().find(|line| line.field == field.name) {
                    if line.to.is_pending() {
                        pending.insert(field.name);
                    }
                    attributes.set(field.name, line.to.clone());
                }
            }
            if pending.contains("arn") && attributes.text("arn") == Some(live.observed.id.as_str())
            {
                pending.insert("id");
            }
            self.fates.insert(
                wish.address.clone(),
                Fate::Live {
                    attributes,
                    pending,
                },
            );
        }
        self.fewer_tasks(wish, &desired, live);
        let act = Act::Update {
            id: live.observed.id.clone(),
            tags: self.all_tags(wish, live.generation),
            desired,
            changes: lines,
            moved_from: self
                .inputs
                .moved
                .iter()
                .find(|(_, to)| *to == wish.address)
                .map(|(from, _)| from.clone()),
        };
        self.draft(wish, live.generation, act, false, None, false);
    }

    fn replace(
        &mut self,
        wish: &Wish,
        kind: &dyn AnyKind,
        mut desired: Attributes,
        live: &Sighting,
        causes: Vec<Cause>,
    ) {
        let protected = wish.protect
            || self
                .inputs
                .state
                .resources
                .get(&wish.address)
                .is_some_and(|record| record.protect)
            || live
                .observed
                .attributes
                .get("deletion_protection")
                .as_bool()
                == Some(true);
        if protected {
            self.out.refusals.push(Refusal::Protected {
                address: wish.address.clone(),
                replace: true,
            });
        }
        let ask = self.inputs.ask;
        let data = kind.holds_data() && !self.inputs.header.ephemeral;
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
            Collision::Suffix { field, longest } => {
                if collides && let Some(name) = wish.attributes.text(field) {
                    desired.set(field, suffixed(name, generation, longest));
                }
                false
            }
        };
        self.out.replaced.insert(wish.address.clone(), delete_first);
        self.create(wish, kind, desired, generation, Some(causes), delete_first);
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
        let downtime = (replaces.is_some() && delete_first)
            .then(|| "away from the deletion of the old one until the new one is ready".to_owned());
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

    /// What stands on something that has to go before its successor is made, and names it as a whole (`subnet_id: ${…}`), must go too.
    fn held(&self, wish: &Wish, kind: &dyn AnyKind) -> Option<Cause> {
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

    fn line(&self, wish: &Wish, difference: &Difference) -> Line {
        let last = self.inputs.state.resources.get(&wish.address);
        let seen = self.inputs.seen;
        let drift = last.is_some_and(|record| {
            super::diff::same(
                &difference.field.ty,
                &difference.to,
                record.attributes.get(difference.field.name),
                &|s| seen.secret(s),
            )
        });
        Line {
            field: difference.field.name.to_owned(),
            from: difference.from.clone(),
            to: difference.to.clone(),
            drift,
        }
    }

    fn all_tags(&self, wish: &Wish, generation: u32) -> crate::model::Tags {
        let mut tags = wish.tags.clone();
        tags.extend(Ownership::new(self.inputs.scope, &wish.address, generation).tags());
        tags
    }

    fn tags(&self, wish: &Wish, live: &Sighting) -> Option<Line> {
        if wish.ignore.iter().any(|field| field == crate::kind::TAGS) {
            return None;
        }
        let wanted = self.all_tags(wish, live.generation);
        if wanted == live.observed.tags {
            return None;
        }
        let map = |tags: &crate::model::Tags| {
            Value::map(tags.iter().map(|(k, v)| (k.clone(), Value::text(v))))
        };
        let adopted = !self
            .inputs
            .state
            .holds(&live.observed.kind, &live.observed.id);
        Some(Line {
            field: crate::kind::TAGS.to_owned(),
            from: map(&live.observed.tags),
            to: map(&wanted),
            drift: !adopted && self.inputs.moved.iter().all(|(_, to)| *to != wish.address),
        })
    }

    fn fewer_tasks(&mut self, wish: &Wish, desired: &Attributes, live: &Sighting) {
        let (from, to) = (
            live.observed.attributes.get("desired_count").as_int(),
            desired.get("desired_count").as_int(),
        );
        if let (Some(from), Some(to)) = (from, to)
            && to < from
        {
            self.out.notes.push(Note::FewerTasks {
                address: wish.address.clone(),
                from,
                to,
            });
        }
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
fn accept_suffix(kind: &dyn AnyKind, desired: &mut Attributes, live: &Sighting) {
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
fn keep_zone(kind: &dyn AnyKind, desired: &mut Attributes, observed: &crate::kind::Observed) {
    const ZONE: &str = "availability_zone";
    if kind.fields().iter().any(|field| field.name == ZONE)
        && observed.attributes.text(ZONE).is_some()
    {
        desired.set(ZONE, observed.attributes.get(ZONE).clone());
    }
}

/// Whether the new one would have the natural key of the old one.
fn keeps_key(kind: &dyn AnyKind, desired: &Attributes, observed: &Attributes) -> bool {
    let key = kind.identity().natural_key;
    !key.is_empty()
        && key.iter().all(|name| {
            let (want, has) = (desired.get(name), observed.get(name));
            !want.is_pending()
                && (want == has
                    || want.as_text().zip(has.as_text()).is_some_and(|(a, b)| {
                        super::diff::canonical_cidr(a) == super::diff::canonical_cidr(b)
                    }))
        })
}

fn whole_references<'a>(value: &'a Value, see: &mut dyn FnMut(&'a Reference)) {
    match value {
        Value::Expr(expr) => {
            if let [crate::model::Part::Ref(reference)] = expr.0.as_slice() {
                see(reference);
            }
        }
        Value::List(items) => items.iter().for_each(|item| whole_references(item, see)),
        Value::Map(map) => map.values().for_each(|item| whole_references(item, see)),
        _ => {}
    }
}
