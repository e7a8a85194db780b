//! Eventual consistency: a call was accepted, and parts of the cloud do not know its effect yet. A new id is unknown to reads
//! and to calls that name it, tags and changes are shown late, and the answer of an update may have the values from before.

use std::time::Duration;

use circles_infra::model::{Attributes, Tags};
use tokio::time::Instant;

use crate::cloud::{Inner, LAG, Thing};
use crate::faults::{Dice, Fault, Tally, Weather};

/// How late one call's effect becomes known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lateness {
    /// Reads and calls that do not know the new id yet.
    uses: u32,
    /// Nobody knows the new id until so long after.
    id: Duration,
    /// Reads show no tags until so long after.
    tags: Duration,
    /// Reads, and the answer itself, show the values from before until so long after.
    change: Duration,
}

impl Lateness {
    pub fn random(weather: &Weather, dice: &mut Dice) -> Self {
        let mut lateness = Self::default();
        if !dice.chance(weather.hides) {
            return lateness;
        }
        let seconds = |dice: &mut Dice| Duration::from_millis(dice.between(100, LAG * 1000));
        match dice.below(4) {
            0 => lateness.uses = u32::try_from(dice.between(1, 5)).unwrap_or(1),
            1 => lateness.id = seconds(dice),
            2 => lateness.tags = seconds(dice),
            _ => {
                lateness.uses = u32::try_from(dice.between(1, 3)).unwrap_or(1);
                lateness.tags = seconds(dice);
            }
        }
        lateness.change = seconds(dice);
        lateness
    }
}

/// What parts of the cloud do not know of a thing.
#[derive(Clone, Debug, Default)]
pub struct Hidden {
    uses: u32,
    id_until: Option<Instant>,
    tags_until: Option<Instant>,
    /// What is shown until then.
    before: Option<(Instant, Attributes, Tags)>,
    /// When somebody last did not see it.
    last: Option<Instant>,
}

impl Hidden {
    pub fn new(lateness: Lateness, at: Instant) -> Self {
        Self {
            uses: lateness.uses,
            id_until: Some(at + lateness.id),
            tags_until: Some(at + lateness.tags),
            ..Self::default()
        }
    }

    /// Whether all of it could be seen from then on.
    pub fn is_over(&self, at: Instant) -> bool {
        let times = [self.id_until, self.tags_until, self.last];
        let changed = self.before.as_ref().map(|(until, ..)| *until);
        times
            .into_iter()
            .chain([changed])
            .flatten()
            .all(|until| until <= at)
    }
}

impl Inner {
    /// Whether one read of that thing, or one call that names it, does not know it yet.
    pub fn conceals(&mut self, kind: &'static str, id: &str, at: Instant, tally: &Tally) -> bool {
        let Some(thing) = self.things.get_mut(&(kind, id.to_owned())) else {
            return false;
        };
        let counted = thing.hidden.uses > 0 && at < thing.born + Duration::from_secs(LAG);
        if counted {
            thing.hidden.uses -= 1;
        }
        let concealed = counted || thing.hidden.id_until.is_some_and(|until| until > at);
        if concealed {
            thing.hidden.last = Some(at);
            tally.strike(Fault::HiddenId);
        }
        concealed
    }

    /// The same for an id alone.
    pub fn conceals_id(&mut self, id: &str, at: Instant, tally: &Tally) -> bool {
        let kind = self.there(id).map(|thing| thing.kind);
        kind.is_some_and(|kind| self.conceals(kind, id, at, tally))
    }
}

impl Thing {
    /// As reads show it.
    pub fn shown(mut self, at: Instant, tally: &Tally) -> Self {
        if let Some((until, attributes, tags)) = self.hidden.before.take()
            && until > at
        {
            tally.strike(Fault::LateChange);
            self.attributes = attributes;
            self.tags = tags;
        }
        if self.hidden.tags_until.is_some_and(|until| until > at) {
            tally.strike(Fault::LateTags);
            self.tags.clear();
        }
        self
    }

    /// What it was before a change, as reads go on to show it.
    pub fn changes_late(&mut self, lateness: Lateness, at: Instant) {
        if !lateness.change.is_zero() {
            let before = (self.attributes.clone(), self.tags.clone());
            self.hidden.before = Some((at + lateness.change, before.0, before.1));
        }
    }
}
