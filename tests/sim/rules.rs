//! What calls do: names are unique, what something stands on must exist, what is in use cannot go. And what no call may ever do.

use std::time::Duration;

use circles_infra::kind::{Class, CloudError};
use circles_infra::model::{Attributes, Tags, Value};
use tokio::time::Instant;

use crate::cloud::{Call, Inner, Sent, Thing, error};
use crate::faults::{Fault, Tally};
use crate::lag::Hidden;
use crate::nature::{Ids, facts};

type Answer = Result<Thing, CloudError>;

/// The ids that a thing stands on.
pub fn stands_on(attributes: &Attributes) -> Vec<&str> {
    let on = attributes.get("on").as_list().unwrap_or_default();
    on.iter()
        .chain([attributes.get("parent")])
        .filter_map(Value::as_text)
        .collect()
}

/// `family:7` → `family`
pub fn family(id: &str) -> &str {
    id.rsplit_once(':').map_or(id, |(family, _)| family)
}

pub fn revision(id: &str) -> u64 {
    id.rsplit_once(':')
        .and_then(|(_, number)| number.parse().ok())
        .unwrap_or(0)
}

impl Inner {
    /// The thing with that id, of whatever kind, unless it is on its way out.
    pub fn there(&self, id: &str) -> Option<&Thing> {
        self.things
            .values()
            .find(|thing| thing.id == id && thing.going.is_none())
    }

    /// What stands on it. A revision only names things: it holds none of them.
    pub fn holders<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Thing> {
        self.things.values().filter(move |thing| {
            thing.kind != "sim.revision" && stands_on(&thing.attributes).contains(&id)
        })
    }

    /// The family's revisions, the newest last.
    pub fn revisions(&self, family_name: &str) -> Vec<&Thing> {
        let mut all: Vec<&Thing> = self
            .things
            .values()
            .filter(|thing| thing.kind == "sim.revision" && family(&thing.id) == family_name)
            .collect();
        all.sort_by_key(|thing| revision(&thing.id));
        all
    }

    /// Whether the plan says that this goes before the holder lets go of it.
    fn is_told(&self, address: &str, holder: &Thing) -> bool {
        let owner = holder.owner().map(|owner| owner.address.to_string());
        owner.is_some_and(|holder| self.knots.contains(&(address.to_owned(), holder)))
    }

    /// Dependants go first: judged when the call is sent, by what could be known when the run began.
    pub fn order(&mut self, call: &Call, address: &str) {
        let (Call::Delete { id, .. }, Some(began)) = (call, self.began) else {
            return;
        };
        let early: Vec<String> = self
            .holders(id)
            .filter(|holder| {
                let shown = holder.shown_at <= began && holder.before.is_none();
                holder.ours && shown && holder.hidden.is_over(began)
            })
            .filter(|holder| !self.is_told(address, holder))
            .map(|holder| holder.id.clone())
            .collect();
        if !early.is_empty() {
            let what = format!("{address} ({id}) was to go before {}", early.join(", "));
            self.violations.push(what);
        }
    }

    /// Nobody writes over what a later holder of the lease has written.
    pub fn written(&mut self, what: &'static str, epoch: u64) {
        let newest = self.epochs.entry(what).or_default();
        if epoch < *newest {
            let what = format!("{what} was written under epoch {epoch}, after {newest}");
            self.violations.push(what);
        } else {
            *newest = epoch;
        }
    }

    pub fn carry_out(&mut self, sent: &Sent, at: Instant, tally: &Tally) -> Answer {
        match sent.call.clone() {
            Call::Create {
                kind,
                attributes,
                tags,
                token,
                secret,
            } => {
                let made = Thing {
                    kind,
                    id: String::new(),
                    attributes,
                    tags,
                    born: at,
                    ready_at: at + facts(kind).ready,
                    broken: facts(kind).may_break && sent.breaks,
                    going: None,
                    shown_at: at + sent.lag,
                    before: None,
                    secret,
                    ours: true,
                    made_for: sent.address.clone(),
                    number: 0,
                    double: sent.double,
                    hidden: Hidden::new(sent.lateness, at),
                };
                let breaks = made.broken;
                let answer = self.create(sent, made, &token, tally);
                if breaks && answer.is_ok() {
                    tally.strike(Fault::NeverReady);
                }
                answer
            }
            Call::Update { kind, id, set } if facts(kind).ids == Ids::Revised => {
                self.append(sent, &id, &set, at, tally)
            }
            Call::Update { id, set, .. } => {
                self.standing(&sent.action, &set, at, tally)?;
                self.repeats(sent, &id, &set);
                self.change(sent, &id, at, tally, |thing| {
                    for (name, value) in &set.0 {
                        thing.attributes.0.insert(name.clone(), value.clone());
                    }
                    if facts(thing.kind).unsettled {
                        thing.ready_at = at + facts(thing.kind).ready;
                    }
                })
            }
            Call::Tag { id, tags, .. } => self.change(sent, &id, at, tally, |thing| {
                thing.tags.clone_from(&tags);
                thing.ours = thing.owner().is_some();
            }),
            Call::Delete { kind, id } => {
                if self.conceals(kind, &id, at, tally) {
                    return Err(error(&sent.action, Class::NotFound, "NotFound", &id));
                }
                self.delete(sent, kind, &id, at)
            }
        }
    }

