//! The plan: a plain value. Terminal, JSON and Markdown are renderings of it and decide nothing; it is also what `plan --out` writes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::kind::FieldChange;
use crate::model::{Address, Attributes, KindName, Origin, PhysicalId, Tags, Value};

/// For which world a plan was made; a plan file is refused in any other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub stack: String,
    pub environment: String,
    pub account: String,
    pub region: String,
    /// A custom endpoint, if one was used.
    pub endpoint: Option<String>,
    pub sandbox: bool,
    pub ephemeral: bool,
    /// The environment asks for its name before anything is changed.
    pub protect: bool,
    /// Of the stack's text, variables and environment.
    pub digest: String,
    pub mode: Mode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Apply,
    Destroy,
}

/// A step's number within its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub usize);

/// What shall be done, in an order that can be carried out from first to last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub header: Header,
    pub steps: Vec<Step>,
    /// What there is to say besides: strays, drift, lint findings.
    pub notes: Vec<Note>,
    /// Why this plan must not be carried out as it is. Empty for nearly all.
    pub refusals: Vec<Refusal>,
    /// Outputs as they will be; pending ones are known after the apply.
    pub outputs: Vec<(String, Value)>,
    /// Those of them that stay what they are.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub same_outputs: BTreeSet<String>,
    /// Resources that are as the stack says.
    pub unchanged: usize,
    /// Made or changed, but not waited for: services without an image to run.
    pub unwaited: BTreeSet<Address>,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(Step::only_waits)
    }

    pub fn step(&self, id: StepId) -> Option<&Step> {
        self.steps.get(id.0)
    }

    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for step in &self.steps {
            match &step.act {
                Act::Create { replaces: true, .. } => totals.replace += 1,
                Act::Create { .. } => totals.create += 1,
                Act::Update { .. } if step.only_waits() => {}
                Act::Update { .. } => totals.update += 1,
                Act::Delete {
                    why: Why::Replaced, ..
                } => {}
                Act::Delete { .. } => totals.delete += 1,
                Act::Forget { .. } => totals.forget += 1,
            }
        }
        totals
    }
}

/// How much a plan does, for its last line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    pub create: usize,
    pub update: usize,
    pub replace: usize,
    pub delete: usize,
    pub forget: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub id: StepId,
    pub address: Address,
    pub kind: KindName,
    /// The generation that is made, changed or deleted.
    pub generation: u32,
    pub act: Act,
    /// Steps that must have succeeded before.
    pub after: Vec<StepId>,
    /// Where the stack file asks for it.
    pub origin: Option<Origin>,
    /// What its users feel while it is carried out (`the service is down until the new one is steady`); `None`: nothing.
    pub downtime: Option<String>,
    /// Data goes with it: `--yes` alone is not enough.
    pub loses_data: bool,
}

impl Step {
    /// The same change at the same place; the step's number and its order among others may differ.
    pub fn same_change(&self, other: &Step) -> bool {
        self.address == other.address
            && self.kind == other.kind
            && self.generation == other.generation
            && self.act == other.act
    }

    /// Nothing is changed: an earlier run did not see it become ready, and this one waits for that.
    pub fn only_waits(&self) -> bool {
        matches!(&self.act, Act::Update { changes, moved_from: None, .. } if changes.is_empty())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verb")]
pub enum Act {
    Create {
        desired: Attributes,
        tags: Tags,
        /// It takes the place of an older generation, because of these fields (or reasons).
        replaces: bool,
        because: Vec<Cause>,
    },
    Update {
        id: PhysicalId,
        desired: Attributes,
        tags: Tags,
        changes: Vec<Line>,
        /// It was at this address before (`moved:`).
        moved_from: Option<Address>,
    },
    Delete {
        id: PhysicalId,
        why: Why,
        /// Last known attributes, for kinds that need to know how to delete.
        last: Attributes,
    },
    /// Leave it in AWS and stop owning it.
    Forget { id: PhysicalId, last: Attributes },
}

/// One difference between what is and what shall be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub field: String,
    pub from: Value,
    pub to: Value,
    pub changed_by: ChangedBy,
}

/// Who made a field differ, judged by what was last applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangedBy {
    /// The stack file was edited: AWS is as it was last applied.
    Stack,
    /// Somebody changed it outside: the stack asks for what was last applied.
    Outside,
    /// Nothing is on record, so it cannot be told: a state that was thrown away, a resource taken over.
    Unrecorded,
    /// Nothing differs: `--replace` wants one more.
    Asked,
}

