//! Keep what is live, or change it in place.

use std::collections::{BTreeMap, BTreeSet};

use crate::kind::{AnyKind, Readiness};
use crate::model::{Attributes, Ownership, Value};
use crate::plan::diff::{Difference, unlike_keys};
use crate::plan::{Act, ChangedBy, Line, Note, Sighting, Wish};

use super::{Decider, Fate};

impl Decider<'_> {
    pub(super) fn update_or_keep(
        &mut self,
        wish: &Wish,
        kind: &dyn AnyKind,
        desired: Attributes,
        live: &Sighting,
        lines: Vec<Line>,
    ) {
        let mut attributes = live.observed.attributes.clone();
        self.standing(wish, kind, &desired, live);
        if lines.is_empty() {
            self.out.unchanged += 1;
            // A resource that is still on its way has attributes that AWS does not say yet (a database's endpoint).
            let pending = if live.observed.readiness == Readiness::Ready {
                BTreeSet::new()
            } else {
                let fields = kind.fields().iter();
                let unsaid =
                    fields.filter(|field| field.computed && attributes.get(field.name).is_null());
                unsaid.map(|field| field.name).collect()
            };
            self.stays(wish, attributes, pending);
            // A step that only waits says of what is broken that it will not become ready.
            let is_awaited = matches!(
                live.observed.readiness,
                Readiness::NotYet(_) | Readiness::Broken(_)
            );
            if !is_awaited || self.inputs.unwaited.contains(&wish.address) {
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
                    attributes.set(field.name, desired.get(field.name).clone());
                }
            }
            if pending.contains("arn") && attributes.text("arn") == Some(live.observed.id.as_str())
            {
                pending.insert("id");
            }
            self.stays(wish, attributes, pending);
        }
        self.fewer_tasks(wish, &desired, live);
        let mut moved = self.inputs.moved.iter();
        let moved_from = moved.find(|(_, to)| *to == wish.address);
        let act = Act::Update {
            id: live.observed.id.clone(),
            tags: self.all_tags(wish, live.generation),
            desired,
            changes: lines,
            moved_from: moved_from.map(|(from, _)| from.clone()),
        };
        self.draft(wish, live.generation, act, false, None, false);
    }

    pub(super) fn stays(
        &mut self,
        wish: &Wish,
        attributes: Attributes,
        pending: BTreeSet<&'static str>,
    ) {
        let fate = Fate::Live {
            attributes,
            pending,
        };
        self.fates.insert(wish.address.clone(), fate);
    }

    /// A change as it is shown: of a secret's keys only those that differ, each said to be changed by whoever did it.
    pub(super) fn lines(&self, wish: &Wish, live: &Sighting, difference: &Difference) -> Vec<Line> {
        let seen = self.inputs.seen;
        let Some(keys) = unlike_keys(difference, &|s| seen.secret(s)) else {
            return vec![self.line(wish, difference)];
        };
        let mut by: BTreeMap<ChangedBy, Vec<String>> = BTreeMap::new();
        for key in keys {
            let changed_by = self.who_changed(wish, live, difference, &key);
            by.entry(changed_by).or_default().push(key);
        }
        by.into_iter()
            .map(|(changed_by, keys)| Line {
                field: difference.field.name.to_owned(),
                from: only(&difference.from, &keys),
                to: only(&difference.to, &keys),
                changed_by,
            })
            .collect()
    }

    /// The state has no value to compare with. But it knows which keys there were, and which version: a key that it never had is the
    /// file's, and one that has another value in the same version, too.
    fn who_changed(
        &self,
        wish: &Wish,
        live: &Sighting,
        difference: &Difference,
        key: &str,
    ) -> ChangedBy {
        const VERSION: &str = "version_id";
        let Some(record) = self.inputs.state.resources.get(&wish.address) else {
            return ChangedBy::Unrecorded;
        };
        let has = |value: &Value| value.as_map().is_some_and(|map| map.contains_key(key));
        let rewritten = record.attributes.get(VERSION) != live.observed.attributes.get(VERSION);
        let had = has(record.attributes.get(difference.field.name));
        if had && (rewritten || !has(&difference.from)) {
            ChangedBy::Outside
        } else {
            ChangedBy::Stack
        }
    }

    pub(super) fn line(&self, wish: &Wish, difference: &Difference) -> Line {
        let last = self.inputs.state.resources.get(&wish.address);
        let seen = self.inputs.seen;
        let changed_by = last.map_or(ChangedBy::Unrecorded, |record| {
            let as_applied = crate::plan::diff::same(
                &difference.field.ty,
                &difference.to,
                record.attributes.get(difference.field.name),
                &|s| seen.secret(s),
            );
            if as_applied {
                ChangedBy::Outside
            } else {
                ChangedBy::Stack
            }
        });
        Line {
            field: difference.field.name.to_owned(),
            from: difference.from.clone(),
            to: difference.to.clone(),
            changed_by,
        }
    }

    pub(super) fn all_tags(&self, wish: &Wish, generation: u32) -> crate::model::Tags {
        let mut tags = wish.tags.clone();
        tags.extend(Ownership::new(self.inputs.scope, &wish.address, generation).tags());
        tags
    }

    pub(super) fn tags(&self, wish: &Wish, live: &Sighting) -> Option<Line> {
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
        let last = self.inputs.state.resources.get(&wish.address);
        let changed_by = match last.map(|record| &record.tags) {
            Some(tags) if *tags == wanted => ChangedBy::Outside,
            Some(tags) if !tags.is_empty() => ChangedBy::Stack,
            _ => ChangedBy::Unrecorded,
        };
        Some(Line {
            field: crate::kind::TAGS.to_owned(),
            from: map(&live.observed.tags),
            to: map(&wanted),
            changed_by,
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

/// A map with only these keys.
fn only(value: &Value, keys: &[String]) -> Value {
    let map = value.as_map().into_iter().flatten();
    Value::map(
        map.filter(|(key, _)| keys.contains(key))
            .map(|(key, value)| (key.clone(), value.clone())),
    )
}
