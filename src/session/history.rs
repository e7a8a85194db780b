//! What ran, when, by whom: read off the journals that finished runs left.

use std::collections::BTreeMap;

use super::lock::TAKING_OVER;
use super::{Session, SessionError};
use crate::journal::{Entry, Event};
use crate::kind::IntentVerb;
use crate::model::Address;

/// One run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRun {
    pub run: String,
    /// `apply`, `destroy`, `state mv`, …
    pub doing: String,
    /// RFC 3339, UTC.
    pub started: String,
    /// The caller's ARN, and `user@host` or the CI job's URL.
    pub who: String,
    pub commit: Option<String>,
    /// False: it was killed, and the next run went on in its journal.
    pub ended: bool,
    /// What was done at which address.
    pub changes: BTreeMap<Address, Deed>,
}

/// What a run did to one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Created,
    Changed,
    Deleted,
    Replaced,
}

impl Deed {
    /// With one more intent for the same address. A resource that was made and then completed was made.
    fn and(before: Option<Self>, verb: IntentVerb) -> Self {
        match (before, verb) {
            (None, IntentVerb::Create) => Self::Created,
            (None | Some(Self::Changed), IntentVerb::Delete) => Self::Deleted,
            (None, IntentVerb::Update) => Self::Changed,
            (Some(Self::Deleted), IntentVerb::Create)
            | (Some(Self::Created), IntentVerb::Delete) => Self::Replaced,
            (Some(before), _) => before,
        }
    }
}

impl Session {
    /// Finished and unfinished runs, newest first; with an address only those that changed something at or below it.
    pub async fn history(&self, address: Option<&Address>) -> Result<Vec<PastRun>, SessionError> {
        let mut journals = self.store.runs().await?;
        journals.push(self.store.journal().await?);
        let mut runs: Vec<PastRun> = journals.iter().flat_map(|entries| past(entries)).collect();
        runs.reverse();
        if let Some(asked) = address {
            for run in &mut runs {
                run.changes.retain(|changed, _| changed.within(asked));
            }
            runs.retain(|run| !run.changes.is_empty());
        }
        Ok(runs)
    }
}

/// The runs in one journal: more than one where a run went on from one that was killed.
fn past(entries: &[Entry]) -> Vec<PastRun> {
    let mut runs: Vec<PastRun> = Vec::new();
    for entry in entries {
        match &entry.event {
            Event::Opened {
                run,
                caller,
                who,
                doing,
                commit,
                ..
            } if doing != TAKING_OVER => runs.push(PastRun {
                run: run.clone(),
                doing: doing.clone(),
                started: jiff::Timestamp::from_millisecond(i64::try_from(entry.at).unwrap_or(0))
                    .map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
                    .unwrap_or_default(),
                who: format!("{caller} ({who})"),
                commit: commit.clone(),
                ended: false,
                changes: BTreeMap::new(),
            }),
            Event::Intent { intent, .. } => {
                if let Some(run) = runs.last_mut() {
                    let before = run.changes.get(&intent.address).copied();
                    run.changes
                        .insert(intent.address.clone(), Deed::and(before, intent.verb));
                }
            }
            Event::Closed => {
                if let Some(run) = runs.last_mut() {
                    run.ended = true;
                }
            }
            _ => {}
        }
    }
    runs
}
