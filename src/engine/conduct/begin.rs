//! Beginning a run: says what was found of the one before, and writes down what is live and not in the state as such.

use std::collections::BTreeSet;

use super::Conductor;
use super::schedule::Ready;
use crate::event::Event;
use crate::kind::{IntentVerb, Observed};
use crate::model::{Address, KindName, PhysicalId, Value};
use crate::plan::{Act, Sighting, StepId};
use crate::state::Record;

impl Conductor<'_> {
    pub(super) async fn begin(&mut self) {
        let plan = &self.job.plan;
        let longest = self.lengths.iter().max().copied().unwrap_or_default();
        let event = Event::RunStarted {
            run: self.job.run.clone(),
            steps: plan.steps.len(),
            totals: plan.totals(),
            estimate: longest,
        };
        self.tell(event);
        self.recovered();
        self.adopt().await;
        for i in 0..self.waits.len() {
            if self.waits[i] == 0 {
                self.ready.push(Ready {
                    length: self.lengths[i],
                    step: StepId(i),
                });
            }
        }
    }

    /// Says what was found of calls that an earlier run did not see the end of.
    fn recovered(&mut self) {
        let found: Vec<(Address, String)> = self
            .job
            .unfinished
            .open
            .iter()
            .map(|(address, open)| {
                let actions: Vec<&str> = open.iter().map(|o| o.intent.action.as_str()).collect();
                let there = self.job.seen.ours.contains_key(address);
                let what = if there {
                    "found, and taken over"
                } else {
                    "not there"
                };
                (
                    address.clone(),
                    format!("{} of an unfinished run: {what}", actions.join(", ")),
                )
            })
            .collect();
        for (address, text) in found {
            self.tell(Event::Recovered { address, text });
        }
    }

    /// Writes down what is live and as wished but not in the state as such: found by its tags, or seen with other values.
    async fn adopt(&mut self) {
        let leaving: BTreeSet<(KindName, PhysicalId)> = self
            .job
            .plan
            .steps
            .iter()
            .filter_map(|step| match &step.act {
                Act::Delete { id, .. } | Act::Forget { id, .. } => {
                    Some((step.kind.clone(), id.clone()))
                }
                Act::Create { .. } | Act::Update { .. } => None,
            })
            .collect();
        let changing: BTreeSet<Address> = self
            .job
            .plan
            .steps
            .iter()
            .map(|step| step.address.clone())
            .collect();
        let mut events = Vec::new();
        // What is gone goes first: else a newer generation would push it among those to delete.
        for (address, id) in self.job.seen.gone.clone() {
            if let Some(record) = self
                .ledger
                .snapshot
                .resources
                .get(&address)
                .filter(|record| record.id == id)
            {
                let kind = record.kind.clone();
                events.push(self.ledger.removed(&address, &kind, &id));
            }
        }
        for (address, kind, id) in self.job.seen.cleared.clone() {
            events.push(self.ledger.removed(&address, &kind, &id));
        }
        for (address, sighting) in self.generations() {
            let observed = &sighting.observed;
            if leaving.contains(&(observed.kind.clone(), observed.id.clone()))
                && self.ledger.snapshot.holds(&observed.kind, &observed.id)
            {
                continue;
            }
            let mut record = self.record(&address, &sighting);
            // What it stands on changes with the step that is still to come.
            if changing.contains(&address)
                && let Some(before) = self.ledger.snapshot.resources.get(&address)
            {
                record.depends_on.clone_from(&before.depends_on);
            }
            if self.ledger.snapshot.resources.get(&address) != Some(&record)
                && !self
                    .ledger
                    .snapshot
                    .leftovers
                    .contains(&(address.clone(), record.clone()))
            {
                events.push(self.ledger.put(&address, record));
            }
        }
        self.write(events).await;
    }

    /// What is live, address by address, older generations first; of several in one generation the one that stays.
    fn generations(&self) -> Vec<(Address, Sighting)> {
        let mut all = Vec::new();
        for (address, sightings) in &self.job.seen.ours {
            let mut last = None;
            let mut one_each: Vec<&Sighting> = Vec::new();
            for sighting in sightings {
                if last != Some(sighting.generation) {
                    one_each.push(sighting);
                }
                last = Some(sighting.generation);
            }
            let ascending = one_each.into_iter().rev();
            all.extend(ascending.map(|sighting| (address.clone(), sighting.clone())));
        }
        all
    }

    /// A record of a live resource: as observed, and what only the file can tell.
    pub(super) fn record(&self, address: &Address, sighting: &Sighting) -> Record {
        let kept = self.job.keep.get(address);
        let mut attributes = sighting.observed.attributes.clone();
        let before = self.ledger.snapshot.resources.get(address);
        let sources = [kept.map(|k| &k.attributes), before.map(|b| &b.attributes)];
        // What the file leaves unset on purpose and AWS does not have is gone, whatever there was before.
        let unset =
            |field: &str| kept.is_some_and(|k| k.attributes.0.get(field) == Some(&Value::Null));
        for source in sources.into_iter().flatten() {
            for (field, value) in &source.0 {
                if attributes.get(field).is_null() && !value.is_null() && !unset(field) {
                    let value = value.resolve(&|r| self.value(r));
                    if !value.is_pending() {
                        attributes.0.insert(field.clone(), value);
                    }
                }
            }
        }
        Record {
            kind: sighting.observed.kind.clone(),
            id: sighting.observed.id.clone(),
            generation: sighting.generation,
            attributes,
            tags: sighting.observed.tags.clone(),
            depends_on: kept
                .map(|k| k.depends_on.clone())
                .or(before.map(|b| b.depends_on.clone()))
                .unwrap_or_default(),
            protect: kept.map_or(before.is_some_and(|b| b.protect), |k| k.protect),
            retain: kept.map_or(before.is_some_and(|b| b.retain), |k| k.retain),
            made_at: self.made_at(address, sighting),
        }
    }

    /// When it was made: by a call of this run, as its record says, or by one of an unfinished run.
    fn made_at(&self, address: &Address, sighting: &Sighting) -> Option<u64> {
        let Observed { kind, id, .. } = &sighting.observed;
        if self.learned.values().flatten().any(|given| given == id) {
            return Some(self.ledger.now());
        }
        if let Some(record) = self.ledger.snapshot.record(address, kind, id) {
            return record.made_at;
        }
        let open = self.job.unfinished.open.get(address)?.iter();
        let made = open.filter(|open| {
            let is_it = open.learned.as_ref().is_none_or(|given| given == id);
            is_it && open.intent.kind == *kind && open.intent.verb != IntentVerb::Delete
        });
        made.map(|open| open.at).max()
    }
}
