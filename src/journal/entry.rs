use serde::{Deserialize, Serialize};

use crate::kind::Intent;
use crate::model::{Address, KindName, PhysicalId};
use crate::state::Record;

/// One line. Sequence numbers have no gaps within a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub seq: u64,
    /// Milliseconds since 1970, by the writer's clock; for people and for judging how old an intent is, never for order.
    pub at: u64,
    pub event: Event,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    Opened {
        run: String,
        epoch: u64,
        caller: String,
        who: String,
        doing: String,
        /// What a CI job works on.
        #[serde(default)]
        commit: Option<String>,
    },
    /// About to be sent. `number` is unique within the journal.
    Intent {
        number: u64,
        intent: Box<Intent>,
    },
    /// AWS gave an id.
    Learned {
        number: u64,
        id: PhysicalId,
    },
    /// The call came back.
    Returned {
        number: u64,
        outcome: CallOutcome,
    },
    /// The resource as it is now.
    Recorded {
        address: Address,
        record: Box<Record>,
    },
    /// The resource is gone, or not ours any more.
    Removed {
        kind: KindName,
        id: PhysicalId,
        address: Address,
    },
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    Done,
    /// AWS refused: nothing was carried out.
    Refused,
    /// The answer was lost: nobody knows.
    Unknown,
}