    fn create(&mut self, sent: &Sent, mut thing: Thing, token: &str, tally: &Tally) -> Answer {
        let facts = facts(thing.kind);
        if facts.tokens {
            let known = self.tokens.get(&(thing.kind, token.to_owned()));
            if let Some(known) = known.and_then(|id| self.things.get(&(thing.kind, id.clone()))) {
                return Ok(known.clone());
            }
        }
        self.standing(&sent.action, &thing.attributes, thing.born, tally)?;
        let name = thing.attributes.text("name").unwrap_or_default().to_owned();
        thing.id = match facts.ids {
            Ids::Counted => format!("{}-{}", &thing.kind[4..], self.next),
            Ids::Named => name.clone(),
            Ids::InParent => {
                let parent = thing.attributes.text("parent").unwrap_or_default();
                format!("{parent}/{name}")
            }
            Ids::Revised => {
                let last = self.revisions(&name).last().map_or(0, |t| revision(&t.id));
                format!("{name}:{}", last + 1)
            }
        };
        let named = !name.is_empty() && facts.ids == Ids::Counted;
        let taken = self.things.contains_key(&(thing.kind, thing.id.clone()))
            || (named
                && self.things.values().any(|other| {
                    other.kind == thing.kind && other.attributes.text("name") == Some(&name)
                }));
        if taken {
            return Err(error(&sent.action, Class::Exists, "AlreadyExists", &name));
        }
        self.not_twice(&thing);
        self.ever.insert(thing.made_for.clone());
        if facts.tokens {
            let key = (thing.kind, token.to_owned());
            self.tokens.insert(key, thing.id.clone());
        }
        Ok(self.add(thing))
    }

    /// Puts it among what exists.
    pub fn add(&mut self, mut thing: Thing) -> Thing {
        self.next += 1;
        thing.number = self.next;
        self.things
            .insert((thing.kind, thing.id.clone()), thing.clone());
        thing
    }

    /// Nothing of ours is made twice, unless the cloud itself did that.
    fn not_twice(&mut self, thing: &Thing) {
        let owner = thing.owner();
        let other = self.things.values().find(|other| {
            let same = match facts(thing.kind).ids {
                Ids::Revised => {
                    family(&other.id) == family(&thing.id)
                        && revision(&other.id) + 1 == revision(&thing.id)
                        && other.attributes == thing.attributes
                }
                _ => owner.is_some() && other.owner() == owner,
            };
            same && other.kind == thing.kind && other.going.is_none() && other.ours
        });
        if let Some(other) = other.filter(|other| !other.double && !thing.double) {
            let what = format!("{} was made again as {}", other.id, thing.id);
            self.violations.push(what);
        }
    }

    /// A further revision of the family that `id` is of.
    fn append(
        &mut self,
        sent: &Sent,
        id: &str,
        set: &Attributes,
        at: Instant,
        tally: &Tally,
    ) -> Answer {
        self.standing(&sent.action, set, at, tally)?;
        let newest = self.revisions(family(id)).last().map(|t| (*t).clone());
        let Some(newest) = newest else {
            return Err(error(&sent.action, Class::NotFound, "NotFound", id));
        };
        let mut next = newest.clone();
        next.attributes.0.extend(set.0.clone());
        next.id = format!("{}:{}", family(id), revision(&newest.id) + 1);
        next.born = at;
        next.shown_at = at + sent.lag;
        next.before = None;
        next.hidden = Hidden::new(sent.lateness, at);
        next.double = sent.double;
        if !newest.ours {
            let what = format!("{} was given a revision, and is a stranger's", newest.id);
            self.violations.push(what);
        }
        self.not_twice(&next);
        Ok(self.add(next))
    }