impl ChangedBy {
    /// Whether somebody else did, or may have done it.
    pub fn is_drift(self) -> bool {
        matches!(self, Self::Outside | Self::Unrecorded)
    }
}

impl From<&Line> for FieldChange {
    fn from(line: &Line) -> Self {
        Self {
            field: line.field.clone(),
            from: line.from.clone(),
            to: line.to.clone(),
        }
    }
}

/// Why a resource is replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "cause")]
pub enum Cause {
    /// A field that cannot be changed in place.
    Field(Line),
    /// AWS says that it will never be ready.
    Broken { why: String },
    /// `--replace`.
    Asked,
    /// What it stands on has to go first.
    Holds { address: Address },
    /// The stack has another kind at this address now.
    Kind { was: KindName },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The stack file does not have it any more.
    NotInStack,
    /// A newer generation takes its place.
    Replaced,
    /// An older generation that an earlier run left behind.
    Superseded,
    /// `destroy`.
    Destroy,
    /// Its deletion had begun.
    Unfinished,
}

/// Something the reader should know, that asks for no step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "note")]
pub enum Note {
    /// Was in the state, is not in AWS: made again where the stack still has it.
    Gone { address: Address, id: PhysicalId },
    /// Carries our tags, is in no state and no stack: this plan deletes it.
    Stray {
        address: Address,
        kind: KindName,
        id: PhysicalId,
    },
    /// The service will run fewer tasks than now.
    FewerTasks {
        address: Address,
        from: i64,
        to: i64,
    },
    /// Waits for a first image.
    NoImage {
        address: Address,
        repository: String,
    },
    /// The stack has nothing of this kind, and whether AWS has is not seen: the server does not have the call.
    NotSought {
        kind: KindName,
        call: String,
        code: String,
    },
    /// This goes before `holder` can let go of it: the holder's own change needs what comes after.
    Knot { address: Address, holder: Address },
    /// A kept resource that the stack does not name (`--target` left it out).
    LeftOut { address: Address },
    /// Anything else, as a sentence.
    Text {
        address: Option<Address>,
        text: String,
    },
}

/// Why a plan is not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "refusal")]
pub enum Refusal {
    /// `protect`: deleting or replacing it needs the protection lifted first, by an apply of its own.
    Protected {
        address: Address,
        replace: bool,
        /// Neither the stack nor an apply asked for it: deletion protection was switched on by somebody else.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        outside: bool,
    },
    /// The name is taken by a resource that is not ours.
    NameTaken {
        address: Address,
        kind: KindName,
        id: PhysicalId,
        owner: Option<String>,
    },
    /// Data would be lost; `--allow-delete` or `--allow-replace` with the address permits it.
    LosesData { address: Address, replace: bool },
    /// A broken resource that holds data is not replaced unasked.
    Broken { address: Address, why: String },
    /// A cluster that would be deleted has services that are not of this stack; AWS refuses that after all else is gone.
    ForeignServices {
        address: Address,
        services: Vec<String>,
    },
}

impl Refusal {
    /// Whose step is refused.
    pub fn address(&self) -> &Address {
        match self {
            Self::Protected { address, .. }
            | Self::NameTaken { address, .. }
            | Self::LosesData { address, .. }
            | Self::Broken { address, .. }
            | Self::ForeignServices { address, .. } => address,
        }
    }
}

/// What a set of outputs came to after an apply.
pub type Outputs = BTreeMap<String, Value>;
