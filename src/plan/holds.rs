//! Who holds on to whom among what is live: by what AWS says, and by what the state and the file say.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Address, KindName, PhysicalId};
use crate::state::Record;

use super::order::Holders;
use super::{Inputs, Sighting, Wish};

/// Live resources by number.
pub(super) struct Holds {
    /// instance → instances that it stands on
    pub stands_on: Vec<BTreeSet<usize>>,
    /// instance → instances that AWS itself shows to hold it: it does not go before these let go.
    pub shown: Vec<Vec<usize>>,
    /// instance → others that were made upon it, or shall be: these had better go first.
    pub said: Vec<Vec<usize>>,
    pub addresses: Vec<Address>,
}

impl Holds {
    pub fn new(inputs: &Inputs<'_>, instances: &[(&Address, &Sighting)]) -> Self {
        let holders = Holders::new(instances);
        let shown_on: Vec<BTreeSet<usize>> = instances
            .iter()
            .enumerate()
            .map(|(i, (_, sighting))| holders.held_by(sighting, i))
            .collect();
        let mut said_on = said(inputs, instances);
        for (said, shown) in said_on.iter_mut().zip(&shown_on) {
            said.retain(|held| !shown.contains(held));
        }
        let both = shown_on.iter().zip(&said_on);
        Self {
            stands_on: both.map(|(shown, said)| shown | said).collect(),
            shown: turned(&shown_on),
            said: turned(&said_on),
            addresses: instances
                .iter()
                .map(|(address, _)| (*address).clone())
                .collect(),
        }
    }
}

/// By the one that is held.
fn turned(stands_on: &[BTreeSet<usize>]) -> Vec<Vec<usize>> {
    let mut held_by = vec![Vec::new(); stands_on.len()];
    for (holder, on) in stands_on.iter().enumerate() {
        for held in on {
            held_by[*held].push(holder);
        }
    }
    held_by
}

/// What each stands on by the state, which says what it was made upon. The file only says what it shall stand on, which is the next
/// best: it may not be so yet.
fn said(inputs: &Inputs<'_>, instances: &[(&Address, &Sighting)]) -> Vec<BTreeSet<usize>> {
    // The file and the state speak of addresses: whatever generation stood there when this one was made, the newest not newer than what
    // it can have known. AWS's own word decides where a replaced one is still held.
    let mut newest: BTreeMap<&Address, usize> = BTreeMap::new();
    for (i, (address, _)) in instances.iter().enumerate() {
        newest.entry(address).or_insert(i);
    }
    let wishes: BTreeMap<&Address, &Wish> = inputs.wishes.iter().map(|w| (&w.address, w)).collect();
    let leftovers = inputs.state.leftovers.iter().map(|(_, record)| record);
    let records: BTreeMap<(&KindName, &PhysicalId), &Record> = leftovers
        .chain(inputs.state.resources.values())
        .map(|record| ((&record.kind, &record.id), record))
        .collect();
    let on = |(i, (address, sighting)): (usize, &(&Address, &Sighting))| {
        let observed = &sighting.observed;
        let needs: BTreeSet<Address> = match records.get(&(&observed.kind, &observed.id)) {
            Some(record) => record.depends_on.iter().cloned().collect(),
            None => wishes
                .get(*address)
                .filter(|wish| wish.kind == observed.kind)
                .map(|wish| wish.needs())
                .unwrap_or_default(),
        };
        let held = needs.iter().filter_map(|need| newest.get(need).copied());
        held.filter(|held| *held != i).collect()
    };
    instances.iter().enumerate().map(on).collect()
}
