//! The glue between the command line and the rooms that do the work: one stack in one environment of one account.

use std::path::Path;

use super::ask::{Applied, PlanAsk, RunAsk};
use super::checked::Checked;
use super::failure::{Failure, FailureKind};
use super::global::Global;
use super::sandbox::{SandboxStatus, SandboxVerb};
use crate::event::Sink;
use crate::kind::Kinds;
use crate::model::{Address, PhysicalId, Scope};
use crate::plan::{Header, Outputs, Plan};
use crate::render::Banner;
use crate::render::history::PastRun;
use crate::render::state_text::{Rebuilt, StateEntry, StateRow};

/// A stack that was read and a world that answered.
pub struct Session {
    pub scope: Scope,
    pub header: Header,
    pub caller: String,
}

impl Session {
    /// Reads the stack, connects (or starts the sandbox), opens the state. Prints nothing, changes nothing.
    pub async fn open(global: &Global) -> Result<Self, Failure> {
        Err(missing(&format!(
            "opening {}",
            Path::display(&global.stack)
        )))
    }

    pub fn banner(&self) -> Banner {
        Banner {
            stack: self.scope.stack.clone(),
            environment: self.scope.environment.clone(),
            account: self.scope.account.clone(),
            region: self.scope.region.clone(),
            sandbox: self.header.sandbox,
            caller: self.caller.clone(),
            endpoint: self.header.endpoint.clone(),
        }
    }

    /// Warnings of the stack file, rendered; empty for nearly all.
    pub fn warnings(&self) -> &str {
        ""
    }

    pub async fn plan(&mut self, _ask: &PlanAsk) -> Result<Plan, Failure> {
        Err(missing("planning"))
    }

    pub async fn apply(
        &mut self,
        _plan: Plan,
        _run: RunAsk,
        _sink: Box<dyn Sink>,
    ) -> Result<Applied, Failure> {
        Err(missing("applying"))
    }

    /// Reads AWS; writes nothing.
    pub async fn outputs(&mut self) -> Result<Outputs, Failure> {
        Err(missing("outputs"))
    }

    pub async fn state_list(&mut self) -> Result<Vec<StateRow>, Failure> {
        Err(missing("the state"))
    }

    /// `None`: the state has nothing at that address.
    pub async fn state_show(&mut self, _address: &Address) -> Result<Option<StateEntry>, Failure> {
        Err(missing("the state"))
    }

    /// Untags and forgets; everything at and below the addresses.
    pub async fn state_rm(&mut self, _addresses: &[Address]) -> Result<Vec<StateRow>, Failure> {
        Err(missing("the state"))
    }

    /// Retags.
    pub async fn state_mv(
        &mut self,
        _from: &Address,
        _to: &Address,
    ) -> Result<Vec<StateRow>, Failure> {
        Err(missing("the state"))
    }

    pub async fn state_import(
        &mut self,
        _address: &Address,
        _id: &PhysicalId,
    ) -> Result<StateRow, Failure> {
        Err(missing("the state"))
    }

    pub async fn state_rebuild(&mut self) -> Result<Rebuilt, Failure> {
        Err(missing("the state"))
    }

    /// Newest first.
    pub async fn history(&mut self, _address: Option<&Address>) -> Result<Vec<PastRun>, Failure> {
        Err(missing("the history"))
    }
}

fn missing(what: &str) -> Failure {
    Failure::new(
        FailureKind::Bug,
        format!("{what} is not part of this build"),
    )
}

/// Carries a `sandbox` verb out, and says how the sandbox is then.
pub async fn sandbox(_verb: SandboxVerb) -> Result<SandboxStatus, Failure> {
    Err(missing("the sandbox"))
}

/// Reads and checks the stack file without asking anybody.
pub fn check(_global: &Global) -> Result<Checked, Failure> {
    Err(missing("reading a stack file"))
}

/// The kinds' tables alone.
pub fn tables() -> Kinds {
    Kinds::default()
}

/// The JSON schema of stack files.
pub fn schema() -> Result<serde_json::Value, Failure> {
    Err(missing("the schema"))
}
