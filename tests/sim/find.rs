//! Reading the made-up cloud: lists lag behind, come in pages and show what is gone; reads by id or by name do not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use circles_infra::kind::{Asked, AskedItem, Class, CloudError};
use circles_infra::model::Ownership;
use tokio::time::{Instant, sleep};

use crate::cloud::{Inner, Sim, Thing, error};
use crate::drive::Defect;
use crate::faults::{Dice, Fault};
use crate::nature::{Ids, Nature, facts};
use crate::rules::{family, revision};

/// Things on one page of a list.
const PAGE: usize = 7;

impl Sim {
    /// All that is asked for, and with a wide look whatever else carries our tags.
    pub async fn find<N: Nature>(&self, asked: &Asked) -> Result<Vec<Thing>, CloudError> {
        self.pass(N::NAME).await?;
        let now = Instant::now();
        let tally = &self.cloud.tally;
        let mut found = if asked.extent.is_wide() || N::IDENTITY.natural_key.is_empty() {
            self.list(N::NAME, asked)
        } else {
            Vec::new()
        };
        let mut inner = self.cloud.now();
        let known = direct(&inner, N::NAME, &asked.items);
        // What a direct read says is the newer word.
        found.retain(|listed| !known.contains_key(&listed.id));
        let known = known.into_values().cloned();
        found.extend(known.map(|thing| thing.shown(now, tally)));
        found.retain(|thing| !inner.conceals(N::NAME, &thing.id, now, tally));
        drop(inner);
        if N::IDS == Ids::Revised {
            found = newest(found, asked);
        }
        if self.defect == Some(Defect::NoTagCheck) {
            for thing in &mut found {
                claim(thing, asked);
            }
        }
        Ok(found)
    }

    /// One thing by its id.
    pub async fn read(&self, kind: &'static str, id: &str) -> Result<Option<Thing>, CloudError> {
        self.pass(kind).await?;
        let mut inner = self.cloud.now();
        if inner.conceals(kind, id, Instant::now(), &self.cloud.tally) {
            return Ok(None);
        }
        Ok(inner.things.get(&(kind, id.to_owned())).cloned())
    }

    /// The ids of a family's revisions that are ours, and the known one.
    pub fn family(&self, name: &str, known: &str) -> Vec<String> {
        let inner = self.cloud.now();
        let ours = inner.revisions(name).into_iter().filter(|t| t.ours);
        let mut ids: Vec<String> = ours.map(|t| t.id.clone()).collect();
        if !ids.iter().any(|id| id == known) {
            ids.push(known.to_owned());
        }
        ids
    }

    /// The time that a read takes, and whether it fails.
    async fn pass(&self, kind: &str) -> Result<(), CloudError> {
        self.process.alive().await;
        let weather = self.cloud.weather();
        let number = {
            let mut inner = self.cloud.now();
            inner.reads += 1;
            inner.reads
        };
        let mut dice = Dice::at(self.cloud.seed, &[&"read", &kind, &number]);
        sleep(Duration::from_millis(dice.between(20, 80))).await;
        self.process.alive().await;
        if dice.chance(weather.reads) {
            self.cloud.tally.strike(Fault::FailedRead);
            return Err(error(kind, Class::Unknown, "InternalError", "a read"));
        }
        Ok(())
    }

