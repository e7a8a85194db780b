//! The one reader of a journal: a pure state machine that refuses nonsense.

use std::collections::BTreeMap;

use super::{CallOutcome, Entry, Event};
use crate::kind::{Intent, IntentVerb};
use crate::model::{Address, KindName, PhysicalId};
use crate::state::{Record, Snapshot};

/// A mutating call whose end the journal does not know, or whose resource it does not know the final state of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenIntent {
    pub number: u64,
    pub intent: Intent,
    /// Milliseconds since 1970 when it was written.
    pub at: u64,
    /// What AWS answered, if the answer was read before the crash.
    pub learned: Option<PhysicalId>,
    pub outcome: Option<CallOutcome>,
}

impl OpenIntent {
    /// Whether the call may have been carried out without anybody knowing its result.
    pub fn unknown(&self) -> bool {
        matches!(self.outcome, None | Some(CallOutcome::Unknown)) && self.learned.is_none()
    }
}

/// A journal's meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunState {
    pub run: Option<String>,
    pub epoch: u64,
    pub who: String,
    pub doing: String,
    pub closed: bool,
    /// By address: the calls since the resource was last recorded.
    pub open: BTreeMap<Address, Vec<OpenIntent>>,
    /// What became of resources, in order.
    pub changes: Vec<Change>,
    pub next_seq: u64,
    pub next_number: u64,
}

/// A finished step's trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Put(Address, Box<Record>),
    Drop(KindName, PhysicalId),
}

impl RunState {
    /// Brings a snapshot that is older than the journal up to it.
    pub fn apply_to(&self, snapshot: &mut Snapshot) {
        for change in &self.changes {
            match change {
                Change::Put(address, record) => snapshot.put(address, (**record).clone()),
                Change::Drop(kind, id) => snapshot.drop_id(kind, id),
            }
        }
    }

    /// Whether some call of one of these verbs for `address` may have been carried out unseen, and when the last such was sent
    /// (milliseconds since 1970).
    pub fn unknown_call(&self, address: &Address, verbs: &[IntentVerb]) -> Option<u64> {
        self.open
            .get(address)?
            .iter()
            .filter(|open| verbs.contains(&open.intent.verb) && open.unknown())
            .map(|open| open.at)
            .max()
    }

    /// Creates of ours that may have made something: what is found under their names was made by them, since those names were seen
    /// absent before the intents were written.
    pub fn begun(&self) -> impl Iterator<Item = &OpenIntent> {
        self.open.values().flatten().filter(|open| {
            open.intent.verb == IntentVerb::Create && open.outcome != Some(CallOutcome::Refused)
        })
    }

    /// Whether calls for resources of this kind did not end.
    pub fn speaks_of(&self, kind: &KindName) -> bool {
        self.open
            .values()
            .flatten()
            .any(|open| open.intent.kind == *kind)
    }

    /// Ids that unfinished calls have given.
    pub fn learned(&self) -> impl Iterator<Item = (&Address, &KindName, &PhysicalId, u32)> {
        self.open.iter().flat_map(|(address, all)| {
            all.iter().filter_map(move |open| {
                let id = open.learned.as_ref()?;
                Some((address, &open.intent.kind, id, open.intent.generation))
            })
        })
    }
}

/// A line that cannot follow those before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct IllegalEntry {
    pub line: u64,
    pub what: String,
}

/// Reads a journal.
///
/// # Errors
/// The first line that cannot stand where it stands.
pub fn fold(entries: &[Entry]) -> Result<RunState, IllegalEntry> {
    let mut run = RunState::default();
    let mut numbers: BTreeMap<u64, Address> = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        let line = index as u64 + 1;
        let illegal = |what: String| IllegalEntry { line, what };
        if entry.seq != run.next_seq {
            return Err(illegal(format!(
                "number {} where {} is due",
                entry.seq, run.next_seq
            )));
        }
        run.next_seq += 1;
        if run.closed {
            return Err(illegal("something follows the end".into()));
        }
        step(&mut run, &mut numbers, entry).map_err(illegal)?;
    }
    Ok(run)
}

fn step(
    run: &mut RunState,
    numbers: &mut BTreeMap<u64, Address>,
    entry: &Entry,
) -> Result<(), String> {
    match &entry.event {
        Event::Opened {
            run: name,
            epoch,
            who,
            doing,
            ..
        } => {
            if run.run.is_some() && *epoch <= run.epoch {
                return Err(format!("epoch {epoch} opened after {}", run.epoch));
            }
            run.run = Some(name.clone());
            run.epoch = *epoch;
            run.who.clone_from(who);
            run.doing.clone_from(doing);
        }
        _ if run.run.is_none() => return Err("it does not begin with an opening".into()),
        Event::Intent { number, intent } => {
            if *number != run.next_number {
                return Err(format!("intent {number} where {} is due", run.next_number));
            }
            run.next_number += 1;
            numbers.insert(*number, intent.address.clone());
            run.open
                .entry(intent.address.clone())
                .or_default()
                .push(OpenIntent {
                    number: *number,
                    intent: (**intent).clone(),
                    at: entry.at,
                    learned: None,
                    outcome: None,
                });
        }
        Event::Learned { number, id } => {
            if let Some(open) = find(run, numbers, *number)? {
                open.learned = Some(id.clone());
            }
        }
        Event::Returned { number, outcome } => {
            if let Some(open) = find(run, numbers, *number)? {
                if open.outcome.is_some() {
                    return Err(format!("intent {number} returned twice"));
                }
                open.outcome = Some(*outcome);
            }
        }
        Event::Recorded { address, record } => {
            run.open.remove(address);
            run.changes
                .push(Change::Put(address.clone(), record.clone()));
        }
        Event::Removed { kind, id, address } => {
            run.open.remove(address);
            run.changes.push(Change::Drop(kind.clone(), id.clone()));
        }
        Event::Closed => run.closed = true,
    }
    Ok(())
}

/// The call of that number; `None` when its resource was recorded meanwhile.
fn find<'a>(
    run: &'a mut RunState,
    numbers: &BTreeMap<u64, Address>,
    number: u64,
) -> Result<Option<&'a mut OpenIntent>, String> {
    let address = numbers
        .get(&number)
        .ok_or_else(|| format!("intent {number} was never written"))?;
    Ok(run
        .open
        .get_mut(address)
        .and_then(|all| all.iter_mut().find(|open| open.number == number)))
}
