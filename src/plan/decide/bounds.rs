//! Changes that AWS makes in place only within bounds: what is taken out from under what stands there, and another network.

use crate::kind::Change;
use crate::model::{Reference, Value};
use crate::plan::diff::{Difference, is_left_out};
use crate::plan::{Seen, Sighting, Wish};

use super::replace::whole_references;
use super::{Decider, Fate};

/// The field that says which network a resource stands in.
const NETWORK: &str = "vpc_id";

impl Decider<'_> {
    /// Whether a field that changes in place elsewhere cannot do so here.
    pub(super) fn is_bound(&self, wish: &Wish, live: &Sighting, difference: &Difference) -> bool {
        if is_left_out(&difference.from) {
            // Where it stands is not known, which is no reason to make it anew.
            return false;
        }
        match difference.field.change {
            Change::Grow => pulls_away(self.inputs.seen, live, difference),
            Change::Network => self.leaves_network(wish, live, difference),
            Change::Update | Change::Replace | Change::Ignore => false,
        }
    }

    /// Whether one of those wished for stands in another network than the resource does.
    fn leaves_network(&self, wish: &Wish, live: &Sighting, difference: &Difference) -> bool {
        let home = live.observed.attributes.text(NETWORK);
        let mut away = stand_elsewhere(self.inputs.seen, live, difference);
        // Those that are made by this plan are known by what they will stand in.
        let value = wish.attributes.get(difference.field.name);
        whole_references(value, &mut |reference: &Reference| {
            if let Some(Fate::Made(attributes)) = self.fates.get(&reference.address) {
                let network = attributes.get(NETWORK);
                away |= network.is_pending()
                    || (home.is_some() && network.as_text().is_some_and(|is| Some(is) != home));
            }
        });
        away
    }
}

/// Whether one of those wished for that are there is in another network than the resource.
pub(super) fn stand_elsewhere(seen: &Seen, live: &Sighting, difference: &Difference) -> bool {
    let home = live.observed.attributes.text(NETWORK);
    if difference.field.name == NETWORK {
        return home.is_some();
    }
    let wished = difference.to.as_list().unwrap_or_default().iter();
    let there = wished.filter_map(|item| item.as_text().and_then(|id| sighting(seen, id)));
    let mut networks = there.filter_map(|one| one.observed.attributes.text(NETWORK));
    networks.any(|network| home.is_some_and(|home| network != home))
}

/// Whether something of ours is taken out of a list while another of ours, which names the resource, stands in the zone that it is in.
/// What somebody else has put there is taken out in place: AWS refuses if it is used.
pub(super) fn pulls_away(seen: &Seen, live: &Sighting, difference: &Difference) -> bool {
    let wished = difference.to.as_list().unwrap_or_default();
    let there = difference.from.as_list().unwrap_or_default();
    let out = there.iter().filter(|item| !wished.contains(item));
    let mut out = out.filter_map(|item| item.as_text().and_then(|id| sighting(seen, id)));
    out.any(|item| {
        let zone = item.observed.attributes.get("availability_zone");
        standing_on(seen, live).any(|other| {
            let zones = other.observed.attributes.get("zones");
            let zones = zones.as_list().unwrap_or_default();
            zones.is_empty() || zone.is_null() || zones.contains(zone)
        })
    })
}

fn sighting<'a>(seen: &'a Seen, id: &str) -> Option<&'a Sighting> {
    let mut all = seen.ours.values().flatten();
    all.find(|sighting| sighting.observed.id.as_str() == id)
}

/// What of ours names it.
fn standing_on<'a>(seen: &'a Seen, live: &'a Sighting) -> impl Iterator<Item = &'a Sighting> {
    let id = live.observed.id.as_str();
    seen.ours.values().flatten().filter(move |other| {
        let mut values = other.observed.attributes.0.values();
        other.observed.id != live.observed.id
            && values.any(|value: &Value| value.as_text() == Some(id))
    })
}