    /// What the lists show of a kind.
    fn list(&self, kind: &'static str, asked: &Asked) -> Vec<Thing> {
        let now = Instant::now();
        let mut inner = self.cloud.now();
        let mut all = Vec::new();
        let mut overlooked = Vec::new();
        let from = (kind, String::new());
        for ((_, _), thing) in inner
            .things
            .range(from..)
            .take_while(|((k, _), _)| *k == kind)
        {
            if thing.shown_at > now {
                self.cloud.tally.strike(Fault::LaggingList);
                // Nobody speaks of its kind, and this was the look for what is left of it.
                if asked.items.is_empty() {
                    overlooked.push(thing.id.clone());
                }
                continue;
            }
            let mut thing = thing.clone();
            if let Some((until, attributes, tags)) = thing.before.take()
                && until > now
            {
                self.cloud.tally.strike(Fault::StaleRead);
                thing.attributes = attributes;
                thing.tags = tags;
            }
            all.push(thing.shown(now, &self.cloud.tally));
        }
        for (_, ghost) in inner.ghosts.iter().filter(|(_, ghost)| ghost.kind == kind) {
            if !all.iter().any(|thing| thing.id == ghost.id) {
                self.cloud.tally.strike(Fault::Ghost);
                all.push(ghost.clone());
            }
        }
        inner.overlooked.extend(overlooked);
        if self.defect == Some(Defect::FirstPageOnly) {
            all.truncate(PAGE);
        }
        all.retain(|thing| asked.wants(&thing.id, &thing.tags));
        all
    }
}

/// What reads by id or by name find, by id.
fn direct<'a>(
    inner: &'a Inner,
    kind: &'static str,
    items: &[AskedItem],
) -> BTreeMap<String, &'a Thing> {
    let facts = facts(kind);
    let mut ids: BTreeSet<String> = BTreeSet::new();
    let mut names: BTreeSet<String> = BTreeSet::new();
    for item in items {
        let desired = item.desired.as_ref();
        let text = |field| desired.and_then(|desired| desired.text(field).map(str::to_owned));
        let id = item.id.as_ref().map(|id| id.as_str().to_owned());
        match facts.ids {
            Ids::Named => ids.extend(text("name")),
            Ids::InParent => {
                let key = text("parent").zip(text("name"));
                ids.extend(key.map(|(parent, name)| format!("{parent}/{name}")));
            }
            Ids::Revised => {
                names.extend(text("name"));
                names.extend(id.as_deref().map(|id| family(id).to_owned()));
            }
            Ids::Counted if facts.identity.natural_key.is_empty() => {}
            Ids::Counted => names.extend(text("name")),
        }
        ids.extend(id);
    }
    let by_id = ids
        .into_iter()
        .filter_map(|id| inner.things.get(&(kind, id)));
    let mut all: BTreeMap<String, &Thing> = by_id.map(|thing| (thing.id.clone(), thing)).collect();
    if !names.is_empty() {
        let of_kind = inner.things.range((kind, String::new())..);
        let of_kind = of_kind.take_while(|((k, _), _)| *k == kind);
        let named = of_kind.map(|(_, thing)| thing).filter(|thing| {
            let name = match facts.ids {
                Ids::Revised => Some(family(&thing.id)),
                _ => thing.attributes.text("name"),
            };
            name.is_some_and(|name| names.contains(name))
        });
        all.extend(named.map(|thing| (thing.id.clone(), thing)));
    }
    all
}

/// Of each family the newest revision that is ours; of one that has none of ours, the newest.
fn newest(all: Vec<Thing>, asked: &Asked) -> Vec<Thing> {
    let ours = |thing: &Thing| thing.owner().is_some_and(|owner| owner.is_of(&asked.scope));
    let mut newest: Vec<Thing> = Vec::new();
    for thing in all {
        let rank = |t: &Thing| (ours(t), revision(&t.id));
        let same = |t: &&mut Thing| family(&t.id) == family(&thing.id);
        match newest.iter_mut().find(same) {
            Some(other) if rank(other) < rank(&thing) => *other = thing,
            Some(_) => {}
            None => newest.push(thing),
        }
    }
    newest
}

/// Planted: whatever has the wished name is taken for ours.
fn claim(thing: &mut Thing, asked: &Asked) {
    let wished = asked.items.iter().find(|item| {
        let named = item
            .desired
            .as_ref()
            .and_then(|desired| desired.text("name"));
        named.is_some() && named == thing.attributes.text("name")
    });
    if let Some(item) = wished.filter(|_| !thing.ours) {
        thing.tags = Ownership::new(&asked.scope, &item.address, 1).tags();
    }
}