    fn repeats(&mut self, sent: &Sent, id: &str, set: &Attributes) {
        let is_set = |thing: &&Thing| {
            let mut set = set.0.iter();
            thing.id == id && set.all(|(name, value)| thing.attributes.get(name) == value)
        };
        if self.things.values().find(is_set).is_some() {
            self.repeated.push(format!("{} {id}: {set:?}", sent.action));
        }
    }

    fn change(
        &mut self,
        sent: &Sent,
        id: &str,
        at: Instant,
        tally: &Tally,
        change: impl FnOnce(&mut Thing),
    ) -> Answer {
        let kind = match &sent.call {
            Call::Update { kind, .. } | Call::Tag { kind, .. } => *kind,
            _ => "",
        };
        let absent = || error(&sent.action, Class::NotFound, "NotFound", id);
        if self.conceals(kind, id, at, tally) {
            return Err(absent());
        }
        let thing = self
            .things
            .get_mut(&(kind, id.to_owned()))
            .filter(|thing| thing.going.is_none())
            .ok_or_else(absent)?;
        if !thing.ours {
            let what = format!("{id} was changed ({}), and is a stranger's", sent.action);
            self.violations.push(what);
        }
        if sent.lag > Duration::ZERO {
            let before = (thing.attributes.clone(), thing.tags.clone());
            thing.before = Some((at + sent.lag, before.0, before.1));
        }
        thing.changes_late(sent.lateness, at);
        change(thing);
        Ok(thing.clone().shown(at, tally))
    }

    fn delete(&mut self, sent: &Sent, kind: &'static str, id: &str, at: Instant) -> Answer {
        let key = (kind, id.to_owned());
        let Some(thing) = self.things.get(&key).cloned() else {
            return Err(error(&sent.action, Class::NotFound, "NotFound", id));
        };
        if !thing.ours {
            let what = format!("{id} was deleted, and is a stranger's");
            self.violations.push(what);
        }
        if thing.going.is_some() {
            return Ok(thing);
        }
        if let Some(holder) = self.holders(id).next() {
            let by = holder.id.clone();
            return Err(error(
                &sent.action,
                Class::InUse,
                "DependencyViolation",
                &by,
            ));
        }
        let granted = self.permitted.contains(&thing.made_for);
        // A call that is carried out after its sender gave up may meet what took the name meanwhile: that is the cloud's doing.
        let late = thing.born > sent.sent_at;
        if facts(kind).holds_data && !granted && !late && !self.anything_goes {
            let what = format!("{id} held data, and nobody said that it may go");
            self.violations.push(what);
        }
        if sent.lag > Duration::ZERO {
            self.ghosts.push((at + sent.lag, thing.clone()));
        }
        let drain = facts(kind).drain;
        if drain > Duration::ZERO {
            if let Some(thing) = self.things.get_mut(&key) {
                thing.going = Some(at + drain);
            }
        } else {
            self.things.remove(&key);
        }
        Ok(thing)
    }

    /// What it stands on must be there.
    fn standing(
        &mut self,
        action: &str,
        attributes: &Attributes,
        at: Instant,
        tally: &Tally,
    ) -> Result<(), CloudError> {
        match stands_on(attributes)
            .into_iter()
            .find(|id| self.there(id).is_none() || self.conceals_id(id, at, tally))
        {
            Some(absent) => Err(error(action, Class::NotFound, "NotFound", absent)),
            None => Ok(()),
        }
    }

    /// Something that somebody else made; its id.
    pub fn stranger(&mut self, kind: &'static str, attributes: Attributes, tags: Tags) -> String {
        let now = Instant::now();
        let name = attributes.text("name").unwrap_or_default();
        let id = match facts(kind).ids {
            Ids::Counted => format!("{}-{}", &kind[4..], self.next + 1),
            Ids::Named => name.to_owned(),
            Ids::InParent => {
                let parent = attributes.text("parent").unwrap_or_default();
                format!("{parent}/{name}")
            }
            Ids::Revised => format!("{name}:1"),
        };
        self.add(Thing {
            kind,
            id,
            attributes,
            tags,
            born: now,
            ready_at: now,
            broken: false,
            going: None,
            shown_at: now,
            before: None,
            secret: None,
            ours: false,
            made_for: String::new(),
            number: 0,
            double: false,
            hidden: Hidden::default(),
        })
        .id
    }
}
