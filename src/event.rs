//! What happens in a run, as it happens. The live view, plain lines, JSON lines and the report are all made from these.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{Address, KindName, PhysicalId};
use crate::plan::{StepId, Totals};

/// Which of the five verbs a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepVerb {
    Create,
    Update,
    Delete,
    Forget,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    RunStarted {
        run: String,
        steps: usize,
        totals: Totals,
        /// What the whole run will usually take: the longest path through it.
        estimate: Duration,
    },
    /// What an earlier, unfinished run had begun, and what was found of it.
    Recovered {
        address: Address,
        text: String,
    },
    StepStarted {
        step: StepId,
        address: Address,
        kind: KindName,
        verb: StepVerb,
        typical: Duration,
    },
    /// AWS has given it an id.
    StepLearned {
        step: StepId,
        address: Address,
        id: PhysicalId,
    },
    StepWaiting {
        step: StepId,
        address: Address,
        why: String,
    },
    StepNote {
        address: Address,
        text: String,
    },
    StepDone {
        step: StepId,
        address: Address,
        verb: StepVerb,
        took: Duration,
        /// The change had come about by itself, or turned out to be none.
        nothing: bool,
    },
    StepFailed {
        step: StepId,
        address: Address,
        error: String,
        help: Option<String>,
    },
    StepSkipped {
        step: StepId,
        address: Address,
        because: Address,
    },
    /// Ctrl-C: 1 = nothing new starts, 2 = waits are given up.
    Stopping {
        level: u8,
        running: Vec<Address>,
    },
    RunFinished {
        outcome: Outcome,
        took: Duration,
        calls: u64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Done,
    /// At least one step failed; what did not hang on it was carried out.
    Failed,
    Stopped,
}

/// Where events go. A sink that cannot take more (a closed pipe) says so, and the run stops in order.
pub trait Sink: Send {
    /// False: nobody reads any more.
    fn take(&mut self, event: &Event) -> bool;
}

/// The one reducer: the state of a run as its events tell it.
#[derive(Clone, Debug, Default)]
pub struct RunView {
    pub steps: usize,
    pub totals: Totals,
    pub estimate: Duration,
    pub running: BTreeMap<StepId, Running>,
    pub done: usize,
    /// Updates that turned out to be none.
    pub needless: usize,
    pub failed: Vec<(Address, String, Option<String>)>,
    pub skipped: Vec<(Address, Address)>,
    pub recovered: Vec<(Address, String)>,
    pub notes: Vec<(Address, String)>,
    pub stopping: u8,
    pub outcome: Option<Outcome>,
    pub took: Duration,
    pub calls: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    pub address: Address,
    pub kind: KindName,
    pub verb: StepVerb,
    pub typical: Duration,
    pub id: Option<PhysicalId>,
    pub why: Option<String>,
}

impl RunView {
    /// Long: one arm an event.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::RunStarted {
                steps,
                totals,
                estimate,
                ..
            } => {
                self.steps = *steps;
                self.totals = *totals;
                self.estimate = *estimate;
            }
            Event::Recovered { address, text } => {
                self.recovered.push((address.clone(), text.clone()));
            }
            Event::StepStarted {
                step,
                address,
                kind,
                verb,
                typical,
            } => {
                self.running.insert(
                    *step,
                    Running {
                        address: address.clone(),
                        kind: kind.clone(),
                        verb: *verb,
                        typical: *typical,
                        id: None,
                        why: None,
                    },
                );
            }
            Event::StepLearned { step, id, .. } => {
                if let Some(running) = self.running.get_mut(step) {
                    running.id = Some(id.clone());
                }
            }
            Event::StepWaiting { step, why, .. } => {
                if let Some(running) = self.running.get_mut(step) {
                    running.why = Some(why.clone());
                }
            }
            Event::StepNote { address, text } => {
                self.notes.push((address.clone(), text.clone()));
            }
            Event::StepDone {
                step,
                verb,
                nothing,
                ..
            } => {
                self.running.remove(step);
                self.done += 1;
                if *nothing && *verb == StepVerb::Update {
                    self.needless += 1;
                }
            }
            Event::StepFailed {
                step,
                address,
                error,
                help,
            } => {
                self.running.remove(step);
                self.failed
                    .push((address.clone(), error.clone(), help.clone()));
            }
            Event::StepSkipped {
                address, because, ..
            } => {
                self.skipped.push((address.clone(), because.clone()));
            }
            Event::Stopping { level, .. } => self.stopping = *level,
            Event::RunFinished {
                outcome,
                took,
                calls,
            } => {
                self.outcome = Some(*outcome);
                self.took = *took;
                self.calls = *calls;
            }
        }
    }
}
